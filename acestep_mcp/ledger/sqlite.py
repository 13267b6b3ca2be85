"""The ledger in one SQLite file, shared by any number of processes on one machine.

Rollback journal in TRUNCATE mode with synchronous=FULL: a commit is on the disk when it returns.
WAL is not used: SQLite 3.7.0 to 3.51.2 can lose commits when several connections checkpoint one
WAL file, and one process on an old SQLite would be enough. One connection, one thread at a time;
writers take the lock at the start (BEGIN IMMEDIATE), so they queue instead of failing half-way.
"""

import os
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import anyio

from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.domain.song import SongId
from acestep_mcp.domain.text import clean
from acestep_mcp.environment import shortened
from acestep_mcp.ledger.driver import Busy, Params, Queue, Row, Transaction
from acestep_mcp.ledger.schema import META, migrate

T = TypeVar("T")
BUSY_SECONDS = 30.0
"""For which another program may hold the lock, where nobody waits for an answer."""
_SLICE = 0.5
"""Seconds for which one attempt waits for the lock, and keeps the others from trying."""
LOOK_SECONDS = 0.25
"""Between looks for changes by other processes, while somebody waits for one."""


class _SqliteStatements:
    """The open transaction of one connection."""

    __slots__ = ("_db",)

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def all(self, sql: str, params: Params | None = None) -> list[Row]:
        return list(self._db.execute(sql, dict(params or {})))

    def run(self, sql: str, params: Params | None = None) -> int:
        return self._db.execute(sql, dict(params or {})).rowcount

    def exclusive(self, owner: str) -> None:
        """BEGIN IMMEDIATE keeps every other writer out already."""

    def seize(self, sql: str, params: Params) -> list[Row]:
        return self.all(sql, params)  # likewise

    def changed(self, song_id: SongId) -> None:
        """SQLite counts the commits of other connections by itself."""


class SqliteDriver:
    """One file. `threads=False` runs statements on the event loop, for tests on virtual time."""

    def __init__(self, path: Path, *, threads: bool = True) -> None:
        self._path = path
        self._threads = threads
        self._db: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._queue = Queue(1)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` on one consistent view."""
        return await self._in_turn("begin", work)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` alone and commit it to the disk."""
        return await self._in_turn("begin immediate", work)

    async def changes(
        self, wanted: Callable[[], Awaitable[None]]
    ) -> AsyncGenerator[SongId | None, None]:
        """None whenever another connection has committed anything."""
        seen = -1
        while True:
            await wanted()
            now = await self._commits()
            if now != seen:
                yield None
            seen = now
            await anyio.sleep(LOOK_SECONDS)

    async def close(self) -> None:
        """Close the file."""
        self._let_go()

    def _let_go(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    async def _commits(self) -> int:
        """A number that changes with every commit by another connection; 0 if it cannot be had."""
        with suppress(LedgerDown):
            row = (await self.read(lambda tx: tx.all("pragma data_version")))[0]
            return int(row["data_version"])
        return 0

    async def _in_turn(self, begin: str, work: Callable[[Transaction], T]) -> T:
        if not self._threads:
            await anyio.lowlevel.checkpoint()
            return self._transact(begin, work)
        return await self._queue.run(BUSY_SECONDS, lambda _: self._transact(begin, work))

    def _transact(self, begin: str, work: Callable[[Transaction], T]) -> T:
        if self._opened != _file_at(self._path):
            self._let_go()  # moved, replaced or removed since: what is there now is the ledger
        had = self._db
        try:
            try:
                db, result = self._worked(begin, work)
            except sqlite3.DatabaseError as error:
                if had is None or not _is_about_the_file(error):
                    raise
                # Cut off, say. No commit was begun: once more, on the file as it is now.
                self._let_go()
                db, result = self._worked(begin, work)
            with _undone_on_error(db):
                db.execute("commit")
        except (sqlite3.Error, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            down = Busy if _kind(error) in ("BUSY", "LOCKED") else LedgerDown
            raise down(clean(reason, 80), place=shortened(str(self._path))) from error
        return result

    def _worked(self, begin: str, work: Callable[[Transaction], T]) -> tuple[sqlite3.Connection, T]:
        """Everything but the commit."""
        if self._db is None:
            self._db = self._open()
        self._db.execute(begin)
        with _undone_on_error(self._db):
            return self._db, work(_SqliteStatements(self._db))

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Created here, because SQLite would create it readable to everyone.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        db = sqlite3.connect(
            self._path, timeout=_SLICE, isolation_level=None, check_same_thread=False
        )
        try:
            db.row_factory = sqlite3.Row
            db.execute("pragma journal_mode = truncate")
            db.execute("pragma synchronous = full")
            db.execute("pragma fullfsync = on")  # macOS: fsync alone stops at the drive's cache
            db.execute("begin immediate")
            db.execute(META)
            migrate("sqlite", _SqliteStatements(db))
            db.execute("commit")
        except BaseException:
            db.close()
            raise
        self._opened = _file_at(self._path)
        return db


@contextmanager
def _undone_on_error(db: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        if db.in_transaction:
            db.execute("rollback")
        raise


def _file_at(path: Path) -> tuple[int, int] | None:
    """Which file is at the path, whatever its name was before; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_about_the_file(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is not what it was, rather than busy, full or asked for nonsense."""
    return _kind(error) in ("CORRUPT", "NOTADB", "IOERR", "CANTOPEN", "READONLY", "ERROR")


def _kind(error: Exception) -> str:
    """`BUSY`, `FULL`, …; empty for what is no error of SQLite's."""
    return str(getattr(error, "sqlite_errorname", "")).removeprefix("SQLITE_").split("_")[0]
