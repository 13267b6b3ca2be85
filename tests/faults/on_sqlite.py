"""Schedules on SQLite: one database in memory for all processes. fsync is not the matter here."""

import sqlite3
from typing import TYPE_CHECKING

from acestep_mcp.ledger.driver import Driver
from acestep_mcp.ledger.schema import STEPS, statements

from . import process as processes
from .database import Row

if TYPE_CHECKING:
    from .process import Process
    from .world import World

_WATCH = (
    "create table breach (what text)",
    """
    create trigger frozen after update on song
    when old.state in ('COMPLETED', 'FAILED', 'ERROR') and new.state <> old.state
    and old.presumed = 0
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


class Memory:
    """The one database; its own `Database`, since nothing of it is a schedule's."""

    heals = 0.0
    lock_waits = 0

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.connection.row_factory = sqlite3.Row
        for step in (*STEPS, _WATCH):
            for statement in statements(step, "sqlite"):
                self.connection.execute(statement)

    def emptied(self, _world: "World") -> "Memory":
        """Without the songs of the schedule before."""
        if self.connection.in_transaction:
            self.connection.execute("rollback")
        # Deleting a paid song is watched.
        self.connection.execute("update song set request_id = null")
        for table in ("song", "word", "tally", "bought", "worker", "breach"):
            self.connection.execute(f"delete from {table}")  # noqa: S608  # the names above
        return self

    def driver(self, process: "Process") -> Driver:
        """The product's, on the one connection."""
        return processes.SimDriver(process, self.connection)

    def gone(self, process: "Process") -> None:
        """Nothing of it is left here."""

    async def run(self) -> None:
        """A file has no faults but those of the plan."""

    def lose(self, song_id: str) -> bool:
        """Delete a song that nobody has a lock on, as a restored backup would."""
        self.connection.execute("delete from song where id = ?", (song_id,))
        return True

    def all(self, sql: str) -> list[Row]:
        """What it holds."""
        return [dict(row) for row in self.connection.execute(sql)]
