"""How fast the gateway is asked, all songs together."""

import math

import anyio

from acestep_mcp.clock import Clock


class Pace:
    """Hands out turns in order, at most `rate` a second, and none before a hold has passed."""

    __slots__ = ("_clock", "_free", "_queue", "_step")

    def __init__(self, clock: Clock, rate: float) -> None:
        self._clock = clock
        self._step = 1.0 / rate
        self._free = -math.inf
        self._queue = anyio.Lock()

    async def turn(self) -> None:
        """Wait for the next turn."""
        async with self._queue:
            # A hold may come while the first in the queue sleeps, so the clock is read again.
            while (early := self._free - self._clock.monotonic()) > 0:
                await self._clock.sleep(early)
            self._free = self._clock.monotonic() + self._step

    def hold(self, seconds: float) -> None:
        """Give no turn for `seconds`, because the gateway said so."""
        self._free = max(self._free, self._clock.monotonic() + seconds)
