"""The official Python client, in the protocol era that the order names."""

import asyncio
from typing import Any

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from tests.clients.drivers.common import ARGS, COMMAND, ENV, ORDER, one_song, report


async def main() -> None:
    server = StdioServerParameters(command=COMMAND, args=ARGS, env=ENV)
    async with Client(server, mode=ORDER["mode"]) as client:

        async def call(name: str, arguments: dict[str, Any]) -> Any:
            return (await client.call_tool(name, arguments)).structured_content

        tools = [tool.name for tool in (await client.list_tools()).tools]
        done = await one_song(call)
        report(tools, done, "mcp", protocol=client.protocol_version)


asyncio.run(main())
