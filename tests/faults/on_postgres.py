"""Schedules on a real PostgreSQL: one database per operating-system process, emptied for each."""

import os
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import trio
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

from acestep_mcp.ledger.driver import Driver
from acestep_mcp.ledger.postgres import PostgresDriver

from .database import Row
from .lines import Lines
from .notices import Notices
from .plan import weather
from .postgres_process import SimPostgresDriver
from .traffic import Traffic

if TYPE_CHECKING:
    from .process import Process
    from .world import World

_WATCH = """
    create table breach (what text);
    create function report() returns trigger language plpgsql as
        'begin insert into breach values (old.id || tg_argv[0]); return old; end';
    create trigger frozen after update on song for each row
        when (old.state in ('COMPLETED', 'FAILED', 'ERROR') and new.state <> old.state
            and old.presumed = 0)
        execute function report(' has ended and changed its state');
    create trigger counted after update on song for each row
        when (new.version <> old.version + 1)
        execute function report(' skipped a version');
    create trigger kept before delete on song for each row
        when (old.request_id is not null and old.fingerprint <> '')
        execute function report(' was deleted, and was paid for');
    alter table song set (autovacuum_enabled = off)
"""
"""Without vacuum, the order of rows is the schedule's own, so a seed means the same again."""


class Server:
    """One database of its own on the server at `url`, with the product's tables in it."""

    def __init__(self, url: str, name: str = "") -> None:
        name = name or f"faults_{os.getpid()}"
        with psycopg.connect(url, autocommit=True) as db:
            db.execute(SQL("create database {}").format(Identifier(name)))
        self.url = urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        driver = PostgresDriver(self.url)
        driver._ready().close()  # makes the tables
        self.control: psycopg.Connection[dict[str, Any]] = psycopg.connect(
            self.url, autocommit=True, row_factory=dict_row, options="-c search_path=acestep"
        )
        self.control.execute(_WATCH)
        self.lines = Lines(self)

    def emptied(self, world: "World") -> "PostgresDatabase":
        """Without anything of the schedule before."""
        self.lines.reset()
        self.control.execute("truncate song, word, tally, bought, worker, breach")
        return PostgresDatabase(self, world)

    def blocked(self, backend: int) -> bool:
        """Whether that backend waits for a lock."""
        sql = "select cardinality(pg_blocking_pids(%s)) > 0 as blocked"
        found = self.control.execute(sql, (backend,)).fetchone()
        return bool(found and found["blocked"])

    def cancel(self, backend: int) -> None:
        """End its statement."""
        self.control.execute("select pg_cancel_backend(%s)", (backend,))

    def end(self, backend: int) -> None:
        """End it, and return when its locks are free."""
        self.control.execute("select pg_terminate_backend(%s)", (backend,))
        there = "select 1 from pg_stat_activity where pid = %s"
        while self.control.execute(there, (backend,)).fetchone():
            pass


class PostgresDatabase:
    """One schedule's database, with a server and a network that have faults."""

    def __init__(self, server: Server, world: "World") -> None:
        self.server = server
        self.world = world
        self.weather = weather(world.seed, world.plan.chaos)
        self.rng = Random(f"database {world.seed}")
        self.traffic = Traffic(server.blocked, server.cancel)
        self.lines = server.lines
        self.notices = Notices(self)
        self.away = False
        self.written_at = -1.0

    @property
    def heals(self) -> float:
        """When the last outage of the server ends."""
        return max((end for _, end in self.weather.away), default=0.0)

    @property
    def lock_waits(self) -> int:
        """How often a transaction had to wait for another one so far."""
        return self.traffic.waits

    def driver(self, process: "Process") -> Driver:
        """The product's driver, on connections that break."""
        return SimPostgresDriver(process, self)

    def gone(self, process: "Process") -> None:
        """The server notices that its client is gone, except in a transaction under way."""
        self.lines.hung_up(process)

    async def run(self) -> None:
        """The server goes down and comes back: what was not committed is gone, and all sessions."""
        for start, end in sorted(self.weather.away):
            await trio.sleep_until(start)
            self.world.say("the database server goes down")
            self.away = True
            self.lines.cut()
            self.traffic.settle()
            self.notices.cut()
            await trio.sleep_until(end)
            self.away = False

    def lose(self, _song_id: str) -> bool:
        """Not here: it would wait for locks of transactions that stand still meanwhile."""
        return False

    def all(self, sql: str) -> list[Row]:
        """What it holds."""
        return list(self.server.control.execute(sql))
