"""Looking after a song until nothing is left to do for it."""

import logging
from contextlib import suppress
from functools import partial

import anyio

from acestep_mcp.clock import Clock
from acestep_mcp.domain.errors import LedgerDown, NotFound, NotSent
from acestep_mcp.domain.song import RUNNING, SUBMITTING, Song, observed, saved
from acestep_mcp.gateway.client import Gateway, Unanswered
from acestep_mcp.library import Library, Saved
from acestep_mcp.studio import telemetry
from acestep_mcp.studio.hints import Hints
from acestep_mcp.studio.keyring import Keyring
from acestep_mcp.studio.live import Live
from acestep_mcp.studio.records import Records
from acestep_mcp.studio.schedule import Schedule

log = logging.getLogger(__name__)

_GLANCE = 1.0  # seconds between looks, without a hint, at another process's song
_LEDGER_PAUSE = 5.0  # seconds to leave a ledger alone that did not answer


class Follower:
    """Follows songs: at most one loop per song here, and none for another process's songs."""

    def __init__(
        self,
        *,
        worker: str,
        keys: Keyring,
        records: Records,
        gateway: Gateway,
        library: Library | None,
        clock: Clock,
        schedule: Schedule,
        hints: Hints,
    ) -> None:
        self._worker = worker
        self._keys = keys
        self._records = records
        self._gateway = gateway
        self._library = library
        self._clock = clock
        self._schedule = schedule
        self._hints = hints

    @property
    def saves(self) -> bool:
        """Whether this process has a folder for finished songs."""
        return self._library is not None

    def follow(self, live: Live) -> None:
        """See to it that somebody follows the song, if there is anything to follow."""
        if not live.over and not live.followed:
            live.followed = True
            self._records.start(self._follow, live)

    async def observe(self, live: Live) -> None:
        """Ask the gateway about a song once, in turn, and write down what it says."""
        account = self._keys.get(live.song.owner)
        if account is None or account.key is None or live.song.request_id is None:
            return
        await self._schedule.turn(live)
        answer = await self._gateway.status(live.song.request_id, account.key)
        telemetry.polled(answered=not isinstance(answer, Unanswered))
        if isinstance(answer, Unanswered):
            self._schedule.unanswered(live, answer)
        else:
            self._schedule.answered(live)
            before, now = live.song.state, self._clock.now()
            if not await self._records.apply(live, partial(observed, seen=answer, now=now)):
                live.refuse(NotFound(live.song.handle))
            elif before in RUNNING and live.song.ended:
                lag = now - (live.song.completed_at or now)
                telemetry.ended(live.song.model, live.song.state, lag)
        live.tell()

    async def _follow(self, live: Live) -> None:
        try:
            await self._learn(live)
            while not live.over:
                try:
                    if not await self._step(live):
                        break
                except LedgerDown as down:
                    log.warning("the ledger does not answer: %s", down.cause)
                    await self._clock.sleep(_LEDGER_PAUSE)
        finally:
            live.followed = False
            self._records.drop(live)

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
        if song.ended:
            await self._save(live)
        elif self._keys.get(song.owner) is None:
            return False
        elif await self._due(live):
            await self.observe(live)
        return True

    def _theirs(self, song: Song) -> bool:
        """Whether only another process can move it, or another task: the one that submits it."""
        return song.worker != self._worker or song.state in SUBMITTING

    async def _due(self, live: Live) -> bool:
        """Wait until it is time to ask; False when the ledger had the song's end before."""
        while live.song.state in RUNNING and (early := self._schedule.early(live)) > 0:
            if self._schedule.called_back:
                await self._called(live, min(early, _GLANCE) if live.waiting else early)
            else:
                with anyio.move_on_after(early):
                    await live.hinted()
        return live.song.state in RUNNING

    async def _called(self, live: Live, within: float) -> None:
        """Wait for what callbacks told another process: it wrote the end, or only that one came."""
        await self._hints.changed(live, within)
        before = live.song.version
        await self._look(live)
        if live.song.version > before:
            self._schedule.called(live)

    async def _glance(self, live: Live) -> bool:
        """Look how a song does that somebody else looks after, while anyone waits for it."""
        await self._hints.changed(live, _GLANCE)
        if not self._theirs(live.song):
            return True  # this process took it over meanwhile, and counts on this loop
        if not live.waiting:
            return False
        await self._look(live)
        return True

    async def _look(self, live: Live) -> None:
        """Take over from the ledger what another process wrote."""
        found = await self._records.ledger.find(live.song.owner, live.song.id)
        if found is None and live.submitting:
            live.refuse(NotSent("the process that took the order stopped before sending it"))
        elif found is None:
            live.refuse(NotFound(live.song.handle))
        elif found.version > live.song.version:
            live.show(found)

    async def _save(self, live: Live) -> None:
        """Keep the tracks of a completed song on disk, or say why that did not work."""
        try:
            kept = await self._library.save(live.song) if self._library else Saved()
        except Exception:
            # Whatever is wrong with a file, the song itself is safe and must not be left waiting.
            log.exception("%s could not be saved", live.song.handle)
            kept = Saved(warnings=("The audio was not saved: an internal fault.",))
        fact = partial(
            saved,
            files=kept.files,
            sound=kept.tracks,
            warnings=kept.warnings,
            now=self._clock.now(),
        )
        await self._records.apply(live, fact)
