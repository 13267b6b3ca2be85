"""The ledger in PostgreSQL, shared by any number of processes on any number of machines.

READ COMMITTED is enough: every change compares and sets the song's version, and what must happen
once per owner happens under that owner's advisory lock. Everything lives in the schema `acestep`,
and what a session needs is said at the start of each transaction and of no session, so a pooler
such as PgBouncer may stand in between, in any mode.

An error before the commit means that nothing happened. One during the commit leaves the outcome
open, which is `InDoubt` and never tried again here.
"""

import math
import re
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, TypeVar

import anyio
import psycopg
from psycopg import pq
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from psycopg.sql import quote

from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.domain.song import SongId
from acestep_mcp.domain.text import clean
from acestep_mcp.ledger.driver import InDoubt, Params, Queue, Row, Transaction
from acestep_mcp.ledger.schema import META, is_old, migrate
from acestep_mcp.settings import SettingsError

T = TypeVar("T")
Connection = psycopg.Connection[dict[str, Any]]

CONNECTIONS = 4
"""Per process, and one more that listens. A transaction takes milliseconds; others queue."""
LONGEST = 10.0
"""Seconds for a transaction where nobody waits for an answer."""
UPGRADE = 900.0
"""Seconds for bringing the tables of an earlier version up to date, whoever waits."""
_AFTERWARDS = 2.0
"""Seconds that are left at least, after that, for what was to be done."""
KEEP_ALIVE = 30.0
RECONNECT = 1.0
CHANNEL = "acestep_song"

_IN_CASE = {
    "connect_timeout": "2",
    "target_session_attrs": "read-write",  # never a replica: what it knows is late
    "keepalives_idle": "30",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "application_name": "acestep-mcp",
}
_ALWAYS = {"client_encoding": "utf8"}
# A suspended process must not keep an owner's lock: the server ends its transaction.
_TERMS = """
    set local search_path to acestep;
    set local synchronous_commit to on;
    set local statement_timeout to '30s';
    set local idle_in_transaction_session_timeout to '30s'
"""
_READ = f"begin isolation level repeatable read read only; {_TERMS}"
_WRITE = f"begin isolation level read committed; {_TERMS}"
_SCHEMA_LOCK = "select pg_advisory_xact_lock(hashtextextended('acestep-mcp: schema', 0))"
_OWNER_LOCK = "select pg_advisory_xact_lock(hashtextextended('acestep-mcp: ' || :owner, 0))"
_LOOK = """
    select to_regnamespace('acestep') is not null as schema,
        to_regclass('acestep.meta') is not null as tables,
        current_setting('server_encoding') as encoding
"""
_here = threading.local()
"""Until when, on the monotonic clock, the transaction of this thread may take."""
_PLACE = re.compile(r"'[^']*'|%|(?<!:):([a-z_][a-z_0-9]*)")
_PREAMBLE = re.compile(r"^.*(?:FATAL: +|ERROR: +|failed: )")


class PostgresDriver:
    """One database, named by a libpq URL. Nothing is opened before it is needed.

    Raises:
        SettingsError: The URL cannot be used.
    """

    def __init__(self, url: str) -> None:
        try:
            given = conninfo_to_dict(url)
        except psycopg.ProgrammingError:
            # libpq quotes the part it cannot read, and that may be the password.
            raise SettingsError(
                "ACESTEP_DATABASE_URL is not usable: give postgresql://user:password@host/database "
                "with special characters percent-encoded"
            ) from None
        self._options: dict[str, Any] = {**_IN_CASE, **given, **_ALWAYS}
        self._secrets = [str(given[name]) for name in ("password", "sslpassword") if name in given]
        self._idle: list[Connection] = []
        self._queue = Queue(CONNECTIONS)
        self._migrated = False

    def __repr__(self) -> str:
        """Never the password."""
        return f"PostgresDriver({self._options.get('host', '')!r})"

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` on one consistent view."""
        return await self._in_turn(self._transact, _READ, work)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` and commit it to the server's disk."""
        return await self._in_turn(self._transact, _WRITE, work)

    async def changes(
        self, wanted: Callable[[], Awaitable[None]]
    ) -> AsyncGenerator[SongId | None, None]:
        """Songs as the server tells of their changes; None after each time nobody listened."""
        await wanted()
        while True:
            with suppress(LedgerDown):
                db = await self._in_turn(self._listening)
                try:
                    yield None
                    async for song_id in self._heard(db):
                        yield song_id
                finally:
                    db.close()
            await anyio.sleep(RECONNECT)

    async def close(self) -> None:
        """Close the idle connections; there are no others, since nothing is under way."""
        while self._idle:
            self._idle.pop().close()

    async def _in_turn(self, work: Callable[..., T], *args: object) -> T:
        return await self._queue.run(LONGEST, lambda seconds: self._within(seconds, work, *args))

    def _within(self, seconds: float, work: Callable[..., T], *args: object) -> T:
        """Run `work`; the server has to say something within these seconds."""
        _here.until = time.monotonic() + seconds
        try:
            return self._translated(work, *args)
        finally:
            _here.until = math.inf

    def _translated(self, work: Callable[..., T], *args: object) -> T:
        try:
            return work(*args)
        except psycopg.Error as error:
            raise LedgerDown(self._cause(error)) from error

    def _transact(self, begin: str, work: Callable[[Transaction], T]) -> T:
        while True:
            idle = self._from_pool()
            db = idle or self._ready()
            try:
                return self._once(db, begin, work)
            except psycopg.OperationalError:
                # It had died in the pool, before anything was committed: on with the next one,
                # and in the end with a new one, as long as there is time for it.
                if idle is None or not db.closed or _time_is_over():
                    raise
            finally:
                self._to_pool(db)

    def _once(self, db: Connection, begin: str, work: Callable[[Transaction], T]) -> T:
        statements = _Statements(db)
        try:
            db.execute(begin)
            result = work(statements)
        except BaseException:
            with suppress(psycopg.Error):
                db.rollback()
            raise
        try:
            _last(db.execute(ending(statements.told)))
        except psycopg.Error as error:
            if begin is _WRITE and db.closed:
                raise InDoubt(self._cause(error), result) from error
            raise
        return result

    def _from_pool(self) -> Connection | None:
        with suppress(IndexError):
            return self._idle.pop()
        return None

    def _to_pool(self, db: Connection) -> None:
        if not db.closed and db.info.transaction_status == pq.TransactionStatus.IDLE:
            self._idle.append(db)
        else:
            db.close()

    def _ready(self) -> Connection:
        """A new connection to a database that has this version's tables."""
        db = self._connected()
        if not self._migrated:
            until = getattr(_here, "until", math.inf)
            try:
                self._once(db, _WRITE, _prepare)
            except InDoubt as doubt:  # which is about the tables, and not about the work to come
                raise LedgerDown(doubt.cause) from doubt
            except BaseException:
                db.close()
                raise
            self._migrated = True
            _here.until = max(until, time.monotonic() + _AFTERWARDS)
        return db

    def _connected(self) -> Connection:
        # Statements are not prepared: a pooler may run the next one on another connection.
        return _Connection.connect(
            **self._options, autocommit=True, prepare_threshold=None, row_factory=dict_row
        )

    def _listening(self) -> Connection:
        db = self._connected()
        try:
            db.execute(f"listen {CHANNEL}")
        except BaseException:
            db.close()
            raise
        return db

    async def _heard(self, db: Connection) -> AsyncGenerator[SongId | None, None]:
        while True:
            with anyio.move_on_after(KEEP_ALIVE) as silence:
                await anyio.wait_readable(db.fileno())
            if silence.cancelled_caught:
                # Finds out if the server is still there, and swallows what it tells meanwhile.
                await self._in_turn(db.execute, "select 1")
                yield None
            for song_id in self._translated(_told, db):
                yield song_id

    def _cause(self, error: psycopg.Error) -> str:
        """What went wrong, in a few words without any part of the URL that is secret."""
        text = error.diag.message_primary or str(error).strip().split("\n")[0]
        for secret in filter(None, self._secrets):
            text = text.replace(secret, "…")
        return clean(f"PostgreSQL: {_PREAMBLE.sub('', text)}", 120)


class _Connection(psycopg.Connection[dict[str, Any]]):
    """One that does not wait for ever for a server that is stopped, and takes all and says nothing.

    What ends it is an error on a closed connection. During a commit that leaves the outcome open.
    """

    def wait(self, gen: PQGen[Any], *args: Any, **more: Any) -> Any:  # noqa: ANN401  # psycopg's signature
        """Consume what psycopg does on the connection."""
        return super().wait(self._timed(gen), *args, **more)

    def _timed(self, gen: PQGen[Any]) -> PQGen[Any]:
        """The same, looking at the clock whenever nothing has come for an interval."""
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if _time_is_over():
                    self.pgconn.finish()
                    raise psycopg.OperationalError("it did not answer in time")
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value


def _time_is_over() -> bool:
    return time.monotonic() > getattr(_here, "until", math.inf)


class _Statements:
    """The open transaction of one connection. `told` are the songs that it changed."""

    __slots__ = ("_db", "told")

    def __init__(self, db: Connection) -> None:
        self._db = db
        self.told: set[SongId] = set()

    def all(self, sql: str, params: Params | None = None) -> list[Row]:
        return list(self._execute(sql, params))

    def run(self, sql: str, params: Params | None = None) -> int:
        return self._execute(sql, params).rowcount

    def exclusive(self, owner: str) -> None:
        self._execute(_OWNER_LOCK, {"owner": owner})

    def seize(self, sql: str, params: Params) -> list[Row]:
        return self.all(f"{sql} for update skip locked", params)

    def changed(self, song_id: SongId) -> None:
        self.told.add(song_id)

    def _execute(self, sql: str, params: Params | None) -> psycopg.Cursor[dict[str, Any]]:
        return self._db.execute(_with_places(sql), _storable(params or {}))


@lru_cache(maxsize=128)
def _with_places(sql: str) -> str:
    """`:name` as psycopg wants it; text in quotes is left alone."""
    return _PLACE.sub(lambda m: f"%({m[1]})s" if m[1] else m[0].replace("%", "%%"), sql)


def _storable(params: Params) -> Mapping[str, Any]:
    """PostgreSQL text holds every character but NUL, which no song has and a search may."""
    return {
        name: value.replace("\0", "\ufffd") if isinstance(value, str) else value
        for name, value in params.items()
    }


def ending(told: set[SongId]) -> str:
    """The commit, and in the same message to the server what others are told when it is done."""
    notes = (f"select pg_notify('{CHANNEL}', {quote(song_id)}); " for song_id in sorted(told))
    return "".join(notes) + "commit"


def _last(cursor: psycopg.Cursor[Any]) -> None:
    while cursor.nextset():
        pass


def _told(db: Connection) -> list[SongId]:
    """What the server has told since the last time."""
    db.pgconn.consume_input()
    notes = iter(db.pgconn.notifies, None)
    return [SongId(note.extra.decode()) for note in notes if note.relname == CHANNEL.encode()]


def _prepare(tx: Transaction) -> None:
    """This version's tables, made by whoever comes first; the others wait for it."""
    tx.run(_SCHEMA_LOCK)
    found = tx.all(_LOOK)[0]
    if found["encoding"] != "UTF8":
        raise LedgerDown(f"the database's encoding is {found['encoding']}; create it with UTF8")
    # Only what is missing is created, so that the server may run as a user who may not.
    if not found["schema"]:
        tx.run("create schema acestep")
    if not found["tables"]:
        tx.run(META)
    if is_old(tx):
        # A million songs take longer than a call may. Cut off, it would begin anew every time.
        tx.run("set local statement_timeout to 0")
        _here.until = time.monotonic() + UPGRADE
    migrate("postgres", tx)
