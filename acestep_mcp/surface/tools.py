"""The three tools."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import anyio
from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, InputRequiredResult, ToolAnnotations
from mcp_types.version import is_version_at_least

from acestep_mcp.clock import Clock
from acestep_mcp.domain.errors import BadInput, NotSent, Stopped
from acestep_mcp.domain.models import DEFAULT
from acestep_mcp.engine import Engine, Report, Who
from acestep_mcp.settings import FORMATS
from acestep_mcp.surface import answers
from acestep_mcp.surface import arguments as arg
from acestep_mcp.surface.answers import ListAnswer, SongAnswer
from acestep_mcp.surface.confirm import confirm
from acestep_mcp.surface.handles import meant
from acestep_mcp.surface.player import TOOL_META
from acestep_mcp.surface.strict import StrictTool
from acestep_mcp.surface.tasks import declared
from acestep_mcp.surface.waiting import Patience

if TYPE_CHECKING:
    from acestep_mcp.order import Order, Wish

Ctx = Context[Any, Any]

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


@dataclass(frozen=True, slots=True)
class Readers:
    """Threads in which a server that works for many reads what its callers ask for.

    Reading the longest song takes some 30 ms, in which an event loop hears nobody else. `limiter`
    says how many are read at once, `patience` how many seconds one may wait for its turn.
    """

    limiter: anyio.CapacityLimiter
    patience: float = 5.0


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the tools do their work. Without `readers` a wish is read where it arrives.

    That is right for a server of one person: nobody else waits, and a thread has to be started.
    """

    engine: Engine
    who: Who
    clock: Clock
    patience: Patience
    confirming: bool
    readers: Readers | None = None

    async def read(self, wish: "Wish") -> "Order":
        """What the wish comes to, checked.

        Raises:
            Refusal: An argument is unusable, or too many wishes are being read.
        """
        from acestep_mcp.order import order  # noqa: PLC0415  # as in `generate_song`

        if self.readers is None:
            return order(wish, self.clock.random)
        try:
            with anyio.fail_after(self.readers.patience):
                # A wish that is being read is read to its end; only the queue can be left.
                return await anyio.to_thread.run_sync(
                    order, wish, self.clock.random, limiter=self.readers.limiter
                )
        except TimeoutError:
            raise NotSent("too many songs are being checked; wait a few seconds") from None

    async def take(
        self, ctx: Ctx, order: "Order", *, wait: float, force: bool, new_take: bool
    ) -> CallToolResult | InputRequiredResult:
        """Have a song made, unless a check or a person is against it."""
        if stop := order.stop(force=force):
            raise Stopped(stop.message, stop.overridable)
        if (
            self.confirming
            and await self._would_buy(order, new_take=new_take)
            and (asked := await confirm(ctx, answers.question(order)))
        ):
            return asked
        if declared(ctx.request_context):
            wait = 0  # the client takes a task, and asks about it when it likes
        report = await self.patience.wait(
            ctx,
            wait,
            lambda seconds: self.engine.generate(
                self.who(), order, wait=seconds, new_take=new_take
            ),
        )
        return self.answer(ctx, report, as_error=True)

    async def _would_buy(self, order: "Order", *, new_take: bool) -> bool:
        """Whether a person has to be asked: not for what costs nothing, nor for what is refused."""
        return await self.engine.earlier(self.who(), order, reuse=not new_take) is None

    async def look(self, ctx: Ctx, handle: str, wait: float, kind: str = "") -> CallToolResult:
        """See how a song is doing; a saved one is converted where a format is named."""
        kind = kind.strip().lower().removeprefix("audio/").lstrip(".").replace("mpeg", "mp3")
        if kind and kind not in FORMATS[1:]:
            raise BadInput("format", f"use {' or '.join(FORMATS[1:])}, or leave it out")
        handle = await meant(self.engine, self.who(), handle)
        report = await self.patience.wait(
            ctx,
            wait,
            lambda seconds: self.engine.status(self.who(), handle, wait=seconds, kind=kind),
        )
        return self.answer(ctx, report, as_error=False)

    async def browse(self, limit: int, status: str, search: str, cursor: str) -> CallToolResult:
        """List songs."""
        if status and status not in arg.STATUSES:
            known = ", ".join(arg.STATUSES)
            raise BadInput("status", f"use one of {known}, or leave it out")
        page = await self.engine.songs(
            self.who(), limit=limit, status=status, search=search, cursor=cursor
        )
        return answers.songs(page, self.clock.now())

    def answer(self, ctx: Ctx, report: Report, *, as_error: bool) -> CallToolResult:
        """The answer, with links for clients that know them."""
        links = is_version_at_least(ctx.request_context.protocol_version, "2025-06-18")
        return answers.song(report, self.clock.now(), links=links, as_error=as_error)


def build(desk: Desk, default_wait: float) -> list[StrictTool]:
    """The tools. `default_wait` is how many seconds a generation waits unless it says otherwise."""

    async def generate_song(  # noqa: PLR0913, PLR0917  # the tool's published arguments
        ctx: Ctx,
        prompt: arg.Prompt,
        lyrics: arg.Lyrics = "",
        title: arg.Title = "",
        instrumental: arg.Instrumental = False,  # noqa: FBT002  # as above
        duration: arg.Duration = 0,
        bpm: arg.Bpm = 0,
        key: arg.Key = "",
        time_signature: arg.Meter = "",
        seed: arg.Seed = -1,
        batch_size: arg.Batch = 1,
        thinking: arg.Thinking = False,  # noqa: FBT002  # as above
        model: arg.ModelName = DEFAULT.id,
        infer_steps: arg.Steps = 0,
        guidance_scale: arg.Guidance = 0,
        wait: arg.Wait = default_wait,
        dry_run: arg.DryRun = False,  # noqa: FBT002  # as above
        force: arg.Force = False,  # noqa: FBT002  # as above
        new_take: arg.NewTake = False,  # noqa: FBT002  # as above
    ) -> Annotated[CallToolResult, SongAnswer] | InputRequiredResult:
        # The tables of songcraft, which a start need not load.
        from acestep_mcp.order import Wish  # noqa: PLC0415

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
        ordered = await desk.read(wish)
        if dry_run:
            return answers.dry_run(ordered)
        return await desk.take(ctx, ordered, wait=wait, force=force, new_take=new_take)

    async def get_status(
        ctx: Ctx,
        request_id: arg.RequestId,
        wait: arg.Wait = 0,
        format: arg.Format = "",  # noqa: A002  # its published name
    ) -> Annotated[CallToolResult, SongAnswer]:
        return await desk.look(ctx, request_id, wait, format)

    async def list_outputs(
        limit: arg.Limit = 10,
        status: arg.Status = "",
        search: arg.Search = "",
        cursor: arg.Cursor = "",
    ) -> Annotated[CallToolResult, ListAnswer]:
        return await desk.browse(limit, status.strip().upper(), search, cursor)

    return [
        StrictTool.build(
            generate_song,
            title="Generate a song",
            description=_GENERATE,
            annotations=_PAID,
            meta=TOOL_META,
        ),
        StrictTool.build(
            get_status,
            title="Song status",
            description=_STATUS,
            annotations=_READS,
            meta=TOOL_META,
        ),
        StrictTool.build(list_outputs, title="List songs", description=_LIST, annotations=_READS),
    ]
