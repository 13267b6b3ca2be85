"""The three tools."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, ToolAnnotations
from mcp_types.version import is_version_at_least
from pydantic import Field

from acestep_mcp.clock import Clock
from acestep_mcp.domain.errors import BadInput, Refusal, Stopped
from acestep_mcp.domain.models import (
    DEFAULT,
    LONGEST_LYRICS,
    LONGEST_PROMPT,
    LONGEST_TITLE,
    METERS,
    MODELS,
)
from acestep_mcp.studio import Account, Report, Studio
from acestep_mcp.surface import answers
from acestep_mcp.surface.answers import ListAnswer, SongAnswer
from acestep_mcp.surface.strict import StrictTool, refusal_of
from acestep_mcp.surface.waiting import Patience

Ctx = Context[Any, Any]
LONGEST_WAIT = 50
_STATUSES = ("", "QUEUED", "PROCESSING", "COMPLETED", "FAILED", "ERROR", "UNKNOWN")

_GENERATE = """\
Generate a song with ACE-Step from a style caption and lyrics. Costs real money per take. Waits, \
then returns media URLs, or a request_id to pass to get_status while the song is being made. \
Never call it twice for one song. Try dry_run first: it is free and names what would go wrong. \
Lyrics: one tag per line ([Verse], [Chorus], ...), about 7 sung lines per minute, 6-10 syllables \
a line, choruses written out. Prompt: genre, mood, instruments and the voice with its language; \
no bpm, key or length, which have fields. Leave duration 0 to have it fitted. Without singing: \
instrumental=true. More: resource acestep://guide."""
_STATUS = """\
See how a song is doing and get its media URLs. Safe to call repeatedly: it only reads, costs \
nothing and never starts a song."""
_LIST = """\
List songs made so far, newest first, from this and every earlier session. Free. Use it when a \
request_id is lost."""

_PAID = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
)
_READS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True
)

Prompt = Annotated[
    str,
    Field(
        max_length=LONGEST_PROMPT,
        description="Style caption, 1-3 sentences",
    ),
]
Lyrics = Annotated[
    str, Field(max_length=LONGEST_LYRICS, description="Lyrics with section tags in brackets")
]
Title = Annotated[str, Field(max_length=LONGEST_TITLE, description="Names the file; never sent")]
Instrumental = Annotated[bool, Field(description="Nobody sings")]
Duration = Annotated[float, Field(ge=0, le=600, description="Seconds; 0 = fitted to the lyrics")]
Bpm = Annotated[float, Field(ge=0, le=300, description="30-300; 0 = auto")]
Key = Annotated[
    str, Field(max_length=40, description="Like 'A minor'; empty = auto; ace-step-xl only")
]
Meter = Annotated[
    str, Field(max_length=20, description=f"{', '.join(METERS)}; empty = auto; ace-step-xl only")
]
Seed = Annotated[int, Field(ge=-1, le=4_294_967_295, description="-1 = drawn and reported")]
Batch = Annotated[int, Field(ge=1, le=4, description="Takes, each paid; ace-step-xl only")]
Thinking = Annotated[bool, Field(description="Plan first; ace-step-xl only")]
ModelName = Annotated[
    str, Field(json_schema_extra={"enum": list(MODELS)}, description="Model to use")
]
Steps = Annotated[int, Field(ge=0, le=200, description="0 = default; ace-step only")]
Guidance = Annotated[float, Field(ge=0, le=30, description="0 = default; ace-step only")]
Wait = Annotated[float, Field(ge=0, le=LONGEST_WAIT, description="Seconds to wait in this call")]
DryRun = Annotated[bool, Field(description="Check and show what would be sent; free")]
Force = Annotated[bool, Field(description="Send although the fit check stopped it")]
NewTake = Annotated[
    bool, Field(description="Pay again although the same request is running or undelivered")
]
RequestId = Annotated[
    str, Field(min_length=1, max_length=200, description="As given by generate_song")
]
Limit = Annotated[int, Field(ge=1, le=50, description="Songs per page")]
Status = Annotated[
    str, Field(json_schema_extra={"enum": list(_STATUSES)}, description="Only this status")
]
Search = Annotated[str, Field(max_length=200, description="Text in title, prompt or lyrics")]
Cursor = Annotated[str, Field(max_length=200, description="next_cursor of the previous page")]


def build(studio: Studio, account: Account, clock: Clock, default_wait: float) -> list[StrictTool]:
    """The tools, working for one account through one studio."""
    patience = Patience(clock)

    def answer(ctx: Ctx, report: Report, *, as_error: bool) -> CallToolResult:
        links = is_version_at_least(ctx.request_context.protocol_version, "2025-06-18")
        return answers.song(report, clock.now(), links=links, as_error=as_error)

    async def generate_song(  # noqa: PLR0913, PLR0917  # the tool's published arguments
        ctx: Ctx,
        prompt: Prompt,
        lyrics: Lyrics = "",
        title: Title = "",
        instrumental: Instrumental = False,  # noqa: FBT002  # the tool's published arguments
        duration: Duration = 0,
        bpm: Bpm = 0,
        key: Key = "",
        time_signature: Meter = "",
        seed: Seed = -1,
        batch_size: Batch = 1,
        thinking: Thinking = False,  # noqa: FBT002  # as above
        model: ModelName = DEFAULT.id,
        infer_steps: Steps = 0,
        guidance_scale: Guidance = 0,
        wait: Wait = default_wait,
        dry_run: DryRun = False,  # noqa: FBT002  # as above
        force: Force = False,  # noqa: FBT002  # as above
        new_take: NewTake = False,  # noqa: FBT002  # as above
    ) -> Annotated[CallToolResult, SongAnswer]:
        # The tables of songcraft, which a start need not load.
        from acestep_mcp.order import Wish, order  # noqa: PLC0415

        wish = Wish(
            prompt=prompt,
            lyrics=lyrics,
            title=title,
            instrumental=instrumental,
            duration=duration,
            bpm=bpm,
            key=key,
            time_signature=time_signature,
            seed=seed,
            batch_size=batch_size,
            thinking=thinking,
            model=model,
            infer_steps=infer_steps,
            guidance_scale=guidance_scale,
        )
        try:
            ordered = order(wish, clock.random)
        except BadInput as error:
            raise refusal_of(error) from error
        if dry_run:
            return answers.dry_run(ordered)
        if stop := ordered.stop(force=force):
            raise refusal_of(Stopped(stop.message, stop.overridable))
        report = await patience.wait(
            ctx,
            wait,
            lambda seconds: studio.generate(account, ordered, wait=seconds, new_take=new_take),
        )
        return answer(ctx, report, as_error=True)

    async def get_status(
        ctx: Ctx, request_id: RequestId, wait: Wait = 0
    ) -> Annotated[CallToolResult, SongAnswer]:
        handle = request_id.strip(" \t\r\n`'\"")
        report = await patience.wait(
            ctx, wait, lambda seconds: studio.status(account, handle, wait=seconds)
        )
        return answer(ctx, report, as_error=False)

    async def list_outputs(
        limit: Limit = 10, status: Status = "", search: Search = "", cursor: Cursor = ""
    ) -> Annotated[CallToolResult, ListAnswer]:
        try:
            if status.upper() not in _STATUSES:
                raise BadInput("status", f"use one of {', '.join(_STATUSES[1:])}, or leave it out")
            page = await studio.songs(
                account, limit=limit, status=status.upper(), search=search, cursor=cursor
            )
        except Refusal as error:
            raise refusal_of(error) from error
        return answers.songs(page, clock.now())

    return [
        StrictTool.build(
            generate_song, title="Generate a song", description=_GENERATE, annotations=_PAID
        ),
        StrictTool.build(get_status, title="Song status", description=_STATUS, annotations=_READS),
        StrictTool.build(list_outputs, title="List songs", description=_LIST, annotations=_READS),
    ]
