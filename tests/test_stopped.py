"""A process that is stopped by the system, and goes on when another one has its songs."""

import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from acestep_mcp.sandbox import Sandbox, hold, slicer
from tests.house import environment, gateway
from tests.peer import Peer, running

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.attack,
    pytest.mark.skipif(sys.platform == "win32", reason="nothing is stopped there"),
]

SONG = {"prompt": "A song that changes hands", "title": "Handed over", "duration": 2}


def server(sandbox: Sandbox, folder: Path) -> AbstractAsyncContextManager[Peer]:
    """A server's process that counts as dead after a second of silence."""
    command = (sys.executable, "-m", "tests.leased", "1.0")
    return running(command, environment(sandbox.base_url, folder, ACESTEP_SAVE="on"))


async def until(there: Callable[[], bool]) -> None:
    """Wait for what another process does to the disk, of which nobody is told."""
    with anyio.fail_after(15):
        while not there():  # noqa: ASYNC110  # another process
            await anyio.sleep(0.01)


def parts(folder: Path) -> list[Path]:
    """Temporary files with something in them."""
    return [path for path in (folder / "songs").glob(".*.part") if path.stat().st_size > 4096]


def standing(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file in the output folder, as it is."""
    files = (folder / "songs").iterdir()
    return {path.name: (path.stat().st_ino, path.read_bytes()) for path in files}


async def listed(peer: Peer, number: int) -> list[dict[str, Any]]:
    return list((await peer.call(number, "list_outputs"))["songs"])


async def stopped(peer: Peer, folder: Path) -> None:
    """Stop it while it neither reads nor writes the ledger, which nobody else could change then."""
    with anyio.fail_after(15):
        while True:
            peer.process.send_signal(signal.SIGSTOP)
            try:
                with closing(sqlite3.connect(folder / "data" / "ledger.sqlite3", 0.1)) as ledger:
                    ledger.execute("begin exclusive")
            except sqlite3.OperationalError:
                peer.process.send_signal(signal.SIGCONT)
                await anyio.sleep(0.01)
            else:
                return


async def test_one_stopped_in_mid_download_changes_nothing_of_what_its_heir_saved(
    tmp_path: Path,
) -> None:
    async with (
        gateway() as sandbox,
        server(sandbox, tmp_path) as first,
    ):
        await first.greet()
        handle = (await first.call(2, "generate_song", **SONG, wait=0))["request_id"]
        sandbox.faults.add("media", slicer(size=4096, delay=0.02))
        sandbox.complete(handle)
        await until(lambda: bool(parts(tmp_path)))
        await stopped(first, tmp_path)
        left = parts(tmp_path)
        assert len(left) == 1  # in the middle of it

        async with server(sandbox, tmp_path) as second:
            await second.greet()
            await until(lambda: any((tmp_path / "songs").glob("*.json")))
            saved = await second.call(2, "get_status", request_id=handle, wait=10)
            before = standing(tmp_path)
            first.process.send_signal(signal.SIGCONT)
            await until(lambda: not left[0].exists())
            told = [await listed(first, 3), await listed(second, 3)]

        after = standing(tmp_path)
        (path,) = map(Path, saved["files"])
        assert saved["status"] == "COMPLETED"
        assert [path.name, path.with_suffix(".json").name] == sorted(after, reverse=True)
        assert after == {name: before[name] for name in after}
        assert saved["takes"][0].startswith("Take 1: 2.0 s of 2 asked")
        assert "WRONG" not in saved["takes"][0]
        assert [[each["files"] for each in songs] for songs in told] == [[[path.name]]] * 2
        assert len(sandbox.submissions) == 1
        assert sum(arrival.kind == "media" for arrival in sandbox.arrivals) == 2


async def test_one_stopped_while_its_order_is_on_its_way_is_not_bought_again_by_its_heir(
    tmp_path: Path,
) -> None:
    async with (
        gateway() as sandbox,
        server(sandbox, tmp_path) as first,
    ):
        await first.greet()
        reply = hold()
        sandbox.faults.add("submit", reply)
        order = {"name": "generate_song", "arguments": {**SONG, "wait": 20}}
        await first.send(id=2, method="tools/call", params=order)
        with anyio.fail_after(15):
            await sandbox.arrived("submit")
        await stopped(first, tmp_path)

        async with server(sandbox, tmp_path) as second:
            await second.greet()
            with anyio.fail_after(15):
                seen = await second.call(2, "generate_song", **SONG, wait=5)
            reply.release()
            first.process.send_signal(signal.SIGCONT)
            (handle,) = sandbox.jobs
            sandbox.complete(handle)
            woken = await first.answer(2)  # which it may have been told of the doubt before
            ask = {"request_id": seen["request_id"], "wait": 10}
            found = [await peer.call(3, "get_status", **ask) for peer in (first, second)]
            told = [await listed(peer, 4) for peer in (first, second)]

        assert seen["status"] == "UNKNOWN"
        assert woken["result"]["structuredContent"]["status"] in ("UNKNOWN", "COMPLETED")
        assert [(each["status"], each["request_id"]) for each in found] == [
            ("COMPLETED", handle)
        ] * 2
        assert [[each["request_id"] for each in songs] for songs in told] == [[handle]] * 2
        assert len(sandbox.submissions) == 1
