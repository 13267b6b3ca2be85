"""The promises about money when the ledger's connection breaks in the middle of commits."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import pytest

from acestep_mcp.ledger import InDoubt
from acestep_mcp.ledger.driver import Transaction
from tests.faults import process, sim
from tests.faults.process import SimDriver

T = TypeVar("T")
SCHEDULES = 100
DOUBTS = 0.2
"""Of all commits; so one in 25 cannot be cleared up by looking once more."""


class LostError(Exception):
    """The connection broke before the commit arrived."""


class DoubtfulDriver(SimDriver):
    """Commits of which nobody hears whether they took effect; half of them did."""

    doubts = 0

    def _transact(self, begin: str, work: Callable[[Transaction], T]) -> T:
        world = self._process.world
        chance = 1.0 if begin == "begin" or world.healed else world.rng.random()
        if chance > DOUBTS:
            return super()._transact(begin, work)
        type(self).doubts += 1
        results: list[T] = []

        def watched(tx: Transaction) -> None:
            results.append(work(tx))
            if chance < DOUBTS / 2:
                raise LostError

        with suppress(LostError):
            super()._transact(begin, watched)
        world.say(f"process {self._process.number} is in doubt about {results[0]}")
        raise InDoubt("connection reset", results[0])


def test_no_song_is_paid_twice_or_lost_when_commits_are_in_doubt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "SimDriver", DoubtfulDriver)
    with sim.quiet():
        total, broken = sim.summed(map(sim.run, range(sim.FIRST, sim.FIRST + SCHEDULES)))

    assert DoubtfulDriver.doubts > SCHEDULES
    assert total.admissions > SCHEDULES / 2
    assert broken == []
