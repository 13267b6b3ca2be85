"""A ledger of version 0.1.0, opened by this one, perhaps while the old server still runs."""

import hashlib
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from acestep_mcp.domain.errors import LimitReached
from acestep_mcp.domain.song import RequestId, SongId, accepted
from acestep_mcp.ledger import Bought, Ledger, opened
from acestep_mcp.ledger.driver import Transaction, answering_by
from acestep_mcp.ledger.rows import to_row
from acestep_mcp.ledger.schema import META, STEPS
from tests.ledger.server import emptied
from tests.test_ledger import ME, NOW, song

pytestmark = pytest.mark.anyio

Connect = Callable[[], Ledger]
OLD = (
    *("id", "owner", "fingerprint", "model", "title", "payload", "tracks", "state", "created_at"),
    *("saving", "worker", "version", "request_id", "media_urls", "media_type", "files", "sound"),
    *("warnings", "error", "updated_at", "completed_at", "took", "delivered", "words"),
)
"""The columns as 0.1.0 wrote them."""
INSERT = f"insert into song ({', '.join(OLD)}) values ({', '.join(':' + name for name in OLD)})"  # noqa: S608
UPDATE = (
    f"update song set {', '.join(f'{name} = :{name}' for name in OLD)} "  # noqa: S608
    "where id = :id and owner = :owner and version = :version - 1"
)
FORGET = "delete from song where id = :id and owner = :owner and request_id is null"
RELEASED = "7ed9a8be"
LYRICS = "I walk the harbour wall alone and count the lights out on the bay tonight"


@pytest.fixture(params=["sqlite", "postgres"])
async def connect(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Connect]:
    """Opens the test's ledger by this version; `release` makes it one of 0.1.0."""
    url = emptied().url() if request.param == "postgres" else ""
    ledgers: list[Ledger] = []

    def another() -> Ledger:
        ledgers.append(opened(tmp_path / "ledger.sqlite3", url))
        return ledgers[-1]

    yield another
    for ledger in ledgers:
        await ledger.close()


async def released(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """The ledger as 0.1.0 made it, in the hands of a server that still runs."""
    with monkeypatch.context() as before:
        before.setattr("acestep_mcp.ledger.schema.STEPS", STEPS[:1])
        old = connect()
        await old.driver.write(lambda tx: tx.all("select version from meta"))
    return old


def row(number: int, **fields: Any) -> dict[str, Any]:
    written = to_row(song(number, fingerprint=str(number), **fields))
    return {name: written.get(name, "as it was searched for") for name in OLD}


def test_the_first_step_is_the_one_that_was_released() -> None:
    assert META == "create table if not exists meta (version integer not null)"
    assert hashlib.sha256("\n".join(map(str, STEPS[0])).encode()).hexdigest()[:8] == RELEASED


async def test_its_songs_are_counted_listed_and_found(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await released(connect, monkeypatch)

    def write(tx: Transaction) -> None:
        for number in range(30):
            state = ("COMPLETED", "FAILED", "UNKNOWN", "sending", "intent")[number % 5]
            created = NOW - number * 4_000
            lyrics = {"prompt": f"song {number}", "lyrics": LYRICS}
            tx.run(INSERT, row(number, state=state, created_at=created, payload=lyrics, tracks=2))

    await old.driver.write(write)
    new = connect()

    assert [(await new.page(ME, limit=limit)).total for limit in (3, 50)] == [24, 24]
    assert (await new.page(ME, limit=3, status="UNKNOWN")).total == 12
    assert await new.bought(ME, NOW) == Bought(tracks=24, unknown=24, today=44)
    with pytest.raises(LimitReached) as refused:
        await new.reserve(song(99, created_at=NOW), limit=44, reuse=True, lease=10.0)
    assert refused.value.used == 44
    page = await new.page(ME, limit=50, search="HARBOUR light")
    assert (page.total, page.exact, len(page.songs)) == (24, True, 24)


async def test_its_songs_are_the_only_providers_that_there_was(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await released(connect, monkeypatch)
    await old.driver.write(lambda tx: tx.run(INSERT, row(1, state="QUEUED")))
    new = connect()
    before = await new.find(ME, "local-1")
    await old.driver.write(lambda tx: tx.run(INSERT, row(2, state="QUEUED")))  # it still runs
    beside = await new.find(ME, "local-2")

    assert [song and song.provider for song in (before, beside)] == ["pixazo", "pixazo"]
    other = await new.reserve(song(3, provider="own"), limit=0, reuse=True, lease=10.0)
    assert await new.find(ME, other.id) == other


async def test_a_server_of_the_old_version_that_goes_on_makes_nothing_wrong(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await released(connect, monkeypatch)
    await old.driver.write(lambda tx: tx.run(INSERT, row(1, state="sending", tracks=3)))
    new = connect()
    assert (await new.page(ME, limit=5)).total == 1

    later = row(1, state="QUEUED", tracks=3, version=1, request_id=RequestId("g-1"))
    ended = row(2, state="COMPLETED", title="Lighthouse", tracks=2, created_at=NOW - 10)
    for statement, params in (
        (UPDATE, later),
        (INSERT, row(2, state="intent", title="Lighthouse", tracks=2, created_at=NOW - 10)),
        (INSERT, row(3, state="intent")),
        (UPDATE, {**ended, "version": 1}),
        (FORGET, row(3)),
    ):
        assert await old.driver.write(lambda tx, s=statement, p=params: tx.run(s, p)) == 1  # type: ignore[misc]

    assert await new.bought(ME, NOW) == Bought(tracks=5, unknown=0, today=5)
    assert [each.id for each in (await new.page(ME, limit=5, search="light")).songs] == ["local-2"]
    fact = partial(accepted, request_id=RequestId("g"), now=NOW, worker="w")
    assert (await new.change(ME, SongId("local-2"), fact)) is not None


async def test_what_an_old_server_writes_is_indexed_by_whoever_looks_for_orphans(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await released(connect, monkeypatch)

    def write(tx: Transaction) -> None:
        for number in range(450):
            tx.run(INSERT, row(number, state="COMPLETED", created_at=NOW - number))

    await old.driver.write(write)
    new = connect()
    left = "select count(*) as songs from song where found_by = ''"
    counts = []
    for _ in range(3):
        counts += [each["songs"] for each in await new.driver.read(lambda tx: tx.all(left))]
        await new.bereaved(NOW, unsaved=False)

    assert counts == [450, 50, 0]


@pytest.mark.proof
async def test_a_hundred_thousand_songs_are_taken_over_in_seconds(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await released(connect, monkeypatch)
    plain = row(0, state="COMPLETED", payload={"prompt": "p", "lyrics": LYRICS * 20}, tracks=2)

    def write(first: int, tx: Transaction) -> None:
        for number in range(first, first + 5_000):
            created = {"id": f"local-{number}", "created_at": NOW - number}
            tx.run(INSERT, {**plain, **created, "words": LYRICS * 20})

    for first in range(0, 100_000, 5_000):
        await old.driver.write(partial(write, first))
    new = connect()
    began = time.monotonic()
    with answering_by(anyio.current_time() + 1):  # a call, which waits for it all the same
        assert (await new.page(ME, limit=1)).total == 100_000
    print(f"{time.monotonic() - began:.1f} s")  # shown by pytest -s

    assert time.monotonic() - began < 30
