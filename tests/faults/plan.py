"""What one schedule will be like, drawn from its seed before anything runs."""

from dataclasses import dataclass
from random import Random

HOUR = 3_600.0


@dataclass(frozen=True, slots=True)
class Plan:
    """The climate of one schedule. Times are virtual seconds.

    `chaos` is how long clients come and go, `outages` when the status endpoint is away, `down`
    when nothing can be reached, `full` when the ledger takes nothing. `submit_trouble` and
    `status_trouble` are the odds that one exchange goes wrong.
    """

    chaos: float
    processes: int
    owners: int
    wishes: int
    clients: int
    lease: float
    poll_interval: float
    status_rate: float
    daily_limit: int
    submit_trouble: float
    status_trouble: float
    outages: tuple[tuple[float, float], ...]
    down: tuple[float, float]
    full: tuple[float, float]
    library: str
    crashing: float
    suspending: float
    survivors: bool

    @property
    def heals(self) -> float:
        """From when on the gateway and the ledger do what they should."""
        spans = (*self.outages, self.down, self.full, (0.0, self.chaos))
        return max(end for _, end in spans)


def drawn(rng: Random) -> Plan:
    """The plan of one schedule."""
    chaos = rng.choice((20.0, 20.0, 60.0, 60.0, 60.0, 150.0, 400.0))
    long = rng.random() < 0.04
    processes = 2 if rng.random() < 0.4 else 1
    return Plan(
        chaos=chaos,
        processes=processes,
        owners=2 if rng.random() < 0.15 else 1,
        wishes=rng.randint(1, 4),
        clients=rng.choice((1, 1, 2, 3, 4)),
        lease=120.0 if long else rng.choice((6.0, 15.0, 30.0, 60.0)),
        poll_interval=rng.choice((2.0, 5.0, 5.0, 10.0)),
        status_rate=rng.choice((0.5, 2.0, 10.0, 10.0)),
        daily_limit=rng.choice((0, 0, 0, 0, 100, 3)),
        submit_trouble=rng.choice((0.05, 0.2, 0.4, 0.7)),
        status_trouble=rng.choice((0.0, 0.1, 0.1, 0.4)),
        outages=_outages(rng, chaos, long=long),
        down=_span(rng, chaos, 60.0) if rng.random() < 0.15 else (0.0, 0.0),
        full=_span(rng, chaos, 30.0) if rng.random() < 0.08 else (0.0, 0.0),
        library=rng.choice(("none", "none", "good", "failing")),
        crashing=rng.choice((0.0, 0.3, 0.6, 0.9)),
        suspending=0.3 if processes > 1 else 0.05,
        survivors=rng.random() < 0.5,
    )


def _span(rng: Random, within: float, longest: float) -> tuple[float, float]:
    start = rng.uniform(0, within)
    return start, start + rng.uniform(1, longest)


def _outages(rng: Random, chaos: float, *, long: bool) -> tuple[tuple[float, float], ...]:
    spans = [_span(rng, chaos, 90.0) for _ in range(rng.choice((0, 0, 1, 2)))]
    if long:
        spans.append(_span(rng, chaos, 3 * HOUR))
    return tuple(spans)
