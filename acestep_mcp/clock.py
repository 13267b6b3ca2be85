"""The one door to time and chance, so that tests can run a day in a millisecond."""

import random
import time
from typing import Protocol

import anyio


class Clock(Protocol):
    """What the engine knows of the outside's passing."""

    def now(self) -> float:
        """Seconds since the epoch."""
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

    def random(self) -> float:
        """A pseudo-random number in [0, 1)."""
        return random.random()

    async def sleep(self, seconds: float) -> None:
        """Wait on the event loop's clock."""
        await anyio.sleep(seconds)
