"""Having a saved song in another format, however long that takes and whoever waits for it."""

from functools import partial

import anyio

from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.domain.song import Song, SongId, converted
from acestep_mcp.engine.background import Background
from acestep_mcp.ledger import Ledger
from acestep_mcp.library import Exported, Library


class _Conversion:
    """One that is under way. `song` is as the ledger has it once `done` is set."""

    def __init__(self, song: Song) -> None:
        self.song = song
        self.problem = ""
        self.done = anyio.Event()


class Converter:
    """Converts saved songs in the background, each once at a time."""

    def __init__(self, ledger: Ledger, background: Background, library: Library | None) -> None:
        self._ledger = ledger
        self._background = background
        self._library = library
        self._running: dict[tuple[SongId, str], _Conversion] = {}

    async def convert(self, song: Song, kind: str, until: float) -> tuple[Song, str]:
        """The song with its takes in that format; and what is to be said where it has none yet.

        Returns at `until` at the latest. What is begun goes on and is there the next time.
        """
        name = kind.upper()
        if self._library is None or song.saving == "off":
            return song, f"This server saves no files, so there is no {name} of it."
        if not song.files:
            return song, f"It can be had as {name} once it is saved."
        conversion = self._running.get((song.id, kind))
        if conversion is None:
            conversion = self._running[song.id, kind] = _Conversion(song)
            self._background.start(self._convert, conversion, kind, self._library)
        with anyio.CancelScope(deadline=until):
            await conversion.done.wait()
        if not conversion.done.is_set():
            return song, f"The {name} is still being written: call get_status again for it."
        return conversion.song, conversion.problem

    async def _convert(self, conversion: _Conversion, kind: str, library: Library) -> None:
        song, found = conversion.song, Exported(problem="an internal fault")
        try:
            found = await library.export(song, kind)
            fact = partial(converted, made=found.made)
            conversion.song = fact(song)
            if conversion.song is not song:
                try:
                    written = await self._ledger.change(song.owner, song.id, fact)
                    conversion.song = written or conversion.song
                except LedgerDown:
                    pass  # the files are there all the same, and found again
        finally:
            if found.problem:
                conversion.problem = f"Not written as {kind.upper()}: {found.problem}."
            del self._running[song.id, kind]
            conversion.done.set()
