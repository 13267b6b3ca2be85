"""Getting a track onto the disk: whole, resumed where the host allows it, and never too much."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import anyio
import anyio.to_thread

from acestep_mcp.clock import Clock
from acestep_mcp.domain.errors import MediaGone
from acestep_mcp.library.names import suffix

LARGEST_TRACK = 512 << 20
"""Bytes. Ten minutes of 32-bit float stereo are 230 MB; anything longer is no song of ours."""
ATTEMPTS = 5
PAUSE = 1.0
"""Seconds before the second attempt; twice as long before each one after."""
_HEAD = 16  # bytes by which a track's type is told


class Media(Protocol):
    """An open download, as the gateway gives it."""

    @property
    def start(self) -> int:
        """The file's byte that comes first."""
        ...

    @property
    def total(self) -> int | None:
        """Bytes of the whole file, where known."""
        ...

    @property
    def validator(self) -> str:
        """By what a later request can go on."""
        ...

    @property
    def pieces(self) -> AsyncIterator[bytes]:
        """The bytes."""
        ...


Fetch = Callable[[str, int, str], AbstractAsyncContextManager[Media]]
"""Open a URL from a byte on, if the file still has that validator."""


async def download_track(url: str, part: Path, fetch: Fetch, clock: Clock) -> None:
    """Write a track's bytes to `part`, durably and completely.

    Raises:
        MediaGone: The URL delivers no track.
        OSError: The host did not deliver in `ATTEMPTS` attempts, or the disk did not take it.
    """
    have, validator = 0, ""
    for attempt in range(ATTEMPTS):
        try:
            async with fetch(url, have, validator) as media:
                validator = media.validator
                await _receive(part, media)
        except MediaGone:
            raise
        except OSError:
            if attempt == ATTEMPTS - 1:
                raise
            # Without a validator, what is here cannot be told from another file's beginning.
            have = await anyio.to_thread.run_sync(_size, part) if validator else 0
            await clock.sleep(PAUSE * 2**attempt)
        else:
            return


async def _receive(part: Path, media: Media) -> None:
    """Append the pieces to the first `media.start` bytes of the part, and sync it."""
    if media.total is not None and media.total > LARGEST_TRACK:
        raise MediaGone("the track is larger than any song")
    size = media.start
    head = b"" if size == 0 else None
    async with await anyio.open_file(part, "r+b" if size else "wb") as file:
        await file.truncate(size)
        await file.seek(size)
        async for piece in media.pieces:
            size += len(piece)
            head = _judged(head, piece)
            if size > min(LARGEST_TRACK, media.total or LARGEST_TRACK):
                raise MediaGone("the track is longer than announced")
            await file.write(piece)
        await file.flush()
        await anyio.to_thread.run_sync(os.fsync, file.wrapped.fileno())
    if head is not None:
        suffix(head)
    if media.total is not None and size != media.total:
        raise OSError(f"the track ended after {size} of {media.total} bytes")


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _judged(head: bytes | None, piece: bytes) -> bytes | None:
    """The first bytes so far; None once they are enough and are those of a track."""
    if head is None:
        return None
    head += piece[:_HEAD]
    if len(head) < _HEAD:
        return head
    suffix(head)
    return None
