"""Connections to the real server, which break where the schedule says so."""

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import psycopg
from psycopg import pq

from acestep_mcp.ledger.driver import Params
from acestep_mcp.ledger.postgres import Connection

from .trip import Trip, step_of

if TYPE_CHECKING:
    from .on_postgres import Server
    from .process import Process

How = Literal["reset", "ended"]
"""The network breaks, or the server ends the session and says so."""
_HOW: tuple[How, ...] = ("reset", "ended")
_FULL = "do $$ begin raise exception 'disk full' using errcode = 'disk_full'; end $$"


class Line:
    """What the driver takes for its psycopg connection, and mostly is one."""

    def __init__(self, db: Connection, process: "Process", lines: "Lines") -> None:
        self._db = db
        self._lines = lines
        self._let_go = False
        self.backend = db.info.backend_pid
        self.process = process
        self.trip: Trip | None = None

    @property
    def closed(self) -> bool:
        return self._let_go or self._db.closed

    @property
    def info(self) -> psycopg.ConnectionInfo:
        return self._db.info

    def execute(self, sql: str, params: Params | None = None) -> psycopg.Cursor[dict[str, Any]]:
        """The next statement of the transaction that is under way on this line."""
        trip = self.trip
        assert trip is not None
        trip.pause(self.backend)
        mishap = trip.mishap(step_of(sql))
        if mishap == "full":
            return self._db.execute(_FULL)
        if mishap == "unheard":
            self._done_unheard(sql, trip)
        if mishap is not None:
            self.cut(trip.draw(_HOW))
            trip.freed()
        cursor = self._db.execute(sql, params)
        self._did(sql, trip)
        return cursor

    def rollback(self) -> None:
        """As the driver does where anything went wrong."""
        try:
            self._db.rollback()
        finally:
            if self.trip is not None:
                self.trip.freed()

    def close(self) -> None:
        """The driver, or the operating system in its place, is done with it."""
        if not self._let_go:
            self._let_go = True
            self._lines.let_go(self, self._db)

    def cut(self, how: How) -> None:
        """Break it; the server has noticed when this returns."""
        if how == "reset":
            with socket.socket(fileno=socket.dup(self._db.fileno())) as wire:
                wire.shutdown(socket.SHUT_RDWR)
        self._lines.server.end(self.backend)

    def _done_unheard(self, sql: str, trip: Trip) -> None:
        """The commit takes effect, unless the line was dead before, and the reply gets lost."""
        result = self._db.pgconn.exec_(sql.encode())
        if not self._db.closed:
            assert result.status == pq.ExecStatus.COMMAND_OK, result.error_message
            self._did(sql, trip)

    def _did(self, sql: str, trip: Trip) -> None:
        if step_of(sql) == "commit":
            trip.did(sql)
            trip.freed()


class Lines:
    """All the connections of one schedule's processes."""

    def __init__(self, server: "Server") -> None:
        self.server = server
        self._open: list[Line] = []
        self._spare: list[Connection] = []

    def connected(self, process: "Process", connect: Callable[[], Connection]) -> Line:
        """A new line; connecting costs most, so a healthy one of another process will do."""
        line = Line(self._spare.pop() if self._spare else connect(), process, self)
        self._open.append(line)
        return line

    def let_go(self, line: Line, db: Connection) -> None:
        """Keep it for another process, or end it."""
        self._open.remove(line)
        if not db.closed and db.info.transaction_status == pq.TransactionStatus.IDLE:
            self._spare.append(db)
        else:
            db.close()
            self.server.end(line.backend)

    def cut(self, process: "Process | None" = None) -> None:
        """End all sessions, or those of one process that are not in use."""
        for line in self._open if process is None else self._unused(process):
            if not line.closed:
                line.cut("ended")

    def hung_up(self, process: "Process") -> None:
        """The process is gone, and its connections with it; a transaction under way goes on."""
        for line in self._unused(process):
            line.close()

    def _unused(self, process: "Process") -> list[Line]:
        return [line for line in self._open if line.process is process and line.trip is None]

    def reset(self) -> None:
        """The schedule is over."""
        for line in list(self._open):
            line.close()
