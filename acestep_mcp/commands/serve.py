"""`acestep-mcp`: MCP over stdin and stdout."""

import anyio

from acestep_mcp import settings


def run() -> int:
    """Serve one client until it goes or a signal comes."""
    anyio.run(_serve, settings.read())
    return 0


async def _serve(found: settings.Settings) -> None:
    # Imported once the settings are known to be good: a bad one is told without the SDK's second.
    from acestep_mcp.server import build  # noqa: PLC0415
    from acestep_mcp.surface import stdio  # noqa: PLC0415

    app = build(found)
    async with app.running():
        await stdio.serve(app.mcp, app.studio.stop)
