"""Mistakes that only PostgreSQL punishes: about commits in doubt, and about its locks."""

from collections.abc import Callable
from typing import Any

from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.domain.song import Song
from acestep_mcp.engine.live import Live
from acestep_mcp.engine.records import Records
from acestep_mcp.ledger import InDoubt, Ledger, postgres, statements
from acestep_mcp.ledger.driver import Transaction

from .mutants import MONEY, STUCK, TWICE, Mutant

Work = Callable[[Transaction], Any]


async def _takes_doubt_for_success(self: Ledger, work: Work, _again: object = None) -> Any:
    try:
        return await self.driver.write(work)
    except InDoubt as doubt:
        return doubt.result


def _forgets_what_could_not_be_written(
    _self: Records, live: Live, fact: Callable[[Song], Song], _down: LedgerDown
) -> bool:
    live.show(fact(live.song))
    return True


def _lets_everyone_in(_self: postgres._Statements, _owner: str) -> None:
    """No lock."""


_UNCOMPARED = statements.UPDATE.replace("and version = :version - 1", "")
assert _UNCOMPARED != statements.UPDATE
OWN = (
    Mutant(
        "a commit in doubt counts as done",
        MONEY,
        ((Ledger, "_write", _takes_doubt_for_success),),
    ),
    Mutant(
        "what a broken connection left unwritten is not written later",
        MONEY,
        ((Records, "_queue_fact", _forgets_what_could_not_be_written),),
    ),
    Mutant(
        "the owner's lock is not taken",
        TWICE,
        ((postgres._Statements, "exclusive", _lets_everyone_in),),
    ),
    Mutant(
        "a change does not compare the version",
        MONEY | STUCK | {"changed", "wrong"},
        ((statements, "UPDATE", _UNCOMPARED),),
    ),
)
