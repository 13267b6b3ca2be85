"""Order a song in a process that SIGKILLs itself at its n-th await, then see what a restart finds.

Run as `python -m tests.killed URL FOLDER FIRST STRIDE`. Every n gets a process of its own, a
ledger of its own and a prompt of its own. Prints one JSON object per n; the last one is the first
run that came to its end alive.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import Any

import anyio
from mcp.client import Client

from acestep_mcp import server, settings
from tests.house import environment

LEASE = 0.2


class Counted(Coroutine[Any, Any, Any]):
    """A coroutine that reports each time it is resumed, which is once per await that waited."""

    def __init__(self, inner: Coroutine[Any, Any, Any], resumed: Callable[[], None]) -> None:
        self._inner = inner
        self._resumed = resumed

    def send(self, value: Any) -> Any:
        self._resumed()
        return self._inner.send(value)

    def throw(self, *args: Any) -> Any:
        self._resumed()
        return self._inner.throw(*args)

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._inner.__await__()


def dying_at(last: int) -> Callable[[], None]:
    """A counter that ends the process, as pulling the plug would, when it has counted to `last`."""
    left = last

    def count() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return count


def counting(count: Callable[[], None]) -> None:
    """Have every task of the running loop counted from now on."""

    def factory(
        loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **options: Any
    ) -> asyncio.Task[Any]:
        return asyncio.Task(Counted(work, count), loop=loop, **options)

    asyncio.get_running_loop().set_task_factory(factory)  # type: ignore[arg-type]  # typeshed wants exact generics


async def order(url: str, folder: Path, number: int) -> None:
    """The whole life of a song: submit, follow, save."""
    found = settings.read(environment(url, folder, ACESTEP_SAVE="on"))
    app = server.build(found, lease=LEASE)
    counting(dying_at(number))
    async with app.running(), Client(app.mcp) as client:
        await client.call_tool(
            "generate_song", {"prompt": f"Song {number}", "duration": 1, "wait": 20}
        )


async def look(url: str, folder: Path) -> list[dict[str, Any]]:
    """Restart: every song of the ledger, once nothing moves any more."""
    found = settings.read(environment(url, folder, ACESTEP_SAVE="on"))
    app = server.build(found, lease=LEASE)
    async with app.running(), Client(app.mcp) as client:
        await anyio.sleep(2 * LEASE)  # the dead process's lease has to run out
        listed = (await client.call_tool("list_outputs", {})).structured_content or {}
        songs = []
        for song in listed["songs"]:
            arguments = {"request_id": song["request_id"], "wait": 20}
            done = song["status"] == "UNKNOWN" or await client.call_tool("get_status", arguments)
            songs.append(song if done is True else done.structured_content or {})
        return songs


def forked(work: Callable[[], Any]) -> bool:
    """Run `work` in a copy of this process; whether it came to its end."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return False
    assert os.waitstatus_to_exitcode(status) == 0
    return True


def main(url: str, folder: Path, first: int, stride: int) -> None:
    number, alive = first, False
    while not alive:
        here = folder / str(number)
        alive = forked(lambda: anyio.run(order, url, here, number))  # noqa: B023  # run at once

        def report() -> None:
            songs = anyio.run(look, url, here)  # noqa: B023  # run at once
            parts = sorted(path.name for path in here.glob("songs/.*"))  # noqa: B023  # run at once
            line = {"number": number, "alive": alive, "songs": songs, "parts": parts}  # noqa: B023
            print(json.dumps(line), flush=True)

        assert forked(report)
        number += stride


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
