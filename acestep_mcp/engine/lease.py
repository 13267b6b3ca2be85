"""Which process looks after which songs, and what happens to those of a dead one."""

import logging
import math

import anyio

from acestep_mcp.clock import Clock, Jumps
from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.engine.following import Follower
from acestep_mcp.engine.keyring import Keyring
from acestep_mcp.engine.registry import Registry
from acestep_mcp.ledger import Ledger
from acestep_mcp.ledger.driver import answering_by

log = logging.getLogger(__name__)

_LEAST = 0.05  # seconds between two looks
_LAST = 1.0  # seconds to say good-bye: a lease that is not given up runs out
_FIRST = 1.0  # seconds: a client that has just started the server is answered first


class Lease:
    """This process's claim on its songs, renewed while it lives, and given up when it leaves."""

    def __init__(
        self,
        *,
        worker: str,
        seconds: float,
        keys: Keyring,
        ledger: Ledger,
        registry: Registry,
        follower: Follower,
        clock: Clock,
        jumps: Jumps,
    ) -> None:
        self._worker = worker
        self._seconds = seconds
        self._keys = keys
        self._ledger = ledger
        self._registry = registry
        self._follower = follower
        self._clock = clock
        self._jumps = jumps
        self._said = ""

    async def keep(self) -> None:
        """For ever: renew three times per lease, and look for orphans.

        That is when a lease runs out, and when somebody calls whose songs nobody could follow.
        """
        beat = self._seconds / 3
        look = -math.inf
        await self._clock.sleep(min(_FIRST, beat))
        while True:
            pause = beat
            try:
                await self._renew()
                if look <= self._clock.monotonic():
                    look = self._clock.monotonic() + await self._take_over()
                pause = min(beat, max(_LEAST, look - self._clock.monotonic()))
            except LedgerDown as down:
                self._complain(down)
            await self._clock.sleep(_LEAST)
            with anyio.move_on_after(pause - _LEAST):
                await self._keys.news()
                look = -math.inf

    async def give_up(self) -> None:
        """Leave this process's songs to the others at once."""
        try:
            with answering_by(anyio.current_time() + _LAST):
                await self._ledger.retire(self._worker)
        except LedgerDown as down:
            self._complain(down)

    def _complain(self, down: LedgerDown) -> None:
        """Say it once: what stays wrong for days would fill somebody's log."""
        if down.cause != self._said:
            log.warning("the ledger does not answer: %s", down.cause)
        self._said = down.cause

    async def _renew(self) -> None:
        self._jumps.within(math.inf)  # a look now and then, so that none is missed
        if self._registry.owners:
            await self._ledger.beat(self._worker, self._clock.now(), self._seconds)

    async def _take_over(self) -> float:
        """Go on with the songs of the dead; in how many seconds the next one may be dead."""
        ledger, now = self._ledger, self._clock.now()
        for unsaved in (False, True):
            bereaved = await ledger.bereaved(now, unsaved=unsaved)
            askable = {pair for owner in bereaved for pair in self._keys.askable(owner)}
            # Files need a folder, and the rest somebody who can be asked.
            helped = (bereaved if self._follower.saves else ()) if unsaved else dict(askable)
            if owners := [owner for owner in bereaved if owner in helped]:
                taken = await ledger.claim(
                    owners,
                    self._worker,
                    now,
                    self._seconds,
                    unsaved=unsaved,
                    askable=askable,
                )
                for song in taken:
                    self._follower.follow(self._registry.live(song))
        self._keys.forget(self._registry.owners, self._clock.monotonic() - self._seconds)
        return min(await ledger.expiry(self._worker, now) - now, self._seconds)
