"""How fast the gateway is asked, all songs together, and in which order."""

import math
from dataclasses import dataclass, field

import anyio

from acestep_mcp.clock import Clock
from acestep_mcp.domain.song import Owner

LONGEST_HOLD = 120.0
"""Seconds. Whoever is told to come back later than that comes back and hears it again."""


@dataclass(slots=True)
class _Queue:
    """One owner's questions: the planned ones, and those that somebody asks and waits for."""

    planned: anyio.Lock = field(default_factory=anyio.Lock)
    asked: anyio.Lock = field(default_factory=anyio.Lock)
    waiting: int = 0
    held_until: float = -math.inf


class Pace:
    """Hands out turns, at most `rate` a second, to one owner after the other.

    However many questions an owner has, one planned and one asked one of them stand in the line.
    An owner's hold stops their planned questions and nobody else's.
    """

    __slots__ = ("_clock", "_free", "_line", "_queues", "_step")

    def __init__(self, clock: Clock, rate: float) -> None:
        self._clock = clock
        self._step = 1.0 / rate
        self._free = -math.inf
        self._line = anyio.Lock()
        self._queues: dict[Owner, _Queue] = {}

    @property
    def known(self) -> int:
        """Of how many owners anything is remembered."""
        return len(self._queues)

    def waiting(self, owner: Owner) -> int:
        """How many of an owner's questions wait for their turn."""
        queue = self._queues.get(owner)
        return queue.waiting if queue else 0

    async def acquire(self, owner: Owner, *, asked: bool = False) -> None:
        """Wait for an owner's next turn; a question that somebody `asked` heeds no hold."""
        queue = self._queues.setdefault(owner, _Queue())
        queue.waiting += 1
        try:
            async with queue.asked if asked else queue.planned:
                # A hold may come while one stands in the line, so it is looked at again there.
                while not await self._taken(queue, asked=asked):
                    await self._clock.sleep(queue.held_until - self._clock.monotonic())
        finally:
            queue.waiting -= 1
            self._tidy()

    async def _taken(self, queue: _Queue, *, asked: bool) -> bool:
        """Take the next turn of all; False where a hold is to be waited for first."""
        async with self._line:
            while asked or queue.held_until <= self._clock.monotonic():
                early = self._free - self._clock.monotonic()
                if early <= 0:
                    self._free = self._clock.monotonic() + self._step
                    return True
                await self._clock.sleep(early)
        return False

    def hold(self, owner: Owner, seconds: float) -> None:
        """Give an owner's planned questions no turn for `seconds`, because the gateway said so."""
        until = self._clock.monotonic() + min(seconds, LONGEST_HOLD)
        queue = self._queues.setdefault(owner, _Queue())
        queue.held_until = max(queue.held_until, until)

    def _tidy(self) -> None:
        """Forget those of whom there is nothing to remember."""
        now = self._clock.monotonic()
        idle = [
            owner
            for owner, queue in self._queues.items()
            if not queue.waiting and queue.held_until <= now
        ]
        for owner in idle:
            del self._queues[owner]
