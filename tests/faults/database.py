"""Where the ledger of a schedule is kept, which is all that schedules on two engines differ in."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from acestep_mcp.ledger.driver import Driver

if TYPE_CHECKING:
    from .process import Process
    from .world import World

Row = Mapping[str, Any]
UNFINISHED = """
    select 1 from song where state in ('intent', 'sending', 'QUEUED', 'PROCESSING')
    or (state = 'COMPLETED' and saving = 'wanted') limit 1
"""
SONGS = "select * from song order by created_at, id"
BREACHES = "select what from breach"


class Database(Protocol):
    """One schedule's database, as nobody but the schedule itself sees it."""

    @property
    def heals(self) -> float:
        """From when on, in virtual seconds, it has no faults of its own."""
        ...

    @property
    def lock_waits(self) -> int:
        """How often a transaction had to wait for another one so far."""
        ...

    def driver(self, process: "Process") -> Driver:
        """The product's driver, for one process."""
        ...

    def gone(self, process: "Process") -> None:
        """The process is no more."""
        ...

    async def run(self) -> None:
        """What happens to it during the schedule."""
        ...

    def lose(self, song_id: str) -> bool:
        """Delete a song behind everybody's back, where that can be done."""
        ...

    def all(self, sql: str) -> list[Row]:
        """What it holds."""
        ...


class Store(Protocol):
    """What lasts over all schedules of one operating-system process."""

    def emptied(self, world: "World") -> Database:
        """A database for the next schedule."""
        ...


@cache
def store(url: str) -> Store:
    """PostgreSQL where a URL is given, else SQLite."""
    if url:
        from .on_postgres import Server

        return Server(url)
    from .on_sqlite import Memory

    return Memory()
