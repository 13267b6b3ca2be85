"""What can be read: the guide, every song with what made it, and its audio in pieces.

None of it costs a token until it is read. A whole song would break the connection of clients
that take 10 MiB a message, so audio comes in pieces.
"""

import json
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp.server.mcpserver.resources import FunctionResource

from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.domain.song import Song
from acestep_mcp.domain.text import clean
from acestep_mcp.engine import Engine, Who
from acestep_mcp.library import Library
from acestep_mcp.library.sidecar import record
from acestep_mcp.surface import skills

GUIDE = "acestep://guide"
OUTPUTS = "acestep://outputs"
OUTPUT = "acestep://outputs/{request_id}"
AUDIO = "acestep://outputs/{request_id}/audio/{track}/{offset}"
_NEWEST = 50
_LONGEST_NUMBER = 18  # digits: what fits in a file offset of 64 bits


def add(mcp: MCPServer[Any], engine: Engine, library: Library | None, who: Who) -> None:
    """Publish the resources."""
    mcp.add_resource(_guide())
    mcp.add_resource(skills.resource())
    mcp.add_resource(_outputs(engine, who))

    @mcp.resource(
        OUTPUT,
        name="output",
        title="A song",
        description="Everything needed to make this song again",
        mime_type="application/json",
    )
    async def output(request_id: str) -> str:
        return _json(_record(await _found(engine, who, request_id)))

    @mcp.resource(
        AUDIO,
        name="audio",
        title="A saved take in pieces",
        description="Bytes of the saved file from offset on, at most 3 MiB; takes count from 1",
        mime_type="application/octet-stream",
    )
    async def audio(request_id: str, track: str, offset: str) -> bytes:
        song = await _found(engine, who, request_id)
        take, start = _place(track), _place(offset)
        piece = None
        if library and take is not None and start is not None:
            piece = await library.read(song, take, start)
        if piece is None:
            where = f"take {clean(track, 20)} from byte {clean(offset, 20)}"
            raise ResourceNotFoundError(f"no saved audio there: {where}")
        return piece


def _guide() -> FunctionResource:
    async def guide() -> str:
        from acestep_mcp.songcraft.guide import guide as text  # noqa: PLC0415  # read when asked

        return text()

    return FunctionResource.from_function(
        guide,
        GUIDE,
        title="Writing songs for ACE-Step",
        description="How to write prompt, lyrics and settings; with examples in four languages",
        mime_type="text/markdown",
    )


def _outputs(engine: Engine, who: Who) -> FunctionResource:
    async def outputs() -> str:
        page = await engine.songs(who(), limit=_NEWEST)
        return _json({"total": page.total, "songs": [_record(song) for song in page.songs]})

    return FunctionResource.from_function(
        outputs,
        OUTPUTS,
        title="Songs",
        description=f"The newest {_NEWEST} songs, with everything needed to make them again",
        mime_type="application/json",
    )


async def _found(engine: Engine, who: Who, request_id: str) -> Song:
    try:
        song = await engine.song(who(), request_id)
    except LedgerDown as down:
        raise ResourceNotFoundError(f"the ledger cannot be read: {down.cause}") from down
    if song is None:
        raise ResourceNotFoundError(f"no song has request_id {clean(request_id, 60)!r}")
    return song


def _place(number: str) -> int | None:
    """The number, unless no file has that many bytes: any text can stand in a URI."""
    plain = number.isascii() and number.isdecimal() and len(number) <= _LONGEST_NUMBER
    return int(number) if plain else None


def _record(song: Song) -> dict[str, Any]:
    return {**record(song), "request_id": song.handle}


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)
