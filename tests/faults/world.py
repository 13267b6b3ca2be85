"""One schedule: processes, clients and the gateway in one virtual time."""

import json
import logging
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

import trio

from acestep_mcp.domain.song import Owner
from acestep_mcp.ledger.schema import STEPS
from acestep_mcp.studio import Account

from .clients import Call, Telling, client
from .gateway import Gateway
from .plan import HOUR, drawn
from .process import Process

DEADLINE = 4 * HOUR
"""Virtual seconds in which, once everything is healed, every song must have ended."""
_LONGEST_RESTART = 20.0
_NOT_DONE = """
    select 1 from song where state in ('intent', 'sending', 'QUEUED', 'PROCESSING')
    or (state = 'COMPLETED' and saving = 'wanted') limit 1
"""
_WATCH = (
    "create table breach (what text)",
    """
    create trigger frozen after update on song
    when old.state in ('COMPLETED', 'FAILED', 'ERROR') and new.state <> old.state
    begin
        insert into breach values (old.id || ' went from ' || old.state || ' to ' || new.state);
    end
    """,
    """
    create trigger counted after update on song when new.version <> old.version + 1
    begin insert into breach values (old.id || ' skipped a version'); end
    """,
    """
    create trigger kept before delete on song
    when old.request_id is not null and old.fingerprint <> ''
    begin insert into breach values (old.id || ' was deleted, and was paid for'); end
    """,
)


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
    unknowns: int = 0
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

    def __init__(self, seed: int, *, verbose: bool = False) -> None:
        self.rng = Random(seed)
        self.plan = drawn(self.rng)
        self.tally = Tally(schedules=1)
        self.breaches: list[Breach] = []
        self.verbose = verbose
        self.healed = False
        self.database = _database()
        self.gateway = Gateway(self)
        self.calls: list[Call] = []
        self.tellings: list[Telling] = []
        # The key names the owner, so that the gateway knows who pays.
        self.accounts = tuple(
            Account(Owner(name), name) for name in ("ada", "bob")[: self.plan.owners]
        )
        self.alive: list[Process] = []
        self._born = trio.Event()

    @property
    def unreachable(self) -> bool:
        """Whether no connection to the gateway can be made."""
        start, end = self.plan.down
        return start <= trio.current_time() < end

    @property
    def ledger_full(self) -> bool:
        """Whether the ledger takes no writes."""
        start, end = self.plan.full
        return start <= trio.current_time() < end

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
            for _ in range(self.plan.processes):
                self.nursery.start_soon(self._supervise)
            with trio.move_on_after(self.plan.chaos + HOUR):
                async with trio.open_nursery() as clients:
                    for _ in range(self.plan.clients):
                        clients.start_soon(client, self)
            await trio.sleep(max(0.0, self.plan.heals - trio.current_time()))
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
        found = self.database.execute("select * from song order by created_at, id")
        return [{**row, "payload": json.loads(row["payload"])} for row in map(dict, found)]

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
        process = Process(self, self.accounts, mortal=mortal)
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
            if self.gateway.finished and not self.database.execute(_NOT_DONE).fetchall():
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


@cache
def _shared_database() -> sqlite3.Connection:
    """One database in memory, kept over all processes and schedules: fsync is not the matter."""
    database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    database.row_factory = sqlite3.Row
    for step in (*STEPS, _WATCH):
        for statement in step:
            database.execute(statement)
    return database


def _database() -> sqlite3.Connection:
    database = _shared_database()
    if database.in_transaction:
        database.execute("rollback")
    database.execute("update song set request_id = null")  # deleting a paid song is watched
    for table in ("song", "worker", "breach"):
        database.execute(f"delete from {table}")  # noqa: S608  # the names above
    return database
