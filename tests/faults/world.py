"""One schedule: processes, clients and the gateway in one virtual time."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import trio

from acestep_mcp.domain.song import Owner
from acestep_mcp.engine import Account

from .callbacks import Callbacks
from .clients import Call, Telling, client
from .database import SONGS, UNFINISHED, Store
from .gateway import Gateway, Post
from .own import OwnServer
from .plan import HOUR, Hosting, drawn, files, hosting, steps
from .process import EPOCH, Process

DEADLINE = 4 * HOUR
"""Virtual seconds in which, once everything is healed, every song must have ended."""
_LONGEST_RESTART = 20.0


@dataclass(slots=True)
class Tally:
    """What happened in one schedule, or in many."""

    schedules: int = 0
    calls: int = 0
    posts: int = 0
    admissions: int = 0
    crashes: int = 0
    stops: int = 0
    suspensions: int = 0
    cancellations: int = 0
    callbacks: int = 0
    breaks: int = 0
    doubts: int = 0
    lock_waits: int = 0
    unknowns: int = 0
    clock_steps: int = 0
    saved: int = 0
    unsaved: int = 0
    duplicates: int = 0
    lost: int = 0
    stuck: int = 0
    other: int = 0

    def add(self, more: "Tally") -> None:
        """Count the other's too."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(more, name))


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise that was not kept: which (`duplicate`, `lost`, `stuck`, …), and the story."""

    kind: str
    story: str


@dataclass(slots=True)
class Outcome:
    """One schedule's figures and its breaches."""

    seed: int
    tally: Tally
    breaches: list[Breach] = field(default_factory=list)


class World:
    """Everything one schedule consists of."""

    nursery: trio.Nursery

    def __init__(
        self,
        seed: int,
        store: Store,
        time: Callable[[], float],
        *,
        own: bool = False,
        verbose: bool = False,
    ) -> None:
        self.own = own
        self.time = time  # also for threads, in which trio tells none
        self.seed = seed
        self.rng = Random(seed)
        self.plan = drawn(self.rng)
        self.hosting = Hosting(callbacks=False, own_keys=False) if own else hosting(seed, self.plan)
        self.steps = steps(seed, self.plan.chaos)
        self.files = files(seed, self.plan)
        self.folder: set[str] = set()
        self.deleted: set[int] = set()
        self.tally = Tally(schedules=1)
        self.breaches: list[Breach] = []
        self.verbose = verbose
        self.healed = False
        self.database = store.emptied(self)
        self.gateway = OwnServer(self) if own else Gateway(self)
        self.callbacks = Callbacks(self)
        self.jams: list[list[float]] = []
        self.calls: list[Call] = []
        self.tellings: list[Telling] = []
        # The key names the owner, so that the gateway knows who pays.
        self.accounts = tuple(
            Account(Owner(name), name) for name in ("ada", "bob")[: self.plan.owners]
        )
        self.started: list[Process] = []
        self.alive: list[Process] = []
        self._born = trio.Event()

    @property
    def wall(self) -> float:
        """What the wall clock says."""
        return EPOCH + self.time() + self.steps.by(self.time())

    @property
    def unreachable(self) -> bool:
        """Whether no connection to the gateway can be made."""
        start, end = self.plan.down
        return start <= trio.current_time() < end

    @property
    def weathered(self) -> float:
        """When the last outage of gateway or ledger that has begun is over."""
        spans = (*self.plan.outages, self.plan.down, self.plan.full)
        return max((end for start, end in spans if start <= trio.current_time()), default=0.0)

    @property
    def ledger_full(self) -> bool:
        """Whether the ledger takes no writes."""
        start, end = self.plan.full
        return start <= trio.current_time() < end

    def jammed(self, start: float, end: float) -> bool:
        """Whether a suspended process kept a lock from all others at some moment between."""
        return any(began <= end and start <= freed for began, freed in self.jams)

    def lose(self, post: Post) -> None:
        """Somebody deletes an order's row while its request is under way."""
        (row,) = (row for row in self.rows() if row["payload"].get("seed") == post.seed)
        if self.database.lose(row["id"]):
            self.say(f"the row of order {post.seed} is deleted")
            self.deleted.add(post.seed)

    def breach(self, kind: str, story: str) -> None:
        """A promise was not kept."""
        self.say(f"BREACH {kind}: {story}")
        self.breaches.append(Breach(kind, f"at {trio.current_time():.2f} s: {story}"))

    def say(self, text: str) -> None:
        """Tell the replaying reader what happens."""
        if self.verbose:
            print(f"{trio.current_time():10.2f}  {text}")

    async def run(self) -> None:
        """The schedule: chaos, healing, and time enough to finish everything."""
        async with trio.open_nursery() as self.nursery:
            self.nursery.start_soon(self.database.run)
            for _ in range(self.plan.processes):
                self.nursery.start_soon(self._supervise)
            with trio.move_on_after(self.plan.chaos + HOUR):
                async with trio.open_nursery() as clients:
                    for _ in range(self.plan.clients):
                        clients.start_soon(client, self)
            heals = max(self.plan.heals, self.files.heals, self.database.heals)
            await trio.sleep(max(0.0, heals - trio.current_time()))
            await self._finish()
            self.nursery.cancel_scope.cancel()

    async def process(self) -> Process:
        """A live process; a client whose server died waits for the next."""
        while not self.serving:
            await self._born.wait()
        return self.rng.choice(self.serving)

    @property
    def serving(self) -> list[Process]:
        """The processes that take calls."""
        return [process for process in self.alive if process.calls is not None]

    def up(self, process: Process) -> None:
        """The process takes calls from now on."""
        self.alive = [*self.serving, process]
        self._born.set()
        self._born = trio.Event()

    def rows(self) -> list[Mapping[str, Any]]:
        """The ledger as it stands, payloads parsed."""
        found = self.database.all(SONGS)
        return [{**row, "payload": json.loads(row["payload"])} for row in found]

    async def _supervise(self) -> None:
        """Keep one server running, as a client that restarts it would."""
        rng = self.rng
        while not self.healed:
            process = self._start(mortal=True)
            if rng.random() < 0.3:
                with trio.move_on_after(rng.uniform(0, self.plan.chaos)):
                    await process.over.wait()
                if not self.healed:
                    self._leave(process)
            await process.over.wait()
            await trio.sleep(rng.choice((0.0, rng.uniform(0, _LONGEST_RESTART))))

    def _start(self, *, mortal: bool) -> Process:
        known = () if mortal and self.hosting.own_keys else self.accounts
        process = Process(self, known, mortal=mortal)
        self.started.append(process)
        self.nursery.start_soon(self._live, process)
        return process

    async def _live(self, process: Process) -> None:
        try:
            await process.run()
        except Exception as error:  # noqa: BLE001  # whatever escapes is the finding
            self.breach("escape", f"the engine fell over: {error!r}")
            process.die()

    def _leave(self, process: Process) -> None:
        self.say("a process is stopped")
        self.tally.stops += 1
        process.leave.set()

    @property
    def _finished(self) -> bool:
        """Whether nothing is left to do, nor anybody asleep who has still something to tell."""
        now = trio.current_time()
        awake = all(each.over_at is not None or each.suspended[1] < now for each in self.started)
        return awake and self.gateway.finished and not self.database.all(UNFINISHED)

    async def _finish(self) -> None:
        """Heal everything, and let one last process look after what is left."""
        self.healed = True
        self.say("everything is healed")
        if not self.plan.survivors:
            for process in self.serving:
                self._leave(process)
        last = self._start(mortal=False)
        pause, end = 5.0, trio.current_time() + DEADLINE
        while trio.current_time() < end:
            await trio.sleep(pause)
            if self._finished:
                break
            pause = min(60.0, pause * 1.2)
        last.leave.set()
        await last.over.wait()


class Faults(logging.Handler):
    """What the engine logs as a fault of its own becomes a breach."""

    world: World | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Only faults carry a stack."""
        if record.exc_info and self.world is not None:
            self.world.breach("escape", f"{record.getMessage()}: {record.exc_info[1]!r}")
