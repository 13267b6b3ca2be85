"""What an engine must offer to carry the ledger, and how long it may take to answer."""

import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

import anyio

from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.domain.song import SongId

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
