"""A song made again with changes: what is left out is taken from the earlier one."""

from pathlib import Path
from typing import Any

import pytest

from tests.house import LYRICS, SONG, House, gateway, house, served, shown, text

pytestmark = pytest.mark.anyio

MORE = "\n".join(f"{LYRICS}\n" for _ in range(3))


async def made(home: House, **arguments: Any) -> tuple[str, dict[str, Any]]:
    """The handle of a finished song, and what was sent for it."""
    song = shown(await home.finished(**arguments))
    return song["request_id"], home.sandbox.submissions[-1].json()


async def again(home: House, handle: str, **changes: Any) -> dict[str, Any]:
    """What is sent for another song based on that one."""
    before = home.posts
    answer = await home.call("generate_song", based_on=handle, wait=0, **changes)
    assert not answer.is_error, text(answer)
    assert home.posts == before + 1
    return dict(home.sandbox.submissions[-1].json())


async def test_the_same_but_slower_is_one_call_and_says_that_it_is_a_new_recording(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        first, body = await made(home, lyrics=LYRICS, title="Lamp", bpm=120, key="Am")
        answer = await home.call("generate_song", based_on=first, bpm=80, wait=0)
        slower, song = home.sandbox.submissions[-1].json(), shown(answer)

        assert slower == {**body, "bpm": 80, "duration": slower["duration"]}
        assert slower["duration"] > body["duration"], "the length was fitted, and is fitted again"
        assert (song["title"], song["based_on"]) == ("Lamp", first)
        assert "a new recording" in song["message"].lower()
        assert "nothing of its audio is kept" in text(answer)
        listed = shown(await home.call("list_outputs"))["songs"]
        assert [each.get("based_on") for each in listed] == [first, None]


async def test_a_length_that_was_asked_for_stays(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        first, _ = await made(home, lyrics=LYRICS, duration=75)

        assert (await again(home, first, bpm=80, force=True))["duration"] == 75


@pytest.mark.parametrize(
    ("changes", "sent"),
    [
        ({"lyrics": MORE}, {"lyrics": MORE}),
        ({"prompt": "Slow waltz with a warm male voice"}, {"batch_size": 3}),
        ({"batch_size": 1}, {"batch_size": None}),
        ({"thinking": False}, {"thinking": None}),
        ({"seed": 8}, {"seed": 8}),
        ({"instrumental": True}, {"lyrics": "[Instrumental]"}),
        ({"bpm": 0, "key": "", "lyrics": "", "title": "", "batch_size": 2}, {"key": "A minor"}),
    ],
    ids=str,
)
async def test_what_is_given_counts_and_what_is_left_open_is_taken_from_the_song(
    tmp_path: Path, changes: dict[str, Any], sent: dict[str, Any]
) -> None:
    async with house(tmp_path) as home:
        asked = {"lyrics": LYRICS, "key": "Am", "batch_size": 3, "thinking": True, "seed": 4}
        first, body = await made(home, **asked)
        new = await again(home, first, force=True, **changes)

        assert {name: new.get(name) for name in sent} == sent
        left = body.keys() - changes.keys() - sent.keys() - {"duration", "lyrics"}
        assert {name: new[name] for name in left} == {name: body[name] for name in left}


async def test_words_for_a_song_without_any_are_sung(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        for model in ("ace-step", "ace-step-xl"):
            prompt = f"Piano piece for {model}"
            first, _ = await made(home, instrumental=True, model=model, prompt=prompt)
            new = await again(home, first, lyrics=LYRICS)

            assert new["lyrics"] == LYRICS
            assert "instrumental" not in new


async def test_nothing_changed_is_the_same_music_and_buys_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        first, body = await made(home, lyrics=LYRICS)
        same = shown(await home.call("generate_song", based_on=first, wait=0))

        assert same["request_id"] == first
        assert "nothing new was bought" in same["message"]
        assert home.posts == 1
        take = await again(home, first, new_take=True)
        assert take == {**body, "seed": take["seed"]}
        assert take["seed"] != body["seed"], "the same music would be no other take"
        drawn = await again(home, first, seed=-1, title="Drawn anew", bpm=90)
        assert drawn["seed"] not in (body["seed"], take["seed"])


async def test_another_model_gets_what_it_takes(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        first, body = await made(home, lyrics=LYRICS, key="Am", bpm=90)
        new = await again(home, first, model="ace-step")

        assert "key" not in new
        assert (new["bpm"], new["lyrics"]) == (90, body["lyrics"])


async def test_the_song_is_found_in_whatever_names_it(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        first, body = await made(home)

        new = await again(home, f"the song {first}, please", seed=9)
        assert new == {**body, "seed": 9}


async def test_a_song_that_nobody_knows_or_whose_text_is_not_known_is_refused_in_one_line(
    tmp_path: Path,
) -> None:
    async with gateway() as sandbox:
        async with served(sandbox, tmp_path / "one") as home:
            elsewhere = shown(await home.generate())["request_id"]
        async with served(sandbox, tmp_path / "other") as home:
            none = await home.call("generate_song", based_on="local-0123456789abcdef", **SONG)
            assert none.is_error
            assert "list_outputs" in text(none)
            await home.status(elsewhere)
            unknown = await home.call("generate_song", based_on=elsewhere)
            assert text(unknown).startswith("based_on: that song was not ordered here")
            assert text(unknown).endswith("Nothing was sent.")
            assert home.posts == 1


async def test_a_dry_run_shows_what_is_taken_from_the_song_and_not_its_lyrics(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        first, body = await made(home, lyrics=MORE, key="Am")
        dry = await home.call("generate_song", based_on=first, bpm=80, dry_run=True)
        song = shown(dry)

        assert song["seed"] == body["seed"]
        assert '"key": "A minor"' in song["request"]
        assert MORE not in song["request"]
        assert len(text(dry).encode()) / 4 <= 220
