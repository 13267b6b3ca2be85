"""The user's own server as the sandbox plays it: quick, with a clock that tests move."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from acestep_mcp import server, settings
from acestep_mcp.sandbox.own import OwnServer
from tests.house import LYRICS, SONG, House, Later, money, own_house, shown, text
from tests.test_tasks import Claiming, ask

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def home(folder: Path, own: OwnServer, **options: Any) -> AsyncIterator[House]:
    async with own.serving() as url, own_house(url, folder, **options) as house:
        yield house


async def made(house: House, **arguments: Any) -> dict[str, Any]:
    return shown(await house.call("generate_song", **{**SONG, "wait": 10, **arguments}))


async def test_every_take_has_a_seed_of_its_own_that_is_sent(tmp_path: Path) -> None:
    own = OwnServer(seconds=0.1)
    async with home(tmp_path, own) as house:
        song = await made(house, seed=7, batch_size=3, duration=10)
        (job,) = own.jobs.values()

        assert song["status"] == "COMPLETED"
        assert (job.body["seed"], job.body["use_random_seed"]) == ("7,8,9", False)
        assert song["warnings"] == []
        single = await made(house, prompt="Another", duration=10)
        assert single["seed"] == [*own.jobs.values()][-1].body["seed"]


@pytest.mark.parametrize(
    ("lyrics", "language"),
    [
        (LYRICS, "unknown"),
        ("[Verse]\n夜を越えて", "ja"),
        ("[Verse]\n月亮代表我的心", "zh"),
        ("[Verse]\n밤이 깊어 가네", "ko"),
        ("[Verse]\nليل طويل", "ar"),
        ("", "unknown"),
    ],
)
async def test_the_language_is_sent_where_the_script_decides_it(
    tmp_path: Path, lyrics: str, language: str
) -> None:
    own = OwnServer(seconds=0.1)
    async with home(tmp_path, own) as house:
        await made(house, lyrics=lyrics, wait=0, force=True)
        with anyio.fail_after(5):
            while not own.jobs:
                await anyio.lowlevel.checkpoint()

        assert [job.body["vocal_language"] for job in own.jobs.values()] == [language]


@pytest.mark.parametrize(
    ("made_by", "said"),
    [
        ("acestep-v15-base", True),
        ("/models/AceStep-v15-Turbo/", False),
        ("N/A", False),
        ("", False),
    ],
)
async def test_a_song_that_another_model_made_than_was_loaded_when_it_was_ordered_says_so(
    tmp_path: Path, made_by: str, said: bool
) -> None:
    own = OwnServer(seconds=0.5)
    async with home(tmp_path, own) as house:
        ordered = await made(house, duration=10, wait=0)
        own.model = made_by
        song = shown(await house.call("get_status", request_id=ordered["request_id"], wait=10))

        assert song["status"] == "COMPLETED"
        told = " ".join(song["warnings"])
        assert ("made it with acestep-v15-base, and had acestep-v15-turbo loaded" in told) == said
        assert ("too few for this one" in told) == said
        assert bool(told) == said


async def test_numbers_are_sent_as_the_server_reads_them_and_the_planner_only_where_asked(
    tmp_path: Path,
) -> None:
    own = OwnServer(seconds=0.1)
    async with home(tmp_path, own) as house:
        asked = {"bpm": 95.7, "key": "f#min", "time_signature": "6/8", "infer_steps": 20}
        await made(house, **asked, duration=10)
        await made(house, prompt="With a plan", thinking=True, duration=10)
        first, second = (job.body for job in own.jobs.values())

        assert first["bpm"] == 96
        assert type(first["bpm"]) is int
        assert (first["key_scale"], first["time_signature"]) == ("F# minor", "6")
        assert first["inference_steps"] == 20
        planned = ("thinking", "use_cot_caption", "use_cot_language")
        assert [first[name] for name in planned] == [False] * 3
        assert [second[name] for name in planned] == [True] * 3
        assert "inference_steps" not in second


async def test_a_song_under_way_says_how_much_is_made_and_nothing_of_money(tmp_path: Path) -> None:
    clock = Later()
    own = OwnServer(seconds=100, now=clock.monotonic)
    async with home(tmp_path, own, clock=clock) as house:
        song = await made(house, wait=0)
        clock.ahead = 43
        running = await house.status(song["request_id"])

        assert shown(running)["status"] == "PROCESSING"
        assert "43 % made" in text(running)
        assert "paid" not in text(running)


async def test_all_songs_under_way_are_asked_about_in_one_question(tmp_path: Path) -> None:
    clock = Later()
    own = OwnServer(seconds=100, now=clock.monotonic)
    async with home(tmp_path, own, clock=clock, ACESTEP_POLL_INTERVAL="60") as house:
        for number in range(5):
            await made(house, prompt=f"Song {number}", wait=0)
        clock.ahead = 61
        before = own.asked
        listed = shown(await house.call("list_outputs"))["songs"]

        assert [each["status"] for each in listed] == ["QUEUED"] * 4 + ["PROCESSING"]
        assert own.asked == before + 1


async def test_what_a_restart_forgets_ends_as_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    clock = Later()
    own = OwnServer(seconds=1000, now=clock.monotonic)
    async with home(tmp_path, own, clock=clock) as house:
        running = (await made(house, prompt="One", wait=0))["request_id"]
        waiting = (await made(house, prompt="Two", wait=0))["request_id"]
        own.restart()
        clock.ahead = 2
        first = shown(await house.status(waiting))["status"]
        clock.ahead = 10
        gone = shown(await house.status(waiting))
        still = shown(await house.status(running))["status"]
        clock.ahead = 100
        frozen = shown(await house.status(running))

        assert (first, still) == ("QUEUED", "PROCESSING")
        for each in (gone, frozen):
            assert each["status"] == "ERROR"
            assert "restarted" in each["error"]
            assert "order it again" in each["error"]


async def test_a_web_interface_is_not_taken_for_the_server(tmp_path: Path) -> None:
    own = OwnServer(service="ACE-Step Gradio API")
    async with home(tmp_path, own) as house:
        refused = await house.call("generate_song", **SONG)

        assert refused.is_error
        assert "web interface" in text(refused)
        assert "acestep-api" in text(refused)
        assert own.jobs == {}


async def test_an_edit_sends_the_saved_file_along(tmp_path: Path) -> None:
    own = OwnServer(seconds=0.1)
    async with home(tmp_path, own, ACESTEP_SAVE="on") as house:
        first = await made(house, duration=10, title="Lamp")
        changed = await made(house, prompt="Fast polka", based_on=first["request_id"], edit="cover")
        job = [*own.jobs.values()][-1]

        assert changed["status"] == "COMPLETED"
        assert job.source == Path(first["files"][0]).read_bytes()
        assert (job.body["task_type"], job.body["prompt"]) == ("cover", "Fast polka")
        assert job.body["use_random_seed"] == "false"


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:8001", True),
        ("http://192.168.1.20:8001", True),
        ("http://10.0.0.7:8001/", True),
        ("http://[fe80::1]:8001", True),
        ("http://gpu:8001", True),
        ("http://gpu.local:8001", True),
        ("https://gpu.example.org", True),
        ("http://gpu.example.org:8001", False),
        ("http://8.8.8.8:8001", False),
        ("127.0.0.1:8001", False),
        ("http://user:password@127.0.0.1:8001", False),
        ("ftp://127.0.0.1", False),
    ],
)
def test_plain_http_stays_in_the_house(url: str, allowed: bool) -> None:
    environ = {"ACESTEP_SERVER_URL": url, "ACESTEP_DATA_DIR": "/x", "HOME": "/"}
    if allowed:
        assert settings.read(environ).server_url == url.rstrip("/")
        return
    with pytest.raises(settings.SettingsError, match="ACESTEP_SERVER_URL"):
        settings.read(environ)


def test_the_model_that_is_meant_follows_from_what_is_set_up() -> None:
    base = {"ACESTEP_DATA_DIR": "/x", "HOME": "/"}
    own = {"ACESTEP_SERVER_URL": "http://127.0.0.1:8001"}
    for environ, models in (
        ({}, ["ace-step-xl", "ace-step"]),
        ({"ACESTEP_MODEL": "ace-step"}, ["ace-step", "ace-step-xl"]),
        (own, ["self-hosted"]),
        ({**own, "PIXAZO_API_KEY": "k"}, ["ace-step-xl", "ace-step", "self-hosted"]),
        (
            {**own, "PIXAZO_API_KEY": "k", "ACESTEP_MODEL": "self-hosted"},
            ["self-hosted", "ace-step-xl", "ace-step"],
        ),
        ({**own, "ACESTEP_MODEL": "ace-step"}, ["ace-step", "ace-step-xl", "self-hosted"]),
    ):
        app = server.build(settings.read({**base, **environ}))
        assert [*app.engine.providers.models] == models, environ
    with pytest.raises(settings.SettingsError, match="ACESTEP_SERVER_URL"):
        settings.read({**base, "ACESTEP_MODEL": "self-hosted"})
    with pytest.raises(settings.SettingsError, match="ace-step-xl, ace-step, self-hosted"):
        settings.read({**base, "ACESTEP_MODEL": "suno"})


async def test_what_is_said_beside_the_answers_offers_edits_and_speaks_of_no_money_either(
    tmp_path: Path,
) -> None:
    claiming = Claiming()
    async with home(tmp_path, OwnServer(seconds=100), client={"extensions": [claiming]}) as house:
        await house.generate()
        task = claiming.tasks[0]["taskId"]
        working = (await ask(house, "get", task))["statusMessage"]
        asked = {"request_id": task, "change": "slower"}
        varied = (await house.client.get_prompt("vary_song", asked)).model_dump_json()
        written = (await house.client.get_prompt("write_song", {"idea": "rain"})).model_dump_json()
        instructions = house.client.instructions or ""

    assert "use edit" in instructions
    assert "none can be edited" not in instructions
    assert "changing a song that exists" not in written
    assert "goes on if the task is cancelled" in working
    assert "new recording" in varied
    for said in (instructions, working, varied, written):
        assert money(said) == [], said


@pytest.mark.parametrize(
    "broken",
    [{"ACESTEP_DATA_DIR": "data"}, {"ACESTEP_OUTPUT_DIR": "songs", "ACESTEP_SAVE": "on"}],
)
async def test_a_refusal_for_want_of_a_folder_speaks_of_no_money(
    tmp_path: Path, broken: dict[str, str]
) -> None:
    async with home(tmp_path, own := OwnServer(), **broken) as house:
        refused = await house.generate()

    assert refused.is_error
    assert "Nothing was sent" in text(refused)
    assert money(text(refused)) == []
    assert own.jobs == {}


async def test_the_songs_command_lists_what_an_own_server_made_without_a_word_of_money(
    tmp_path: Path,
) -> None:
    own = OwnServer(seconds=0.1)
    async with own.serving() as url:
        async with own_house(url, tmp_path) as house:
            await made(house, title="Lamp", duration=10)
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "ACESTEP_SERVER_URL": url,
            "ACESTEP_DATA_DIR": str(tmp_path / "data"),
        }
        command = [sys.executable, "-m", "acestep_mcp", "songs"]
        listed = await anyio.run_process(command, env=environ)
        none = await anyio.run_process([*command, "--search", "zither"], env=environ)

    assert "Lamp" in listed.stdout.decode()
    assert money(listed.stdout.decode()) == []
    assert none.stdout.decode() == "No such song.\n"
