"""`acestep-mcp export`: a saved song in another format, beside the original or elsewhere."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio

from acestep_mcp import settings
from acestep_mcp.clock import SystemClock
from acestep_mcp.domain.errors import LedgerDown, MediaGone
from acestep_mcp.domain.song import LOCAL_OWNER, Song, converted
from acestep_mcp.ledger import opened
from acestep_mcp.library import Exported, Library
from acestep_mcp.providers import Media


def run(request_id: str, *, kind: str, take: int | None, folder: Path | None) -> int:
    """Convert, and print a path for each take; status 1 where one is missing."""
    found = settings.read()
    if found.output_dir is None:
        raise settings.SettingsError(found.output_problem)
    if folder is not None and not folder.is_dir():
        return _complain(f"there is no folder {folder}")
    library = Library(found.output_dir, lambda _: _nothing, SystemClock())
    try:
        song, exported = anyio.run(_exported, found, library, request_id, kind, take, folder)
    except LedgerDown as down:
        return _complain(f"the ledger cannot be used: {down.cause}")
    if song is None:
        return _complain(f"no song has request_id {request_id!r}; see acestep-mcp songs")
    if take is not None and take > len(song.media_urls):
        return _complain(f"the song has {len(song.media_urls)} takes")
    if not song.files:
        return _complain(f"the song is {song.status} and has no saved file")
    for path in exported.files:
        print(path)  # noqa: T201  # the command's output
    return _complain(exported.problem) if exported.problem else 0


async def _exported(  # the command's options
    found: settings.Settings,
    library: Library,
    request_id: str,
    kind: str,
    take: int | None,
    folder: Path | None,
) -> tuple[Song | None, Exported]:
    ledger = opened(found.ledger_path or found.data_problem, found.database_url)
    try:
        song = await ledger.find(LOCAL_OWNER, request_id)
        if song is None or not song.files or (take or 1) > len(song.media_urls):
            return song, Exported()
        exported = await library.export(song, kind, take=take, folder=folder)
        fact = partial(converted, made=exported.made)
        if folder is None and fact(song) is not song:
            await ledger.change(LOCAL_OWNER, song.id, fact)
        return song, exported
    finally:
        await ledger.close()


@asynccontextmanager
async def _nothing(*_: object) -> AsyncIterator[Media]:
    raise MediaGone("this command fetches nothing")
    yield  # which makes it one that could


def _complain(text: str) -> int:
    sys.stderr.write(f"acestep-mcp: {text}\n")
    return 1
