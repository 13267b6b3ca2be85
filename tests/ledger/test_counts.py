"""What is counted beside the songs is always what the songs themselves would say."""

import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from acestep_mcp.domain.errors import LimitReached
from acestep_mcp.domain.song import Owner, RequestId, SongId
from acestep_mcp.ledger import DAY, Bought, Ledger, opened
from acestep_mcp.ledger.driver import Transaction
from acestep_mcp.ledger.rows import to_row
from acestep_mcp.ledger.statements import INSERT
from tests.ledger.server import emptied
from tests.test_ledger import ME, NOW, OTHER, song

pytestmark = pytest.mark.anyio

Connect = Callable[[], Ledger]
STATES: Any = ("intent", "sending", "QUEUED", "PROCESSING", "COMPLETED", "FAILED", "UNKNOWN")
COUNTED = "select owner, state, sum(songs) as songs, sum(tracks) as tracks from tally group by 1, 2"
THERE = "select owner, state, count(*) as songs, sum(tracks) as tracks from song group by 1, 2"


@pytest.fixture(params=["sqlite", "postgres"])
async def connect(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Connect]:
    url = emptied().url() if request.param == "postgres" else ""
    ledgers: list[Ledger] = []

    def another() -> Ledger:
        ledgers.append(opened(tmp_path / "ledger.sqlite3", url))
        return ledgers[-1]

    yield another
    for ledger in ledgers:
        await ledger.close()


async def rows(ledger: Ledger, sql: str) -> set[tuple[Any, ...]]:
    found = await ledger.driver.read(lambda tx: tx.all(sql))
    return {tuple(row[name] for name in row.keys()) for row in found}  # noqa: SIM118  # a row is no dict


async def agree(ledger: Ledger) -> None:
    counted = {row for row in await rows(ledger, COUNTED) if row[2] or row[3]}
    assert counted == await rows(ledger, THERE)


async def test_through_everything_that_happens_to_songs_in_several_processes_at_once(
    connect: Connect,
) -> None:
    async def process(number: int) -> None:
        ledger, chance = connect(), random.Random(number)
        for turn in range(12):
            owner = chance.choice((ME, OTHER))
            name = f"{number}-{turn}"
            new = song(owner=owner, tracks=chance.randint(1, 4), fingerprint=name)
            new = replace(new, id=SongId(f"local-{name}"), created_at=NOW - chance.random() * DAY)
            await ledger.reserve(new, limit=0, reuse=True, lease=1.0)
            for state in chance.sample(STATES, 3):
                await ledger.change(owner, new.id, partial(_in_state, state=state))
            if chance.random() < 0.3:
                await ledger.forget(owner, new.id)
            if chance.random() < 0.2:
                found = replace(
                    new, id=SongId(f"found-{name}"), request_id=RequestId(name), state="QUEUED"
                )
                await ledger.adopt(replace(found, fingerprint=""))
                await ledger.change(owner, new.id, partial(_named, name=name))
            if chance.random() < 0.2:
                await ledger.claim([owner], str(number), NOW + 99, 10.0, unsaved=False)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as several:
            for number in range(4):
                several.start_soon(process, number)
    ledger = connect()

    await agree(ledger)
    # Whoever adds parts up leaves those that came meanwhile to the next one: they do not pile up.
    parts = await rows(ledger, "select count(*) as parts from tally where part > 0")
    assert next(iter(parts))[0] < 500
    for owner in (ME, OTHER):
        assert (await ledger.bought(owner, NOW)).today == sum(
            tracks for name, _, _, tracks in await rows(ledger, THERE) if name == owner
        )


def _in_state(before: Any, *, state: Any) -> Any:
    return replace(before, state=state)


def _named(before: Any, *, name: str) -> Any:
    return replace(before, request_id=RequestId(name), state="QUEUED")


async def test_a_day_is_a_day_to_the_second_whenever_it_begins(connect: Connect) -> None:
    """Against the sum over all songs, which the spans must add up to."""
    ledger = connect()
    for number, offset in enumerate((0.0, 3.3, 9.999, 12.0, 59.5, 599.0, 600.0, 1234.5)):
        await _day(ledger, Owner(f"owner-{number}"), NOW + offset)


async def _day(ledger: Ledger, owner: Owner, now: float) -> None:
    chance = random.Random(7)
    ages = [
        *(chance.uniform(0, 2 * DAY) for _ in range(200)),
        *(DAY + chance.uniform(-700, 700) for _ in range(100)),
        *(DAY + each for each in (-1.0, -0.001, 0.0, 0.001, 1.0)),
        *(-chance.uniform(0, 1e6) for _ in range(20)),
    ]

    def write(tx: Transaction) -> None:
        for number, age in enumerate(ages):
            old = song(number, tracks=1 + number % 4, state="COMPLETED", created_at=now - age)
            mine = SongId(f"local-{owner}-{number}")
            tx.run(INSERT, to_row(replace(old, id=mine, owner=owner)))

    await ledger.driver.write(write)
    right = sum(1 + number % 4 for number, age in enumerate(ages) if now - age > now - DAY)

    assert (await ledger.bought(owner, now)).today == right
    last = song(1000, owner=owner, created_at=now, fingerprint="last")
    last = replace(last, id=SongId(f"local-{owner}-last"))
    with pytest.raises(LimitReached) as refused:
        await ledger.reserve(last, limit=right, reuse=True, lease=10.0)
    assert refused.value.used == right
    assert await ledger.reserve(last, limit=right + 1, reuse=True, lease=10.0) == last


async def test_what_was_bought_and_what_may_have_been_is_told_apart(connect: Connect) -> None:
    ledger = connect()
    for number, state in enumerate((*STATES, "ERROR")):
        left: Any = state
        await ledger.reserve(
            song(number, state=left, tracks=10**number, fingerprint=state),
            limit=0,
            reuse=True,
            lease=10.0,
        )

    assert await ledger.bought(ME, NOW) == Bought(
        tracks=111_100, unknown=1_000_010, today=11_111_111
    )
    assert await ledger.bought(Owner("nobody"), NOW) == Bought(tracks=0, unknown=0, today=0)
