"""Getting a track onto the disk: whole, resumed where the host allows it, and never too much."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, ExitStack
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from anyio.to_thread import run_sync

from acestep_mcp.clock import Clock
from acestep_mcp.domain.errors import MediaGone
from acestep_mcp.library import disk
from acestep_mcp.library.names import HEAD, suffix
from acestep_mcp.library.whole import is_short
from acestep_mcp.providers import Media

LARGEST_TRACK = 512 << 20
"""Bytes. Ten minutes of 32-bit float stereo are 230 MB; anything longer is no song of ours."""
ATTEMPTS = 3
"""In a row. Who wants the track calls again later, and has more patience."""
PAUSE = 1.0
"""Seconds before the second attempt; twice as long before each one after."""
_SLOWEST = 1024  # bytes a second: at this rate a song of three minutes takes an hour
_GRACE = 60.0  # seconds after which an attempt is judged by its rate


Fetch = Callable[[str, int, str], AbstractAsyncContextManager[Media]]
"""Open a URL from a byte on, if the file still has that validator."""


@dataclass(slots=True)
class _Arrived:
    """What is in the file so far: `size` bytes of `total`, of the version named `validator`."""

    size: int = 0
    head: bytes = b""
    total: int | None = None
    validator: str = ""


async def download_track(
    url: str,
    part: Path,
    fetch: Fetch,
    clock: Clock,
    *,
    may_be_short: bool = False,
    held: ExitStack | None = None,
) -> None:
    """Write a track's bytes to a new file `part`, durably and completely.

    A reply of unknown length is complete when the track's own header does not announce more;
    `may_be_short` takes it even then. After an error the part may be there, and incomplete.
    Until `held` is left, nobody takes the part for what a dead process left behind.

    Raises:
        MediaGone: The URL delivers no track.
        DiskFault: The disk did not take it, which is no reason to download it again.
        OSError: The host did not deliver in `ATTEMPTS` attempts.
    """
    file = await run_sync(disk.create, part)
    try:
        arrived = _Arrived()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                # Without a validator, what is here cannot be told from another file's beginning.
                have = arrived.size if arrived.validator else 0
                async with fetch(url, have, arrived.validator if have else "") as media:
                    await _receive(file, part, media, arrived, clock, url)
                await _complete(file, arrived, url, may_be_short=may_be_short)
            except (MediaGone, disk.DiskFault):
                raise
            except OSError:
                if attempt == ATTEMPTS:
                    raise
                await clock.sleep(PAUSE * 2 ** (attempt - 1))
            else:
                break
        if held is not None:
            held.enter_context(disk.hold(file))
        await run_sync(disk.finish, file)
    finally:
        file.close()


async def _receive(
    file: FileIO, part: Path, media: Media, arrived: _Arrived, clock: Clock, url: str
) -> None:
    """Append the pieces to what is here, if they belong there."""
    if media.start:
        _go_on(media, arrived)
    else:
        arrived.size, arrived.head = 0, b""
        arrived.total, arrived.validator = media.total, media.validator
    if arrived.total is not None and arrived.total > LARGEST_TRACK:
        raise MediaGone("the track is larger than any song")
    await run_sync(disk.rewind, file, arrived.size)
    if arrived.total is not None:
        free = await run_sync(disk.room, part.parent)
        if free is not None and free < arrived.total - arrived.size:
            raise disk.no_room()
    most = min(LARGEST_TRACK, arrived.total or LARGEST_TRACK)
    began, before = clock.monotonic(), arrived.size
    async for piece in media.pieces:
        if arrived.size + len(piece) > most:
            raise MediaGone("the track is longer than announced")
        if len(arrived.head) < HEAD:
            arrived.head += piece[: HEAD - len(arrived.head)]
            if len(arrived.head) == HEAD:
                suffix(arrived.head, url)
        await run_sync(disk.write, file, piece)
        arrived.size += len(piece)
        took = clock.monotonic() - began
        if took > _GRACE and arrived.size - before < _SLOWEST * took:
            raise OSError("the media host sends next to nothing")


def _go_on(media: Media, arrived: _Arrived) -> None:
    """See to it that a part of a file is the part that was asked for, of the same file.

    Raises:
        OSError: It is not; the next attempt begins at the beginning.
    """
    same_total = arrived.total is None or media.total in (None, arrived.total)
    asked = arrived.size and arrived.validator and media.start == arrived.size
    if asked and same_total and media.validator == arrived.validator:
        arrived.total = arrived.total or media.total
        return
    arrived.size, arrived.head, arrived.total, arrived.validator = 0, b"", None, ""
    raise OSError("the media host sent another part of the file than was asked for")


async def _complete(file: FileIO, arrived: _Arrived, url: str, *, may_be_short: bool) -> None:
    """Judge a reply that ended in peace.

    Raises:
        MediaGone: It was no track.
        OSError: It ended too early.
    """
    if arrived.total is not None and arrived.size != arrived.total:
        raise OSError(f"the track ended after {arrived.size} of {arrived.total} bytes")
    if arrived.size == 0:
        raise OSError("the media host sent an empty file")
    suffix(arrived.head, url)
    if arrived.total is None and not may_be_short and await run_sync(is_short, file, arrived.size):
        raise OSError(f"the track ended early, after {arrived.size} bytes")
