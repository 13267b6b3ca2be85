"""A few of the schedules on each ledger; `python -m tests.faults.sim` runs all of them."""

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial

import pytest

from acestep_mcp import engine
from tests.ledger.server import postgresql

from . import sim

SCHEDULES = 60
ON_POSTGRES = 6


@pytest.fixture(autouse=True)
def _undone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The simulation draws ids from the seed; other tests get theirs from the system."""
    monkeypatch.setattr(engine, "uuid4", vars(engine)["uuid4"])
    with sim.quiet():
        yield


def test_random_schedules_pay_for_nothing_twice_and_lose_and_strand_nothing() -> None:
    total, broken = sim.summed(map(sim.run, range(sim.FIRST, sim.FIRST + SCHEDULES)))

    assert [(each.seed, each.breaches[0]) for each in broken] == []
    assert (total.duplicates, total.lost, total.stuck, total.other) == (0, 0, 0, 0)
    # and they are rich in what they are about
    assert total.schedules == SCHEDULES
    assert total.admissions > SCHEDULES
    assert total.crashes > 2 * SCHEDULES
    assert total.cancellations > SCHEDULES
    assert total.unknowns > SCHEDULES / 2
    assert total.suspensions > SCHEDULES / 10
    assert total.callbacks > SCHEDULES / 3


def test_a_postgresql_whose_connections_break_changes_nothing_about_that() -> None:
    one = partial(sim.run, url=postgresql().url())
    total, broken = sim.summed(map(one, range(sim.FIRST, sim.FIRST + ON_POSTGRES)))

    assert [(each.seed, each.breaches[0]) for each in broken] == []
    assert (total.duplicates, total.lost, total.stuck, total.other) == (0, 0, 0, 0)
    assert total.schedules == ON_POSTGRES
    assert total.admissions > ON_POSTGRES / 2
    assert total.breaks > 3 * ON_POSTGRES
    assert total.doubts > ON_POSTGRES
    assert total.lock_waits > ON_POSTGRES / 10


@pytest.mark.parametrize("seed", [sim.FIRST + 3, sim.FIRST + 4, sim.FIRST + 71])
def test_a_seed_replays_the_same_schedule(seed: int) -> None:
    assert asdict(sim.run(seed)) == asdict(sim.run(seed))


@pytest.mark.attack  # it takes real time
def test_a_seed_replays_the_same_schedule_on_postgresql() -> None:
    seed, url = sim.FIRST + 13, postgresql().url()

    assert asdict(sim.run(seed, url=url)) == asdict(sim.run(seed, url=url))
