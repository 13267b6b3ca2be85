"""The songs this process holds in its hands, and the way facts about them reach the ledger."""

import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import anyio
from anyio.abc import TaskGroup

from acestep_mcp.clock import Clock
from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.domain.song import SUBMITTING, Owner, Song, SongId
from acestep_mcp.engine.live import Live
from acestep_mcp.ledger import Ledger
from acestep_mcp.ledger.driver import answering_by, patience, taking_its_time

log = logging.getLogger(__name__)

Write = Callable[[], Awaitable[object]]
_SOON = 3.0  # seconds after which what is true is shown although it is not written yet
_AGAIN = 1.0  # seconds between attempts to write what the ledger could not take


class Records:
    """Live songs by id, written through to the ledger; and the engine's background tasks."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self.ledger = ledger
        self._clock = clock
        self._live: dict[SongId, Live] = {}
        self._backlog: deque[Write] = deque()
        self._notes: dict[Owner, anyio.Event] = {}
        self._tasks: TaskGroup | None = None

    def run_in(self, tasks: TaskGroup) -> None:
        """Start background work in this group from now on."""
        self._tasks = tasks

    def start(self, work: Callable[..., Awaitable[object]], *args: object) -> None:
        """Run `work` in the background; a fault in it is logged and takes nothing else down."""
        if self._tasks is None:
            raise RuntimeError("the engine is not open")
        self._tasks.start_soon(_contained, work, *args)

    @property
    def owners(self) -> set[Owner]:
        """Whose songs are in hand."""
        return {live.song.owner for live in self._live.values()}

    def live(self, song: Song) -> Live:
        """The one live entry of a song, brought up to date with `song` if that is newer."""
        live = self._live.get(song.id)
        if live is None:
            live = Live(song)
            if not live.done:
                self._live[song.id] = live
        elif song.version > live.song.version:
            live.show(song)
            live.hint()
        return live

    def held(self, song_id: SongId) -> Live | None:
        """The live entry of a song, if it is in hand."""
        return self._live.get(song_id)

    def hold(self, live: Live) -> None:
        """Somebody here looks after it."""
        self._live.setdefault(live.song.id, live)

    def drop(self, live: Live) -> None:
        """Nobody here looks after it any more."""
        if self._live.get(live.song.id) is live:
            del self._live[live.song.id]

    def hint(self, song_id: SongId | None) -> None:
        """The ledger says that this song may have changed; None: any song."""
        hinted = self._live if song_id is None else {song_id} & self._live.keys()
        for each in hinted:
            self._live[each].hint()

    def tell(self) -> None:
        """Wake everyone who waits for any song."""
        for live in self._live.values():
            live.tell()

    def moved(self, song_id: SongId, version: int) -> None:
        """The ledger has the song in that version: worth a look if it is another one here."""
        live = self._live.get(song_id)
        if live is not None and live.song.version != version:
            live.hint()

    def named(self, owner: Owner, handle: str) -> Song | None:
        """A song in hand, by what it is called here even if the ledger does not know that yet."""
        songs = (live.song for live in self._live.values())
        named = (each for each in songs if each.owner == owner and handle in (each.handle, each.id))
        return next(named, None)

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
            return self._later(live, fact, down, insist=insist)
        there = False
        with anyio.CancelScope(shield=True):
            try:
                with answering_by(anyio.current_time() + _SOON):
                    there = await self._write(live, fact, insist=insist)
            except LedgerDown as down:
                there = self._later(live, fact, down, insist=insist)
        return there

    def _later(
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

    async def settle(self, write: Write) -> None:
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

    def note(self, owner: Owner, write: Write) -> None:
        """Settle a write in the background, after everything noted for the owner before."""
        before, done = self._notes.get(owner), anyio.Event()
        self._notes[owner] = done
        self.start(self._note, owner, write, before, done)

    async def _note(
        self, owner: Owner, write: Write, before: anyio.Event | None, done: anyio.Event
    ) -> None:
        try:
            if before is not None:
                await before.wait()
            await self.settle(write)
        finally:
            done.set()
            if self._notes.get(owner) is done:
                del self._notes[owner]

    async def noted(self, owner: Owner) -> None:
        """Wait until what was noted for the owner is in the ledger, or has to wait for it.

        Raises:
            LedgerDown: That takes longer than the caller has time.
        """
        if (last := self._notes.get(owner)) is not None:
            with anyio.move_on_after(patience(math.inf)) as scope:
                await last.wait()
            if scope.cancelled_caught:
                raise LedgerDown("earlier changes are still waiting")

    def _postpone(self, write: Write) -> None:
        self._backlog.append(write)
        if len(self._backlog) == 1:
            self.start(self._catch_up)

    async def _catch_up(self) -> None:
        while self._backlog:
            await self._clock.sleep(_AGAIN)
            with suppress(LedgerDown):
                while self._backlog:
                    await self._backlog[0]()
                    self._backlog.popleft()


async def _contained(work: Callable[..., Awaitable[object]], *args: object) -> None:
    taking_its_time()  # whatever call it is that has this done
    try:
        await work(*args)
    except Exception:
        log.exception("background work failed")
