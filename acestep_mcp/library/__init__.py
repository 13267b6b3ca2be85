"""The one door to the disk: a track is a whole file in the output folder, or it is not there.

Saving may fail for many reasons and is called again until there are files, so it never raises,
keeps what stands, and fetches only what is missing. A file has its final name only when it is
whole; whose it is, the ledger, the sidecar beside it or its own tags say.
"""

import errno
import json
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from anyio.to_thread import run_sync

from acestep_mcp.clock import Clock
from acestep_mcp.domain.errors import MediaGone
from acestep_mcp.domain.song import Song
from acestep_mcp.domain.text import clean, is_well_formed
from acestep_mcp.domain.track import Track
from acestep_mcp.library import disk, names, sound, tags
from acestep_mcp.library.download import Fetch, download_track
from acestep_mcp.library.sidecar import record
from acestep_mcp.library.whole import may_grow

__all__ = ["LARGEST_PIECE", "Library", "Missing", "Saved"]

log = logging.getLogger(__name__)

_T = TypeVar("_T")

Ours = Callable[[], Awaitable[bool]]
"""Whether the song is still this worker's to save, asked just before something becomes visible."""

LARGEST_PIECE = 3 << 20
"""Bytes of audio handed out at once: TypeScript clients drop the connection above 10 MiB."""
LEAST_ROOM = 64 << 20
"""Bytes. A song of five minutes is some 60 MB as WAVE; with less, it is better not ordered."""
_HOPELESS = 8
"""After so many failures to save a song, minutes apart, what the host sends is all it has."""
_LOOKS = 4  # threads that may hang on a dead network share at once


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a take is not on the disk, in a few words for people.

    `gone` where for every missing take the media host itself said that it has no such track;
    never for a fault of folder, disk or network.
    """

    cause: str
    gone: bool


@dataclass(frozen=True, slots=True)
class Saved:
    """What saving a song came to.

    Absolute paths and what they hold, in the order of the takes; what is missing or sounds wrong,
    a line each; and `missing` where at least one take is not on the disk.
    """

    files: tuple[str, ...] = ()
    tracks: tuple[Track, ...] = ()
    warnings: tuple[str, ...] = ()
    missing: Missing | None = None


class _Superseded(Exception):
    """Another worker saves the song, and nothing of this attempt may be seen."""


class Library:
    """The folder where finished songs are kept. `source` has what opens a song's media URLs."""

    def __init__(self, folder: Path, source: Callable[[Song], Fetch], clock: Clock) -> None:
        self._folder = folder
        self._source = source
        self._clock = clock
        self._looks = threading.BoundedSemaphore(_LOOKS)

    def load(self) -> None:
        """Import what saving needs.

        Raises:
            ImportError: The installation is not whole.
        """
        tags.load()

    async def usable(self) -> str:
        """`""` where a song could be saved now; else one line with the reason and the mend.

        Finds out by writing. Never raises; a share that does not answer is left to whoever
        cancels this, and the thread that hangs on it is left behind.
        """
        wrong = await self._look(self._unusable, "its disk does not answer")
        if not wrong:
            return ""
        where = clean(str(self._folder), 100)
        return (
            f"The output folder {where} cannot be used: {wrong}. "
            "Mend that, or set ACESTEP_OUTPUT_DIR to another folder."
        )

    async def save(self, song: Song, ours: Ours | None = None) -> Saved:
        """Write the tracks of a completed song that do not stand on the disk yet, and its sidecar.

        Never raises. Each take is for itself, and no part of one is left under a track's name.
        Where `ours` says that another worker has the song now, nothing is named or written and
        what is returned does not matter.
        """
        try:
            return await self._saved(song, ours or _always)
        except _Superseded:
            return Saved()
        except Exception:
            log.exception("%s could not be saved", song.handle)
            return Saved(
                song.files,
                song.sound,
                ("The audio was not saved: an internal fault.",),
                Missing("an internal fault", gone=False),
            )

    async def absent(self, song: Song) -> bool:
        """Whether a file that was written is there no more, in a folder that is."""
        return await self._look(partial(_absent, song.files), otherwise=False)

    async def read(self, song: Song, take: int, offset: int) -> bytes | None:
        """At most `LARGEST_PIECE` bytes of a saved take (from 1) from `offset` on; None past it."""
        place = names.recorded(song, take)
        if place is None or place >= len(song.files):
            return None
        path = Path(song.files[place])
        if path.parent != self._folder:  # the folder was changed since, and no other is read
            return None
        return await run_sync(disk.piece, path, offset, LARGEST_PIECE)

    async def _look(self, question: Callable[[], _T], otherwise: _T) -> _T:
        """Ask the disk in a thread that may be left behind, and no more of them than `_LOOKS`."""

        def look() -> _T:
            if not self._looks.acquire(blocking=False):
                return otherwise
            try:
                return question()
            finally:
                self._looks.release()

        return await run_sync(look, abandon_on_cancel=True)

    def _unusable(self) -> str:
        part = disk.temporary(self._folder)
        try:
            self._make_folder()
            with disk.create(part) as file:
                disk.write(file, bytes(4096))
                disk.finish(file)
            free = disk.scarce_room(self._folder, LEAST_ROOM)
        except Exception as error:  # noqa: BLE001  # whatever it is, no song could be saved
            return disk.reason(error)
        finally:
            disk.remove(part)
        return "" if free is None else f"only {free >> 20} MiB are free, too few for a song"

    def _make_folder(self) -> None:
        if not is_well_formed(str(self._folder)):
            raise OSError(errno.EILSEQ, "its name is not valid UTF-8")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            what = "a link to nothing" if Path(error.filename).is_symlink() else "a file"
            raise OSError(errno.EEXIST, f"{what} is in its place") from error

    async def _saved(self, song: Song, ours: Ours) -> Saved:
        barred = await run_sync(self._prepared)
        takes = [
            await self._take(song, take, ours, barred)
            for take in range(1, len(song.media_urls) + 1)
        ]
        kept = [take for take in takes if take.path is not None]
        files = tuple(str(take.path) for take in kept)
        return Saved(
            files,
            tuple(take.track for take in kept if take.track is not None),
            (
                *_complaints(takes),
                *(f"{take.label} {each}." for take in kept for each in take.wrong),
                *await self._note(song, files, ours),
            ),
            _missing(takes),
        )

    def _prepared(self) -> OSError | None:
        """Make the folder and tidy it; why it cannot be written to, if that is so."""
        try:
            self._make_folder()
        except (OSError, ValueError) as error:
            return error if isinstance(error, OSError) else OSError(str(error))
        disk.sweep(self._folder, self._clock.now())
        return None

    async def _take(self, song: Song, take: int, ours: Ours, barred: OSError | None) -> "_Take":
        label = f"Take {take}" if len(song.media_urls) > 1 else "The song"
        try:
            path = await run_sync(self._standing, song, take)
            if path is None:
                path = await self._fetched(song, take, ours, barred)
        except OSError as error:
            gone = isinstance(error, MediaGone)
            return _Take(label, missing=Missing(disk.reason(error), gone))
        except _Superseded:
            raise
        except Exception:
            log.exception("a take of %s could not be saved", song.handle)
            return _Take(label, missing=Missing("an internal fault", gone=False))
        return _Take(label, path, *await run_sync(_judged, path, song))

    def _standing(self, song: Song, take: int) -> Path | None:
        """Where the take is already: as the ledger has it, or under a name that is provably its."""
        place = names.recorded(song, take)
        if place is not None and disk.stands(path := Path(song.files[place]), follow=True):
            return path
        for stem in names.stems(song):
            for suffix in names.SUFFIXES:
                path = self._folder / f"{names.numbered(stem, song, take)}{suffix}"
                if disk.stands(path) and self._is_ours(path, stem, song):
                    return path
        return None

    async def _fetched(self, song: Song, take: int, ours: Ours, barred: OSError | None) -> Path:
        """Download a take, tag it, and give it its name."""
        if barred is not None:
            raise barred
        part, copy = disk.temporary(self._folder), disk.temporary(self._folder)
        with ExitStack() as held:
            held.callback(disk.remove, part)
            held.callback(disk.remove, copy)
            await download_track(
                song.media_urls[take - 1],
                part,
                self._source(song),
                self._clock,
                may_be_short=song.save_attempts >= _HOPELESS,
                held=held,
            )
            whole = copy if await run_sync(_tagged, part, copy, song, take, held) else part
            if not await ours():
                raise _Superseded
            return await run_sync(self._named, whole, song, take)

    def _named(self, whole: Path, song: Song, take: int) -> Path:
        """Give a complete file the first of its names that no other song has."""
        refused: list[Exception] = []
        with whole.open("rb") as file:
            suffix = names.suffix(file.read(names.HEAD))
        for stem in names.stems(song):
            final = self._folder / f"{names.numbered(stem, song, take)}{suffix}"
            try:
                if self._sidecar(stem, song).whose == "another's":
                    continue
                # Only a power cut leaves a name without a byte, and nobody misses it.
                disk.give_name(whole, final, over=disk.is_empty(final))
            except FileExistsError:
                # Another worker on the same song may have been first.
                if disk.stands(final) and self._is_ours(final, stem, song):
                    return final
            except (OSError, ValueError) as error:  # too long a name, or in too rare a script
                refused.append(error)
            else:
                return final
        if refused:
            raise OSError(disk.reason(refused[0])) from refused[0]
        raise FileExistsError(errno.EEXIST, "other files have every name for it")

    def _is_ours(self, path: Path, stem: str, song: Song) -> bool:
        """Whether the song's sidecar lists the file, or its own tags name the song."""
        found = self._sidecar(stem, song)
        if found.whose == "another's":
            return False
        return path.name in found.lists or tags.request_id(path) == song.handle

    def _sidecar(self, stem: str, song: Song) -> "_Sidecar":
        """What stands beside a name."""
        try:
            text = disk.text(self._folder / f"{stem}.json")
            if not text:
                return _Sidecar("nobody's")
            found = json.loads(text)
        except (OSError, ValueError, RecursionError):
            return _Sidecar("another's")
        if not isinstance(found, dict) or found.get("request_id") != song.request_id:
            return _Sidecar("another's")
        files = found.get("files")
        listed = [Path(each).name for each in files if isinstance(each, str)] if files else []
        return _Sidecar("ours", text, frozenset(listed))

    async def _note(self, song: Song, files: tuple[str, ...], ours: Ours) -> tuple[str, ...]:
        """Write the sidecar of the files in this folder; a warning where that fails."""
        here = [path for path in map(Path, files) if path.parent == self._folder]
        try:
            if here:
                await self._beside(here[-1], song, files, ours)
        except _Superseded:
            raise
        except Exception as error:  # noqa: BLE001  # the audio stands, whatever this is
            why = disk.reason(error)
            return (f"What the song was made from was not written beside it: {why}.",)
        return ()

    async def _beside(self, path: Path, song: Song, files: tuple[str, ...], ours: Ours) -> None:
        """Write the song's sidecar beside one of its takes, unless it stands there already.

        Raises:
            OSError: It cannot be written, or something else has its name.
        """
        stem = path.stem.rpartition("-")[0] if len(song.media_urls) > 1 else path.stem
        text = json.dumps(record(song, files), ensure_ascii=False, indent=2)
        if not is_well_formed(text):
            text = json.dumps(record(song, files), indent=2)
        found = await run_sync(self._sidecar, stem, song)
        if found.text == text:
            return
        if found.whose == "another's":
            raise FileExistsError(errno.EEXIST, "something else has its name")
        if not await ours():
            raise _Superseded
        await run_sync(_write, self._folder / f"{stem}.json", text)


@dataclass(frozen=True, slots=True)
class _Take:
    """What became of a take: `wrong` is what its sound has against it."""

    label: str
    path: Path | None = None
    track: Track | None = None
    wrong: tuple[str, ...] = ()
    missing: Missing | None = None


@dataclass(frozen=True, slots=True)
class _Sidecar:
    """Whose sidecar it is, its whole text, and the names of the files that it lists."""

    whose: Literal["nobody's", "ours", "another's"]
    text: str = ""
    lists: frozenset[str] = frozenset()


async def _always() -> bool:
    return True


def _missing(takes: Iterable[_Take]) -> Missing | None:
    found = [take.missing for take in takes if take.missing is not None]
    if not found:
        return None
    hope = next((each for each in found if not each.gone), None)
    return hope or found[0]


def _complaints(takes: list[_Take]) -> tuple[str, ...]:
    """What is missing and why, in one line where it is everything for one reason."""
    causes = {take.missing.cause if take.missing else "" for take in takes}
    if len(causes) == 1 and "" not in causes:
        return (f"The audio was not saved: {causes.pop()}.",)
    return tuple(
        f"{take.label} was not saved: {take.missing.cause}." for take in takes if take.missing
    )


def _tagged(part: Path, copy: Path, song: Song, take: int, held: ExitStack) -> bool:
    """Write a tagged copy of a track; False where that fails, and the track is as it was.

    On a copy, because a disk that fills up in the middle of it would spoil the only one.
    """
    try:
        with part.open("rb", buffering=0) as source, disk.create(copy) as target:
            if not may_grow(source, disk.size_of(part)):
                return False
            source.seek(0)
            while piece := source.read(1 << 20):
                disk.write(target, piece)
            target.seek(0)
            if not tags.write(target, song, take):
                return False
            held.enter_context(disk.hold(target))
            disk.finish(target)
    except OSError as error:
        log.warning("a track of %s got no tags: %s", song.handle, disk.reason(error))
        return False
    return True


def _judged(path: Path, song: Song) -> tuple[Track, tuple[str, ...]]:
    """What a track holds and what is wrong with its sound; no more than its size if that fails."""
    try:
        track, wrong = sound.measured(path)
        return track, (*wrong, *sound.compared(track, song.duration))
    except Exception as error:  # noqa: BLE001  # an odd file costs its measurement, never itself
        log.warning("a track of %s could not be measured: %r", song.handle, error)
        size = disk.size_of(path) if disk.stands(path, follow=True) else 0
        return Track(size=size, media_type=sound.TYPES.get(path.suffix, "")), ()


def _write(path: Path, text: str) -> None:
    part = disk.temporary(path.parent)
    try:
        with disk.create(part) as file:
            disk.write(file, text.encode())
            disk.finish(file)
        # Nobody reads half a sidecar, and one that is there has been looked at: it is this song's.
        disk.give_name(part, path, over=disk.is_file(path))
    finally:
        disk.remove(part)


def _absent(files: Iterable[str]) -> bool:
    return any(_vanished(Path(file)) for file in files)


def _vanished(path: Path) -> bool:
    """Whether the file is not there although its folder is."""
    try:
        return path.parent.is_dir() and disk.size_of(path) == 0
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
