"""Fetching the files of a finished song, again and again until they are there."""

import logging
import math
from functools import partial
from typing import Any

from acestep_mcp.clock import Clock
from acestep_mcp.domain import retry
from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.domain.song import Song, not_saved, saved
from acestep_mcp.engine.live import Live
from acestep_mcp.engine.records import Records
from acestep_mcp.library import Library, Missing, Saved

log = logging.getLogger(__name__)

_PAUSE = 5.0  # seconds before it is tried again; twice as long each time
_LONGEST = 3_600.0


class Saver:
    """Saves songs into this process's folder and writes down how that went."""

    def __init__(self, worker: str, records: Records, library: Library, clock: Clock) -> None:
        self._worker = worker
        self._records = records
        self._library = library
        self._clock = clock

    def early(self, live: Live) -> float:
        """Seconds until it may be tried; 0 or less when it may."""
        return live.saving.due - self._clock.monotonic() if live.song.save_attempts else 0.0

    async def save(self, live: Live) -> None:
        """Fetch what is not there of a completed song, and write down what is then."""
        song = live.song
        live.saving.busy = True
        try:
            kept = await self._kept(song)
        finally:
            live.saving.busy = False
        about: dict[str, Any] = {
            "files": kept.files,
            "sound": kept.tracks,
            "warnings": kept.warnings,
        }
        now = self._clock.now()
        if kept.missing is None:
            fact = partial(saved, worker=self._worker, now=now, **about)
        else:
            log.warning("%s is not saved yet: %s", song.handle, kept.missing.cause)
            pause = retry.growing(song.save_attempts, _PAUSE, _LONGEST, self._clock.random)
            live.saving.due = self._clock.monotonic() + pause
            live.saving.gone_since = self._gone_since(live, kept.missing)
            gone_for = self._clock.monotonic() - live.saving.gone_since
            fact = partial(
                not_saved,
                worker=self._worker,
                gone_for=gone_for if kept.missing.gone else None,
                pause=pause,
                now=now,
                **about,
            )
        await self._records.apply(live, fact)

    def _gone_since(self, live: Live, missing: Missing) -> float:
        """Since when the media host has said nothing else than that it has no such track."""
        return min(live.saving.gone_since, self._clock.monotonic()) if missing.gone else math.inf

    async def _kept(self, song: Song) -> Saved:
        """What saving it comes to, as far as this process may say: not once another one has it."""
        if not song.media_urls:
            return Saved(missing=Missing("the gateway gave no media URL", gone=True))
        why = ""

        async def ours() -> bool:
            nonlocal why
            try:
                found = await self._records.ledger.find(song.owner, song.id)
            except LedgerDown as down:
                why = down.cause  # nobody can tell; it is tried again
                return False
            if found is None or found.worker != self._worker or not found.unsaved:
                why = "another process has taken it over"
            return not why

        kept = Saved()
        try:
            kept = await self._library.save(song, ours)
        except Exception:
            # Whatever is wrong with a file, the song itself is safe and must not be left waiting.
            log.exception("%s could not be saved", song.handle)
            why = "an internal fault"
        if not why:
            return kept
        warning = f"The audio is not saved yet: {why}."
        return Saved(song.files, song.sound, (warning,), Missing(why, gone=False))
