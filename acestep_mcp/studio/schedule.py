"""When each running song is asked about next."""

from collections.abc import Sequence

import anyio

from acestep_mcp.clock import Clock
from acestep_mcp.domain import timing
from acestep_mcp.domain.models import DEFAULT, MODELS
from acestep_mcp.domain.retry import Budget, backoff
from acestep_mcp.gateway.client import Unanswered
from acestep_mcp.studio.live import Live
from acestep_mcp.studio.pace import Pace
from acestep_mcp.studio.terms import Terms

_QUICK = 1.0  # seconds: the first retry of a failed status request, while the budget lasts
_SLOWEST = 60.0  # seconds between status requests while they keep failing
_PATIENCE = 600.0  # seconds after which a song is old, and asked about ever more rarely
_SLOWING = 20.0


class Schedule:
    """On average one interval between status requests per song, one pace for all of them.

    A failed request is retried quickly only while a budget lasts that successes refill, else
    more and more slowly: a gateway that fails gets less traffic than one that answers.
    """

    def __init__(self, clock: Clock, terms: Terms) -> None:
        self._clock = clock
        self._terms = terms
        self._budget = Budget()
        self.pace = Pace(clock, terms.status_rate)

    async def due(self, live: Live) -> None:
        """Wait until the song's next status request, or until somebody wants it at once."""
        while (early := live.due - self._clock.now()) > 0:
            with anyio.move_on_after(early):
                await live.nudged()

    def begin(self, live: Live, times: Sequence[float]) -> None:
        """Start to follow a song; `times` are the seconds that such songs took lately."""
        model = MODELS.get(live.song.model, DEFAULT)
        documented = model.documented_times if len(times) < timing.ENOUGH else ()
        live.known_times = (*times, *documented)
        live.asked = int(self._age(live) / self._terms.poll_interval)
        if live.asked_at > 0:
            live.due = live.asked_at + self._interval(live)

    def may_ask(self, live: Live) -> bool:
        """Whether a poll interval has passed since the song was last asked about."""
        return self._clock.now() - live.asked_at >= self._terms.poll_interval

    def answered(self, live: Live) -> None:
        """The gateway told how the song stands; ask again after the interval."""
        self._budget.earn()
        live.failures = 0
        live.problem = ""
        live.asked += 1
        self.later(live)

    def later(self, live: Live) -> None:
        """How the song stands is known as of now; ask again after the interval."""
        live.asked_at = self._clock.now()
        live.due = live.asked_at + self._interval(live)

    def unanswered(self, live: Live, answer: Unanswered) -> None:
        """The gateway told nothing; ask again soon if the budget allows it, else more slowly."""
        live.problem = answer.cause
        live.asked_at = self._clock.now()
        live.due = live.asked_at + self._pause(live)
        live.failures += 1
        live.asked += 1
        self.heed(answer)

    def heed(self, answer: Unanswered) -> None:
        """Ask nothing at all before the time that the gateway named has passed."""
        if answer.retry_after is not None:
            self.pace.hold(answer.retry_after)

    def _age(self, live: Live) -> float:
        return max(0.0, self._clock.now() - live.song.created_at)

    def _interval(self, live: Live) -> float:
        age, interval = self._age(live), self._terms.poll_interval
        if age > _PATIENCE:
            return max(interval, (age - _PATIENCE) / _SLOWING)
        return timing.pause(age, live.asked, live.known_times, interval)

    def _pause(self, live: Live) -> float:
        if self._budget.spend():
            return backoff(live.failures, _QUICK, self._interval(live), self._clock.random)
        slow = backoff(live.failures, self._interval(live), _SLOWEST, self._clock.random)
        return max(self._interval(live), slow)
