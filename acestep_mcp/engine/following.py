"""Looking after a song until nothing is left to do for it."""

import logging
from contextlib import suppress
from functools import partial

import anyio

from acestep_mcp.clock import Clock
from acestep_mcp.domain.errors import CouldNotSend, LedgerDown, NotFound
from acestep_mcp.domain.song import (
    RUNNING,
    SUBMITTING,
    Observation,
    Song,
    given_up,
    left,
    observed,
)
from acestep_mcp.engine import telemetry
from acestep_mcp.engine.background import Background
from acestep_mcp.engine.hints import Hints
from acestep_mcp.engine.keyring import Keyring
from acestep_mcp.engine.live import Live
from acestep_mcp.engine.records import Records
from acestep_mcp.engine.registry import Registry
from acestep_mcp.engine.saving import Saver
from acestep_mcp.engine.schedule import Schedule
from acestep_mcp.providers import Answer, Gone

log = logging.getLogger(__name__)

GLANCE = 1.0  # seconds between looks, without a hint, at another process's song
_LEDGER_PAUSE = 5.0  # seconds to leave a ledger alone that did not answer
_REVISIT_PAUSE = 5.0  # seconds until a song that seems to have ended is looked at again; likewise

DAY = 86_400.0
_NOT_KNOWN_FOR = 1 * DAY
_NO_END_FOR = 7 * DAY
_NO_ANSWER_FOR = 30 * DAY
"""After which a song counts as lost: a paid one deserves patience, but not for years."""
_ENOUGH = 3  # such answers in a row, so that no single one decides


class Follower:
    """Follows songs: at most one loop per song here, and none for another process's songs."""

    def __init__(  # noqa: PLR0913  # the parts that it works with
        self,
        *,
        worker: str,
        keys: Keyring,
        records: Records,
        registry: Registry,
        background: Background,
        saver: Saver | None,
        clock: Clock,
        schedule: Schedule,
        hints: Hints,
    ) -> None:
        self._worker = worker
        self._keys = keys
        self._records = records
        self._registry = registry
        self._background = background
        self._saver = saver
        self._clock = clock
        self._schedule = schedule
        self._hints = hints

    @property
    def saves(self) -> bool:
        """Whether this process has a folder for finished songs."""
        return self._saver is not None

    def follow(self, live: Live) -> None:
        """See to it that somebody follows the song, if there is anything to follow."""
        if not live.done and not live.following.held:
            live.following.held = True
            self._registry.hold(live)
            self._background.start(self._follow, live)

    def keep(self, live: Live) -> None:
        """Leave the song alone until `take`: another task looks after it, which submits it."""
        live.following.held = True

    def take(self, live: Live) -> None:
        """Follow a song that was kept from that."""
        live.following.held = False
        self.follow(live)

    def ask(self, live: Live) -> None:
        """Have the gateway asked about the song at once, whoever looks after it."""
        self._background.start(self._asked, live)

    async def _asked(self, live: Live) -> None:
        if not live.following.asking:
            live.following.asking = True
            try:
                await self._schedule.acquire(live, asked=True)
                await self._question(live)
            finally:
                live.following.asking = False
                live.wake()

    async def observe(self, live: Live) -> None:
        """Ask the gateway about a song once, in turn, and write down what it says.

        Whoever comes while that waits for its turn, or for the answer, gets the same answer: a
        thousand who had turns of their own would have the song wait for a minute.
        """
        before, state = live.polling.asked_at, live.following
        if not (state.queued or state.asking):
            state.queued = True
            try:
                await self._schedule.acquire(live, asked=False)
            finally:
                state.queued = False
                live.wake()
            if live.polling.asked_at == before and not live.following.asking:  # nobody was quicker
                state.asking = True
                try:
                    await self._question(live)
                finally:
                    state.asking = False
                    live.wake()
        while state.queued or state.asking:
            await live.next_change()

    async def _question(self, live: Live) -> None:
        way = self._keys.way_to(live.song)
        if way is None or live.song.request_id is None:
            return
        provider, key = way
        answer = await provider.status(live.song.request_id, key, live.song.payload)
        telemetry.polled(answered=isinstance(answer, Observation))
        before, now = live.song, self._clock.now()
        if not isinstance(answer, Observation):
            self._schedule.unanswered(live, answer)
        else:
            self._schedule.answered(live)
            live.progress = answer.progress
            fact = partial(observed, seen=answer, now=now)
            if not await self._records.apply(live, fact, insist=self._bought(live.song)):
                live.refuse(NotFound(live.song.handle))
                return
        if why := self._lost(live, answer):
            await self._records.apply(live, partial(given_up, now=now, why=why))
        if live.song.state != before.state:
            live.hint()  # for the loop that waits for what the song was before
        if before.state in RUNNING and live.song.ended:
            live.following.revisits = 0
            lag = now - (live.song.completed_at or now)
            telemetry.ended(live.song.model, live.song.state, lag)

    def _lost(self, live: Live, answer: Answer) -> str:
        """Why nothing more will be heard of a running song; `""` where something may."""
        age = self._schedule.age(live)
        if isinstance(answer, Observation):
            live.following.strange = 0
            never = live.song.state in RUNNING and age > _NO_END_FOR
            return f"it has not ended in {_NO_END_FOR / DAY:.0f} days" if never else ""
        live.following.strange = live.following.strange + 1 if isinstance(answer, Gone) else 0
        if live.following.strange >= _ENOUGH and age > _NOT_KNOWN_FOR:
            return "the gateway does not know it any more, a day after it was ordered"
        if live.polling.failures >= _ENOUGH and age > _NO_ANSWER_FOR:
            return f"the gateway told nothing about it for {_NO_ANSWER_FOR / DAY:.0f} days"
        return ""

    async def _follow(self, live: Live) -> None:
        try:
            await self._learn(live)
            while not live.done:
                try:
                    if not await self._step(live):
                        break
                except LedgerDown as down:
                    log.warning("the ledger does not answer: %s", down.cause)
                    await self._clock.sleep(_LEDGER_PAUSE)
        finally:
            live.following.held = False
            self._registry.drop(live)

    async def _learn(self, live: Live) -> None:
        """Recall how long such songs take, to ask when it is worth it."""
        times: tuple[float, ...] = ()
        if live.song.state in RUNNING:
            with suppress(LedgerDown):
                times = await self._records.ledger.times(live.song)
        self._schedule.begin(live, times)

    async def _step(self, live: Live) -> bool:
        """Do the next thing for a song; False when there is nothing to do for it here."""
        song = live.song
        if self._theirs(song):
            return await self._glance(live)
        keyless = self._keys.way_to(song) is None
        if song.unsaved:
            if self._saver is None or (keyless and not song.media_urls):
                # Another process may have a folder, or the key to ask for the URLs, and takes
                # what nobody has.
                await self._records.apply(live, left)
                return False
            await self._save(live, self._saver)
        elif keyless:
            return False
        elif song.presumed:
            await self._revisit(live)
        elif await self._due(live):
            await self.observe(live)
        return True

    def _theirs(self, song: Song) -> bool:
        """Whether only another process can move it, or another task: the one that submits it."""
        return song.worker != self._worker or song.state in SUBMITTING

    async def _due(self, live: Live) -> bool:
        """Wait until it is time to ask; False when the ledger had the song's end before."""
        while live.song.state in RUNNING and (early := self._schedule.early(live)) > 0:
            if self._schedule.called_back(live):
                await self._called(live, min(early, GLANCE) if live.waiting else early)
            else:
                with anyio.move_on_after(early):
                    await live.hinted()
        return live.song.state in RUNNING

    async def _called(self, live: Live, within: float) -> None:
        """Wait for what callbacks told another process: it wrote the end, or only that one came."""
        await self._hints.changed(live, within)
        before = live.song.version
        await self._reload(live)
        if live.song.version > before:
            self._schedule.called(live)

    async def _glance(self, live: Live) -> bool:
        """Look how a song does that somebody else looks after, while anyone waits for it."""
        await self._hints.changed(live, GLANCE)
        if not self._theirs(live.song):
            return True  # this process took it over meanwhile, and counts on this loop
        if not live.waiting:
            return False
        await self._reload(live)
        return True

    async def _reload(self, live: Live) -> None:
        """Take over from the ledger what another process wrote."""
        found = await self._records.ledger.find(live.song.owner, live.song.id)
        if found is None and live.song.state == "intent":
            live.refuse(CouldNotSend("the process that took the order stopped before sending it"))
        elif found is None and self._bought(live.song):
            await self._records.apply(live, _unchanged, insist=True)
        elif found is None:
            live.refuse(NotFound(live.song.handle))
        elif found.version > live.song.version:
            live.show(found)

    def _bought(self, song: Song) -> bool:
        """Whether this process knows of its own that the song was paid for."""
        return song.worker == self._worker and bool(song.fingerprint and song.request_id)

    async def _revisit(self, live: Live) -> None:
        """A queue that gave a job up may take it on again: look a few more times."""
        live.following.revisits += 1
        due = self._clock.monotonic() + _REVISIT_PAUSE * 2**live.following.revisits
        while live.song.presumed and (early := due - self._clock.monotonic()) > 0:
            with anyio.move_on_after(early):
                await live.hinted()
        if live.song.presumed:
            await self.observe(live)

    async def _save(self, live: Live, saver: Saver) -> None:
        """Write the tracks of a completed song to the disk, or find out why that has to wait."""
        while (early := saver.early(live)) > 0:
            with anyio.move_on_after(early):
                await live.hinted()
            await self._reload(live)
        if not live.song.media_urls:
            await self.observe(live)
        if not self._theirs(live.song) and live.song.unsaved:
            await saver.save(live)


def _unchanged(song: Song) -> Song:
    return song
