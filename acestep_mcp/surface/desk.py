"""Between the tools and the engine: reading, asking a person, waiting, and the answer."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, InputRequiredResult
from mcp_types.version import is_version_at_least

from acestep_mcp.clock import Clock
from acestep_mcp.domain.catalogue import ProviderInfo
from acestep_mcp.domain.errors import CouldNotSend, NotFound, Stopped
from acestep_mcp.domain.request import SongRequest
from acestep_mcp.domain.song import Song
from acestep_mcp.engine import Engine, Report, Who
from acestep_mcp.library.names import media_type
from acestep_mcp.providers import Source
from acestep_mcp.surface import answers
from acestep_mcp.surface.answers import House
from acestep_mcp.surface.confirm import confirm
from acestep_mcp.surface.handles import meant
from acestep_mcp.surface.tasks import declared
from acestep_mcp.surface.waiting import Patience

if TYPE_CHECKING:
    from acestep_mcp.songcraft.prepare import Prepared

Ctx = Context[Any, Any]


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
    """What the tools of one server work with. Without `readers` a request is read where it arrives.

    That is right for a server of one person: nobody else waits, and a thread has to be started.
    """

    engine: Engine
    who: Who
    clock: Clock
    patience: Patience
    house: House
    confirming: bool
    readers: Readers | None = None

    async def prepared(
        self, asked: SongRequest, *, new_take: bool
    ) -> tuple["Prepared", Source | None]:
        """The request as it will be sent, checked, and the file that an edit works on.

        Raises:
            Refusal: An argument is unusable, or too many requests are being read.
        """
        # The tables of songcraft, which a start need not load.
        from acestep_mcp.songcraft.prepare import prepare, varied  # noqa: PLC0415

        models, draw = self.engine.providers.models, self.clock.random
        source = None
        if asked.based_on:
            earlier = await self._found(asked.based_on)
            fresh = new_take and "seed" not in asked.given  # or it would be the same music again
            asked = replace(varied(asked, earlier, models), based_on=earlier.handle)
            asked = replace(asked, seed=-1) if fresh else asked
            if asked.edit:
                source = Source(Path(earlier.files[0]), media_type(earlier.files[0]))
        if self.readers is None:
            return prepare(asked, models, draw), source
        try:
            with anyio.fail_after(self.readers.patience):
                # What is being read is read to its end; only the queue can be left.
                prepared = await anyio.to_thread.run_sync(
                    prepare, asked, models, draw, limiter=self.readers.limiter
                )
                return prepared, source
        except TimeoutError:
            raise CouldNotSend("too many songs are being checked; wait a few seconds") from None

    async def _found(self, text: str) -> Song:
        """The song that a text names.

        Raises:
            Refusal: There is none, or the text names several.
        """
        handle = await meant(self.engine, self.who(), text)
        song = await self.engine.song(self.who(), handle)
        if song is None:
            raise NotFound(handle)
        return song

    async def rehearse(
        self, asked: SongRequest, prepared: "Prepared", *, new_take: bool
    ) -> CallToolResult:
        """What would be bought and sent, and what is to be said of it."""
        earlier = None if new_take else await self.engine.answering(self.who(), prepared)
        return answers.dry_run(asked, prepared, earlier, self._maker(prepared), self.house.price)

    async def submit(
        self,
        ctx: Ctx,
        prepared: "Prepared",
        source: Source | None,
        *,
        wait: float,
        force: bool,
        new_take: bool,
    ) -> CallToolResult | InputRequiredResult:
        """Have a song made, unless a check or a person is against it."""
        if stop := prepared.stop(force=force):
            raise Stopped(stop.message, stop.overridable)
        if (
            self.confirming
            and self._maker(prepared).charges
            and await self._would_buy(prepared, new_take=new_take)
            and (asked := await confirm(ctx, answers.question(prepared, self.house.price)))
        ):
            return asked
        if declared(ctx.request_context):
            wait = 0  # the client takes a task, and asks about it when it likes
        report = await self.patience.wait(
            ctx,
            wait,
            lambda seconds: self.engine.generate(
                self.who(), prepared, wait=seconds, new_take=new_take, source=source
            ),
        )
        return self._answer(ctx, report, as_error=True)

    def _maker(self, prepared: "Prepared") -> ProviderInfo:
        return self.engine.providers.of_model(prepared.model.id).info

    async def _would_buy(self, prepared: "Prepared", *, new_take: bool) -> bool:
        """Whether a person has to be asked: not for what costs nothing, nor for what is refused."""
        return await self.engine.earlier(self.who(), prepared, reuse=not new_take) is None

    async def status(self, ctx: Ctx, handle: str, *, wait: float, kind: str) -> CallToolResult:
        """How a song is doing; a saved one is converted into the format `kind`, if one is named."""
        handle = await meant(self.engine, self.who(), handle)
        report = await self.patience.wait(
            ctx,
            wait,
            lambda seconds: self.engine.status(self.who(), handle, wait=seconds, kind=kind),
        )
        return self._answer(ctx, report, as_error=False, whole=True)

    async def songs(self, *, limit: int, status: str, search: str, cursor: str) -> CallToolResult:
        """A page of songs."""
        page = await self.engine.songs(
            self.who(), limit=limit, status=status, search=search, cursor=cursor
        )
        newest = page
        if search and not page.songs and not cursor:
            newest = await self.engine.songs(self.who(), limit=1)
        bought = await self.engine.bought(self.who())
        return answers.songs(page, newest, bought, self.house, search)

    def _answer(
        self, ctx: Ctx, report: Report, *, as_error: bool, whole: bool = False
    ) -> CallToolResult:
        """The answer, with links for clients that know them.

        With `whole`, it tells what the song was made from.
        """
        links = is_version_at_least(ctx.request_context.protocol_version, "2025-06-18")
        maker = self.engine.maker(report.song)
        return answers.song(
            report, maker, self.clock.now(), links=links, as_error=as_error, whole=whole
        )
