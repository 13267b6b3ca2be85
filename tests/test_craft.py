"""The bad song caught before it is paid for, as an assistant meets it."""

import json
import re
import threading
import time
import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp_types import CompleteResult, PromptReference, TextContent, TextResourceContents

from acestep_mcp import server, settings
from acestep_mcp.clock import SystemClock
from acestep_mcp.domain.catalogue import METERS
from acestep_mcp.domain.song import Owner
from acestep_mcp.engine import Account
from acestep_mcp.songcraft.notation import KEYS
from acestep_mcp.surface.desk import Readers
from tests.house import KEY, LYRICS, SONG, House, environment, gateway, house, shown, text
from tests.test_documents import STANDARD, XL_FULL, XL_SHORT

pytestmark = pytest.mark.anyio

LONG = "[Verse]\n" + "I walk along the river to the sea\n" * 24


async def test_lyrics_that_cannot_fit_are_stopped_with_nothing_sent(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        answer = await home.generate(lyrics=LONG, duration=20)

        assert answer.is_error
        assert "24 sung lines need at least" in text(answer)
        assert "Use duration=" in text(answer)
        assert "force=true" in text(answer)
        assert len(text(answer)) <= 300
        assert home.posts == 0


async def test_force_sends_what_only_an_estimate_stopped_and_keeps_its_warning(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        answer = shown(await home.generate(lyrics=LONG, duration=20, force=True))

        assert home.posts == 1
        assert "24 sung lines need at least" in answer["warnings"][0]
        assert "force" not in home.sandbox.submissions[0].json()


async def test_what_is_certain_cannot_be_forced(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        answer = await home.generate(lyrics=LONG, instrumental=True, force=True)

        assert answer.is_error
        assert "force=true" not in text(answer)
        assert home.posts == 0


async def test_warnings_come_with_the_song_at_most_five_and_stay_with_it(tmp_path: Path) -> None:
    bad = {
        "prompt": "slow ballad, 90 bpm, in C major",
        "lyrics": "Verse 1: hello (guitar solo)\nx2\n雨 が 降 る\nhello\nagain\n" * 2,
        "bpm": 170,
        "batch_size": 3,
        "seed": 4,
        "duration": 500,
    }
    async with house(tmp_path) as home:
        dry = shown(await home.generate(**bad, dry_run=True))
        ordered = await home.generate(**bad, force=True)

        if ordered.is_error:  # a contradiction between prompt and fields is certain
            bad["prompt"] = "slow ballad"
            ordered = await home.generate(**bad, force=True)
        warned = shown(ordered)["warnings"]
        assert len(warned) == 5
        assert dry["warnings"] == warned[: len(dry["warnings"])]
        assert re.search(r"\d+ more findings are told once these are mended", dry["message"])
        later = shown(await home.status(shown(ordered)["request_id"]))
        assert later["warnings"] == warned


async def test_a_dry_run_tells_fit_stops_warnings_and_notes_and_needs_no_key(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, PIXAZO_API_KEY="") as home:
        answer = await home.generate(lyrics=LONG, duration=20, dry_run=True)
        song = shown(answer)

        assert not answer.is_error
        assert song["status"] == "DRY_RUN"
        assert "would be refused" in song["message"]
        assert len(song["stops"]) == 1
        assert re.match(
            r"24 sung lines: \d+-\d+ s recommended, \d+ s at the very least", song["fit"]
        )
        for told in (*song["stops"], *song["warnings"], *song["notes"], song["fit"]):
            assert told in text(answer)
        assert home.sandbox.arrivals == []


@pytest.mark.parametrize("sample", [XL_SHORT, XL_FULL], ids=["two lines", "four lines"])
async def test_both_sung_samples_of_the_document_are_far_too_sparse(
    tmp_path: Path, sample: dict[str, Any]
) -> None:
    async with house(tmp_path) as home:
        dry = shown(await home.generate(**sample, dry_run=True))

        assert any("sparse" in warning for warning in dry["warnings"])
        assert dry["stops"] == []


async def test_the_documents_instrumental_sample_passes(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        dry = shown(await home.generate(**STANDARD, model="ace-step", dry_run=True))

        assert dry["stops"] == dry["warnings"] == []
        assert dry["fit"] == "Nothing is sung in these lyrics, so no length is estimated."


async def guide(home: House) -> str:
    (content,) = (await home.client.read_resource("acestep://guide")).contents
    assert isinstance(content, TextResourceContents)
    return content.text


async def test_the_guide_is_a_resource_of_at_most_2500_tokens(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        resources = (await home.client.list_resources()).resources
        (listed,) = (each for each in resources if str(each.uri) == "acestep://guide")

        assert listed.mime_type == "text/markdown"
        assert len((await guide(home)).encode()) / 4 <= 2500


async def test_every_example_of_the_guide_passes_a_dry_run_without_a_word(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        blocks = re.findall(r"```json\n(.*?)```", await guide(home), re.DOTALL)
        assert len(blocks) == 5
        for block in blocks:
            dry = shown(await home.call("generate_song", **json.loads(block), dry_run=True))
            assert dry["stops"] == dry["warnings"] == dry["notes"] == []


async def prompted(home: House, name: str, **arguments: str) -> str:
    (message,) = (await home.client.get_prompt(name, arguments)).messages
    assert isinstance(message.content, TextContent)
    return message.content.text


async def test_write_song_carries_the_wishes_the_steps_and_the_guide(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        prompt = await prompted(home, "write_song", idea="paper boats", language="Spanish")

        assert "Idea: paper boats\nLanguage: Spanish\n" in prompt
        assert "dry_run=true" in prompt
        assert await guide(home) in prompt
        assert "Style:" not in prompt
        listed = (await home.client.list_prompts()).prompts
        assert [(each.name, each.title) for each in listed] == [
            ("write_song", "Write a song and have it made."),
            ("vary_song", "Make another version of an earlier song."),
        ]


async def test_vary_song_carries_everything_the_song_was_made_with(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        handle = shown(await home.finished(title="Rain", bpm=90, seed=11))["request_id"]
        prompt = await prompted(home, "vary_song", request_id=handle, change="a cello")
        missing = await prompted(home, "vary_song", request_id="nobody", change="a cello")

        block = re.search(r"```json\n(.*?)```", prompt, re.DOTALL)
        assert block is not None
        assert json.loads(block[1]) == {
            "title": "Rain",
            "model": "ace-step-xl",
            **SONG,
            "bpm": 90,
            "seed": 11,
        }
        assert "a cello" in prompt
        assert "list_outputs" in missing


async def test_arguments_of_prompts_are_completed(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        handle = shown(await home.generate())["request_id"]

        async def complete(argument: str, begun: str) -> CompleteResult:
            ref = PromptReference(type="ref/prompt", name="write_song")
            return await home.client.complete(ref, {"name": argument, "value": begun})

        assert (await complete("key", "a")).completion.values == [
            key for key in KEYS if key.startswith("A")
        ]
        assert (await complete("time_signature", "")).completion.values == list(METERS)
        assert (await complete("model", "ace")).completion.values == ["ace-step-xl", "ace-step"]
        assert (await complete("request_id", "ace")).completion.values == [handle]
        assert (await complete("idea", "a")).completion.values == []
        assert (await complete("key", "")).completion.total == 34


# An assistant that has read nothing but what the server publishes: it does what a message says.
Draft = dict[str, Any]
Obey = Callable[[Draft, re.Match[str]], Draft]


def with_lyrics(draft: Draft, old: str, new: str) -> Draft:
    return {**draft, "lyrics": draft["lyrics"].replace(old, new, 1)}


OBEDIENCE: dict[str, Obey] = {
    r"Use duration=(\d+)": lambda draft, found: {**draft, "duration": int(found[1])},
    r"no section tag.*?(\[Verse\])": lambda draft, found: with_lyrics(draft, "", found[1] + "\n"),
    r"^'(.+?)': .*tags like (\[.+?\])": lambda draft, found: with_lyrics(draft, *found.groups()),
    r"Add for example '(.+?)'": lambda draft, found: {
        **draft,
        "prompt": f"{draft['prompt']}, {found[1]}",
    },
    r"Write (\[.+?\]) for '(.+?)'": lambda draft, found: with_lyrics(draft, found[2], found[1]),
    r"'((\d+) bpm)' in bpm": lambda draft, found: {
        **draft,
        "prompt": draft["prompt"].replace(f", {found[1]}", ""),
        "bpm": int(found[2]),
    },
}


def obeyed(draft: Draft, message: str) -> Draft:
    """The draft with what the message asks for."""
    for asks, obey in OBEDIENCE.items():
        if found := re.search(asks, message):
            return obey(draft, found)
    raise AssertionError(f"an assistant would not know what to do about: {message}")


async def test_following_every_message_of_dry_runs_leads_to_a_song(tmp_path: Path) -> None:
    draft: Draft = {
        "prompt": "indie folk with acoustic guitar, 96 bpm",
        "lyrics": "Verse 1:\n"
        + "The river runs beside the road\nIt hums a tune I know\n" * 4
        + "(guitar solo)\n",
        "duration": 20,
    }
    async with house(tmp_path) as home:
        assert "dry_run=true" in await prompted(home, "write_song", idea="a river")
        followed = 0
        with anyio.fail_after(20):
            while True:
                dry = shown(await home.call("generate_song", **draft, dry_run=True))
                messages = (*dry["stops"], *dry["warnings"])
                if not messages:
                    break
                draft = obeyed(draft, messages[0])
                followed += 1
                assert followed < 12, messages
        ordered = shown(await home.call("generate_song", **draft, wait=0))
        home.sandbox.complete(ordered["request_id"])
        song = shown(await home.status(ordered["request_id"], wait=10))

        assert followed >= 4
        assert song["status"] == "COMPLETED"
        assert song["warnings"] == []
        assert len(song["media_urls"]) == 1
        assert home.posts == 1
        assert home.sandbox.submissions[0].headers["ocp-apim-subscription-key"] == KEY


async def test_lyrics_built_to_be_slow_are_checked_at_once(tmp_path: Path) -> None:
    async with house(tmp_path, PIXAZO_API_KEY="") as home:
        await home.generate(dry_run=True)  # loads the tables
        for hostile in ("(" + " " * 9_998, "[" * 10_000, "\\" * 10_000, "<br" * 3_333):
            before = time.process_time()
            await home.generate(lyrics=hostile, dry_run=True)
            assert time.process_time() - before < 0.5


ESCAPED = [json.dumps(LYRICS), json.dumps(LYRICS.split("\n")), LYRICS.replace("\n", "\\n")]
ESCAPED += [LYRICS.replace("\n", "<br>"), LYRICS.replace("\n", "%0A")]


@pytest.mark.parametrize("arrived", ESCAPED)
async def test_escaped_lyrics_are_sent_as_they_were_meant_with_a_warning(
    tmp_path: Path, arrived: str
) -> None:
    async with house(tmp_path) as home:
        dry = shown(await home.generate(lyrics=arrived, dry_run=True))
        song = shown(await home.generate(lyrics=arrived))
        again = shown(await home.generate(lyrics=LYRICS))

        assert home.sandbox.submissions[0].json()["lyrics"].strip() == LYRICS.strip()
        assert dry["warnings"][0] == song["warnings"][0]
        assert re.match(r"lyrics came as .+; that was undone\. Give", song["warnings"][0])
        assert again["request_id"] == song["request_id"]
        assert home.posts == 1


DECOMPOSED = "[Verse]\nCafe\u0301 lights and rain\nWe never said goodbye again\n"
FORMS = {
    "a trailing line break": f"{DECOMPOSED}\n",
    "line ends of Windows": DECOMPOSED.replace("\n", "\r\n"),
    "composed letters": unicodedata.normalize("NFC", DECOMPOSED),
    "a zero-width space": DECOMPOSED.replace("lights", "li\u200bghts"),
    "blanks at line ends": DECOMPOSED.replace("\n", "  \n"),
    "a byte-order mark": f"\ufeff{DECOMPOSED}",
}


@pytest.mark.parametrize("form", FORMS)
async def test_the_same_song_in_another_form_is_not_bought_again(tmp_path: Path, form: str) -> None:
    async with house(tmp_path) as home:
        song = shown(await home.generate(lyrics=DECOMPOSED))
        again = shown(await home.generate(lyrics=FORMS[form]))

        assert again["request_id"] == song["request_id"]
        assert home.posts == 1
        assert home.sandbox.submissions[0].json()["lyrics"] == DECOMPOSED  # as it was given
        assert song["warnings"] == shown(await home.generate(lyrics=FORMS[form]))["warnings"]


@pytest.mark.parametrize("argument", ["prompt", "lyrics", "title"])
@pytest.mark.parametrize("dry_run", [False, True])
async def test_what_is_no_text_is_stopped_free_of_charge(
    tmp_path: Path, argument: str, dry_run: bool
) -> None:
    nothing = ["null", "undefined", "N/A", "{{lyrics}}", "${title}", "[LYRICS HERE]", "caf\ufffd"]
    nothing += ["[object Object]", json.dumps({"prompt": "folk", "lyrics": LYRICS}), "\\ufffd"]
    async with house(tmp_path) as home:
        for text_ in nothing:
            answer = await home.generate(**{argument: text_, "dry_run": dry_run, "force": True})

            assert answer.is_error, text_
            assert text(answer).startswith(f"{argument}: ")
            assert text(answer).endswith("Nothing was sent.")
            assert len(text(answer)) <= 300
        assert home.posts == 0


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"duration": 0.3}, {"duration": 1}),
        ({"duration": 0.5}, {"duration": 1}),
        ({"duration": 60.4}, {"duration": 60}),
        ({"duration": -0.0, "seed": 0}, {"seed": 0}),
        ({"bpm": 119.6}, {"bpm": 120}),
        ({"guidance_scale": 0.3}, {"guidance_scale": 0.3}),
    ],
)
async def test_a_number_that_was_given_is_never_sent_as_left_open(
    tmp_path: Path, asked: dict[str, Any], sent: dict[str, Any]
) -> None:
    async with house(tmp_path) as home:
        await home.generate(**asked, model="ace-step", force=True)
        body = home.sandbox.submissions[-1].json()

        assert {name: body.get(name) for name in sent} == sent
        assert ("duration" in body) == ("duration" in sent)


@pytest.mark.parametrize("model", ["ace-step", "ace-step-xl"])
@pytest.mark.parametrize("asked", [{"bpm": 0.4}, {"bpm": 29.6}, {"bpm": 1e-9}])
async def test_a_number_that_would_only_be_rounded_into_its_range_is_refused(
    tmp_path: Path, model: str, asked: dict[str, Any]
) -> None:
    async with house(tmp_path) as home:
        answer = await home.generate(**asked, model=model)

        assert answer.is_error
        assert re.match(r"bpm: [\d.e-]+ is outside 30 to 300\.", text(answer))
        assert home.posts == 0


class ThreadedClock(SystemClock):
    """Remembers in which thread a seed was drawn, which is done where a wish is read."""

    def __init__(self) -> None:
        self.drawn_in: set[int] = set()

    def random(self) -> float:
        self.drawn_in.add(threading.get_ident())
        return super().random()


@asynccontextmanager
async def served_to_many(
    folder: Path, readers: Readers, clock: ThreadedClock
) -> AsyncIterator[Client]:
    async with gateway() as sandbox:
        account = Account(Owner("key-alice"), KEY)
        app = server.build(
            settings.read(environment(sandbox.base_url, folder)),
            clock=clock,
            hosting=server.Hosting(who=lambda: account, readers=readers),
        )
        connection = Client(app.mcp)
        async with app.running(), connection:
            yield connection


async def test_a_server_for_many_reads_wishes_off_the_event_loop_and_one_for_one_does_not(
    tmp_path: Path,
) -> None:
    many, one = ThreadedClock(), ThreadedClock()
    readers = Readers(anyio.CapacityLimiter(1))
    async with served_to_many(tmp_path, readers, many) as client:
        await client.call_tool("generate_song", {**SONG, "dry_run": True})
    async with gateway() as sandbox:
        app = server.build(settings.read(environment(sandbox.base_url, tmp_path)), clock=one)
        async with app.running(), Client(app.mcp) as client:
            await client.call_tool("generate_song", {**SONG, "dry_run": True})

    assert len(many.drawn_in) == 1
    assert threading.get_ident() not in many.drawn_in
    assert one.drawn_in == {threading.get_ident()}


async def test_a_queue_of_wishes_holds_up_nobody_else_and_is_left_in_time(tmp_path: Path) -> None:
    limiter = anyio.CapacityLimiter(1)
    async with served_to_many(tmp_path, Readers(limiter, patience=0.2), ThreadedClock()) as client:
        another = object()
        await limiter.acquire_on_behalf_of(another)  # the one reader is busy
        with anyio.fail_after(5):
            listed = await client.call_tool("list_outputs", {})
            refused = await client.call_tool("generate_song", {**SONG, "dry_run": True})
        limiter.release_on_behalf_of(another)
        read = await client.call_tool("generate_song", {**SONG, "dry_run": True})

    assert not listed.is_error
    assert refused.is_error
    assert "not sent: too many songs are being checked; wait a few seconds" in text(refused)
    assert shown(read)["status"] == "DRY_RUN"
