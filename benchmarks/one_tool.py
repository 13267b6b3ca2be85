"""The baseline: the smallest server the SDK can make."""

from mcp.server.mcpserver import MCPServer

mcp = MCPServer("one-tool")


@mcp.tool()
async def echo(text: str) -> str:
    """Say it again."""
    return text


if __name__ == "__main__":
    mcp.run()
