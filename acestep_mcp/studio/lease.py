"""Which process looks after which songs, and what happens to those of a dead one."""

import logging

from acestep_mcp.clock import Clock
from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.studio.following import Follower
from acestep_mcp.studio.keyring import Keyring
from acestep_mcp.studio.records import Records

log = logging.getLogger(__name__)

_FIRST = 1.0  # seconds: a client that has just started the server is answered first


class Lease:
    """This process's claim on its songs, renewed while it lives, and given up when it leaves."""

    def __init__(
        self,
        *,
        worker: str,
        seconds: float,
        keys: Keyring,
        records: Records,
        follower: Follower,
        clock: Clock,
    ) -> None:
        self._worker = worker
        self._seconds = seconds
        self._keys = keys
        self._records = records
        self._follower = follower
        self._clock = clock

    @property
    def until(self) -> float:
        """When a lease taken now runs out, in seconds since the epoch."""
        return self._clock.now() + self._seconds

    async def keep(self) -> None:
        """For ever: renew three times per lease, and look for orphans once."""
        beat = self._seconds / 3
        await self._clock.sleep(min(_FIRST, beat))
        while True:
            for duty in (self._take_over, self._renew, self._renew):
                try:
                    await duty()
                except LedgerDown as down:
                    log.warning("the ledger does not answer: %s", down.cause)
                await self._clock.sleep(beat)

    async def give_up(self) -> None:
        """Leave this process's songs to the others at once."""
        try:
            await self._records.ledger.retire(self._worker)
        except LedgerDown as down:
            log.warning("the ledger does not answer: %s", down.cause)

    async def _renew(self) -> None:
        if self._records.owners:
            await self._records.ledger.beat(self._worker, self.until)

    async def _take_over(self) -> None:
        await self._renew()
        ledger, now, callers = self._records.ledger, self._clock.now(), self._keys.callers
        owners = [owner for owner in await ledger.bereaved(now) if self._keys.get(owner)]
        if owners:
            for song in await ledger.claim(owners, self._worker, now, self.until):
                self._follower.follow(self._records.live(song))
        self._keys.forget(callers - self._records.owners)
