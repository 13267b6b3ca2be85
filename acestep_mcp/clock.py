"""The one door to time and chance, so that tests can run a day in a millisecond.

There are two clocks. The wall clock is shown, counted by the daily limit and written into leases;
it may be set at any moment, in either direction. Every interval is measured on the other one.
"""

import random
import time
from typing import Protocol

import anyio

_LEAST_JUMP = 0.1  # seconds; less is the clocks' drift


class Clock(Protocol):
    """What the engine knows of the outside's passing."""

    def now(self) -> float:
        """Seconds since the epoch, as the machine has it; somebody may set it at any moment."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment of the past; nobody can set it, so intervals are its."""
        ...

    def random(self) -> float:
        """A number in [0, 1)."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        ...


class Jumps:
    """How far the wall clock was set forward lately, found by comparing it with the other clock.

    What was written with the time of the day seems older than it is by that much.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = clock.now() - clock.monotonic()
        self._seen: list[tuple[float, float]] = []

    def ago(self, seconds: float) -> float:
        """What the wall clock said `seconds` ago, or earlier: whatever is written later is newer.

        Where it was set forward since, what was written before lies that much further back.
        """
        return self._clock.now() - seconds - self.within(seconds)

    def within(self, seconds: float) -> float:
        """Seconds by which it was set forward in the last `seconds`.

        Seen only from call to call, so something has to call it now and then.
        """
        at = self._clock.monotonic()
        offset = self._clock.now() - at
        if (step := offset - self._offset) > _LEAST_JUMP:
            self._seen.append((at, step))
        self._offset = offset
        self._seen = [seen for seen in self._seen if seen[0] > at - seconds]
        return sum(step for _, step in self._seen)


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Seconds since the epoch, by the system's clock."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds on the clock that only ever goes forward."""
        return time.monotonic()

    def random(self) -> float:
        """A pseudo-random number in [0, 1)."""
        return random.random()

    async def sleep(self, seconds: float) -> None:
        """Wait on the event loop's clock."""
        await anyio.sleep(seconds)
