"""No call outlasts its time, and no process its end, whatever holds the ledger."""

import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.ledger import opened
from acestep_mcp.ledger.driver import answering_by
from acestep_mcp.sandbox import hold
from tests.house import SONG, gateway, house, shown
from tests.ledger.server import emptied
from tests.peer import Peer, started
from tests.replicas.test_engines import ALICE, replica, wanted

pytestmark = [pytest.mark.anyio, pytest.mark.attack]
CALLERS = 1_000
LONGEST = 4.0
"""Seconds that a call may take beyond the time it was asked to wait."""
_HOLDER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("begin exclusive")
print("locked", flush=True)
sys.stdin.read()
"""


@asynccontextmanager
async def locked(folder: Path) -> AsyncIterator[None]:
    """Another program has the ledger for itself, for as long as the block lasts."""
    ledger = str(folder / "data" / "ledger.sqlite3")
    async with await anyio.open_process([sys.executable, "-c", _HOLDER, ledger]) as holder:
        assert holder.stdout is not None
        assert (await holder.stdout.receive()).strip() == b"locked"
        try:
            yield
        finally:
            holder.kill()


async def timed(peer: Peer, number: int, tool: str, **arguments: Any) -> dict[str, Any]:
    """The answer, which came in time."""
    began = time.monotonic()
    reply = await peer.ask(number, "tools/call", name=tool, arguments=arguments)
    assert time.monotonic() - began < arguments.get("wait", 0) + LONGEST
    return dict(reply["result"])


async def test_while_another_program_holds_the_ledger_every_call_and_the_end_are_in_time(
    tmp_path: Path,
) -> None:
    async with gateway() as sandbox, started(sandbox, tmp_path) as peer:
        await peer.greet()
        handle = (await peer.call(2, "generate_song", **SONG, wait=0))["request_id"]
        async with locked(tmp_path):
            listed = await timed(peer, 3, "list_outputs")
            ordered = await timed(peer, 4, "generate_song", prompt="Another song", wait=0)
            seen = await timed(peer, 5, "get_status", request_id=handle, wait=0)
            for refused in (listed, ordered):
                assert refused["isError"]
                assert "The ledger cannot be used" in refused["content"][0]["text"]
            assert "structuredContent" in seen, seen
            assert seen["structuredContent"]["status"] == "QUEUED"  # it is in hand here
            assert len(sandbox.submissions) == 1
            await ended(peer)


async def test_many_calls_at_once_do_not_wait_for_each_other_at_a_lock(tmp_path: Path) -> None:
    async with gateway() as sandbox, started(sandbox, tmp_path) as peer:
        await peer.greet()
        await peer.call(2, "list_outputs")
        async with locked(tmp_path):
            began = time.monotonic()
            for number in range(3, 23):
                call = {"name": "list_outputs", "arguments": {}}
                await peer.send(id=number, method="tools/call", params=call)
            left = set(range(3, 23))
            while left:
                left.discard((await peer.message())["id"])

            assert time.monotonic() - began < LONGEST


async def test_what_was_paid_for_while_the_ledger_is_held_is_told_and_written_later(
    tmp_path: Path,
) -> None:
    async with gateway() as sandbox, started(sandbox, tmp_path) as peer:
        await peer.greet()
        held = hold()
        sandbox.faults.add("submit", held)
        local = (await peer.call(2, "generate_song", **SONG, wait=0))["request_id"]
        async with locked(tmp_path):
            held.release()
            with anyio.fail_after(10):
                told = local
                while told == local:
                    answer = await timed(peer, 3, "get_status", request_id=local, wait=0)
                    told = answer["structuredContent"]["request_id"]
        with anyio.fail_after(10):
            listed = await timed(peer, 4, "list_outputs")
            while listed["structuredContent"]["songs"][0]["request_id"] != told:
                listed = await timed(peer, 4, "list_outputs")

        assert told in sandbox.jobs
        assert len(sandbox.submissions) == 1


async def ended(peer: Peer) -> None:
    """The client goes, and so does the process, in time."""
    assert peer.process.stdin is not None
    began = time.monotonic()
    await peer.process.stdin.aclose()
    with anyio.fail_after(8):
        await peer.process.wait()
    assert time.monotonic() - began < 6  # 5, and one for a busy machine


@pytest.mark.proof
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=str)
async def test_a_signal_ends_a_server_whose_ledger_is_held(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with gateway() as sandbox, started(sandbox, tmp_path) as peer:
        await peer.greet()
        await peer.call(2, "generate_song", **SONG, wait=0)
        async with locked(tmp_path):
            began = time.monotonic()
            peer.process.send_signal(number)
            with anyio.fail_after(8):
                await peer.process.wait()
            assert time.monotonic() - began < 6


async def test_a_thousand_who_wait_for_one_song_are_all_told_within_a_second_and_a_half(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        handle = shown(await home.generate())["request_id"]
        engine, account = home.app.engine, home.app.account
        told: list[float] = []

        async def wait() -> None:
            report = await engine.status(account, handle, wait=50)
            assert report.song.state == "COMPLETED"
            told.append(time.monotonic())

        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                for _ in range(CALLERS):
                    tasks.start_soon(wait)
                live = engine._registry._live[next(iter(engine._registry._live))]
                while live.waiting < CALLERS:
                    await home.sandbox.changed()
                asked = len(home.sandbox.polls())
                home.sandbox.complete(handle)
                completed = time.monotonic()
        print(f"{max(told) - completed:.3f} s, {len(home.sandbox.polls()) - asked} requests")

        assert len(told) == CALLERS
        assert max(told) - completed <= 1.5
        assert len(home.sandbox.polls()) - asked <= 3


async def test_a_database_that_stands_still_is_said_in_time_and_used_when_it_goes_on() -> None:
    server = emptied()
    async with gateway() as sandbox:
        engine = replica(sandbox, server.url())
        async with engine.open(ALICE):
            song = (await engine.generate(ALICE, wanted(), wait=0)).song
            with server.stopped():
                began = time.monotonic()
                async with anyio.create_task_group() as tasks:
                    for number in range(8):
                        tasks.start_soon(refused, engine, number)
                assert time.monotonic() - began < LONGEST
                assert (await engine.status(ALICE, song.handle, wait=0)).song.state == "QUEUED"
            sandbox.complete(song.handle)
            with anyio.fail_after(20):
                found = song
                while found.state != "COMPLETED":
                    found = await looked(engine, song.handle)

        assert len(sandbox.submissions) == 1


async def test_after_a_connection_that_stands_still_a_call_does_not_wait_for_another() -> None:
    server = emptied()
    ledger = opened(Path("/nowhere"), server.url())
    try:
        assert await ledger.find(ALICE.owner, "none") is None  # leaves one in the pool
        with server.stopped():
            began = time.monotonic()
            with answering_by(anyio.current_time()), pytest.raises(LedgerDown, match="in time"):
                await ledger.find(ALICE.owner, "none")
            assert time.monotonic() - began < 3  # 2 to answer; another connection has 2 of its own
    finally:
        await ledger.close()


async def looked(engine: Any, handle: str) -> Any:
    return (await engine.status(ALICE, handle, wait=1)).song


async def refused(engine: Any, number: int) -> None:
    with pytest.raises(Exception, match=r"PostgreSQL|busy"):
        await engine.generate(ALICE, wanted(1 + number), wait=0)
