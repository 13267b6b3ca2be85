"""The tasks scenarios' reference server, played by ours.

The scenarios call tools such as `slow_compute`. Here a middleware in front of the real server
reads such a call as an order for a song, which the real tool buys from the sandbox and the real
extension turns into a task; nothing of either knows about it. `greet` alone is a tool of its own.
The suite's seconds pass twenty times as fast.

Where the suite cancels a task, its reference server stops the work. A song that is paid for goes
on and ends as completed, which the suite takes for an end as well.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import MCPServer

from acestep_mcp.sandbox import Profile, Sandbox

Ctx = ServerRequestContext[Any, Any]
Arguments = Mapping[str, Any]

_PACE = 20
_REPLY = "confirm"
_TITLES: Mapping[str, Callable[[Arguments], str]] = {
    "slow_compute": lambda call: str(call["arguments"]["label"]),
    "confirm_delete": lambda call: str(call["arguments"]["filename"]),
    "failing_job": lambda _: "A song that fails",
    "test_tool_with_task": lambda call: _reply(call).get("name", "A song for nobody yet"),
}
"""The suite's tools that are orders here, and how their songs are called."""


def play(mcp: MCPServer[Any], sandbox: Sandbox) -> None:
    """Have this server answer the scenarios' calls."""
    mcp.add_tool(greet)
    mcp.middleware.append(_Songs(sandbox))


def greet(name: str) -> str:
    """Greet; no task comes of it."""
    return f"Hello, {name}!"


@dataclass(frozen=True, slots=True)
class _Songs:
    sandbox: Sandbox

    async def __call__(self, ctx: Ctx, call_next: CallNext) -> HandlerResult:
        """Pass the message on, as an order where it calls one of the suite's tools."""
        call = ctx.params or {}
        tool = str(call.get("name")) if ctx.method == "tools/call" else ""
        if tool not in _TITLES:
            return await call_next(ctx)
        seconds = call["arguments"].get("seconds", 1)
        self.sandbox.profile = Profile(0, seconds).faster(_PACE)
        result = await call_next(replace(ctx, params=_order(call, _TITLES[tool](call))))
        if tool == "failing_job" and isinstance(result, dict) and "taskId" in result:
            self.sandbox.fail(result["taskId"])
        return result


def _order(call: Arguments, title: str) -> dict[str, Any]:
    """The same call, for a song."""
    song = {"prompt": f"Folk ballad, {title}", "title": title}
    order = {**call, "name": "generate_song", "arguments": song}
    if _reply(call):
        agreed = {"action": "accept", "content": {"go_ahead": True}}
        order["inputResponses"] = {_REPLY: agreed}
    return order


def _reply(call: Arguments) -> Arguments:
    """What the suite filled in when it was asked to confirm."""
    replies: Arguments = call.get("inputResponses") or {}
    content: Arguments = replies.get(_REPLY, {}).get("content") or {}
    return content
