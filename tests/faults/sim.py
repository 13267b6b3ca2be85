"""The fault proof: random schedules of the real engine on virtual time.

    python -m tests.faults.sim --schedules 10000 --jobs 2
    python -m tests.faults.sim --schedules 1500 --jobs 2 --ledger postgres
    python -m tests.faults.sim --seed 4711 --verbose

One seed is one schedule, always the same one. Exit status 1 on any broken promise.
"""

import argparse
import gc
import logging
import multiprocessing
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from uuid import UUID

import pytest
import trio
import trio._core._run as scheduler
from trio.testing import MockClock

from acestep_mcp import engine
from tests.ledger.server import postgresql

from .database import store
from .judge import judged
from .world import Faults, Outcome, Tally, World

FIRST = 20_261_123
"""The seed of schedule number 0, unless --first says otherwise."""
_CHUNK = 50
_faults = Faults()


def run(seed: int, *, url: str = "", own: bool = False, verbose: bool = False) -> Outcome:
    """One schedule from beginning to end; `url` is of a PostgreSQL server, else it is SQLite.

    Songs are made by the gateway or, where it is theirs, by the user's `own` server.
    """
    clock = _clock()
    world = World(seed, store(url), clock.current_time, own=own, verbose=verbose)
    _deterministic(seed)
    _faults.world = world
    trio.run(world.run, clock=clock)
    return Outcome(seed, world.tally, judged(world))


def _clock() -> MockClock:
    """Virtual time. Never tied to real time here, so reading it can be one look-up."""
    clock = MockClock(autojump_threshold=0)
    vars(clock)["current_time"] = lambda: clock._virtual_base
    return clock


def _deterministic(seed: int) -> None:
    """Trio shuffles who runs first; here the seed decides it. Ids are drawn from it too."""
    vars(scheduler)["_ALLOW_DETERMINISTIC_SCHEDULING"] = True
    scheduler._r.seed(seed)
    draw = random.Random(~seed)
    vars(engine)["uuid4"] = lambda: UUID(int=draw.getrandbits(128))


@contextmanager
def quiet() -> Iterator[None]:
    """The engine's log says nothing meanwhile, and its faults become breaches."""
    log = logging.getLogger("acestep_mcp")
    before = log.level, log.propagate, log.handlers[:]
    _hush(log)
    try:
        yield
    finally:
        log.setLevel(before[0])
        log.propagate, log.handlers[:] = before[1:]


def prepare() -> None:
    """Once per operating-system process: quiet logs, rare garbage collection."""
    _hush(logging.getLogger("acestep_mcp"))
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _hush(log: logging.Logger) -> None:
    log.setLevel(logging.ERROR)
    log.propagate, log.handlers[:] = False, [_faults]


def outcomes(
    seeds: Sequence[int], jobs: int, url: str = "", *, own: bool = False
) -> Iterator[Outcome]:
    """The outcome of every seed, in any order."""
    one = partial(run, url=url, own=own)
    if jobs == 1:
        prepare()
        yield from map(one, seeds)
        return
    chunks = [seeds[at : at + _CHUNK] for at in range(0, len(seeds), _CHUNK)]
    with multiprocessing.get_context("spawn").Pool(jobs, prepare) as pool:
        for several in pool.imap_unordered(partial(_runs, one), chunks):
            yield from several


def _runs(one: Callable[[int], Outcome], seeds: Sequence[int]) -> list[Outcome]:
    return [one(seed) for seed in seeds]


def summed(found: Iterable[Outcome]) -> tuple[Tally, list[Outcome]]:
    """All figures together, and the schedules that broke a promise."""
    total, broken = Tally(), []
    for outcome in found:
        total.add(outcome.tally)
        if outcome.breaches:
            broken.append(outcome)
    return total, broken


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.sim", description=__doc__)
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--first", type=int, default=FIRST, help="seed of the first schedule")
    parser.add_argument("--seed", type=int, help="replay this one schedule")
    parser.add_argument("--verbose", action="store_true", help="tell what happens (with --seed)")
    parser.add_argument("--own", action="store_true", help="songs are made by the own server")
    chosen, url = parsed(parser, arguments)
    if chosen.seed is not None:
        prepare()
        one = run(chosen.seed, url=url, own=chosen.own, verbose=chosen.verbose)
        return _report([one], f"seed {chosen.seed}")
    seeds = range(chosen.first, chosen.first + chosen.schedules)
    who = "own server, " if chosen.own else ""
    title = f"{who}{chosen.ledger}, seeds {seeds.start} to {seeds.stop - 1}"
    return _report(outcomes(seeds, chosen.jobs, url, own=chosen.own), title)


def parsed(
    parser: argparse.ArgumentParser, arguments: Sequence[str] | None
) -> tuple[argparse.Namespace, str]:
    """The command line, and the URL of the PostgreSQL server if it asks for one."""
    parser.add_argument("--ledger", choices=("sqlite", "postgres"), default="sqlite")
    chosen = parser.parse_args(arguments)
    if chosen.ledger == "sqlite":
        return chosen, ""
    try:
        return chosen, postgresql().url()
    except pytest.skip.Exception as why:
        parser.exit(1, f"{why}\n")


def _report(found: Iterable[Outcome], title: str) -> int:
    started = time.monotonic()
    total, broken = summed(found)
    seconds = time.monotonic() - started
    print(title)
    for name in Tally.__slots__:
        print(f"  {name:<14}{getattr(total, name):>9,}")
    print(f"  {'seconds':<14}{seconds:>9.1f}")
    for outcome in sorted(broken, key=lambda each: each.seed)[:20]:
        for breach in outcome.breaches[:3]:
            print(f"seed {outcome.seed}: {breach.kind}: {breach.story}")
    if broken:
        print(f"{len(broken)} schedules broke a promise; replay one with --seed N --verbose")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
