"""Plays a request against a server and the sandbox."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp_types import CallToolResult, TextContent

from acestep_mcp import server, settings
from acestep_mcp.sandbox import Profile, Sandbox, reset_peer
from evals.trial import Assistant, Call, Request, Run

_KEY = "evaluation-key"
_MOST_TURNS = 16
"""Turns in which every request can be met; who needs more goes round in circles."""
_SECONDS = 120.0


async def played(request: Request, folder: Path, assistant: Callable[[Run], Assistant]) -> Run:
    """What an assistant made of a request, with a ledger of its own in that folder."""
    sandbox = Sandbox(key=_KEY, profile=Profile(queued=0.0, processing=0.05))
    run = Run(sandbox)
    async with sandbox.serving() as url:
        app = server.build(settings.read(_environment(url, folder) | request.settings))
        async with app.running(), Client(app.mcp) as client:
            await _prepared(client, request, run)
            with anyio.move_on_after(_SECONDS):
                await _conversed(client, request, run, assistant(run))
    return run


def _environment(url: str, folder: Path) -> dict[str, str]:
    return {
        "PIXAZO_API_KEY": _KEY,
        "ACESTEP_BASE_URL": url,
        "ACESTEP_DATA_DIR": str(folder / "data"),
        "ACESTEP_OUTPUT_DIR": str(folder / "my songs"),
        "ACESTEP_POLL_INTERVAL": "0.05",
        "ACESTEP_WAIT": "5",
        "ACESTEP_SAVE": "off",
    }


async def _prepared(client: Client, request: Request, run: Run) -> None:
    for place, arguments in enumerate(request.before, 1):
        left = request.running and place == len(request.before)
        if left:
            run.sandbox.profile = Profile.manual()
        call = Call("generate_song", {**arguments, "wait": 0 if left else 10})
        ordered = await _called(client, call)
        run.earlier.append(ordered.answer["request_id"])
    run.before = len(run.sandbox.submissions)
    if request.lost:
        run.sandbox.faults.add("submit", reset_peer("after"))


async def _conversed(client: Client, request: Request, run: Run, assistant: Assistant) -> None:
    tools = (await client.list_tools()).tools
    for _ in range(_MOST_TURNS):
        turn = await assistant.turn(request.said, run.calls, tools)
        run.calls += [await _called(client, call) for call in turn.calls]
        if not turn.calls:
            run.says = turn.says
            return


async def _called(client: Client, call: Call) -> Call:
    try:
        result: Any = await client.call_tool(call.tool, call.arguments)
    except Exception as error:  # noqa: BLE001  # a tool that does not exist, and whatever else
        return Call(call.tool, call.arguments, str(error), failed=True)
    assert isinstance(result, CallToolResult)  # noqa: S101  # nothing here asks for a person
    text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
    return Call(call.tool, call.arguments, text, result.structured_content or {}, result.is_error)
