"""The rig itself starts, however many of its processes come to the database server at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest

from tests.ledger.server import PostgreSQL, postgresql


@pytest.fixture
def server() -> PostgreSQL:
    return postgresql()


@pytest.mark.parametrize("rounds", [2, pytest.param(10, marks=pytest.mark.proof)])
def test_all_that_come_at_the_same_moment_get_their_databases(
    server: PostgreSQL, rounds: int
) -> None:
    from .on_postgres import Server

    gate = Barrier(4)

    def start(number: int) -> str:
        gate.wait(30)
        database = Server(server.url(), f"rig_{rounds}_{number}")
        database.control.close()
        return database.url

    with ThreadPoolExecutor(4) as several:
        urls = set(several.map(start, range(4 * rounds)))

    assert len(urls) == 4 * rounds


def test_nobody_has_to_change_the_role_to_connect_quickly(server: PostgreSQL) -> None:
    sql = "select rolpassword like 'SCRAM-SHA-256$1:%' from pg_authid where rolname = current_user"
    with psycopg.connect(server.url()) as db:
        assert db.execute(sql).fetchone() == (True,)
