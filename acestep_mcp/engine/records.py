"""How facts about songs reach the ledger, be it late: none is lost, and none is overtaken."""

import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import anyio

from acestep_mcp.clock import Clock
from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.domain.song import SUBMITTING, Owner, Song
from acestep_mcp.engine.background import Background
from acestep_mcp.engine.live import Live
from acestep_mcp.ledger import Ledger
from acestep_mcp.ledger.driver import answering_by, patience

log = logging.getLogger(__name__)

Write = Callable[[], Awaitable[object]]
_SOON = 3.0  # seconds after which what is true is shown although it is not written yet
_AGAIN = 1.0  # seconds between attempts to write what the ledger could not take


class Records:
    """The ledger, and a queue of what it could not take when it became true."""

    def __init__(self, ledger: Ledger, clock: Clock, background: Background) -> None:
        self.ledger = ledger
        self._clock = clock
        self._background = background
        self._backlog: deque[Write] = deque()
        self._last_writes: dict[Owner, anyio.Event] = {}

    async def apply(
        self, live: Live, fact: Callable[[Song], Song], *, insist: bool = False
    ) -> bool:
        """Write a fact about a song and show it; False when the song is no longer there.

        `insist` where money may have been spent: then a song whose row is gone, because somebody
        restored a backup or deleted it, is written anew.

        Never cut in the middle. Once the request has left, what the ledger cannot take now is
        true all the same: it is shown at once, and written as soon as the ledger recovers, after
        what became true before it.

        Raises:
            LedgerDown: The step could not be written and, not having been taken, need not be.
        """
        if self._backlog:
            down = LedgerDown("earlier changes are still waiting")
            return self._queue_fact(live, fact, down, insist=insist)
        there = False
        with anyio.CancelScope(shield=True):
            try:
                with answering_by(anyio.current_time() + _SOON):
                    there = await self._write(live, fact, insist=insist)
            except LedgerDown as down:
                there = self._queue_fact(live, fact, down, insist=insist)
        return there

    def _queue_fact(
        self, live: Live, fact: Callable[[Song], Song], down: LedgerDown, *, insist: bool
    ) -> bool:
        song = fact(live.song)
        if song.state in SUBMITTING:
            raise down
        if song is not live.song:
            log.error("%s is not in the ledger yet: %s", song.handle, down.cause)
            self._postpone(partial(self._write, live, fact, insist=insist))
            live.show(song)
        return True

    async def _write(self, live: Live, fact: Callable[[Song], Song], *, insist: bool) -> bool:
        song = await self.ledger.change(live.song.owner, live.song.id, fact)
        if song is None and insist:
            log.error("%s was not in the ledger any more, and is written anew", live.song.handle)
            song = await self.ledger.adopt(fact(live.song))
        if song is not None:
            live.show(song)
        return song is not None

    async def write_or_queue(self, write: Write) -> None:
        """Write to the ledger now, uncut; if that fails, later and as often as it takes.

        What is written later is written in the order it became true.
        """
        with anyio.CancelScope(shield=True):
            if self._backlog:
                self._postpone(write)
                return
            try:
                with answering_by(anyio.current_time() + _SOON):
                    await write()
            except LedgerDown as down:
                log.warning("the ledger does not answer: %s", down.cause)
                self._postpone(write)

    def write_later(self, owner: Owner, write: Write) -> None:
        """Write in the background, after everything that is written so for the owner already."""
        before, done = self._last_writes.get(owner), anyio.Event()
        self._last_writes[owner] = done
        self._background.start(self._write_after, owner, write, before, done)

    async def _write_after(
        self, owner: Owner, write: Write, before: anyio.Event | None, done: anyio.Event
    ) -> None:
        try:
            if before is not None:
                await before.wait()
            await self.write_or_queue(write)
        finally:
            done.set()
            if self._last_writes.get(owner) is done:
                del self._last_writes[owner]

    async def written(self, owner: Owner) -> None:
        """Wait until what is written later for the owner is in the ledger, or queued for it.

        Raises:
            LedgerDown: That takes longer than the caller has time.
        """
        if (last := self._last_writes.get(owner)) is not None:
            with anyio.move_on_after(patience(math.inf)) as scope:
                await last.wait()
            if scope.cancelled_caught:
                raise LedgerDown("earlier changes are still waiting")

    def _postpone(self, write: Write) -> None:
        self._backlog.append(write)
        if len(self._backlog) == 1:
            self._background.start(self._catch_up)

    async def _catch_up(self) -> None:
        while self._backlog:
            await self._clock.sleep(_AGAIN)
            with suppress(LedgerDown):
                while self._backlog:
                    await self._backlog[0]()
                    self._backlog.popleft()
