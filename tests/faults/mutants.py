"""One-line mistakes in the engine's policy, each of which the schedules must notice.

    python -m tests.faults.mutants
    python -m tests.faults.mutants --ledger postgres

A proof that finds nothing is worth as much as what it would find.
"""

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import anyio
import httpx

from acestep_mcp import engine, ledger
from acestep_mcp.clock import Jumps
from acestep_mcp.domain import song as songs
from acestep_mcp.domain.song import Observation, Owner, RequestId, Song
from acestep_mcp.engine import Account, Engine, Report, saving, submitting
from acestep_mcp.engine.following import Follower
from acestep_mcp.engine.live import Live
from acestep_mcp.engine.pace import Pace
from acestep_mcp.engine.saving import Saver
from acestep_mcp.engine.submitting import Submitter
from acestep_mcp.ledger import Ledger, statements
from acestep_mcp.ledger.rows import to_song
from acestep_mcp.library import Saved
from acestep_mcp.providers import NotSent, Outcome, Refused, Unknown, http, verdicts
from acestep_mcp.providers.acestep import client as own_client
from acestep_mcp.providers.acestep.client import AceStepServer
from acestep_mcp.providers.bodies import parsed as json_of
from acestep_mcp.providers.http import of_error
from acestep_mcp.providers.pixazo import client, wire
from acestep_mcp.songcraft.prepare import Prepared

from . import sim
from .process import VirtualClock

LIMIT = 1_500
"""Schedules within which every mutant must be caught."""
_ASK = Follower.ask
_OBSERVATION = wire.observation
_KEPT = Saver._kept
_POST = Submitter._post
_GENERATE = Engine.generate
_RESERVE = Ledger.reserve


@dataclass(frozen=True, slots=True)
class Mutant:
    """Attributes of the engine, replaced. It must break a promise of one of the `kinds`.

    `own`: songs are made by the user's own server. `of_ledger`: it is about what the ledger does,
    so it must be noticed on every ledger.
    """

    name: str
    kinds: frozenset[str]
    changes: tuple[tuple[object, str, object], ...]
    of_ledger: bool = False
    own: bool = False

    def caught(self, limit: int = LIMIT, url: str = "") -> int | None:
        """After how many schedules it broke such a promise; None within `limit`."""
        with ExitStack() as stack:
            for owner, attribute, mistake in self.changes:
                stack.enter_context(patch.object(owner, attribute, mistake))
            for count in range(1, limit + 1):
                outcome = sim.run(sim.FIRST + count - 1, url=url, own=self.own)
                if self.kinds & {breach.kind for breach in outcome.breaches}:
                    return count
        return None


def _retries_read_timeouts(error: BaseException) -> verdicts.Verdict:
    return "never_sent" if type(error) is httpx.ReadTimeout else of_error(error)


def _takes_502_for_a_refusal(status: int) -> verdicts.Verdict:
    return "refused" if status == 502 else verdicts.of_status(status)


async def _begins_in_memory(self: Submitter, live: Live) -> bool:
    live.song = songs.sending(live.song, self._clock.now(), self._worker)
    return live.song.state == "sending"


async def _writes_afterwards(self: Submitter, live: Live, fact: Callable[..., Song]) -> None:
    def late(song: Song) -> Song:
        return fact(songs.sending(song, self._clock.now(), self._worker), now=self._clock.now())

    await self._records.apply(live, late)


async def _begins_without_comparing(self: Submitter, live: Live) -> bool:
    fact = partial(songs.sending, now=self._clock.now(), worker=self._worker)
    await self._records.apply(live, fact)
    return True


def _recovers_sending_as_unsent(song: Song, now: float, heir: str) -> Song | None:
    return None if song.state == "sending" else songs.orphaned(song, now, heir)


async def _takes_a_stop_for_a_refusal(self: Submitter, *args: Any) -> Outcome:
    outcome = await _POST(self, *args)
    stopped = outcome == Unknown(submitting._STOPPED)
    return Refused("request", "HTTP 400") if stopped else outcome


async def _forgets_what_a_caller_cancelled(
    self: Engine, account: Account, order: Prepared, *, wait: float, new_take: bool = False
) -> Report:
    try:
        return await _GENERATE(self, account, order, wait=wait, new_take=new_take)
    except anyio.get_cancelled_exc_class():
        same = {"owner": account.owner, "fingerprint": order.fingerprint}
        sql = "delete from song where owner = :owner and fingerprint = :fingerprint"
        with anyio.CancelScope(shield=True):
            await self._ledger.driver.write(lambda tx: tx.run(sql, same))
        raise


async def _never_reuses(self: Ledger, song: Song, **more: Any) -> Song:
    return await _RESERVE(self, song, **{**more, "reuse": False})


async def _checks_and_writes_apart(self: Ledger, song: Song, *, reuse: bool, **more: Any) -> Song:
    params = {
        "owner": song.owner,
        "fingerprint": song.fingerprint,
        "exact": song.exact,
        "fresh": song.created_at - 600,
    }
    rows = await self.driver.read(lambda tx: tx.all(statements.SAME, params)) if reuse else []
    if rows:
        return to_song(rows[0])
    return await _RESERVE(self, song, reuse=False, **more)


def _no_hold(_self: Pace, _seconds: float) -> None:
    """Nothing is held back."""


def _sends_again_soon(_self: Submitter, outcome: NotSent | Refused, _attempt: int) -> float | None:
    return 1.0 if isinstance(outcome, NotSent) or outcome.reason == "busy" else None


def _names_nothing(song: Song, **_: Any) -> Song:
    return song


async def _sees_no_orphans(_ledger: Ledger, _now: float, *, unsaved: bool) -> tuple[Owner, ...]:
    del unsaved
    return ()


def _pauses_as_told(_self: Submitter, outcome: NotSent | Refused, _attempt: int) -> float | None:
    if isinstance(outcome, NotSent):
        return 1.0
    told = 5.0 if outcome.retry_after is None else outcome.retry_after
    return told if outcome.reason == "busy" else None


def _tells_time_by_the_wall(self: VirtualClock) -> float:
    return self.now()


def _sees_no_jump(_self: Jumps, _seconds: float) -> float:
    return 0.0


def _saves_once(song: Song, worker: str, *, gone_for: Any, pause: float, **kept: Any) -> Song:  # noqa: ARG001  # as the engine's
    return songs.saved(song, worker, **kept)


async def _asks_nobody_whose_it_is(self: Saver, song: Song) -> Saved:
    async def ours() -> bool:
        return True

    def save(song: Song, _ours: object) -> Awaitable[Saved]:
        return self._library.save(song, ours)

    careless: Any = SimpleNamespace(
        _library=SimpleNamespace(save=save), _records=self._records, _worker=self._worker
    )
    return await _KEPT(careless, song)


def _believes_any_reply(body: bytes, asked: RequestId, origin: str = "") -> Observation | None:
    found = json_of(body) or {}
    return _OBSERVATION(json.dumps({**found, "request_id": asked}).encode(), asked, origin)


def _asks_only_about_its_own(self: Follower, live: Live) -> None:
    if live.song.worker == self._worker:
        _ASK(self, live)
    else:
        live.polling.asked_at = self._clock.monotonic()


def _believing(name: str) -> tuple[object, str, object]:
    """A statement that takes every lease for one that is not over."""
    mistake = getattr(statements, name).replace(" and until <= :now + 2 * seconds", "")
    assert mistake != getattr(statements, name)
    return statements, name, mistake


def _without(condition: str) -> str:
    """The statement that finds no earlier song by that condition."""
    mistake = statements.SAME.replace(condition, "and 1 = 0")
    assert mistake != statements.SAME
    return mistake


_FORGETFUL_SAME = statements.SAME.replace(f"or {statements.ENDED_UNHEARD}", "")
assert _FORGETFUL_SAME != statements.SAME

TWICE = frozenset({"duplicate"})
MONEY = TWICE | {"lost", "lied"}
EARLY = frozenset({"early"})
STUCK = frozenset({"stuck"})
UNSAVED = frozenset({"unsaved"})
_FOR_EVER = float("inf")


async def _never_works(_self: AceStepServer) -> bool:
    return True


MUTANTS = (
    Mutant(
        "a song that the own server has forgotten is waited for",
        STUCK,
        ((own_client, "_FORGOTTEN_AFTER", _FOR_EVER),),
        own=True,
    ),
    Mutant(
        "a song that hangs on the own server is waited for",
        STUCK,
        ((own_client, "_NEVER_AFTER", _FOR_EVER), (own_client, "_FROZEN_AFTER", _FOR_EVER)),
        own=True,
    ),
    Mutant(
        "an own server that works long on a song counts as restarted",
        frozenset({"wrong"}),
        ((AceStepServer, "_is_idle", _never_works),),
        own=True,
    ),
    Mutant(
        "a read timeout of the own server is retried",
        MONEY,
        ((http, "of_error", _retries_read_timeouts),),
        own=True,
    ),
    Mutant("a read timeout is retried", MONEY, ((http, "of_error", _retries_read_timeouts),)),
    Mutant("502 counts as refused", MONEY, ((client, "of_status", _takes_502_for_a_refusal),)),
    Mutant(
        "no write-ahead: `sending` is written after the POST",
        MONEY,
        ((Submitter, "_begin", _begins_in_memory), (Submitter, "_record", _writes_afterwards)),
        of_ledger=True,
    ),
    Mutant(
        "`sending` is recovered as unsent",
        MONEY,
        ((ledger, "orphaned", _recovers_sending_as_unsent),),
        of_ledger=True,
    ),
    Mutant(
        "the compare-and-set before the POST is dropped",
        MONEY,
        ((Submitter, "_begin", _begins_without_comparing),),
    ),
    Mutant(
        "a submission cut off by a stop counts as refused",
        MONEY,
        ((Submitter, "_post", _takes_a_stop_for_a_refusal),),
    ),
    Mutant(
        "a cancelled call is forgotten, and so submitted again",
        MONEY,
        ((Engine, "generate", _forgets_what_a_caller_cancelled),),
    ),
    Mutant(
        "an unknown outcome is forgotten at once",
        TWICE,
        ((ledger, "WINDOW", 0.0),),
        of_ledger=True,
    ),
    Mutant(
        "the same-request check is skipped",
        TWICE,
        ((Ledger, "reserve", _never_reuses),),
        of_ledger=True,
    ),
    Mutant(
        "the same-request check and the intent are two transactions",
        TWICE,
        ((Ledger, "reserve", _checks_and_writes_apart),),
        of_ledger=True,
    ),
    Mutant(
        "an undelivered end does not answer the same request",
        TWICE,
        ((statements, "SAME", _FORGETFUL_SAME),),
        of_ledger=True,
    ),
    Mutant(
        "a delivered song does not answer the same request",
        TWICE,
        ((statements, "SAME", _without(f"and {statements.DELIVERED} and delivered_at > :fresh")),),
        of_ledger=True,
    ),
    Mutant(
        "a song that was made does not answer a request for the same music",
        TWICE,
        ((statements, "SAME", _without(f"and {statements.MADE}")),),
        of_ledger=True,
    ),
    Mutant(
        "a callback does not name a song of unknown outcome",
        frozenset({"deaf"}),
        ((engine, "accepted", _names_nothing),),
    ),
    Mutant("Retry-After of a status request is ignored", EARLY, ((Pace, "hold", _no_hold),)),
    Mutant(
        "Retry-After of a submission is ignored",
        EARLY,
        ((Submitter, "_pause", _sends_again_soon),),
    ),
    Mutant(
        "a Retry-After of 0 is taken at its word",
        EARLY,
        ((Submitter, "_pause", _pauses_as_told),),
    ),
    Mutant(
        "intervals are measured by the wall clock",
        STUCK | UNSAVED | {"stale", "late"},
        ((VirtualClock, "monotonic", _tells_time_by_the_wall),),
    ),
    Mutant(
        "a lease from a clock that ran ahead is believed",
        STUCK | UNSAVED,
        tuple(map(_believing, ("ALIVE", "EXPIRY", "BEREAVED", "BEREAVED_UNSAVED"))),
        of_ledger=True,
    ),
    Mutant(
        "the age of an unknown outcome is told by the wall clock alone",
        TWICE,
        ((Jumps, "within", _sees_no_jump),),
    ),
    Mutant(
        "saving is tried once",
        UNSAVED,
        ((saving, "not_saved", _saves_once),),
    ),
    Mutant(
        "a process that slept writes over what its heir saved",
        frozenset({"fence"}),
        ((Saver, "_kept", _asks_nobody_whose_it_is),),
    ),
    Mutant(
        "a media host that has no such track is believed at once",
        UNSAVED,
        ((songs, "GONE_AFTER", 0.0), (songs, "_ENOUGH_ATTEMPTS", 0)),
    ),
    Mutant(
        "a media host that has no such track is believed when the clock is set forward",
        UNSAVED,
        ((songs, "GONE_FOR_GOOD", 600.0), (songs, "_ENOUGH_ATTEMPTS", 0)),
    ),
    Mutant(
        "a reply about another song is believed",
        frozenset({"wrong", "stuck", "unsaved"}),
        ((wire, "observation", _believes_any_reply),),
    ),
    Mutant(
        "only the process that follows a song asks about it",
        frozenset({"stale"}),
        ((Follower, "ask", _asks_only_about_its_own),),
    ),
    Mutant(
        "a dead process's songs are left alone",
        STUCK,
        ((Ledger, "bereaved", _sees_no_orphans),),
        of_ledger=True,
    ),
)


def chosen(url: str) -> Sequence[Mutant]:
    """All on SQLite; on PostgreSQL those that are about the ledger, and those of its own."""
    if not url:
        return MUTANTS
    from .postgres_mutants import OWN

    return (*(mutant for mutant in MUTANTS if mutant.of_ledger), *OWN)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every mutant until it is caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.mutants", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    asked, url = sim.parsed(parser, arguments)
    names = [mutant.name for mutant in chosen(url)]
    missed = 0
    with multiprocessing.get_context("spawn").Pool(asked.jobs, sim.prepare) as pool:
        for name, count, seconds in pool.imap_unordered(partial(_tried, url), names):
            missed += count is None
            after = f"caught after {count:>5,}" if count else f"NOT caught in {LIMIT:,}"
            print(f"{after} schedules, {seconds:6.1f} s: {name}", flush=True)
    return 1 if missed else 0


def _tried(url: str, name: str) -> tuple[str, int | None, float]:
    started = time.monotonic()
    mutant = next(each for each in chosen(url) if each.name == name)
    return name, mutant.caught(url=url), time.monotonic() - started


if __name__ == "__main__":
    sys.exit(main())
