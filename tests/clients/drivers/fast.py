"""fastmcp's client."""

# mypy: disable-error-code="import-not-found"
import asyncio
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import StdioTransport

from tests.clients.drivers.common import ARGS, COMMAND, ENV, one_song, report


async def main() -> None:
    async with Client(StdioTransport(COMMAND, ARGS, env=ENV)) as client:

        async def call(name: str, arguments: dict[str, Any]) -> Any:
            return (await client.call_tool(name, arguments)).structured_content

        tools = [tool.name for tool in await client.list_tools()]
        report(tools, await one_song(call), "fastmcp", "mcp")


asyncio.run(main())
