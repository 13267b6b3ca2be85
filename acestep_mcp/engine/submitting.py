"""Sending the paid request: at most once, and written down on both sides of the wire."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import anyio

from acestep_mcp.clock import Clock
from acestep_mcp.domain.catalogue import ProviderInfo
from acestep_mcp.domain.errors import (
    BalanceTooLow,
    CouldNotSend,
    KeyRefused,
    LedgerDown,
    RateLimited,
    Refusal,
    Rejected,
)
from acestep_mcp.domain.retry import growing
from acestep_mcp.domain.song import Song, accepted, sending, unknown, unsent
from acestep_mcp.engine import telemetry
from acestep_mcp.engine.live import Live
from acestep_mcp.engine.records import Records
from acestep_mcp.engine.registry import Registry
from acestep_mcp.engine.terms import Account, Callback
from acestep_mcp.providers import (
    Accepted,
    NotSent,
    Outcome,
    Provider,
    Refused,
    Source,
    Submission,
    Unknown,
)

log = logging.getLogger(__name__)

_PAUSE = 1.0  # seconds before the second attempt at a request that had no effect
_LONGEST_PAUSE = 10.0
_RATE_PAUSE = 5.0  # seconds for one that has too much to do and names no time
_STOPPED = "the server was stopped before the gateway answered"


@dataclass(frozen=True, slots=True)
class Errand:
    """Where an order goes: to that provider, for that account, with the file that an edit works on.

    What provably had no effect is sent again only until `deadline`, a time on the monotonic clock.
    """

    provider: Provider
    account: Account
    deadline: float
    source: Source | None = None


class Submitter:
    """Takes songs from intent to accepted or unknown, or off the ledger with a refusal."""

    def __init__(
        self,
        worker: str,
        clock: Clock,
        records: Records,
        registry: Registry,
        callback: Callback | None = None,
    ) -> None:
        self._callback = callback
        self._worker = worker
        self._clock = clock
        self._records = records
        self._registry = registry
        self._under_way: set[anyio.CancelScope] = set()
        self._one_ended = anyio.Event()

    async def submit(self, live: Live, errand: Errand) -> None:
        """Submit one song; `live` then holds either the song or the refusal."""
        try:
            refusal = await self._attempts(live, errand)
        except LedgerDown as down:
            refusal = down
        if refusal is not None:
            await self._withdraw(live, refusal)

    async def _withdraw(self, live: Live, refusal: Refusal) -> None:
        """Take an order back of which nothing was bought, and tell everyone who waits why."""
        # Off the ledger first: an identical call that comes next must not find it there.
        song = live.song
        await self._records.write_or_queue(
            partial(self._records.ledger.forget, song.owner, song.id)
        )
        self._registry.drop(live)
        live.refuse(refusal)

    async def finish(self, grace: float) -> None:
        """Let requests under way end for `grace` seconds, then cut them off as unknown."""
        with anyio.move_on_after(grace, shield=True):
            while self._under_way:
                await self._one_ended.wait()
        for scope in self._under_way:
            scope.cancel()

    async def _attempts(self, live: Live, errand: Errand) -> Refusal | None:
        """Why there is no song; None when there is, or may be.

        Raises:
            LedgerDown: The ledger could not take a step in which nothing was bought.
        """
        attempt, model = 0, live.song.model
        while True:
            if not await self._begin(live):
                return CouldNotSend("another process took the order over before it was sent")
            with telemetry.submitting(model):
                outcome = await self._post(live, errand)
                # Written down before anything else is done that could go wrong.
                if isinstance(outcome, Accepted):
                    named = partial(accepted, request_id=outcome.request_id, worker=self._worker)
                    await self._record(live, named)
                elif isinstance(outcome, Unknown):
                    await self._record(live, partial(unknown, why=outcome.cause))
            telemetry.submitted(model, outcome.verdict)
            if isinstance(outcome, Accepted | Unknown):
                return None
            pause = self._pause(outcome, attempt)
            if pause is None or self._clock.monotonic() + pause > errand.deadline:
                return _refusal(outcome, errand.provider.info, errand.account)
            await self._record(live, unsent)
            await self._clock.sleep(pause)
            attempt += 1

    async def _begin(self, live: Live) -> bool:
        """Commit `sending`; False when the order is no longer ours to send."""
        fact = partial(sending, now=self._clock.now(), worker=self._worker)
        there = await self._records.apply(live, fact)
        return there and live.song.state == "sending"

    async def _record(self, live: Live, fact: Callable[..., Song]) -> None:
        """Write down what became of a request that has left."""
        await self._records.apply(live, partial(fact, now=self._clock.now()), insist=True)

    async def _post(self, live: Live, errand: Errand) -> Outcome:
        """The one POST. Nothing but `finish` cuts it off, whoever stopped waiting for it."""
        with anyio.CancelScope(shield=True) as scope:
            self._under_way.add(scope)
            try:
                song, provider = live.song, errand.provider
                callback = self._callback if provider.info.calls_back else None
                submission = Submission(
                    model=song.model,
                    payload=song.payload,
                    callback=callback(song.owner, song.id) if callback else "",
                    source=errand.source,
                )
                return await provider.submit(submission, errand.account.key_for(provider.info))
            except Exception:
                log.exception("the submission of %s ended in a fault", live.song.id)
                return Unknown("an internal fault")
            finally:
                self._under_way.discard(scope)
                self._one_ended.set()
                self._one_ended = anyio.Event()
        return Unknown(_STOPPED)

    def _pause(self, outcome: NotSent | Refused, attempt: int) -> float | None:
        """Seconds until it may be sent again; None where that would be of no use.

        What the gateway says can make it longer and never shorter: some say 0, or a time that
        has passed.
        """
        if isinstance(outcome, NotSent) and outcome.hopeless:
            return None  # said at once instead: somebody has to mend what its cause names
        pause = max(_PAUSE, growing(attempt + 1, _PAUSE, _LONGEST_PAUSE, self._clock.random))
        if isinstance(outcome, NotSent):
            return max(pause, outcome.retry_after or 0.0)
        if outcome.reason == "busy":
            return max(pause, _RATE_PAUSE if outcome.retry_after is None else outcome.retry_after)
        return None


def _refusal(outcome: NotSent | Refused, provider: ProviderInfo, account: Account) -> Refusal:
    free = not provider.charges
    if isinstance(outcome, NotSent):
        return CouldNotSend(outcome.cause, free)
    match outcome.reason:
        case "key":
            source = account.source if provider.needs_key else provider.key_source
            return KeyRefused(outcome.cause, source, provider.key_page, free)
        case "balance":
            return BalanceTooLow(outcome.said, provider.billing_page)
        case "busy":
            return RateLimited(outcome.cause, outcome.retry_after, free)
        case "request":
            return Rejected(outcome.cause, outcome.said, free)
