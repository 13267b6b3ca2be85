"""A key that is looked for everywhere afterwards: it goes to the gateway, and nowhere else."""

import json
import logging
import os
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from anyio.streams.text import TextReceiveStream

from acestep_mcp import server, settings
from acestep_mcp.sandbox import Sandbox, Toxic, limit_data, reply, reset_peer, timeout
from tests.house import SONG, House, environment, served, shown
from tests.peer import MODERN, Peer
from tests.proofs.hostile import strings

pytestmark = [pytest.mark.anyio, pytest.mark.attack]

KEY = "canary-7f3c9d2e41b84a55"
ENV: dict[str, Any] = {"PIXAZO_API_KEY": KEY, "ACESTEP_SAVE": "on", "ACESTEP_LOG_LEVEL": "DEBUG"}


@asynccontextmanager
async def gateway(key: str = KEY, **knobs: Any) -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(key=key, **knobs)
    async with sandbox.serving():
        yield sandbox


def leaks(*places: object) -> list[str]:
    """Where the key stands, in the text or the bytes of anything."""
    found = [text for place in places for text in _texts(place)]
    return [text[:200] for text in found if KEY in text]


def _texts(place: object) -> Iterator[str]:
    if isinstance(place, Path):
        for path in sorted(place.rglob("*")):
            yield str(path)
            if path.is_file():
                yield path.read_bytes().decode("latin-1")
    elif isinstance(place, BaseException):
        yield "".join(traceback.format_exception(place))
    elif isinstance(place, str):
        yield place
    else:
        yield from (text for _, text in strings(place))
        yield repr(place)


def carried_elsewhere(sandbox: Sandbox) -> list[str]:
    """Requests with the key that were neither a submission nor a status request."""
    api = ("submit", "status")
    return [
        arrival.path
        for arrival in sandbox.arrivals
        if (KEY in str(arrival.headers) + arrival.path) and arrival.kind not in api
    ]


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Everything any library logs, whatever the server asks for."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "mcp", "asyncio", "acestep_mcp"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def told(logged: pytest.LogCaptureFixture) -> list[str]:
    """Messages, arguments and stacks of every record."""
    return [logged.text, *(f"{record.__dict__}" for record in logged.records)]


def build(folder: Path, url: str, **env: str) -> server.App:
    """A server whose loggers are as loud as they can be."""
    app = server.build(settings.read(environment(url, folder, **{**ENV, **env})))
    for name in ("httpx", "httpcore", "mcp"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    return app


FAULTS: dict[str, tuple[Toxic, ...]] = {
    "reset before": (reset_peer("before"),),
    "reset after": (reset_peer("after"),),
    "cut": (limit_data(30),),
    "closed": (timeout(0, process=True),),
    "garbage": (reply(202, b"\xff"),),
    "redirect": (reply(302, headers={"Location": "http://127.0.0.1:1/"}),),
    "refused": (reply(400, b'{"message": "bad key"}'),),
    "rate": (reply(429),),
    "broken": (reply(502, b"<h1>oops</h1>"),),
}


async def _success(home: House) -> list[Any]:
    done = await home.finished(duration=1, title="Canary", batch_size=2)
    assert len(shown(done)["files"]) == 2
    return [done, await home.call("list_outputs")]


async def _adopts(home: House) -> list[Any]:
    ordered = shown(await home.generate(prompt="Elsewhere", duration=1))["request_id"]
    home.sandbox.complete(ordered)
    return [await home.status(ordered), await home.status("ace-step-xl_nobody")]


async def _stumbles(home: House) -> list[Any]:
    answers = []
    for name, toxics in FAULTS.items():
        home.sandbox.faults.add("submit", *toxics)
        answers.append(await home.generate(prompt=name))
        home.sandbox.faults.clear()
        home.sandbox.faults.add("status", *toxics)
        answers.append(await home.status(f"ace-step-xl_{name.replace(' ', '-')}"))
        home.sandbox.faults.clear()
    return answers


async def _mistakes(home: House) -> list[Any]:
    return [
        await home.generate(key="H major"),
        await home.generate(durration=3),
        await home.generate(dry_run=True),
        await home.status("../../etc"),
        await home.call("list_outputs", cursor="nonsense"),
    ]


FLOWS: dict[str, Callable[[House], Awaitable[list[Any]]]] = {
    "success": _success,
    "adoption": _adopts,
    "faults": _stumbles,
    "mistakes": _mistakes,
}


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS.keys())
async def test_whatever_happens_the_key_is_only_in_requests_to_the_gateway(
    tmp_path: Path,
    logged: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    flow: Callable[[House], Awaitable[list[Any]]],
) -> None:
    monkeypatch.setattr("acestep_mcp.library.download.PAUSE", 0.01)
    async with gateway() as sandbox, served(sandbox, tmp_path, **ENV) as home:
        answers = await flow(home)
        shouted = [each.model_dump() for each in answers]

    own = [arrival for arrival in sandbox.arrivals if KEY in str(arrival.headers)]
    assert own or flow is _mistakes, "the key did reach the gateway"
    assert leaks(tmp_path, *shouted, *told(logged), *capsys.readouterr()) == []
    assert carried_elsewhere(sandbox) == []
    assert sandbox.keys_sent_to_media == []
    assert all(KEY not in arrival.body.decode("latin-1") for arrival in sandbox.arrivals)


@pytest.mark.parametrize(
    ("key", "balance"), [("another key", None), (KEY, 0.0)], ids=["refused key", "no balance"]
)
async def test_a_refusal_names_the_place_of_the_key_and_not_the_key(
    tmp_path: Path, logged: pytest.LogCaptureFixture, key: str, balance: float | None
) -> None:
    async with gateway(key, balance=balance) as sandbox, served(sandbox, tmp_path, **ENV) as home:
        answers = [await home.generate(), await home.status("ace-step-xl_x")]

        assert answers[0].is_error
    assert leaks(tmp_path, *told(logged), *(each.model_dump() for each in answers)) == []


async def test_no_object_and_no_stack_shows_the_key(tmp_path: Path) -> None:
    found = settings.read(environment("http://127.0.0.1:1", tmp_path, **ENV))
    app = build(tmp_path, "http://127.0.0.1:1")
    things: list[object] = [found, app, app.account, app.engine]
    async with app.running():
        things += vars(app.engine).values()
        errors = [_raised(thing) for thing in things]

    assert leaks(*(repr(thing) for thing in things), *(str(thing) for thing in things)) == []
    assert leaks(*errors) == []
    assert KEY in json.dumps([app.account.key]), "what was looked for was there"


def _raised(thing: object) -> BaseException:
    with pytest.raises(RuntimeError) as raised:
        raise RuntimeError("shown by a stack", thing)
    return raised.value


async def test_a_key_given_in_place_of_its_files_name_is_not_shown(tmp_path: Path) -> None:
    misled = {"PIXAZO_API_KEY": "", "PIXAZO_API_KEY_FILE": KEY, "HOME": str(tmp_path)}
    async with gateway() as sandbox, served(sandbox, tmp_path, **{**ENV, **misled}) as home:
        answer = await home.generate()

    assert answer.is_error
    assert leaks(answer.model_dump()) == []


async def test_a_key_that_the_gateway_repeats_is_not_shown(
    tmp_path: Path, logged: pytest.LogCaptureFixture
) -> None:
    echo = f"Invalid header Ocp-Apim-Subscription-Key: {KEY}"
    async with gateway() as sandbox, served(sandbox, tmp_path, **ENV) as home:
        said = json.dumps({"message": echo}).encode()
        home.sandbox.faults.add("submit", reply(400, said))
        refused = await home.generate()
        failed = json.dumps({"status": "FAILED", "error": echo}).encode()
        home.sandbox.faults.add("status", reply(200, failed))
        adopted = await home.status("ace-step-xl_echo")

    answers = (refused.model_dump(), adopted.model_dump())
    assert leaks(tmp_path, *told(logged), *answers) == []


def run(*arguments: str, **env: str) -> str:
    """What a command prints, on both streams."""
    environ = {"PATH": os.environ["PATH"], **env}
    command = [sys.executable, "-m", "acestep_mcp", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environ, timeout=60, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("key", [KEY, "another key"], ids=["good key", "refused key"])
async def test_doctor_and_songs_do_not_print_the_key(tmp_path: Path, key: str) -> None:
    async with gateway(key) as sandbox:
        environ = environment(sandbox.base_url, tmp_path, **ENV, HOME=str(tmp_path))
        commands = (("doctor",), ("doctor", "--json"), ("songs",), ("songs", "--json"))
        printed = [
            await anyio.to_thread.run_sync(partial(run, *each, **environ)) for each in commands
        ]

    assert all(printed)
    assert leaks(tmp_path, *printed) == []


@pytest.mark.parametrize("modern", [{}, MODERN], ids=["2025-06-18", "2026-07-28"])
async def test_a_whole_session_of_a_talkative_process_never_says_the_key(
    tmp_path: Path, modern: dict[str, Any]
) -> None:
    """The demonstration's path: order, follow, save; then a fault and a signal."""
    async with gateway() as sandbox:
        environ = environment(sandbox.base_url, tmp_path, **ENV, PYTHONASYNCIODEBUG="1")
        async with await anyio.open_process(
            [sys.executable, "-X", "dev", "-m", "acestep_mcp"], env=environ
        ) as process:
            peer = Peer(process)
            if not modern:
                await peer.greet()
            call = {"name": "generate_song", "arguments": {**SONG, "duration": 1, "wait": 0}}
            ordered = (await peer.ask(10, "tools/call", **call, **modern))["result"]
            handle = ordered["structuredContent"]["request_id"]
            sandbox.complete(handle)
            call = {"name": "get_status", "arguments": {"request_id": handle, "wait": 10}}
            done = (await peer.ask(11, "tools/call", **call, **modern))["result"]
            sandbox.faults.add("submit", reset_peer("after"))
            call = {"name": "generate_song", "arguments": {"prompt": "Lost", "wait": 0}}
            await peer.ask(12, "tools/call", **call, **modern)
            process.terminate()
            assert process.stderr is not None
            stderr = "".join([text async for text in TextReceiveStream(process.stderr)])

    assert len(done["structuredContent"]["files"]) == 1
    assert "DEBUG" in stderr
    assert leaks(tmp_path, stderr, *peer.lines) == []
    assert carried_elsewhere(sandbox) == []
