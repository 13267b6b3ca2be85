"""The tasks extension (2026-07-28): a song is a task, its handle the task's id.

Nothing is kept for it. A call is answered with a task only when the client declared the
extension on that call, and only once the song is in the ledger; every question about a task is
a question about the song.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver.server import require_client_extension
from mcp.shared.exceptions import MCPError
from mcp_types import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    RequestParams,
)
from pydantic import ConfigDict, Field

from acestep_mcp.clock import Clock
from acestep_mcp.domain.errors import Refusal
from acestep_mcp.domain.song import RUNNING, Song
from acestep_mcp.engine import Engine, Report, Who
from acestep_mcp.library.sidecar import instant
from acestep_mcp.surface import answers
from acestep_mcp.surface.refusals import sentence

TASKS = "io.modelcontextprotocol/tasks"
_VERSIONS = frozenset({"2026-07-28"})
_POLL_MS = 5_000

Ctx = ServerRequestContext[Any, Any]


class TaskParams(RequestParams):
    """What every request about a task carries."""

    model_config = ConfigDict(extra="allow")
    task_id: Annotated[str, Field(alias="taskId", max_length=200)]


def declared(ctx: Ctx) -> bool:
    """Whether the client of this call takes a task for an answer."""
    capabilities = ctx.session.client_capabilities
    extensions = (capabilities.extensions if capabilities else None) or {}
    return ctx.protocol_version in _VERSIONS and TASKS in extensions


@dataclass(frozen=True)
class Tasks(Extension):
    """Answers `tasks/get`, `tasks/update` and `tasks/cancel`, and turns a long call into a task."""

    identifier = TASKS
    engine: Engine
    who: Who
    clock: Clock

    def methods(self) -> Sequence[MethodBinding]:
        """The three requests."""
        served = {"get": self._get, "update": self._acknowledge, "cancel": self._acknowledge}
        return [
            MethodBinding(f"tasks/{name}", TaskParams, handler, _VERSIONS)
            for name, handler in served.items()
        ]

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: Ctx, call_next: CallNext
    ) -> HandlerResult:
        """Answer with a task where the tool's answer is a song that is still being made."""
        result = await call_next(ctx)
        if params.name != "generate_song" or not declared(ctx):
            return result
        shown = result.structured_content if isinstance(result, CallToolResult) else None
        if not shown or shown.get("status") not in RUNNING:
            return result
        song = await self.engine.song(self.who(), shown["request_id"])
        return result if song is None else {"resultType": "task", **self._working(song)}

    async def _get(self, ctx: Ctx, params: TaskParams) -> HandlerResult:
        report = await self._report(ctx, params)
        song = report.song
        if song.state in RUNNING or (song.ended and not song.settled):
            return {"resultType": "complete", **self._working(song)}
        result = answers.song(
            report, self.engine.maker(song), self.clock.now(), links=True, as_error=True
        )
        self.engine.heard(self.who(), song.handle)
        shown = result.model_dump(by_alias=True, mode="json", exclude_none=True)
        return {"resultType": "complete", **_task(song, "completed"), "result": shown}

    async def _acknowledge(self, ctx: Ctx, params: TaskParams) -> HandlerResult:
        """Take note. A song that is paid for cannot be cancelled, and no question is open."""
        await self._report(ctx, params)
        return {"resultType": "complete"}

    def _working(self, song: Song) -> dict[str, Any]:
        message = answers.going_on(song, self.engine.maker(song))
        return {**_task(song, "working"), "statusMessage": message, "pollIntervalMs": _POLL_MS}

    async def _report(self, ctx: Ctx, params: TaskParams) -> Report:
        require_client_extension(ctx, TASKS)
        headers: Mapping[str, str] | None = getattr(ctx.request, "headers", None)
        if headers is not None and headers.get("mcp-name") != params.task_id:
            raise MCPError(code=HEADER_MISMATCH, message="Mcp-Name names another task")
        try:
            return await self.engine.status(self.who(), params.task_id, wait=0)
        except Refusal as refusal:
            raise MCPError(code=INVALID_PARAMS, message=sentence(refusal)) from refusal


def _task(song: Song, status: str) -> dict[str, Any]:
    return {
        "taskId": song.handle,
        "status": status,
        "createdAt": instant(song.created_at),
        "lastUpdatedAt": instant(max(song.updated_at, song.created_at)),
        "ttlMs": None,
    }
