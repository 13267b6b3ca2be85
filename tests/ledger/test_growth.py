"""What an operation costs must not depend on how many songs there are."""

import inspect
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from acestep_mcp.front import UNFINISHED, UNSAVED
from acestep_mcp.ledger import Ledger
from acestep_mcp.ledger.sqlite import SqliteDriver
from tests.ledger.grown import OPERATIONS, filled

SMALL, LARGE = 1_000, 50_000
"""Of songs that wait for something: all that they hold is read, down to the first."""


class Counted:
    """A grown ledger that counts the steps of SQLite's virtual machine: no clock is as fair."""

    def __init__(self, path: Path, songs: int) -> None:
        self._driver = SqliteDriver(path, threads=False)
        self._ledger = Ledger(self._driver)
        self._steps = 0
        anyio.run(self._driver.write, filled("sqlite", songs))

    @property
    def database(self) -> sqlite3.Connection:
        db = self._driver._db
        assert db is not None
        return db

    def steps(self, name: str) -> int:
        anyio.run(OPERATIONS[name], self._ledger)  # statements are compiled, and songs are there
        self._steps = 0
        self.database.set_progress_handler(self._step, 1)
        anyio.run(OPERATIONS[name], self._ledger)
        self.database.set_progress_handler(None, 0)
        return self._steps

    def _step(self) -> int:
        self._steps += 1
        return 0


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Counted, Counted]]:
    folder = tmp_path_factory.mktemp("grown")
    both = Counted(folder / "small", SMALL), Counted(folder / "large", LARGE)
    yield both
    for each in both:
        each.database.close()


def test_every_operation_is_counted() -> None:
    public = {name for name, _ in inspect.getmembers(Ledger, inspect.isfunction) if name[0] != "_"}
    code = inspect.getsource(inspect.getmodule(filled) or filled)

    assert {each for each in public if f".{each}(" not in code} == {"changes", "close"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_takes_no_more_steps_with_fifty_times_the_songs(
    ledgers: tuple[Counted, Counted], name: str
) -> None:
    small, large = (each.steps(name) for each in ledgers)

    assert large <= 2 * small, (small, large)


def test_at_the_start_a_glance_shows_if_a_song_waits(ledgers: tuple[Counted, Counted]) -> None:
    for ledger in ledgers:
        for name, sql in (("unfinished", UNFINISHED), ("unsaved", UNSAVED)):
            plan = ledger.database.execute(f"explain query plan {sql}").fetchall()

            assert [row["detail"] for row in plan] == [f"SCAN song USING INDEX song_{name}"]
