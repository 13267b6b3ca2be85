"""The one door to the disk: a track is a whole file in the output folder, or it is not there.

Saving may fail for many reasons and is called again until there are files, so it never raises,
keeps what stands, and fetches only what is missing. A file has its final name only when it is
whole; whose it is, the ledger, the sidecar beside it or its own tags say.
"""

import errno
import json
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Literal, TypeVar

from anyio.to_thread import run_sync

from acestep_mcp.audio.headers import takes_a_tag
from acestep_mcp.clock import Clock
from acestep_mcp.domain.errors import MediaGone
from acestep_mcp.domain.song import Song
from acestep_mcp.domain.text import clean, is_well_formed
from acestep_mcp.domain.track import Track
from acestep_mcp.library import decoder, disk, names, sound, tags
from acestep_mcp.library.decoder import Decoder
from acestep_mcp.library.download import Fetch, download_track
from acestep_mcp.library.formats import ORIGINAL, Exported, Formats, Ours, Superseded
from acestep_mcp.library.sidecar import record
from acestep_mcp.library.whole import is_short

__all__ = ["LARGEST_PIECE", "Exported", "Library", "Missing", "Saved"]

log = logging.getLogger(__name__)

_T = TypeVar("_T")

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


class Library:
    """The folder where finished songs are kept. `source` has what opens a song's media URLs.

    Of each take the `formats` are kept: the original, FLAC, MP3.
    """

    def __init__(
        self,
        folder: Path,
        source: Callable[[Song], Fetch],
        clock: Clock,
        formats: Sequence[str] = (ORIGINAL,),
    ) -> None:
        self._folder = folder
        self._source = source
        self._clock = clock
        self._decoder = Decoder()
        self._kept = Formats(folder, self._decoder, formats)
        self._looks = threading.BoundedSemaphore(_LOOKS)

    def load(self) -> None:
        """See that what saving needs is there.

        Raises:
            ImportError: The installation is not whole.
        """
        decoder.installed()

    async def usable(self) -> str:
        """`""` where a song could be saved now; else one line with the reason and the mend.

        Finds out by writing. Never raises; a share that does not answer is left to whoever
        cancels this, and the thread that hangs on it is left behind.
        """
        wrong = await self._in_thread(self._unusable, "its disk does not answer")
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
        except Superseded:
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
        also = [path for track in song.sound for path in track.also]
        return await self._in_thread(partial(_absent, [*song.files, *also]), otherwise=False)

    async def export(
        self, song: Song, kind: str, *, take: int | None = None, folder: Path | None = None
    ) -> Exported:
        """Have saved takes in another format, beside them or in `folder`; never raises.

        What is there already is found again. Nothing is written over.
        """
        made: list[tuple[str, str]] = []
        problems = []
        takes = range(1, len(song.media_urls) + 1) if take is None else (take,)
        for each in takes:
            place = names.recorded(song, each)
            label = f"take {each}" if len(song.media_urls) > 1 else "the song"
            if place is None or place >= len(song.sound):
                problems.append(f"{label} is not on the disk")
                continue
            source, track = Path(song.files[place]), song.sound[place]
            try:
                path = await self._kept.converted(song, each, source, track, kind, folder=folder)
                made.append((str(source), str(path)))
            except (OSError, ValueError) as error:
                problems.append(f"{label}: {disk.reason(error)}")
        return Exported(tuple(path for _, path in made), tuple(made), "; ".join(problems))

    async def read(self, song: Song, take: int, offset: int) -> bytes | None:
        """At most `LARGEST_PIECE` bytes of a saved take (from 1) from `offset` on; None past it."""
        place = names.recorded(song, take)
        if place is None or place >= len(song.files):
            return None
        path = Path(song.files[place])
        if path.parent != self._folder:  # the folder was changed since, and no other is read
            return None
        return await run_sync(disk.piece, path, offset, LARGEST_PIECE)

    async def _in_thread(self, question: Callable[[], _T], otherwise: _T) -> _T:
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
        tracks = tuple(take.track for take in kept if take.track is not None)
        return Saved(
            files,
            tracks,
            (
                *_complaints(takes),
                *(f"{take.label} {each}." for take in kept for each in take.wrong),
                *await self._write_sidecar(replace(song, files=files, sound=tracks), ours),
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
            path = await self._standing(song, take)
            if path is None:
                path, track = await self._fetched(song, take, ours, barred)
            else:
                track = await self._known(song, take, path)
            track, unmade = await self._kept.beside(song, take, path, track, ours)
        except OSError as error:
            gone = isinstance(error, MediaGone)
            return _Take(label, missing=Missing(disk.reason(error), gone))
        except Superseded:
            raise
        except Exception:
            log.exception("a take of %s could not be saved", song.handle)
            return _Take(label, missing=Missing("an internal fault", gone=False))
        return _Take(label, path, track, (*sound.wrong(track, song.duration), *unmade))

    async def _standing(self, song: Song, take: int) -> Path | None:
        """Where the take is already: as the ledger has it, or under a name that is provably its."""
        place = names.recorded(song, take)
        if place is not None and disk.stands(path := Path(song.files[place]), follow=True):
            return path
        converted = {path for track in song.sound for path in track.also}
        for stem in names.stems(song):
            for path in await run_sync(self._candidates, song, take, stem):
                if str(path) not in converted and await self._is_ours(path, stem, song):
                    return path
        return None

    def _candidates(self, song: Song, take: int, stem: str) -> list[Path]:
        """The files that stand under a name the take may have."""
        name = names.numbered(stem, song, take)
        paths = [self._folder / f"{name}{suffix}" for suffix in names.SUFFIXES]
        return [path for path in paths if disk.stands(path)]

    async def _known(self, song: Song, take: int, path: Path) -> Track:
        """What a file that stands holds: as the ledger has it where it is that file, or heard."""
        size = await run_sync(disk.size_of, path)
        place = names.recorded(song, take)
        if place is not None and place < len(song.sound) and song.files[place] == str(path):
            track = song.sound[place]
            if track.heard and track.size == size:
                return replace(track, also=tuple(filter(_stands, track.also)))
        return (await self._decoder.listen(path, await run_sync(_unheard, path))).track

    async def _fetched(
        self, song: Song, take: int, ours: Ours, barred: OSError | None
    ) -> tuple[Path, Track]:
        """Download a take, measure it, tag it, and give it its name."""
        if barred is not None:
            raise barred
        url = song.media_urls[take - 1]
        part, copy = disk.temporary(self._folder), disk.temporary(self._folder)
        with ExitStack() as held:
            held.callback(disk.remove, part)
            held.callback(disk.remove, copy)
            await download_track(
                url,
                part,
                self._source(song),
                self._clock,
                may_be_short=song.save_attempts >= _HOPELESS,
                held=held,
            )
            suffix = await run_sync(_suffix, part, url)
            track = await run_sync(_unheard, part, suffix)
            file = await run_sync(_copied, part, copy, held)
            # The decoder tags a copy, and compares the samples of both: what was paid for stands
            # until it is known that nothing of it is lost.
            heard = await self._decoder.listen(
                part, track, copy if file else None, tags.texts(song, take)
            )
            whole, track = part, heard.track
            if file and heard.tagged and await run_sync(_finished, file):
                whole, track = copy, replace(track, size=await run_sync(disk.size_of, copy))
            whole, suffix, track = await self._kept.instead(whole, suffix, song, take, track, held)
            if not await ours():
                raise Superseded
            return await self._named(whole, suffix, song, take), track

    async def _named(self, whole: Path, suffix: str, song: Song, take: int) -> Path:
        """Give a complete file the first of its names that no other song has."""
        refused: list[Exception] = []
        for stem in names.stems(song):
            final = self._folder / f"{names.numbered(stem, song, take)}{suffix}"
            try:
                if await run_sync(self._given, whole, final, stem, song):
                    return final
            except FileExistsError:
                # Another worker on the same song may have been first.
                if disk.stands(final) and await self._is_ours(final, stem, song):
                    return final
            except (OSError, ValueError) as error:  # too long a name, or in too rare a script
                refused.append(error)
        if refused:
            raise OSError(disk.reason(refused[0])) from refused[0]
        raise FileExistsError(errno.EEXIST, "other files have every name for it")

    def _given(self, whole: Path, final: Path, stem: str, song: Song) -> bool:
        """Give a file its name, unless another song's sidecar stands beside it."""
        if self._sidecar(stem, song).whose == "another's":
            return False
        # Only a power cut leaves a name without a byte, and nobody misses it.
        disk.give_name(whole, final, over=disk.is_empty(final))
        return True

    async def _is_ours(self, path: Path, stem: str, song: Song) -> bool:
        """Whether the song's sidecar lists the file, or its own tags name the song."""
        found = await run_sync(self._sidecar, stem, song)
        if found.whose == "another's":
            return False
        return path.name in found.lists or await self._decoder.request_id(path) == song.handle

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

    async def _write_sidecar(self, song: Song, ours: Ours) -> tuple[str, ...]:
        """Write the sidecar of the files in this folder; a warning where that fails."""
        here = [path for path in map(Path, song.files) if path.parent == self._folder]
        try:
            if here:
                await self._beside(here[-1], song, ours)
        except Superseded:
            raise
        except Exception as error:  # noqa: BLE001  # the audio stands, whatever this is
            why = disk.reason(error)
            return (f"What the song was made from was not written beside it: {why}.",)
        return ()

    async def _beside(self, path: Path, song: Song, ours: Ours) -> None:
        """Write the song's sidecar beside one of its takes, unless it stands there already.

        Raises:
            OSError: It cannot be written, or something else has its name.
        """
        stem = path.stem.rpartition("-")[0] if len(song.media_urls) > 1 else path.stem
        text = json.dumps(record(song), ensure_ascii=False, indent=2)
        if not is_well_formed(text):
            text = json.dumps(record(song), indent=2)
        found = await run_sync(self._sidecar, stem, song)
        if found.text == text:
            return
        if found.whose == "another's":
            raise FileExistsError(errno.EEXIST, "something else has its name")
        if not await ours():
            raise Superseded
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


def _copied(part: Path, copy: Path, held: ExitStack) -> FileIO | None:
    """A copy of a track to be tagged; None where a tag could touch the audio, or the disk is full.

    A copy, because a disk that fills up in the middle of tagging would spoil the only one.
    """
    try:
        with part.open("rb", buffering=0) as source:
            if not takes_a_tag(source):
                return None
            source.seek(0)
            target = disk.create(copy)
            held.callback(target.close)
            held.enter_context(disk.hold(target))
            while piece := source.read(1 << 20):
                disk.write(target, piece)
    except OSError as error:
        log.warning("a track gets no tags: %s", disk.reason(error))
        return None
    return target


def _finished(file: FileIO) -> bool:
    """Have the disk keep a tagged copy; whether it does."""
    try:
        disk.finish(file)
    except OSError as error:
        log.warning("a track gets no tags: %s", disk.reason(error))
        return False
    return True


def _suffix(part: Path, url: str) -> str:
    with part.open("rb") as file:
        return names.suffix_of(file, url)


def _unheard(path: Path, suffix: str = "") -> Track:
    """What can be told of a file without listening: its size, its type, and whether it is cut."""
    kind = names.TYPES.get(suffix or path.suffix, "")
    size = disk.size_of(path) if disk.stands(path, follow=True) else 0
    try:
        with FileIO(str(path)) as file:
            cut = is_short(file, size)
    except Exception as error:  # noqa: BLE001  # whatever a header says, the track stands
        log.warning("a track's header could not be read: %r", error)
        cut = False
    return Track(size=size, media_type=kind, cut=cut)


def _stands(path: str) -> bool:
    return disk.stands(Path(path), follow=True)


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
