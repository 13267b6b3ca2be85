"""llama-index: its function tools. Each call starts a server of its own."""

# mypy: disable-error-code="import-not-found"
import asyncio
from typing import Any

from llama_index.tools.mcp import BasicMCPClient, McpToolSpec

from tests.clients.drivers.common import ARGS, COMMAND, ENV, one_song, report


async def main() -> None:
    made = await McpToolSpec(BasicMCPClient(COMMAND, ARGS, env=ENV)).to_tool_list_async()
    tools = {tool.metadata.name: tool for tool in made}

    async def call(name: str, arguments: dict[str, Any]) -> Any:
        return (await tools[name].acall(**arguments)).content

    report(tools, await one_song(call), "llama-index-tools-mcp", "mcp")


asyncio.run(main())
