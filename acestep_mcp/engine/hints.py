"""When to look again at a song that another process looks after."""

from contextlib import aclosing, suppress

import anyio

from acestep_mcp.clock import Clock
from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.engine.live import Live
from acestep_mcp.engine.registry import Registry
from acestep_mcp.ledger import Ledger

_SWEEP = 1.0  # seconds between looks at all songs that this process follows


class Hints:
    """Wakes those who wait for other processes' songs when the ledger tells of a change.

    A hint says only that it may be worth looking; whoever waits looks without one, too.
    """

    def __init__(self, ledger: Ledger, registry: Registry) -> None:
        self._ledger = ledger
        self._registry = registry
        self._waiting = 0
        self._wanted = anyio.Event()

    async def keep(self) -> None:
        """For ever: pass on what the ledger tells."""
        async with aclosing(self._ledger.changes(self._awaited)) as changes:
            async for song_id in changes:
                self._registry.hint(song_id)

    async def sweep(self, worker: str, clock: Clock) -> None:
        """For ever: find by looking, too, which of this process's songs others know more of."""
        while True:
            await clock.sleep(_SWEEP)
            if self._registry.owners:
                with suppress(LedgerDown):  # which everyone else says already
                    for song_id, version in await self._ledger.running(worker):
                        self._registry.moved(song_id, version)

    async def changed(self, live: Live, within: float) -> None:
        """Wait until the song may have changed, but no longer than `within` seconds."""
        self._waiting += 1
        self._wanted.set()
        try:
            with anyio.move_on_after(within):
                await live.hinted()
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._wanted = anyio.Event()

    async def _awaited(self) -> None:
        await self._wanted.wait()
