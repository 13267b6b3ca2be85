"""The ledger's file is changed under a server that runs: moved, removed, replaced, cut off."""

import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.ledger import Ledger, opened
from tests.test_ledger import ME, NOW, reserve, song

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ledger.sqlite3"


@pytest.fixture
async def ledger(path: Path) -> AsyncIterator[Ledger]:
    """Open, and with one song in it."""
    ledger = opened(path)
    await reserve(ledger, song(1, fingerprint="1"))
    yield ledger
    await ledger.close()


def ids(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return [name for (name,) in db.execute("select id from song order by id")]


def moved(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))


def removed(path: Path) -> None:
    path.unlink()


def without_its_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def replaced_by_nothing(path: Path) -> None:
    path.with_name("new").touch(mode=0o600)
    path.with_name("new").replace(path)


CHANGES = (moved, removed, without_its_folder, emptied, replaced_by_nothing)


@pytest.mark.parametrize("change", CHANGES)
async def test_the_next_order_is_written_where_the_ledger_belongs(
    ledger: Ledger, path: Path, change: Callable[[Path], None]
) -> None:
    change(path)
    await reserve(ledger, song(2, fingerprint="2"))

    assert ids(path) == ["local-2"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert await ledger.find(ME, "local-2") is not None


@pytest.mark.parametrize("change", CHANGES)
async def test_a_question_is_answered_from_what_is_there(
    ledger: Ledger, path: Path, change: Callable[[Path], None]
) -> None:
    change(path)

    assert await ledger.find(ME, "local-1") is None
    await ledger.beat("w", NOW, 10.0)


async def test_what_was_moved_away_is_left_as_it_was_and_can_be_put_back(
    ledger: Ledger, path: Path
) -> None:
    moved(path)
    await reserve(ledger, song(2, fingerprint="2"))
    kept = path.with_name("elsewhere")
    assert ids(kept) == ["local-1"]

    kept.replace(path)
    assert await ledger.find(ME, "local-1") is not None


async def test_another_ledger_in_its_place_is_the_ledger(ledger: Ledger, path: Path) -> None:
    other = opened(path.with_name("other"))
    await reserve(other, song(7, fingerprint="7"))
    await other.close()
    path.with_name("other").replace(path)

    assert await ledger.find(ME, "local-7") is not None


@pytest.mark.parametrize("cut", ["half", "garbage"])
async def test_what_is_no_ledger_is_refused_and_kept_until_somebody_mends_it(
    ledger: Ledger, path: Path, cut: str
) -> None:
    if cut == "half":
        os.truncate(path, path.stat().st_size // 2)
    else:
        path.write_bytes(b"precious" * 5_000)
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(LedgerDown):
            await reserve(ledger, song(2, fingerprint="2"))
    assert path.read_bytes() == before

    path.unlink()
    await reserve(ledger, song(2, fingerprint="2"))
    assert ids(path) == ["local-2"]
