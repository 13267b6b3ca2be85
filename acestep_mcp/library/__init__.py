"""The one door to the disk: a track is a whole file in the output folder, or it is not there."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread

from acestep_mcp.clock import Clock
from acestep_mcp.domain.song import Song
from acestep_mcp.domain.track import Track
from acestep_mcp.library.download import Fetch, download_track
from acestep_mcp.library.names import stem, suffix
from acestep_mcp.library.sidecar import record

__all__ = ["LARGEST_PIECE", "Library", "Saved"]

LARGEST_PIECE = 3 << 20
"""Bytes of audio handed out at once: TypeScript clients drop the connection above 10 MiB."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What saving a song came to: absolute paths and their tracks in order, and what is wrong."""

    files: tuple[str, ...] = ()
    tracks: tuple[Track, ...] = ()
    warnings: tuple[str, ...] = ()


class Library:
    """The folder where finished songs are kept. `fetch` opens a media URL."""

    def __init__(self, folder: Path, fetch: Fetch, clock: Clock) -> None:
        self._folder = folder
        self._fetch = fetch
        self._clock = clock

    async def save(self, song: Song) -> Saved:
        """Write every track of a completed song and its sidecar.

        A track that cannot be had is a warning, and the others are saved all the same. Whatever
        happens, no part of a track is left under a track's name.
        """
        try:
            name = await anyio.to_thread.run_sync(self._free_stem, song)
            takes = [await self._take(song, name, take) for take in _takes(song)]
            saved = Saved(
                tuple(file for each in takes for file in each.files),
                tuple(track for each in takes for track in each.tracks),
                tuple(warning for each in takes for warning in each.warnings),
            )
            if saved.files:
                text = json.dumps(record(song, saved.files), ensure_ascii=False, indent=2)
                await anyio.to_thread.run_sync(_write, self._folder / f"{name}.json", text)
        except OSError as error:
            return Saved(warnings=(f"The audio was not saved: {error.strerror or error}.",))
        return saved

    async def read(self, song: Song, take: int, offset: int) -> bytes | None:
        """At most `LARGEST_PIECE` bytes of a saved take (from 1) from `offset` on; None past it."""
        if not 1 <= take <= len(song.files) or offset < 0:
            return None
        path = Path(song.files[take - 1])
        if path.parent != self._folder:  # the folder was changed since, and no other is read
            return None
        return await anyio.to_thread.run_sync(_read, path, offset)

    def _free_stem(self, song: Song) -> str:
        """A name no other song has: the sidecar says whose it is."""
        self._folder.mkdir(parents=True, exist_ok=True)
        short = stem(song)
        return short if _owned(self._folder / f"{short}.json", song) else stem(song, length=64)

    async def _take(self, song: Song, name: str, take: int) -> Saved:
        several = len(song.media_urls) > 1
        numbered = f"{name}-{take}" if several else name
        label = f"Take {take}" if several else "The song"
        try:
            path = await self._track(song, numbered, take)
        except OSError as error:
            return Saved(warnings=(f"{label} was not saved: {error.strerror or error}.",))
        track, wrong = await anyio.to_thread.run_sync(_judged, path, song)
        warnings = tuple(f"{label} {each}." for each in wrong)
        return Saved((str(path),), (track,), warnings)

    async def _track(self, song: Song, name: str, take: int) -> Path:
        # One name per track, so that what a killed process left behind is written over.
        part = self._folder / f".{name}.part"
        try:
            await download_track(song.media_urls[take - 1], part, self._fetch, self._clock)
            return await anyio.to_thread.run_sync(_finish, part, name, song, take)
        finally:
            part.unlink(missing_ok=True)


def _takes(song: Song) -> range:
    return range(1, len(song.media_urls) + 1)


def _finish(part: Path, name: str, song: Song, take: int) -> Path:
    """Tag a complete download and give it its name."""
    from acestep_mcp.library import tags  # noqa: PLC0415  # brings mutagen

    with part.open("rb") as file:
        final = part.with_name(f"{name}{suffix(file.read(16))}")
    tags.write(part, song, take)
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(final)
    _sync_folder(final.parent)
    return final


def _judged(path: Path, song: Song) -> tuple[Track, tuple[str, ...]]:
    from acestep_mcp.library import sound  # noqa: PLC0415  # needed only to save a song

    track, wrong = sound.measured(path)
    return track, (*wrong, *sound.compared(track, song.duration))


def _read(path: Path, offset: int) -> bytes | None:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(LARGEST_PIECE) or None
    except OSError:
        return None


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows has no handle on a directory to sync
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _owned(sidecar: Path, song: Song) -> bool:
    """Whether no other song's sidecar stands at this path."""
    try:
        found = json.loads(sidecar.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("request_id") == song.request_id
