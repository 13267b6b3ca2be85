"""pydantic-ai's toolset."""

# mypy: disable-error-code="import-not-found"
import asyncio
from typing import Any

from fastmcp.client.transports import StdioTransport
from pydantic_ai import RunContext
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.test import TestModel
from pydantic_ai.usage import RunUsage

from tests.clients.drivers.common import ARGS, COMMAND, ENV, one_song, report


async def main() -> None:
    context = RunContext(deps=None, model=TestModel(), usage=RunUsage())
    async with MCPToolset(StdioTransport(COMMAND, ARGS, env=ENV)) as toolset:
        tools = await toolset.get_tools(context)

        async def call(name: str, arguments: dict[str, Any]) -> Any:
            return await toolset.call_tool(name, arguments, context, tools[name])

        report(tools, await one_song(call), "pydantic-ai-slim", "mcp")


asyncio.run(main())
