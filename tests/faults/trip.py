"""One transaction on its way through the driver: who comes in between, and where it breaks."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import trio

from acestep_mcp.domain.song import SongId

from .traffic import Thread

if TYPE_CHECKING:
    from .lines import Line
    from .on_postgres import PostgresDatabase
    from .process import Process

T = TypeVar("T")
Step = Literal["connect", "begin", "statement", "commit"]
Kind = Literal["lost", "unheard", "full"]
"""The statement never arrives, or has its effect and the reply is lost, or the disk is full."""
_IDLE = 30.0
"""Virtual seconds after which the server ends a transaction whose process says nothing."""
_AGAIN = 0.3
_NEAR = 0.1
_BURST = 4
_LONELY = 0.1
_READS = 0.2
"""Reads are many, and what breaks one tells little."""
_MISHAPS: tuple[tuple[Step, Kind], ...] = (
    ("connect", "lost"),
    ("begin", "lost"),
    ("statement", "lost"),
    ("commit", "lost"),
    ("commit", "lost"),
    ("commit", "unheard"),
    ("commit", "unheard"),
)
_NOTE = re.compile(r"pg_notify\('\w+', +'([^']+)'\)")


class Trip:
    """All attempts at one transaction. `told` are the songs whose changes were committed."""

    def __init__(self, process: "Process", database: "PostgresDatabase", *, writes: bool) -> None:
        self._process = process
        self._database = database
        self._world = process.world
        self._rng = database.rng
        self.crowded = writes and self._is_crowded()
        self.thread: Thread[Any] | None = None
        self.told: list[SongId] = []
        self._mishaps = [] if self._world.healed else list(self._drawn(writes=writes))

    @property
    def cut_off(self) -> bool:
        """Whether the server cannot be reached this time."""
        return any(at == "connect" for at, _ in self._mishaps)

    def chance(self, odds: float) -> bool:
        return self._rng.random() < odds

    def draw(self, of: Sequence[T]) -> T:
        return self._rng.choice(of)

    def touch(self) -> None:
        """A step outside of a transaction, at which the process may die or be suspended."""
        if self.thread is None:
            self._process.touch()
        else:
            self.thread.ask(self._process.door)

    def touch_open(self, line: "Line") -> None:
        """The same, with all statements done and nothing committed."""
        if self.thread is None:
            self._process.touch()
        else:
            self.thread.ask(partial(self._held, line))

    def pause(self, backend: int) -> None:
        """Before a statement: others may come first."""
        if self.thread is not None:
            self.thread.backend = backend
            if self.chance(0.5):
                self.thread.ask(self._others)

    def freed(self) -> None:
        """Locks may have been freed."""
        if self.thread is not None and self._database.traffic.jammed:
            self.thread.ask(self._settled)

    def mishap(self, step: Step) -> Kind | None:
        """What goes wrong at this step; each mishap happens once."""
        for at, kind in self._mishaps:
            if at == step:
                self._mishaps.remove((at, kind))
                self._world.tally.breaks += 1
                return kind
        return None

    def did(self, sql: str) -> None:
        """The server did it, whatever is heard of it."""
        self.told += [SongId(name) for name in _NOTE.findall(sql)]

    def _is_crowded(self) -> bool:
        """Whether others may come in between. Few do where nothing else happened just before.

        What only reads waits for nobody, and its view is the same whoever comes in between.
        """
        database, just_now = self._database, trio.current_time() - _NEAR
        calls = sum(call.at > just_now for call in self._world.calls[-_BURST:])
        busy = calls > 1 or database.written_at > just_now
        database.written_at = trio.current_time()
        return database.traffic.dense or self.chance(
            database.weather.crowded * (1.0 if busy else _LONELY)
        )

    def _drawn(self, *, writes: bool) -> Iterator[tuple[Step, Kind]]:
        if writes and self._world.ledger_full:
            yield "statement", "full"
        odds = self._database.weather.breaking * (1.0 if writes else _READS)
        while self.chance(odds):
            yield self._rng.choice(_MISHAPS)
            odds = _AGAIN

    async def _settled(self) -> None:
        self._database.traffic.settle()

    async def _others(self) -> None:
        await trio.sleep(self._rng.choice((0.0, 0.0, 0.001, 0.02)))

    async def _held(self, line: "Line") -> None:
        """A process that is suspended now keeps its locks, until the server has enough of it."""
        if not self._world.healed and self.chance(self._database.weather.stalling):
            self._process.suspend(self._rng.uniform(1, 60))
        jam = [trio.current_time(), inf]
        self._world.jams.append(jam)
        try:
            with trio.move_on_after(_IDLE) as patience:
                await self._process.door()
        finally:
            jam[1] = trio.current_time()
        if patience.cancelled_caught:
            line.cut("ended")
            self._database.traffic.settle()
            await self._process.door()


def step_of(sql: str) -> Step:
    """Which part of a transaction a statement of the driver is."""
    if sql.endswith("commit"):
        return "commit"
    return "begin" if sql.startswith("begin") else "statement"
