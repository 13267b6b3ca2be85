"""openai-agents: its function tools, by strict schemas.

With `patience` it has time; without, it has its own default, which gives up a call after 5 s
and gives the model an error in place of the answer. The song is then found in the list.
"""

# mypy: disable-error-code="import-not-found"
import asyncio
import json
from typing import Any

from agents import Agent, FunctionTool, RunContextWrapper
from agents.mcp import MCPServerStdio, MCPUtil
from agents.tool_context import ToolContext

from tests.clients.drivers.common import (
    ARGS,
    COMMAND,
    ENV,
    ORDER,
    SONG,
    one_song,
    report,
    request_id,
    urls,
)

_GIVEN_UP = "An error occurred while running the tool"
_TRIES = 8


async def main() -> None:
    patience = {"client_session_timeout_seconds": 60} if ORDER.get("patience") else {}
    server = MCPServerStdio({"command": COMMAND, "args": ARGS, "env": ENV}, **patience)
    async with server:
        made = await MCPUtil.get_function_tools(
            server,
            convert_schemas_to_strict=True,
            run_context=RunContextWrapper(None),
            agent=Agent("singer"),
        )
        tools = {tool.name: tool for tool in made if isinstance(tool, FunctionTool)}
        strict = all(tool.strict_json_schema for tool in tools.values())

        async def call(name: str, arguments: dict[str, Any]) -> str:
            text = json.dumps(arguments, ensure_ascii=False)
            context = ToolContext(None, tool_name=name, tool_call_id="1", tool_arguments=text)
            return str(await tools[name].on_invoke_tool(context, text))

        done, cut = (await one_song(call), 0) if patience else await _impatient(call)
        report(tools, done, "openai-agents", "mcp", strict=strict, cut=cut)


async def _impatient(call: Any) -> tuple[str, int]:
    """Order with the server's own waiting time, and go on asking; how often a call was cut off."""
    ordered = await call("generate_song", SONG)
    cut = int(_GIVEN_UP in ordered)
    listed = await call("list_outputs", {"limit": 1}) if cut else ordered
    answer = ""
    for _ in range(_TRIES):
        answer = await call("get_status", {"request_id": request_id(listed), "wait": 45})
        cut += _GIVEN_UP in answer
        if urls(answer):
            return answer, cut
    raise TimeoutError(answer)


asyncio.run(main())
