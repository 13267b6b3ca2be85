"""The real PostgreSQL driver of one process, on lines that break and with others in between."""

import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, TypeVar, cast

import psycopg
import trio

from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.domain.song import SongId
from acestep_mcp.ledger.driver import InDoubt, Transaction
from acestep_mcp.ledger.postgres import _WRITE, Connection, PostgresDriver

from .lines import Line
from .process import Process
from .traffic import Thread
from .trip import Trip

if TYPE_CHECKING:
    from .on_postgres import PostgresDatabase

T = TypeVar("T")
_RETRY = 10.0
"""Virtual seconds within which the engine has tried a failed write again."""


class SimPostgresDriver(PostgresDriver):
    """All of the driver but its threads, its listener and the act of connecting.

    As on SQLite there is a step on both sides of every commit.
    """

    def __init__(self, process: Process, database: "PostgresDatabase") -> None:
        super().__init__(database.server.url)
        self._process = process
        self._database = database
        self._here = threading.local()

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Tell the judge when this process could not write, or not yet."""
        began, retry = trio.current_time(), 0.0
        try:
            return await super().write(work)
        except LedgerDown as down:
            retry = _RETRY
            self._process.world.say(f"process {self._process.number} cannot write: {down!r}")
            raise
        finally:
            self._process.unwritten.append((began, trio.current_time() + retry))

    async def changes(
        self, wanted: Callable[[], Awaitable[None]]
    ) -> AsyncGenerator[SongId | None, None]:
        """What the schedule lets this process hear."""
        await wanted()
        async with aclosing(self._database.notices.heard(self._process)) as heard:
            async for song_id in heard:
                yield song_id

    async def _in_turn(self, work: Callable[..., T], *args: object) -> T:
        await self._process.door()
        async with self._queue.places:
            trip = Trip(self._process, self._database, writes=args[0] is _WRITE)
            if trip.cut_off:
                self._database.lines.cut(self._process)
            try:
                return await self._taken(trip, partial(self._translated, work, *args))
            finally:
                self._database.notices.spread(trip.told)
                if self._process.over_at is not None:
                    self._database.gone(self._process)

    async def _taken(self, trip: Trip, work: Callable[[], T]) -> T:
        """Through the driver at once; in a thread where other transactions are to run meanwhile."""
        work = partial(self._tracked, trip, work)
        if not trip.crowded:
            return work()
        thread = trip.thread = Thread(work)
        return await self._database.traffic.run(thread)

    def _tracked(self, trip: Trip, work: Callable[[], T]) -> T:
        self._here.trip = trip
        return work()

    def _once(self, db: Connection, begin: str, work: Callable[[Transaction], T]) -> T:
        line, trip = cast("Line", db), self._here.trip
        line.trip = trip
        try:
            trip.touch()
            result = super()._once(db, begin, partial(self._uncommitted, line, work))
            trip.touch()
        except InDoubt:
            self._process.world.tally.doubts += 1
            raise
        finally:
            line.trip = None
        return result

    def _uncommitted(self, line: Line, work: Callable[[Transaction], T], tx: Transaction) -> T:
        result = work(tx)
        self._here.trip.touch_open(line)
        return result

    def _connected(self) -> Connection:
        if self._database.away or self._here.trip.mishap("connect") is not None:
            psycopg.connect(**{**self._options, "port": "1"})  # where nobody listens
        line = self._database.lines.connected(self._process, super()._connected)
        return cast("Connection", line)
