"""What an assistant is told when people ask: how much, where, which one, is it done, stop it."""

from pathlib import Path
from typing import Any

import anyio
import pytest

from acestep_mcp.sandbox import hold, reset_peer
from tests.house import LYRICS, House, Later, gateway, house, served, shown, text

pytestmark = pytest.mark.anyio

TITLES = ("Lo-Fi Rain", "Harbour Lights", "Night Train to Łódź")


async def listed(home: House, **arguments: Any) -> tuple[dict[str, Any], str]:
    answer = await home.call("list_outputs", **arguments)
    return shown(answer), text(answer)


async def three(home: House) -> list[str]:
    """Three songs with a title each, newest last."""
    return [
        shown(await home.generate(title=title, prompt=f"Song about {title}"))["request_id"]
        for title in TITLES
    ]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("lofi", [0]),
        ("lo-fi", [0]),
        ("LO FI rain", [0]),
        ("the lights", []),
        ("lights harbour", [1]),
        ("lodz", [2]),
        ("song", [2, 1, 0]),
    ],
)
async def test_a_song_is_found_by_any_of_its_words_however_they_are_written(
    tmp_path: Path, search: str, found: list[int]
) -> None:
    async with house(tmp_path) as home:
        handles = await three(home)
        answer, _ = await listed(home, search=search)

        assert [each["request_id"] for each in answer["songs"]] == [handles[at] for at in found]


async def test_a_song_is_found_by_its_id_and_by_the_name_of_its_file(tmp_path: Path) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        song = shown(await home.finished(title="Harbour Lights"))
        await home.generate(title="Another")
        name = Path(song["files"][0]).name

        handle = song["request_id"]
        for search in (handle, handle.rpartition("-")[2], name, name.removesuffix(".wav")):
            answer, _ = await listed(home, search=search)
            found = [(each["request_id"], each["files"]) for each in answer["songs"]]
            assert found == [(handle, [name])], search


async def test_a_search_that_finds_nothing_says_how_many_songs_there_are_and_names_the_newest(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        handles = await three(home)
        answer, said = await listed(home, search="polka")

        assert answer["songs"] == []
        assert f"There are 3 songs; the newest is “{TITLES[-1]}”" in said
        assert handles[-1] in said


async def test_before_the_first_song_the_folder_is_named_on_a_line_of_its_own(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "my songs"
    async with house(tmp_path, ACESTEP_SAVE="on", ACESTEP_OUTPUT_DIR=str(folder)) as home:
        answer, said = await listed(home)

        assert answer["folder"] == str(folder)
        assert said.splitlines().count(str(folder)) == 1
        assert "No songs yet" in said


async def test_ten_songs_of_one_name_are_told_apart_a_line_each_in_400_tokens(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        seeds = [
            shown(await home.generate(title="Same Name", lyrics=LYRICS, seed=seed))["seed"]
            for seed in range(100, 110)
        ]
        answer, said = await listed(home)
        rows = [line for line in said.splitlines() if "Same Name" in line]

        assert [each["seed"] for each in answer["songs"]] == seeds[::-1]
        assert len(rows) == len({*rows}) == 10
        assert all(f"seed {seed}" in row for seed, row in zip(seeds[::-1], rows, strict=True))
        assert all("ace-step-xl" in row and " s | " in row for row in rows)
        assert len(said.encode()) / 4 <= 400


async def test_what_songs_cost_is_counted_in_tracks_and_unknown_outcomes_stand_apart(
    tmp_path: Path,
) -> None:
    priced = {"ACESTEP_PRICE": "0.05 USD", "ACESTEP_DAILY_LIMIT": "9"}
    async with house(tmp_path, **priced) as home:
        await home.finished(batch_size=3)
        failed = shown(await home.generate(prompt="An error"))["request_id"]
        home.sandbox.advance(failed, "ERROR")
        await home.status(failed, wait=5)
        home.sandbox.faults.add("submit", reset_peer())
        await home.generate(prompt="A reply that was lost", batch_size=2)
        answer, said = await listed(home)

        figures = ("tracks_bought", "tracks_unknown", "tracks_today", "daily_limit", "cost")
        assert [answer[name] for name in figures] == [3, 2, 6, 9, "0.15 USD"]
        assert "Tracks bought: 3, 0.15 USD at 0.05 USD each." in said
        assert "Of unknown outcome, perhaps charged: 2 (up to 0.10 USD more)." in said
        assert "In the last 24 hours: 6 of 9 allowed." in said
        dry = shown(await home.generate(prompt="The next", batch_size=2, dry_run=True))
        assert "would buy 2 tracks" in dry["message"]
        assert "0.10 USD" in dry["message"]


async def test_without_a_price_no_sum_is_shown(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.generate()
        answer, said = await listed(home)
        dry = text(await home.generate(prompt="The next", dry_run=True))

        assert "cost" not in answer
        assert answer["tracks_bought"] == 1
        assert "ACESTEP_PRICE" in said
        assert not any(sign in said + dry for sign in ("USD", "$", "0.0"))


async def test_a_list_asks_about_the_songs_under_way_before_it_shows_them(tmp_path: Path) -> None:
    clock = Later()
    async with gateway() as sandbox:
        async with served(sandbox, tmp_path, clock=clock, ACESTEP_POLL_INTERVAL="60") as home:
            handle = shown(await home.generate())["request_id"]
            sandbox.complete(handle)
            clock.ahead = 61
            with anyio.fail_after(3):
                answer, _ = await listed(home)

        assert answer["songs"][0]["status"] == "COMPLETED"


async def test_that_a_song_cannot_be_cancelled_is_said_where_somebody_may_ask_for_it(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        running, instructions = text(await home.generate()), home.client.instructions or ""

        assert "cannot be cancelled" in running
        for said in ("cancel", "edited", "made longer", "cannot hear"):
            assert said in instructions
        assert len(instructions.encode()) / 4 <= 180


LONG_SONG = "\n".join(f"[Verse {n}]\n{LYRICS.partition(chr(10))[2]}" for n in range(1, 9))


@pytest.mark.parametrize(
    "call",
    [
        {},
        {"lyrics": LYRICS},
        {"lyrics": LONG_SONG},
        {"lyrics": LONG_SONG, "duration": 20},
        {"lyrics": "Verse 1: hello (guitar solo)\nx2\n雨 が 降 る\nhello\nagain\n" * 9, "bpm": 190},
        {"lyrics": LONG_SONG, "batch_size": 4, "seed": 7, "thinking": True, "key": "f#min"},
        {"lyrics": "夜を越えて\n" * 80, "prompt": "静かなピアノのバラード、女性ボーカル" * 20},
    ],
    ids=["little", "lyrics", "long", "too long", "a mess", "everything", "Japanese"],
)
async def test_a_dry_run_takes_at_most_220_tokens_and_repeats_no_lyrics(
    tmp_path: Path, call: dict[str, Any]
) -> None:
    async with house(tmp_path, ACESTEP_PRICE="0.05 USD") as home:
        answer = await home.generate(title="A Title of Usual Length", **call, dry_run=True)

        assert len(text(answer).encode()) / 4 <= 220, text(answer)
        assert call.get("lyrics", "?" * 99)[:60] not in text(answer)
        if "seed" not in call:
            assert '"seed": "will be drawn"' in shown(answer)["request"]


async def test_answers_about_one_song_stay_within_400_tokens_but_for_its_own_words(
    tmp_path: Path,
) -> None:
    priced = {"ACESTEP_PRICE": "0.05 USD", "ACESTEP_SAVE": "on"}
    async with house(tmp_path, **priced) as home:
        held = hold()
        home.sandbox.faults.add("submit", held)
        on_its_way = await home.generate(prompt="Nobody answers yet")
        held.release()
        running = await home.generate(lyrics=LYRICS, title="Lamp")
        again = await home.generate(lyrics=LYRICS, title="Lamp")
        done = await home.finished(lyrics=LYRICS, duration=30, title="Lamp", bpm=90)
        home.sandbox.faults.add("submit", reset_peer())
        lost = await home.generate(prompt="A reply that was lost")

        for answer in (on_its_way, running, again, lost):
            assert len(text(answer).encode()) / 4 <= 200, text(answer)
        told = text(done).replace(LYRICS, "")
        assert len(told.encode()) / 4 <= 400, told
        assert "You cannot hear it" in told


async def test_a_key_that_is_refused_says_where_it_is_and_that_repeating_is_of_no_use(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, PIXAZO_API_KEY="wrong") as home:
        said = text(await home.generate())

        for part in ("401", "PIXAZO_API_KEY", "of no use", "https://", "configuration"):
            assert part in said
        assert len(said) <= 300
