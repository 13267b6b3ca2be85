"""A thousand songs followed by one engine: on virtual time without a network, or for real.

Run as `python -m tests.proofs.crowd URL FOLDER SONGS` for the real one: real HTTP, a real ledger
file, a waiter per song. Prints one JSON object.
"""

import gc
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import anyio
import httpx
import trio

from acestep_mcp import server, settings
from acestep_mcp.domain.request import SongRequest
from acestep_mcp.domain.song import Owner, RequestId
from acestep_mcp.engine import Account, Engine, Terms
from acestep_mcp.ledger import Ledger
from acestep_mcp.ledger.sqlite import SqliteDriver
from acestep_mcp.providers import Answer as Told
from acestep_mcp.providers import Providers
from acestep_mcp.providers.bodies import Reply
from acestep_mcp.providers.http import Http, Network
from acestep_mcp.providers.pixazo.client import Gateway
from acestep_mcp.providers.pixazo.models import MODELS
from acestep_mcp.songcraft.prepare import Prepared, prepare
from tests.house import environment
from tests.providers import carried

ORIGIN = "https://gateway.invalid"
EPOCH = 1_800_000_000.0
WARM = 50  # status requests: all songs are ordered by then, and the polls in full flow
WATCHED = 5.0  # real seconds over which processor time is counted


@dataclass(frozen=True, slots=True)
class Asked:
    """One status request: when, in virtual seconds, and about which song."""

    at: float
    song: str


Answer = Callable[[Asked, int], Reply]
"""What the gateway says to a status request, and to which one in a row."""


def running(_asked: Asked, _number: int) -> Reply:
    """Every song is being made."""
    return Reply(200, {}, b'{"status": "PROCESSING"}')


def failing(asked: Asked, number: int) -> Reply:
    """Nothing is answered, in every way there is."""
    if number % 3 == 0:
        raise httpx.ConnectError(asked.song)
    if number % 3 == 1:
        raise httpx.ReadTimeout(asked.song)
    return Reply(502, {}, b"<h1>Bad Gateway</h1>")


class FakeTransport(httpx.AsyncBaseTransport):
    """In place of the network, a gateway that accepts everything, and notes who asks."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self._songs = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await trio.lowlevel.checkpoint()
        if request.method == "POST":
            self._songs += 1
            named = json.dumps({"request_id": f"song-{self._songs}"})
            return carried(Reply(202, {}, named.encode()))
        asked = Asked(trio.current_time(), request.url.path.rpartition("/")[2])
        self.asked.append(asked)
        return carried(self.answer(asked, len(self.asked)))


class VirtualClock:
    """Trio's time, and a repeatable chance."""

    def __init__(self) -> None:
        self.random = Random(20_261_123).random

    def now(self) -> float:
        return EPOCH + trio.current_time()

    def monotonic(self) -> float:
        return trio.current_time()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


class MemoryDriver(SqliteDriver):
    """The real driver on a database in memory, without threads: they know no virtual time."""

    def __init__(self, made: Path) -> None:
        super().__init__(made / "ledger.sqlite3", threads=False)

    def _open(self) -> sqlite3.Connection:
        memory = sqlite3.connect(":memory:", isolation_level=None)
        memory.row_factory = sqlite3.Row
        with closing(super()._open()) as file:
            file.backup(memory)
        self._opened = None  # the file goes, and the ledger is not where it was
        return memory


@asynccontextmanager
async def virtual(answer: Answer, songs: int, **terms: Any) -> AsyncIterator[FakeTransport]:
    """An engine in virtual time that follows `songs` songs, all ordered at time 0."""
    clock, transport = VirtualClock(), FakeTransport(answer)
    http = Http(ORIGIN, Network(transport=transport))
    gateway = Gateway(ORIGIN, now=clock.now, http=http)
    account = Account(Owner("me"), "key")
    with tempfile.TemporaryDirectory() as made:
        driver = MemoryDriver(Path(made))
        await driver.read(lambda _: None)
    engine = Engine(
        ledger=Ledger(driver),
        providers=Providers(gateway),
        library=None,
        clock=clock,
        terms=Terms(daily_limit=0, **terms),
    )
    async with engine.open(account), anyio.create_task_group() as calls:
        for number in range(songs):
            calls.start_soon(partial(engine.generate, account, wish(number), wait=0))
        yield transport
        calls.cancel_scope.cancel()


def wish(number: int) -> Prepared:
    """An order of its own."""
    return prepare(SongRequest(prompt=f"Warm folk ballad number {number}"), MODELS, lambda: 0.5)


def busiest(asked: list[Asked], window: float = 1.0) -> int:
    """The most requests in any window of that many seconds."""
    times = [each.at for each in asked]
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - window + 1e-6:
            first += 1
        most = max(most, last - first + 1)
    return most


async def real(url: str, folder: Path, songs: int) -> dict[str, float]:
    """What so many songs cost that are followed and waited for.

    MiB of memory, milliseconds of processor time a second, and status requests a second.
    """
    settled = environment(url, folder, ACESTEP_DAILY_LIMIT="0", ACESTEP_POLL_INTERVAL="5")
    app = server.build(settings.read(settled))
    buy = partial(app.engine.generate, app.account)
    asked = _counted(app)
    async with app.running():
        await buy(wish(-1), wait=0)  # everything is imported
        idle = resident()
        async with anyio.create_task_group() as waiters:
            for number in range(songs):
                waiters.start_soon(partial(buy, wish(number), wait=600))
            while len(asked) < WARM:  # noqa: ASYNC110  # the engine tells nobody
                await anyio.sleep(0.5)
            crowded = resident()
            cpu, started, before = time.process_time(), time.monotonic(), len(asked)
            await anyio.sleep(WATCHED)
            seconds = time.monotonic() - started
            spent = time.process_time() - cpu
            rate = (len(asked) - before) / seconds
            waiters.cancel_scope.cancel()
    over = resident() - idle
    return {
        "idle": idle,
        "over idle": max(over, crowded - idle),
        "cpu": spent / seconds * 1000,
        "asked": rate,
    }


def _counted(app: server.App) -> list[str]:
    """A list that grows by every song that is asked about."""
    asked: list[str] = []
    (gateway,) = app.engine.providers
    ask = gateway.status

    async def status(request_id: RequestId, key: str, sent: object = None) -> Told:
        del sent
        asked.append(request_id)
        return await ask(request_id, key)

    gateway.status = status  # type: ignore[method-assign]  # the follower holds the same gateway
    return asked


def resident() -> float:
    """MiB of memory this process has in hand."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / (1 << 20)


if __name__ == "__main__":
    print(json.dumps(anyio.run(real, sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
