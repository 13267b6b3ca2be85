"""The proof bites: every one-line mistake is noticed."""

from collections.abc import Iterator

import pytest

from acestep_mcp import engine
from tests.ledger.server import postgresql

from . import sim
from .mutants import LIMIT, MUTANTS, Mutant, chosen

QUICK = 15
"""Schedules that suffice for most of them."""


@pytest.fixture(autouse=True)
def _undone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(engine, "uuid4", vars(engine)["uuid4"])
    with sim.quiet():
        yield


@pytest.mark.proof
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mistake_is_caught_within_1500_schedules(mutant: Mutant) -> None:
    assert LIMIT == 1_500
    count = mutant.caught()

    assert count is not None
    print(f"caught after {count} schedules")  # shown by pytest -s


@pytest.mark.proof
def test_there_are_at_least_six_mistakes_and_most_are_caught_within_15() -> None:
    caught = [mutant.name for mutant in MUTANTS if mutant.caught(QUICK) is not None]

    assert len(MUTANTS) >= 6
    assert len(caught) >= 7


@pytest.mark.proof
def test_a_commit_in_doubt_that_is_taken_for_done_is_caught_on_postgresql() -> None:
    url = postgresql().url()
    in_doubt = next(each for each in chosen(url) if each.name == "a commit in doubt counts as done")

    assert in_doubt.caught(LIMIT, url) is not None
