"""What an engine must offer to carry the ledger, and how long it may take to answer."""

import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

import anyio
import anyio.to_thread

from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.domain.song import SongId

_LOOK = 0.5
"""Seconds after which one who has waited long enough looks whether the ledger is held."""
_SLOW = 1.0
"""Seconds that no transaction takes unless something holds it up."""
_LEAST = 2.0
"""Seconds that one which has its turn is given at least."""
_UNTIL: ContextVar[float] = ContextVar("until", default=math.inf)
Row = Mapping[str, Any]
Params = Mapping[str, Any]
Engine = Literal["sqlite", "postgres"]
T = TypeVar("T")


@contextmanager
def answering_by(until: float) -> Iterator[None]:
    """Have every transaction of this block end by that time of the event loop, or fail.

    Unlike a cancel scope it cuts nothing: who holds a lock for too long makes the ledger `down`,
    and what was committed is committed. Tasks started in the block inherit it.
    """
    token = _UNTIL.set(min(until, _UNTIL.get()))
    try:
        yield
    finally:
        _UNTIL.reset(token)


def taking_its_time() -> None:
    """From here on this task is bound by no caller's time."""
    _UNTIL.set(math.inf)


def patience(longest: float) -> float:
    """Seconds that a transaction which begins now may take, at most `longest`."""
    return max(0.0, min(longest, _UNTIL.get() - anyio.current_time()))


class Busy(LedgerDown):
    """Others hold what the transaction needs; nothing was done."""


class Queue:
    """Whose transaction is next: those who wait are told in time where the ledger is held.

    A long queue that moves is a busy ledger and none that is down, so nobody leaves it for that,
    nor because the event loop has so much to do that nothing gets on for a while.
    """

    def __init__(self, places: int) -> None:
        self.places = anyio.CapacityLimiter(places)
        self._threads = anyio.CapacityLimiter(places)
        self._began: dict[object, float] = {}
        self._was_busy = False

    async def run(self, longest: float, work: Callable[[float], T]) -> T:
        """Run `work`, which is given its seconds, in a thread, and again while it is `Busy`.

        A thread that has begun is waited for whatever happens: no commit is torn.

        Raises:
            LedgerDown: It did not get its turn, or not what it needs, in the time it had.
        """
        until = anyio.current_time() + patience(longest)
        down = Busy("it is busy")
        while await self._has_turn(until):
            seconds = max(_LEAST, until - anyio.current_time())
            try:
                return await anyio.to_thread.run_sync(
                    self._watched, work, seconds, limiter=self._threads
                )
            except Busy as error:
                down = error
                if anyio.current_time() >= until:
                    break
            finally:
                self.places.release()
        raise down

    async def _has_turn(self, until: float) -> bool:
        """Wait for a place; False where the time is over and the ledger is held."""
        while True:
            with anyio.CancelScope(deadline=max(until, anyio.current_time() + _LOOK)):
                await self.places.acquire()
                return True
            if self._is_held():
                return False

    def _watched(self, work: Callable[[float], T], seconds: float) -> T:
        me = object()
        self._began[me] = time.monotonic()
        try:
            result = work(seconds)
        except Busy:
            self._was_busy = True
            raise
        finally:
            del self._began[me]
        self._was_busy = False
        return result

    def _is_held(self) -> bool:
        now = time.monotonic()
        slow = [now - began > _SLOW for began in list(self._began.values())]
        return self._was_busy or (bool(slow) and all(slow))


@dataclass(eq=False)
class InDoubt(LedgerDown):
    """The connection broke during a commit: the work took effect, or it did not.

    `result` is what the work had returned.
    """

    result: object = None


class Transaction(Protocol):
    """Statements that take effect together. Parameters are named, `:name`."""

    def all(self, sql: str, params: Params | None = None) -> list[Row]:
        """Run one statement and return its rows."""
        ...

    def run(self, sql: str, params: Params | None = None) -> int:
        """Run one statement and return how many rows it touched."""
        ...

    def exclusive(self, owner: str) -> None:
        """Keep every other transaction that asks this for the same owner out until the end."""
        ...

    def seize(self, sql: str, params: Params) -> list[Row]:
        """Run a select, keep its rows from other writers, and leave out what they have in hand."""
        ...

    def changed(self, song_id: SongId) -> None:
        """Have everyone who listens hear, once this is committed, that the song changed."""
        ...


class Driver(Protocol):
    """One database. `work` runs off the event loop and is never cut in the middle.

    It has no effect but through its transaction: it may be run again on another connection
    where the first one turns out to be dead before the commit.

    Raises:
        LedgerDown: The database cannot be reached, read or written.
    """

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` on one consistent view."""
        ...

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`, commit durably, and return what it returned; nothing of it on an error.

        Raises:
            InDoubt: Nobody knows whether the commit took effect. Never tried again by itself.
        """
        ...

    def changes(self, wanted: Callable[[], Awaitable[None]]) -> AsyncGenerator[SongId | None, None]:
        """For ever: songs that changed; None where any song may have.

        Only ever a hint, that may come late, twice or not at all. `wanted` returns when somebody
        waits for one: an engine that has to look for changes looks only then.
        """
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...
