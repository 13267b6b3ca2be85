"""One operating-system process of a schedule: the real engine behind doors that can kill it.

Every door, which is to say every commit, every HTTP exchange and every sleep, is a step at which
the process may die or be suspended. A dead process does nothing more: its doors raise, so what
its `finally` blocks still try has no effect, as after SIGKILL.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import httpx
import trio

from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.domain.song import Song
from acestep_mcp.engine import Account, Engine, Terms
from acestep_mcp.ledger import Ledger
from acestep_mcp.ledger.driver import Transaction
from acestep_mcp.ledger.sqlite import SqliteDriver
from acestep_mcp.library import Missing, Saved
from acestep_mcp.providers import Provider, Providers
from acestep_mcp.providers.acestep.client import AceStepServer
from acestep_mcp.providers.http import Http, Network
from acestep_mcp.providers.pixazo.client import KEY_HEADER, Gateway
from tests.providers import carried

from .database import SONGS

if TYPE_CHECKING:
    from tests.faults.clients import Call
    from tests.faults.gateway import Answer
    from tests.faults.world import World

T = TypeVar("T")
EPOCH = 1_800_000_000.0
"""What the clocks of all processes say at virtual time 0."""
ORIGIN = "https://gateway.invalid"


class Crashed(BaseException):
    """The process is gone. A BaseException, so that nothing in it can live on."""


class Process:
    """One life of one server process, from start to crash or clean stop."""

    def __init__(self, world: "World", accounts: tuple[Account, ...], *, mortal: bool) -> None:
        rng, plan = world.rng, world.plan
        self.world = world
        self.accounts = accounts
        self.number = world.tally.crashes + world.tally.stops
        self.steps = 0
        self.counting = rng.random() < 0.2  # else from its first call on: idle steps tell little
        self.crash_at = _crash_step(rng) if mortal and rng.random() < plan.crashing else 0
        self.suspend_at = rng.randint(1, 80) if mortal and rng.random() < plan.suspending else 0
        self.suspended = (-1.0, -1.0)
        self.born = trio.current_time()
        self.unwritten: list[tuple[float, float]] = []
        self.dead = False
        self.over_at: float | None = None
        self.over = trio.Event()
        self.leave = trio.Event()
        self.calls: trio.Nursery | None = None
        self.http = SimTransport(self)
        self.engine = self._engine()
        self._scope = trio.CancelScope()

    def _engine(self) -> Engine:
        plan = self.world.plan
        clock = VirtualClock(self)
        own = self.world.own
        http = Http(ORIGIN, Network(transport=self.http), own=own)
        provider: Provider = (
            AceStepServer(ORIGIN, clock=clock, http=http)
            if own
            else Gateway(ORIGIN, now=clock.now, http=http)
        )
        # Duck-typed: what the engine calls is there.
        library: Any = None if plan.library == "none" else SimLibrary(self)
        return Engine(
            ledger=WatchedLedger(self.world.database.driver(self), self.world.calls),
            providers=Providers(provider),
            library=library,
            clock=clock,
            terms=Terms(
                poll_interval=plan.poll_interval,
                daily_limit=plan.daily_limit,
                status_rate=plan.status_rate,
                lease=plan.lease,
            ),
            callback=self.world.callbacks.address if self.world.hosting.callbacks else None,
        )

    async def run(self) -> None:
        """Live until the crash, or until `leave` is set."""
        with self._scope, suppress(Crashed):
            try:
                await self._live()
            except BaseExceptionGroup as group:
                _, others = group.split(Crashed)
                if others is not None:
                    raise others from None
        self._ended()

    async def _live(self) -> None:
        async with self.engine.open(*self.accounts), trio.open_nursery() as calls:
            self.calls = calls
            self.world.up(self)
            try:
                await self.leave.wait()
            finally:
                self.calls = None
            calls.cancel_scope.cancel()

    def _ended(self) -> None:
        self.calls = None
        if self.over_at is None:
            self.over_at = trio.current_time()
        self.world.database.gone(self)
        self.over.set()

    def die(self) -> None:
        """SIGKILL."""
        self.dead = True
        self.world.say(f"process {self.number} crashes")
        self.world.tally.crashes += 1
        self._scope.cancel()
        self._ended()

    def touch(self) -> None:
        """One step at a place that cannot wait."""
        if self.dead:
            raise Crashed
        self.steps += self.counting
        if self.steps == self.crash_at and not self.world.healed:
            self.die()
            raise Crashed

    async def door(self) -> None:
        """One step at a place that can wait: here the process may also be suspended."""
        self.touch()
        if self.suspend_at and self.steps >= self.suspend_at and not self.world.healed:
            self.suspend_at = 0
            self.suspend(self.world.rng.uniform(1, 60))
        while trio.current_time() < self.suspended[1]:
            await trio.sleep_until(self.suspended[1])
            if self.dead:
                raise Crashed

    def suspend(self, seconds: float) -> None:
        """SIGSTOP, effective at the next door."""
        now = trio.current_time()
        self.suspended = (now, now + seconds)
        self.world.tally.suspensions += 1
        self.world.say(f"process {self.number} is suspended until {self.suspended[1]:.2f}")

    def was_suspended(self, start: float, end: float) -> bool:
        """Whether it stood still at some moment between the two."""
        return self.suspended[0] <= end and start <= self.suspended[1]


def _crash_step(rng: Random) -> int:
    return rng.randint(1, rng.choice((12, 20, 40, 200)))


class VirtualClock:
    """The schedule's time as this process sees it."""

    def __init__(self, process: Process) -> None:
        self._process = process
        # The other clock counts from some moment of its own: no wall time is near it.
        self._offset = Random(f"{process.world.seed} {process.number}").uniform(0, 1e6)

    def now(self) -> float:
        return self._process.world.wall

    def monotonic(self) -> float:
        return self._offset + self._process.world.time()

    def random(self) -> float:
        return self._process.world.rng.random()

    async def sleep(self, seconds: float) -> None:
        await self._process.door()
        await anyio.sleep(seconds)
        await self._process.door()


@dataclass(frozen=True)
class WatchedLedger(Ledger):
    """The real ledger, which tells the judge by when it was decided whether an order is new."""

    calls: list["Call"]

    async def reserve(self, song: Song, **terms: Any) -> Song:
        try:
            return await super().reserve(song, **terms)
        finally:
            self.calls[int(song.payload["seed"]) - 1].decided = trio.current_time()


class SimDriver(SqliteDriver):
    """The real driver on the schedule's database, with a step on both sides of every commit."""

    def __init__(self, process: Process, database: sqlite3.Connection) -> None:
        super().__init__(Path("/virtual/ledger.sqlite3"), threads=False)
        self._process = process
        self._database = database

    async def close(self) -> None:
        """The data outlive the process."""
        self._db = None

    async def _in_turn(self, begin: str, work: Callable[[Transaction], T]) -> T:
        await self._process.door()
        return await super()._in_turn(begin, work)

    def _transact(self, begin: str, work: Callable[[Transaction], T]) -> T:
        self._process.touch()
        if self._process.world.ledger_full and begin != "begin":
            raise LedgerDown("database or disk is full")
        result = super()._transact(begin, lambda tx: self._uncommitted(work(tx)))
        self._process.touch()
        return result

    def _uncommitted(self, result: T) -> T:
        self._process.touch()
        return result

    def _open(self) -> sqlite3.Connection:
        return self._database


class SimTransport(httpx.AsyncBaseTransport):
    """The simulated gateway in place of the network."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.asked: list[float] = []
        self.holds: dict[str, float] = {}
        self.questions = Counter[str]()  # of clients: each is put although a hold has not passed

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        process = self._process
        if request.method == "GET" and not process.world.own:
            process.world.gateway.announced(process, request.headers[KEY_HEADER])
        await process.door()
        try:
            reply, heard = await self._answer(request)
        except httpx.HTTPError:
            await process.door()
            raise
        await process.door()
        heard()
        return carried(reply)

    async def _answer(self, request: httpx.Request) -> "Answer":
        gateway = self._process.world.gateway
        if self._process.world.own:
            return await gateway.answer(self._process, request)
        if request.method == "POST":
            payload = json.loads(request.content)
            return await gateway.submitted(self._process, request.headers, payload)
        request_id = request.url.path.rpartition("/")[2]
        return await gateway.asked(self._process, request_id, request.headers[KEY_HEADER])


class SimLibrary:
    """A folder that takes its time, and is sometimes full or not there at all.

    It is the one folder of all processes, and lists what stands in it.
    """

    def __init__(self, process: Process) -> None:
        self._process = process
        self._world = process.world

    def load(self) -> None:
        """Nothing is needed."""

    async def usable(self) -> str:
        """Whether a song could be saved now."""
        gone = self._world.files.folder_gone(trio.current_time())
        return "the folder is not there" if gone else ""

    async def absent(self, song: Song) -> bool:
        """Whether a saved file is not there any more."""
        return not set(song.files) <= self._world.folder

    async def save(self, song: Song, ours: Callable[[], Awaitable[bool]]) -> Saved:
        """Fetch what is missing, and give it its name if the song is still this process's."""
        world, rng = self._world, self._world.rng
        names = [f"/music/{song.handle}-{at}.wav" for at in range(len(song.media_urls))]
        await self._process.door()
        missing = self._missing()
        await anyio.sleep(rng.uniform(0, 5))
        await self._process.door()
        missing = missing or self._missing()
        saved_by = self._saved_by(song)
        if not missing and await ours():
            if saved_by not in ("", self._process.engine._worker):
                world.breach("fence", f"{song.id} is written over what another process saved")
            await self._process.door()
            world.folder.update(names)
        there = tuple(name for name in names if name in world.folder)
        warnings = (f"The audio is not saved yet: {missing.cause}.",) if missing else ()
        return Saved(there, (), warnings, missing if len(there) < len(names) else None)

    def _saved_by(self, song: Song) -> str:
        """The process that has already saved the song, as the ledger has it now."""
        rows = self._world.database.all(SONGS)
        row = next((row for row in rows if row["id"] == song.id), None)
        return str(row["worker"]) if row and row["saving"] == "done" else ""

    def _missing(self) -> Missing | None:
        world, now = self._world, trio.current_time()
        if world.files.folder_gone(now):
            return Missing("the folder is not there", gone=False)
        if world.files.media_gone(now):
            return Missing("the media host answered HTTP 404", gone=True)
        if not world.healed and world.rng.random() < world.files.failing:
            return Missing("No space left on device", gone=False)
        return None
