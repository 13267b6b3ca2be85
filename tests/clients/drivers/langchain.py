"""langchain-mcp-adapters: LangChain's tools, called as an agent calls them."""

# mypy: disable-error-code="import-not-found"
import asyncio
from typing import Any

from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools

from tests.clients.drivers.common import ARGS, COMMAND, ENV, one_song, report


async def main() -> None:
    server = {"transport": "stdio", "command": COMMAND, "args": ARGS, "env": ENV}
    client = MultiServerMCPClient({"acestep": server})
    async with client.session("acestep") as session:
        tools = {tool.name: tool for tool in await load_mcp_tools(session)}

        async def call(name: str, arguments: dict[str, Any]) -> Any:
            asked = {"type": "tool_call", "id": "1", "name": name, "args": arguments}
            return (await tools[name].ainvoke(asked)).content

        report(tools, await one_song(call), "langchain-mcp-adapters", "mcp")


asyncio.run(main())
