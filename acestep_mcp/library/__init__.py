"""The one door to the disk: a track is a whole file in the output folder, or it is not there."""

import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import anyio
import anyio.to_thread

from acestep_mcp.domain.song import Song
from acestep_mcp.library.names import stem, suffix
from acestep_mcp.library.sidecar import record

__all__ = ["Library"]

Fetch = Callable[[str], AbstractAsyncContextManager[tuple[int | None, AsyncIterator[bytes]]]]
LARGEST_TRACK = 512 << 20
"""Bytes. Ten minutes of 32-bit float stereo are 230 MB; anything longer is no song of ours."""


class Library:
    """The folder where finished songs are kept."""

    def __init__(self, folder: Path, fetch: Fetch) -> None:
        self._folder = folder
        self._fetch = fetch

    async def save(self, song: Song) -> tuple[str, ...]:
        """Write every track of a completed song and its sidecar; the absolute paths, in order.

        Raises:
            OSError: A track could not be fetched or written; whole tracks stay, partial ones go.
        """
        name = await anyio.to_thread.run_sync(self._free_stem, song)
        files = []
        for take, url in enumerate(song.media_urls, start=1):
            numbered = f"{name}-{take}" if len(song.media_urls) > 1 else name
            files.append(str(await self._track(url, numbered)))
        text = json.dumps(record(song, files), ensure_ascii=False, indent=2)
        await anyio.to_thread.run_sync(_write_whole, self._folder / f"{name}.json", text)
        return tuple(files)

    def _free_stem(self, song: Song) -> str:
        """A name no other song has: the sidecar says whose it is."""
        self._folder.mkdir(parents=True, exist_ok=True)
        short = stem(song)
        return short if _owned(self._folder / f"{short}.json", song) else stem(song, length=64)

    async def _track(self, url: str, name: str) -> Path:
        # One name per track, so that what a killed process left behind is written over.
        part = self._folder / f".{name}.part"
        try:
            async with self._fetch(url) as (length, pieces):
                head = await _receive(part, length, pieces)
            final = self._folder / f"{name}{suffix(head)}"
            await anyio.to_thread.run_sync(_move, part, final)
        finally:
            part.unlink(missing_ok=True)
        return final


async def _receive(part: Path, length: int | None, pieces: AsyncIterator[bytes]) -> bytes:
    """Write the pieces durably; the first bytes of them."""
    size, head = 0, b""
    async with await anyio.open_file(part, "wb") as file:
        async for piece in pieces:
            head = head or piece[:16]
            size += len(piece)
            if size > LARGEST_TRACK:
                raise OSError("the track is larger than any song")
            await file.write(piece)
        await file.flush()
        await anyio.to_thread.run_sync(os.fsync, file.wrapped.fileno())
    if size == 0 or (length is not None and size != length):
        raise OSError(f"the track ended after {size} bytes of {length or 'an unknown number'}")
    return head


def _move(part: Path, final: Path) -> None:
    part.replace(final)
    _sync_folder(final.parent)


def _write_whole(path: Path, text: str) -> None:
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
