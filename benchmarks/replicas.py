"""What replicas bring: four server processes on one PostgreSQL against one of them.

The callers, the proxy, the gateway and the database run on the same machine and want their share
of it: on two cores, four replicas cannot do four times the work of one. Run this alone as
`python -m benchmarks.replicas`.
"""

import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import mean
from typing import Any

import anyio
import httpx

from acestep_mcp.sandbox import Profile
from tests.replicas.fleet import Fleet, fleet

REPLICAS = 4
CALLERS = 32
SONGS = 160
CALLS = 1_000
MADE_IN = Profile(queued=0.0, processing=0.6)
_HEADERS = {
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2025-06-18",  # whose calls need no handshake where nothing is kept
}


@dataclass(frozen=True, slots=True)
class Load:
    """What so many replicas did: songs and calls a second, MiB resident of each at the end."""

    songs: float
    calls: float
    memory: float


class Callers:
    """Many who call through the proxy, at as little cost of their own as possible."""

    def __init__(self, web: httpx.AsyncClient) -> None:
        self._web = web
        self._numbers = count()

    async def song(self) -> str:
        """Order a song, and wait until it is there."""
        words = {"prompt": f"Song {next(self._numbers)}", "wait": 30}
        song = await self._call("generate_song", words)
        if song["status"] != "COMPLETED":
            raise RuntimeError(song["message"])
        return str(song["request_id"])

    async def look(self, handle: str) -> None:
        """Ask for a finished song, which is answered from the ledger."""
        await self._call("get_status", {"request_id": handle})

    async def _call(self, tool: str, words: dict[str, Any]) -> dict[str, Any]:
        params = {"name": tool, "arguments": words}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        answer = await self._web.post("/mcp", json=message)
        event = answer.text.partition("data: ")[2].partition("\r\n")[0]
        return dict(json.loads(event)["result"]["structuredContent"])


def rows() -> list[tuple[str, float, float, str]]:
    """(what, with four replicas, with one, unit)."""
    one, four = (anyio.run(_measured, replicas) for replicas in (1, REPLICAS))
    return [
        ("songs ordered, made and told a second", four.songs, one.songs, ""),
        ("`get_status` calls a second", four.calls, one.calls, ""),
        ("memory of each replica after that", four.memory, one.memory, "MiB"),
    ]


async def _measured(replicas: int) -> Load:
    with tempfile.TemporaryDirectory() as folder:
        terms = {"ACESTEP_POLL_INTERVAL": "5"}
        async with fleet(Path(folder), terms, count=replicas, profile=MADE_IN) as running:
            limits = httpx.Limits(max_connections=CALLERS)
            async with httpx.AsyncClient(
                base_url=running.url, headers=_HEADERS, limits=limits, timeout=60, trust_env=False
            ) as web:
                return await _loaded(running, Callers(web))


async def _loaded(running: Fleet, callers: Callers) -> Load:
    await _rate(callers.song, CALLERS)  # everything is imported
    handle = await callers.song()
    songs = await _rate(callers.song, SONGS)
    calls = await _rate(lambda: callers.look(handle), CALLS)
    return Load(songs, calls, mean(replica.memory for replica in running.replicas))


async def _rate(work: Callable[[], Awaitable[object]], times: int) -> float:
    """How often a second the work is done, by all callers together."""
    turns = iter(range(times))

    async def works() -> None:
        for _ in turns:
            await work()

    began = time.perf_counter()
    async with anyio.create_task_group() as tasks:
        for _ in range(CALLERS):
            tasks.start_soon(works)
    return times / (time.perf_counter() - began)


if __name__ == "__main__":
    print(f"| figure | {REPLICAS} replicas | 1 replica | ratio |")
    print("|---|---|---|---|")
    for what, four, one, unit in rows():
        print(f"| {what} | {four:.0f} {unit} | {one:.0f} {unit} | {four / one:.2f} |")
