"""`acestep-mcp`: MCP over stdin and stdout."""

import anyio

from acestep_mcp import settings
from acestep_mcp.server import App, build
from acestep_mcp.surface import stdio


def run() -> int:
    """Serve one client until it goes or a signal comes."""
    anyio.run(_serve, build(settings.read()))
    return 0


async def _serve(app: App) -> None:
    async with app.running():
        await stdio.serve(app.mcp, app.studio.stop)
