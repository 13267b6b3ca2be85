"""Takes in other formats: what is kept of each, in place of the original or beside it."""

import errno
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from anyio.to_thread import run_sync

from acestep_mcp.domain.song import Song
from acestep_mcp.domain.track import Track
from acestep_mcp.library import disk, names, tags
from acestep_mcp.library.decoder import Decoder
from acestep_mcp.settings import FORMATS

log = logging.getLogger(__name__)

ORIGINAL = FORMATS[0]
Ours = Callable[[], Awaitable[bool]]
"""Whether the song is still this worker's to save, asked just before something becomes visible."""


class Superseded(Exception):
    """Another worker saves the song, and nothing of this attempt may be seen."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What a conversion came to: a path for each take that is there in the format, and why not.

    `made` are the same with the paths of the takes they were made from in front.
    """

    files: tuple[str, ...] = ()
    made: tuple[tuple[str, str], ...] = ()
    problem: str = ""


class Formats:
    """Converts into `folder`. Of each take the formats `kept` are wanted, the best first."""

    def __init__(self, folder: Path, decoder: Decoder, kept: Sequence[str]) -> None:
        self._folder = folder
        self._decoder = decoder
        self._kept = tuple(kept)

    async def instead(
        self, whole: Path, suffix: str, song: Song, take: int, track: Track, held: ExitStack
    ) -> tuple[Path, str, Track]:
        """What is kept as the take: the file, its extension and what it holds.

        The original, unless it is not wanted and another format can stand for it: FLAC only where
        it holds the same samples to the last bit. What is damaged stays as it came.
        """
        wanted = ORIGINAL in self._kept or suffix[1:] in self._kept
        sound = track.heard and track.seconds and not (track.cut or track.odd)
        if wanted or not sound or suffix not in {*names.LOSSLESS, ".flac"}:
            return whole, suffix, track
        kind, part = self._kept[0], disk.temporary(self._folder)
        held.callback(disk.remove, part)
        try:
            exact = await self._encoded(whole, part, kind, song, take, track, held)
        except OSError as error:
            log.warning("a take of %s is kept as it came: %s", song.handle, disk.reason(error))
            exact = False
        if not part.exists() or (kind == "flac" and not exact):
            return whole, suffix, track
        size, kept = await run_sync(disk.size_of, part), names.TYPES[f".{kind}"]
        return part, f".{kind}", replace(track, size=size, media_type=kept)

    async def beside(
        self, song: Song, take: int, path: Path, track: Track, ours: Ours
    ) -> tuple[Track, tuple[str, ...]]:
        """The take with the other formats that are kept of it; what could not be written."""
        unmade = []
        place = names.recorded(song, take)
        known = song.sound[place].also if place is not None and place < len(song.sound) else ()
        before = {Path(each).suffix[1:] for each in known}
        there = {path.suffix[1:], *(Path(each).suffix[1:] for each in track.also)}
        for kind in FORMATS[1:]:
            kept = kind in self._kept and (kind == "mp3" or path.suffix in names.LOSSLESS)
            if kind in there or not (kept or kind in before) or not track.heard:
                continue
            try:
                made = await self.converted(song, take, path, track, kind, ours=ours)
            except (OSError, ValueError) as error:
                unmade.append(f"could not be written as {kind.upper()}: {disk.reason(error)}")
            else:
                track = replace(track, also=(*track.also, str(made)))
        return track, tuple(unmade)

    async def converted(
        self,
        song: Song,
        take: int,
        source: Path,
        track: Track,
        kind: str,
        *,
        folder: Path | None = None,
        ours: Ours | None = None,
    ) -> Path:
        """Where a take is in another format; written, into `folder`, if it is not there yet.

        Raises:
            OSError: It could not be done, or something else has its name.
            Superseded: The song is not `ours` any more.
        """
        same = source.suffix == f".{kind}"
        if same and folder in (None, source.parent):
            return source
        final = (folder or self._folder) / f"{source.stem}.{kind}"
        if await run_sync(disk.stands, final):
            return await self._same(final, song)
        if not await run_sync(disk.stands, source):
            raise FileNotFoundError(errno.ENOENT, "it is not on the disk; call get_status for it")
        part = disk.temporary(final.parent)
        with ExitStack() as held:
            held.callback(disk.remove, part)
            if same:
                await run_sync(_copied, source, part, held)
            else:
                await self._encoded(source, part, kind, song, take, track, held)
            if ours and not await ours():
                raise Superseded
            try:
                await run_sync(partial(disk.give_name, part, final, over=disk.is_empty(final)))
            except FileExistsError:  # another call for the same was quicker
                return await self._same(final, song)
        return final

    async def _encoded(
        self,
        source: Path,
        part: Path,
        kind: str,
        song: Song,
        take: int,
        track: Track,
        held: ExitStack,
    ) -> bool:
        """Write the sound of a file into a new one, durably; whether not a bit of it is lost."""
        file = await run_sync(disk.create, part)
        held.callback(file.close)
        held.enter_context(disk.hold(file))
        exact = await self._decoder.encode(source, part, kind, track, tags.texts(song, take))
        await run_sync(disk.finish, file)
        return exact

    async def _same(self, path: Path, song: Song) -> Path:
        """The path, if the file there is of this song.

        Raises:
            FileExistsError: It is not.
        """
        if await self._decoder.request_id(path) != song.handle:
            raise FileExistsError(errno.EEXIST, f"another file has the name {path.name}")
        return path


def _copied(source: Path, part: Path, held: ExitStack) -> None:
    with source.open("rb", buffering=0) as file:
        target = disk.create(part)
        held.callback(target.close)
        held.enter_context(disk.hold(target))
        while piece := file.read(1 << 20):
            disk.write(target, piece)
        disk.finish(target)
