"""The three tools: what is published of them, and what each of them does."""

from collections.abc import Mapping
from typing import Annotated

from mcp_types import CallToolResult, InputRequiredResult, ToolAnnotations

from acestep_mcp.domain.catalogue import Model, takers
from acestep_mcp.domain.errors import BadInput
from acestep_mcp.domain.request import SongRequest
from acestep_mcp.settings import FORMATS
from acestep_mcp.surface.answers import ListAnswer, SongAnswer
from acestep_mcp.surface.arguments import STATUSES
from acestep_mcp.surface.desk import Ctx, Desk
from acestep_mcp.surface.player import TOOL_META
from acestep_mcp.surface.strict import StrictTool

_INSTRUCTIONS = """\
Songs {cost}take 15 s to minutes. Write lyrics with section tags, call generate_song \
once, and if the answer is not COMPLETED call get_status with its request_id and wait=45 until it \
is. Never submit the same song twice; list_outputs finds every earlier one, and based_on makes one \
again with changes. Nobody can cancel a submitted song{changes}{again}. You cannot hear songs; \
tell only what was measured. Give the user the file paths and media URLs exactly as returned."""
_NO_EDITS = ", and none can be edited or made longer: a change is a new recording"
_EDITS = (
    ". To change a part of a saved one or make it longer, use edit (on {editors} only); any other "
    "change is a new recording"
)
_GENERATE = """\
Generate a song with ACE-Step from a style caption and lyrics.{cost} Waits, \
then returns media URLs, or a request_id to pass to get_status while the song is being made. \
Never call it twice for one song. Try dry_run first: it is free and names what would go wrong. \
Lyrics: one tag per line ([Verse], [Chorus], ...), about 7 sung lines per minute, 6-10 syllables \
a line, choruses written out. Prompt: genre, mood, instruments and the voice with its language; \
no bpm, key or length, which have fields. Leave duration 0 to have it fitted. Without singing: \
instrumental=true. The same song with changes: based_on. More: resource acestep://guide."""
_STATUS = """\
See how a song is doing and get its media URLs, files, prompt, lyrics and settings. Safe to call \
repeatedly: it only reads, costs nothing and never starts a song."""
_LIST = """\
List songs made so far, newest first, from this and every earlier session, with the folder they \
are in{cost}. Free. Use it when a request_id is lost."""

_PAID = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
)
_READS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True
)


async def generate_song(  # its published arguments
    desk: Desk,
    ctx: Ctx,
    asked: SongRequest,
    *,
    wait: float,
    dry_run: bool = False,
    force: bool = False,
    new_take: bool = False,
) -> Annotated[CallToolResult, SongAnswer] | InputRequiredResult:
    """Have a song made, or say what would be sent."""
    prepared, source = await desk.prepared(asked, new_take=new_take)
    if dry_run:
        return await desk.rehearse(asked, prepared, new_take=new_take)
    return await desk.submit(ctx, prepared, source, wait=wait, force=force, new_take=new_take)


async def get_status(
    desk: Desk,
    ctx: Ctx,
    request_id: str,
    *,
    wait: float = 0,
    format: str = "",  # noqa: A002  # its published name
) -> Annotated[CallToolResult, SongAnswer]:
    """See how a song is doing; a saved one is converted where a format is named."""
    kind = format.strip().lower().removeprefix("audio/").lstrip(".").replace("mpeg", "mp3")
    if kind and kind not in FORMATS[1:]:
        raise BadInput("format", f"use {' or '.join(FORMATS[1:])}, or leave it out")
    return await desk.status(ctx, request_id, wait=wait, kind=kind)


async def list_outputs(
    desk: Desk, *, limit: int = 10, status: str = "", search: str = "", cursor: str = ""
) -> Annotated[CallToolResult, ListAnswer]:
    """List songs."""
    status = status.strip().upper()
    if status and status not in STATUSES:
        raise BadInput("status", f"use one of {', '.join(STATUSES)}, or leave it out")
    return await desk.songs(limit=limit, status=status, search=search, cursor=cursor)


def instructions(models: Mapping[str, Model]) -> str:
    """What the assistant is told once; of money only where songs cost any."""
    free = all(model.free for model in models.values())
    editors = " or ".join(takers(models, "edit"))
    return _INSTRUCTIONS.format(
        cost="" if free else "cost money and ",
        changes=_EDITS.format(editors=editors) if editors else _NO_EDITS,
        again="" if free else ", paid for again",
    )


def build(desk: Desk, default_wait: float) -> list[StrictTool]:
    """The tools. `default_wait` is how many seconds a generation waits unless it says otherwise."""
    models = desk.engine.providers.models
    cost = "" if all(model.free for model in models.values()) else " Costs real money per take."
    listed = "" if not cost else " and what they cost"
    return [
        StrictTool.of(
            generate_song,
            desk,
            models,
            defaults={"wait": default_wait},
            title="Generate a song",
            description=_GENERATE.format(cost=cost),
            annotations=_PAID,
            meta=TOOL_META,
        ),
        StrictTool.of(
            get_status,
            desk,
            models,
            title="Song status",
            description=_STATUS,
            annotations=_READS,
            meta=TOOL_META,
        ),
        StrictTool.of(
            list_outputs,
            desk,
            models,
            title="List songs",
            description=_LIST.format(cost=listed),
            annotations=_READS,
        ),
    ]
