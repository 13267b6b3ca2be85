"""The one door to time and chance, so that tests can run a day in a millisecond."""

import random
import time
from typing import Protocol

import anyio


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
