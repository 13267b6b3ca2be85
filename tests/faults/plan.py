"""What one schedule will be like, drawn from its seed before anything runs."""

from dataclasses import dataclass
from random import Random

HOUR = 3_600.0
_LONG = 600.0


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


@dataclass(frozen=True, slots=True)
class Hosting:
    """How the servers are hosted: `callbacks` from the gateway, the callers' own keys only."""

    callbacks: bool
    own_keys: bool


def hosting(seed: int, plan: Plan) -> Hosting:
    """Drawn apart, so that it changes nothing else about the schedule of that seed."""
    rng = Random(f"hosting {seed}")
    callbacks, own_keys = rng.random() < 0.35, rng.random() < 0.15
    # Who waits for callbacks looks into SQLite four times a second, which for hours costs much.
    return Hosting(callbacks=callbacks and plan.heals < _LONG, own_keys=own_keys)


@dataclass(frozen=True, slots=True)
class Steps:
    """When the wall clock is set, and by how many seconds, in order. Times are virtual seconds."""

    made: tuple[tuple[float, float], ...] = ()

    def by(self, time: float) -> float:
        """How far the wall clock is from the true time by then."""
        return sum(step for at, step in self.made if at <= time)

    def forward(self, since: float, until: float) -> float:
        """Seconds by which it was set forward between the two."""
        return sum(step for at, step in self.made if step > 0 and since <= at <= until)


def steps(seed: int, chaos: float) -> Steps:
    """Somebody sets the clock, now and then; and it may be wrong from the start and mended."""
    rng, end = Random(f"clock {seed}"), chaos + 200.0
    drawn: list[tuple[float, float]] = []
    while rng.random() < 0.4:
        at, step = rng.uniform(0, end), rng.choice((1, -1)) * rng.choice(_STEPS)
        drawn.append((at, step))
        if rng.random() < 0.5:  # whoever finds it wrong sets it right
            drawn.append((rng.uniform(at, end), -step))
    return Steps(tuple(sorted(drawn)))


_STEPS = (0.5, 30.0, 700.0, HOUR, 6 * HOUR, 11 * HOUR)


@dataclass(frozen=True, slots=True)
class Files:
    """Where songs are saved: when the folder is not there, and when the media host has nothing.

    `failing` are the odds that an attempt to save fails for another reason. Times are virtual
    seconds.
    """

    folder: tuple[float, float]
    media: tuple[tuple[float, float], ...]
    failing: float

    @property
    def heals(self) -> float:
        """From when on everything can be saved."""
        return max(end for _, end in (self.folder, *self.media, (0.0, 0.0)))

    def folder_gone(self, time: float) -> bool:
        """Whether there is no folder then."""
        return self.folder[0] <= time < self.folder[1]

    def media_gone(self, time: float) -> bool:
        """Whether the media host says then that it has no such track."""
        return any(start <= time < end for start, end in self.media)


def files(seed: int, plan: Plan) -> Files:
    """Drawn apart, as above."""
    rng = Random(f"files {seed}")
    return Files(
        folder=_span(rng, plan.chaos, 120.0) if rng.random() < 0.3 else (0.0, 0.0),
        media=tuple(_span(rng, plan.chaos, 500.0) for _ in range(rng.choice((0, 1, 1, 2)))),
        failing=0.5 if plan.library == "failing" else 0.0,
    )


@dataclass(frozen=True, slots=True)
class Weather:
    """What a database server and the network to it do of their own. Times are virtual seconds.

    `breaking`, `crowded` and `stalling` are the odds that a transaction's connection breaks, that
    others come between its statements, and that its process is suspended in the middle of it;
    `dropped` and `late` those of a notification; `away` is when the server is down.
    """

    breaking: float
    crowded: float
    stalling: float
    dropped: float
    late: float
    away: tuple[tuple[float, float], ...]


def weather(seed: int, chaos: float) -> Weather:
    """Drawn apart, so that a seed means the same schedule on every ledger."""
    rng = Random(f"weather {seed}")
    spans = [_span(rng, chaos, 30.0) for _ in range(rng.choice((0, 0, 0, 1, 2)))]
    return Weather(
        breaking=rng.choice((0.0, 0.05, 0.1, 0.3)),
        crowded=rng.choice((0.1, 0.4, 0.8)),
        stalling=rng.choice((0.0, 0.0, 0.01)),
        dropped=rng.choice((0.0, 0.2, 1.0)),
        late=rng.choice((0.0, 0.2, 0.8)),
        # Every other outage is a restart that nobody sees but by the broken connections.
        away=tuple((start, rng.choice((start, end))) for start, end in spans),
    )


def _span(rng: Random, within: float, longest: float) -> tuple[float, float]:
    start = rng.uniform(0, within)
    return start, start + rng.uniform(1, longest)


def _outages(rng: Random, chaos: float, *, long: bool) -> tuple[tuple[float, float], ...]:
    spans = [_span(rng, chaos, 90.0) for _ in range(rng.choice((0, 0, 1, 2)))]
    if long:
        spans.append(_span(rng, chaos, 3 * HOUR))
    return tuple(spans)
