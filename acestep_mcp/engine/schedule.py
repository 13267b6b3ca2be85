"""When each running song is asked about next."""

import math
from collections.abc import Sequence

from acestep_mcp.clock import Clock
from acestep_mcp.domain import timing
from acestep_mcp.domain.retry import Budget, backoff
from acestep_mcp.domain.song import Owner
from acestep_mcp.engine.live import Live
from acestep_mcp.engine.pace import Pace
from acestep_mcp.engine.terms import Terms
from acestep_mcp.providers import Gone, Providers, Unanswered

_QUICK = 1.0  # seconds: the first retry of a failed status request, while the budget lasts
_SLOWEST = 60.0  # seconds between status requests while they keep failing
_PATIENCE = 600.0  # seconds after which a song is old, and asked about ever more rarely
_SLOWING = 20.0
_RAREST = 300.0  # seconds; a clock that is wrong by hours makes every song look old
_SLOWER = 3.0  # times the interval, where the gateway tells by itself how songs end
_GAP = 0.5  # seconds from a status request to the next one that a callback brings about


class Schedule:
    """On average one interval between status requests per song, one pace for all of them.

    A failed request is retried quickly only while a budget lasts that successes refill, else
    more and more slowly: a gateway that fails gets less traffic than one that answers. A provider
    that is told where to call back (`callbacks`), and does so, is asked less often.
    """

    def __init__(
        self, clock: Clock, terms: Terms, providers: Providers, *, callbacks: bool = False
    ) -> None:
        self._clock = clock
        self._terms = terms
        self._providers = providers
        self.callbacks = callbacks
        self._budget = Budget()
        self.pace = Pace(clock, terms.status_rate)

    def called_back(self, live: Live) -> bool:
        """Whether the song's provider tells by itself how it ends."""
        provider = self._providers.of(live.song)
        return self.callbacks and provider is not None and provider.info.calls_back

    def _interval(self, live: Live) -> float:
        return self._terms.poll_interval * (_SLOWER if self.called_back(live) else 1)

    def early(self, live: Live) -> float:
        """Seconds until the song's next status request is due; 0 or less when it is."""
        return min(live.polling.due, live.polling.wanted) - self._clock.monotonic()

    async def acquire(self, live: Live, *, asked: bool) -> None:
        """Wait until the song may be asked about; who wants it from then on wants it again.

        `asked`: somebody waits for the answer, so that no hold is heeded.
        """
        await self.pace.acquire(live.song.owner, asked=asked)
        live.polling.wanted = math.inf

    def called(self, live: Live) -> None:
        """The gateway says that something happened: ask at once, but not again and again."""
        self._by(live, live.polling.asked_at + _GAP)

    def ordered(self, live: Live) -> None:
        """The song is ordered now."""
        live.polling.began = self._clock.monotonic()

    def submitted(self, live: Live) -> None:
        """The provider has it, as it stood when it was ordered: its reply may have taken long."""
        self._plan(live, live.polling.began)

    def begin(self, live: Live, times: Sequence[float]) -> None:
        """Start to follow a song; `times` are the seconds that such songs took lately."""
        provider = self._providers.of(live.song) if len(times) < timing.ENOUGH else None
        documented = provider.info.times(live.song.model) if provider else ()
        live.polling.known_times = (*times, *documented)
        live.polling.asked = int(self.age(live) / self._interval(live))
        # A question that failed while the times were looked up has its own, earlier, repetition.
        if math.isfinite(live.polling.asked_at) and not live.polling.failures:
            live.polling.due = self._clock.monotonic() + self._pause(live)

    def may_ask(self, live: Live) -> bool:
        """Whether a poll interval has passed since the song was last asked about."""
        return self._clock.monotonic() - self._known_at(live) >= self._terms.poll_interval

    def _known_at(self, live: Live) -> float:
        """When the gateway last told how the song stands, to this process or to another one.

        Of what it told another one the row says when, by the time of the day, and nothing else
        can: a clock that was set back makes it seem younger, by less than one interval.
        """
        if math.isfinite(live.polling.asked_at):
            return live.polling.asked_at
        ago = self._clock.now() - live.song.updated_at
        fresh = 0 <= ago < self._terms.poll_interval
        return self._clock.monotonic() - ago if fresh else -math.inf

    def wait_for(self, live: Live) -> None:
        """Somebody waits for the song: ask about it when a poll interval has passed."""
        self._by(live, live.polling.asked_at + self._terms.poll_interval)

    def _by(self, live: Live, at: float) -> None:
        """Have a status request sent at that time at the latest, or now where it has passed."""
        at = max(self._clock.monotonic(), at)
        live.polling.wanted = min(live.polling.wanted, at)
        live.hint()

    def answered(self, live: Live) -> None:
        """The gateway told how the song stands; ask again after the interval."""
        self._budget.earn()
        live.polling.failures = 0
        live.problem = ""
        live.polling.asked += 1
        self.known(live)

    def known(self, live: Live) -> None:
        """How the song stands is known as of now; ask again after the interval."""
        self._plan(live, self._clock.monotonic())

    def _plan(self, live: Live, asked_at: float) -> None:
        live.polling.asked_at = asked_at
        live.polling.due = self._clock.monotonic() + self._pause(live)

    def unanswered(self, live: Live, answer: Unanswered | Gone) -> None:
        """The gateway told nothing; ask again soon if the budget allows it, else more slowly."""
        live.problem = answer.cause
        live.polling.asked_at = self._clock.monotonic()
        live.polling.due = live.polling.asked_at + self._retry(live)
        live.polling.failures += 1
        live.polling.asked += 1
        if isinstance(answer, Unanswered):
            self.hold(live.song.owner, answer)

    def hold(self, owner: Owner, answer: Unanswered) -> None:
        """Let an owner's songs wait as long as the gateway says that it has too much to do."""
        if answer.retry_after is not None:
            self.pace.hold(owner, answer.retry_after)

    def age(self, live: Live) -> float:
        """Seconds since it was ordered; what passed before this process had it, by the wall."""
        if math.isinf(live.polling.began):
            before = max(0.0, self._clock.now() - live.song.created_at)
            live.polling.began = self._clock.monotonic() - before
        return self._clock.monotonic() - live.polling.began

    def _pause(self, live: Live) -> float:
        age, interval = self.age(live), self._interval(live)
        if age > _PATIENCE:
            return max(interval, min(_RAREST, (age - _PATIENCE) / _SLOWING))
        return timing.pause(age, live.polling.asked, live.polling.known_times, interval)

    def _retry(self, live: Live) -> float:
        if self._budget.spend():
            return backoff(live.polling.failures, _QUICK, self._pause(live), self._clock.random)
        slow = backoff(live.polling.failures, self._pause(live), _SLOWEST, self._clock.random)
        return max(self._pause(live), slow)
