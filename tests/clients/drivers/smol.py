"""smolagents' tools."""

# mypy: disable-error-code="import-not-found"
import asyncio
from typing import Any

from mcp import StdioServerParameters
from smolagents import MCPClient

from tests.clients.drivers.common import ARGS, COMMAND, ENV, one_song, report


async def main() -> None:
    server = StdioServerParameters(command=COMMAND, args=ARGS, env=ENV)
    with MCPClient(server, structured_output=True) as made:
        tools = {tool.name: tool for tool in made}

        async def call(name: str, arguments: dict[str, Any]) -> Any:
            return tools[name](**arguments)

        report(tools, await one_song(call), "smolagents", "mcpadapt", "mcp")


asyncio.run(main())
