"""How late a finished song is told, and how often the gateway was asked, in virtual time.

The real engine and ledger follow songs that take as long as the API document's samples took, a
few per cent more or less. The baseline is the same engine asking at a fixed interval.
"""

import json
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import anyio
import httpx
import trio
from trio.testing import MockClock

from acestep_mcp.domain import timing
from acestep_mcp.domain.request import SongRequest
from acestep_mcp.domain.song import Owner
from acestep_mcp.engine import Account, Engine, Terms
from acestep_mcp.ledger import Ledger
from acestep_mcp.ledger.sqlite import SqliteDriver
from acestep_mcp.providers import Providers
from acestep_mcp.providers.http import Http, Network
from acestep_mcp.providers.pixazo.client import Gateway
from acestep_mcp.providers.pixazo.models import MODELS
from acestep_mcp.songcraft.prepare import prepare

SONGS = 40
PROFILES = (16.3, 110.9)
ME = Account(Owner("bench"), "key")


@dataclass(frozen=True, slots=True)
class Followed:
    """One profile: the median lag in seconds, and the mean number of status requests per song."""

    lag: float
    polls: float


class VirtualClock:
    """Trio's mock clock as the engine's."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def now(self) -> float:
        """Seconds, virtual."""
        return trio.current_time()

    def monotonic(self) -> float:
        """The same; nobody sets it."""
        return trio.current_time()

    def random(self) -> float:
        """A number in [0, 1), the same in every run."""
        return self._chance.random()

    async def sleep(self, seconds: float) -> None:
        """Wait, virtually."""
        await anyio.sleep(seconds)


class Queue(httpx.AsyncBaseTransport):
    """A gateway that finishes every song after the next of the given times."""

    def __init__(self, times: Sequence[float]) -> None:
        self._times = iter(times)
        self.ends: dict[str, tuple[float, float]] = {}
        self.polls = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer in place of HTTP."""
        now = trio.current_time()
        if request.method == "POST":
            named = f"ace-step-xl_{len(self.ends)}"
            self.ends[named] = (now, now + next(self._times))
            return _reply(202, {"request_id": named, "status": "QUEUED"})
        self.polls += 1
        named = request.url.path.rpartition("/")[2]
        created, ends = self.ends[named]
        shown: dict[str, Any] = {"status": "PROCESSING", "created_at": _stamp(created)}
        if now >= ends:
            output = {"media_url": [f"https://m.example/{named}.wav"]}
            shown |= {"status": "COMPLETED", "completed_at": _stamp(ends), "output": output}
        return _reply(200, shown)


def follow(typical: float, *, learning: bool) -> Followed:
    """Follow one song after another, as a client that waits does."""
    chance = random.Random(7)
    times = [typical * chance.uniform(0.98, 1.1) for _ in range(SONGS)]
    pause = timing.pause
    if not learning:
        timing.pause = _fixed
    try:
        clock = MockClock(autojump_threshold=0)
        lags, polls = trio.run(_follow, times, clock=clock)
    finally:
        timing.pause = pause
    return Followed(median(lags), polls / SONGS)


def _fixed(elapsed: float, asked: int, known: Sequence[float], interval: float) -> float:
    """What `timing.pause` would be without any idea of how long songs take."""
    del elapsed, asked, known
    return interval


async def _follow(times: Sequence[float]) -> tuple[list[float], int]:
    with tempfile.TemporaryDirectory() as folder:
        clock = VirtualClock(7)
        queue = Queue(times)
        http = Http("https://gateway.invalid", Network(transport=queue))
        providers = Providers(Gateway("https://gateway.invalid", now=clock.now, http=http))
        driver = SqliteDriver(Path(folder) / "ledger.sqlite3", threads=False)
        engine = Engine(
            ledger=Ledger(driver), providers=providers, library=None, clock=clock, terms=Terms()
        )
        async with engine.open(ME):
            songs = range(len(times))
            lags = [await _one(engine, queue, number, clock.random) for number in songs]
        return lags, queue.polls


async def _one(engine: Engine, queue: Queue, number: int, draw: Callable[[], float]) -> float:
    wanted = prepare(SongRequest(prompt=f"Song {number}"), MODELS, draw)
    song = (await engine.generate(ME, wanted, wait=45)).song
    while not song.ended:
        song = (await engine.status(ME, song.handle, wait=45)).song
    return trio.current_time() - queue.ends[song.handle][1]


def _reply(status: int, body: dict[str, Any]) -> httpx.Response:
    return httpx.Response(status, stream=httpx.ByteStream(json.dumps(body).encode()))


def _stamp(seconds: float) -> str:
    whole = int(seconds)
    return f"2026-01-01T{whole // 3600 % 24:02}:{whole // 60 % 60:02}:{whole % 60:02}.000Z"
