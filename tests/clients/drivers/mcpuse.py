"""mcp-use: its LangChain tools."""

# mypy: disable-error-code="import-not-found"
import asyncio
from typing import Any

from mcp_use import MCPClient
from mcp_use.agents.adapters.langchain_adapter import LangChainAdapter

from tests.clients.drivers.common import ARGS, COMMAND, ENV, one_song, report


async def main() -> None:
    server = {"command": COMMAND, "args": ARGS, "env": ENV}
    client = MCPClient({"mcpServers": {"acestep": server}})
    await client.create_all_sessions()
    try:
        made = await LangChainAdapter().create_tools(client)
        tools = {tool.name: tool for tool in made}

        async def call(name: str, arguments: dict[str, Any]) -> Any:
            return await tools[name].ainvoke(arguments)

        report(tools, await one_song(call), "mcp-use", "mcp")
    finally:
        await client.close_all_sessions()


asyncio.run(main())
