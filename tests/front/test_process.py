"""The server's process before anything is asked of it that costs something."""

import json
import shutil
import signal
import sqlite3
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

import acestep_mcp
from acestep_mcp.clock import SystemClock
from acestep_mcp.domain.song import State
from acestep_mcp.front import CHANGED, Handover, _unfinished, serve
from acestep_mcp.ledger import Ledger, opened
from acestep_mcp.settings import Settings, read
from tests.house import SONG, environment, gateway, served, shown
from tests.peer import HANDSHAKE, MODERN, Peer, started
from tests.test_ledger import song

pytestmark = pytest.mark.anyio

PACKAGE = Path(acestep_mcp.__file__).parent
SDK = ("mcp", "pydantic", "anyio", "asyncio", "httpx", "sqlite3")


async def loaded(peer: Peer) -> set[str]:
    """The modules that the process has imported, as `-X importtime` tells when it ends."""
    assert peer.process.stderr is not None
    said = b"".join([piece async for piece in peer.process.stderr]).decode()
    return {line.rpartition("|")[2].strip() for line in said.splitlines()}


@pytest.mark.parametrize("era", ["handshake", "modern"])
async def test_a_session_that_only_looks_loads_no_library(tmp_path: Path, era: str) -> None:
    async with (
        gateway() as sandbox,
        started(sandbox, tmp_path, "-X", "importtime", stderr=subprocess.PIPE) as peer,
    ):
        params: dict[str, Any] = {} if era == "handshake" else MODERN
        if era == "handshake":
            await peer.greet()
        for number, method in enumerate(("tools/list", "prompts/list"), 2):
            assert "result" in await peer.ask(number, method, **params)
        assert peer.process.stdin is not None
        await peer.process.stdin.aclose()
        with anyio.fail_after(3):  # 2 s, and one for a busy machine
            assert await peer.process.wait() == 0

        assert not {name.partition(".")[0] for name in await loaded(peer)} & {*SDK}
        assert not (tmp_path / "data").exists()


async def test_everything_asked_at_once_is_answered_once_whoever_answers(tmp_path: Path) -> None:
    async with gateway() as sandbox, started(sandbox, tmp_path) as peer:
        call = {"name": "generate_song", "arguments": {**SONG, "dry_run": True}}
        asked: list[dict[str, Any]] = [
            {"id": "hello", "method": "initialize", "params": HANDSHAKE},
            {"method": "notifications/initialized"},
            {"id": 1, "method": "tools/list"},
            {"id": 2, "method": "tools/call", "params": call},
            {"id": 3, "method": "prompts/list"},
            {"method": "notifications/cancelled", "params": {"requestId": 1}},
            {"id": 4, "method": "resources/list"},
            {"id": 5, "method": "tools/call", "params": call},
            {"id": 6, "method": "ping"},
        ]
        lines = [json.dumps({"jsonrpc": "2.0", **message}) + "\n" for message in asked]
        assert peer.process.stdin is not None
        await peer.process.stdin.send("".join(lines).encode())
        with anyio.fail_after(20):
            while len(peer.lines) < 7:
                await peer._line()
        replies = [json.loads(line) for line in peer.lines]

        assert sorted(str(reply["id"]) for reply in replies) == [*"123456", "hello"]
        assert [reply["id"] for reply in replies[:2]] == ["hello", 1]
        assert all("result" in reply for reply in replies)


async def test_a_call_that_is_cancelled_while_the_server_loads_is_not_answered(
    tmp_path: Path,
) -> None:
    async with gateway() as sandbox, started(sandbox, tmp_path) as peer:
        await peer.greet()
        arguments = {**SONG, "wait": 50}
        await peer.send(
            id=2, method="tools/call", params={"name": "generate_song", "arguments": arguments}
        )
        await peer.send(method="notifications/cancelled", params={"requestId": 2})
        with anyio.fail_after(20):
            await peer.ask(3, "tools/call", name="list_outputs", arguments={})

        assert 2 not in [json.loads(line).get("id") for line in peer.lines]


async def test_a_song_left_unfinished_is_followed_before_anything_is_asked(tmp_path: Path) -> None:
    async with gateway() as sandbox:
        async with served(sandbox, tmp_path) as home:
            left = shown(await home.generate())["request_id"]
        sandbox.arrivals.clear()
        async with started(sandbox, tmp_path):
            with anyio.fail_after(20):
                await sandbox.arrived("status")

        assert sandbox.polls(left)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT], ids=str)
@pytest.mark.parametrize("when", ["idle", "loading"])
async def test_a_signal_ends_it_at_once_and_in_order(
    tmp_path: Path, end: signal.Signals, when: str
) -> None:
    async with gateway() as sandbox, started(sandbox, tmp_path) as peer:
        await peer.greet()
        if when == "loading":
            await peer.send(
                id=2, method="tools/call", params={"name": "list_outputs", "arguments": {}}
            )
        peer.process.send_signal(end)
        with anyio.fail_after(3):  # 2 s, and one for a busy machine
            assert await peer.process.wait() == 0


def settings(folder: Path, **more: str) -> Settings:
    return read(environment("http://127.0.0.1:9", folder, **more))


@pytest.mark.parametrize("saving", ["wanted", "off"])
@pytest.mark.parametrize(
    "state",
    ["intent", "sending", "QUEUED", "PROCESSING", "COMPLETED", "FAILED", "ERROR", "UNKNOWN"],
)
async def test_it_sees_the_same_songs_to_be_followed_as_the_ledger(
    tmp_path: Path, state: State, saving: Any
) -> None:
    wants = settings(tmp_path, ACESTEP_SAVE="on")
    ledger = there(wants)
    left = replace(song(), state=state, saving=saving, worker="dead")
    await ledger.reserve(left, limit=0, reuse=False, lease=0.0)
    now = SystemClock().now()
    followed = [await ledger.bereaved(now, unsaved=unsaved) for unsaved in (False, True)]
    await ledger.close()

    assert _unfinished(wants) is any(followed)


def there(wants: Settings) -> Ledger:
    assert wants.ledger_path is not None
    return opened(wants.ledger_path)


@pytest.mark.parametrize(
    ("fields", "env"),
    [
        ({"state": "QUEUED"}, {"PIXAZO_API_KEY": ""}),
        ({"state": "COMPLETED", "saving": "wanted"}, {"ACESTEP_SAVE": "off"}),
        ({"state": "COMPLETED", "saving": "wanted", "save_after": 4e9}, {}),
    ],
    ids=["no key", "no folder", "not due"],
)
async def test_songs_that_nobody_can_do_anything_for_now_need_no_server(
    tmp_path: Path, fields: Any, env: dict[str, str]
) -> None:
    wants = settings(tmp_path, **{"ACESTEP_SAVE": "on", "HOME": str(tmp_path), **env})
    able = settings(tmp_path, ACESTEP_SAVE="on")
    ledger = there(wants)
    left = replace(song(), **{"saving": "off", "worker": "dead", **fields})
    await ledger.reserve(left, limit=0, reuse=False, lease=0.0)
    await ledger.close()

    assert not _unfinished(wants)
    assert _unfinished(able) is ("save_after" not in fields)


def test_a_ledger_that_cannot_be_read_now_is_left_to_the_server(tmp_path: Path) -> None:
    found, path = settings(tmp_path), tmp_path / "data" / "ledger.sqlite3"
    path.parent.mkdir()
    path.write_bytes(b"no ledger at all")
    assert serve(found) == Handover()

    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("create table song (state text, saving text)")
        db.execute("begin exclusive")
        assert serve(found) == Handover()


def test_a_ledger_in_a_database_is_left_to_the_server(tmp_path: Path) -> None:
    found = replace(settings(tmp_path), database_url="postgresql://host/songs")

    assert serve(found) == Handover()


@pytest.mark.parametrize("what", ["cleaned", "replaced"])
async def test_an_installation_that_changed_meanwhile_is_said_to_every_request(
    tmp_path: Path, what: str
) -> None:
    package = Path(shutil.copytree(PACKAGE, tmp_path / "site" / PACKAGE.name))
    async with (
        gateway() as sandbox,
        # -P, or the folder of these tests would be looked at first
        started(sandbox, tmp_path, "-P", "-B", PYTHONPATH=str(package.parent)) as peer,
    ):
        await peer.greet()
        if what == "cleaned":
            package.rename(tmp_path / "elsewhere")
        else:
            (package / "engine" / "__init__.py").write_text("class Engine: pass\n")
        arguments = {"name": "generate_song", "arguments": SONG}
        asked = [await peer.ask(number, "tools/call", **arguments) for number in (2, 3)]
        await peer.send(method="notifications/cancelled", params={"requestId": 2})
        asked.append(await peer.ask(4, "tools/list"))
        assert peer.process.stdin is not None
        await peer.process.stdin.aclose()
        with anyio.fail_after(5):
            assert await peer.process.wait() == 0

        assert {answer["error"]["code"] for answer in asked} == {-32603}
        assert {answer["error"]["message"] for answer in asked} == {CHANGED}
        assert "restart the client" in CHANGED
        assert sandbox.submissions == []


async def test_an_installation_that_went_while_the_server_ran_is_said_by_the_first_call(
    tmp_path: Path,
) -> None:
    package = Path(shutil.copytree(PACKAGE, tmp_path / "site" / PACKAGE.name))
    async with (
        gateway() as sandbox,
        started(sandbox, tmp_path, "-P", "-B", PYTHONPATH=str(package.parent)) as peer,
    ):
        await peer.greet()
        await peer.call(2, "list_outputs")
        package.rename(tmp_path / "elsewhere")
        call = {"name": "generate_song", "arguments": SONG}
        answer = (await peer.ask(3, "tools/call", **call))["result"]
        listed = await peer.call(4, "list_outputs")

        assert answer["isError"]
        assert answer["content"][0]["text"].startswith(CHANGED)
        assert listed["total"] == len(sandbox.submissions) == 0
