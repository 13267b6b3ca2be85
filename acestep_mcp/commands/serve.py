"""`acestep-mcp`: MCP over stdin and stdout."""

import gc
import sys

from acestep_mcp import front, settings


def run() -> int:
    """Serve one client until it goes or a signal comes."""
    found = settings.read()
    handover = front.serve(found)
    if handover is not None:
        _run_server(found, handover)
    return 0


def _run_server(found: settings.Settings, handover: front.Handover) -> None:
    gc.disable()  # no module is ever garbage, and looking for some is a tenth of what follows
    try:
        import anyio  # noqa: PLC0415  # not before the front needs it: this is most of a second

        from acestep_mcp.server import build  # noqa: PLC0415  # likewise
        from acestep_mcp.surface import stdio  # noqa: PLC0415  # likewise

        app = build(found)
    except (ImportError, AttributeError, SyntaxError, FileNotFoundError) as error:
        # The installation is gone, or is of two versions.
        sys.stderr.write(f"acestep-mcp: the server cannot be loaded: {error}\n")
        front.apologize(handover.pending)
        return
    gc.freeze()
    gc.enable()

    async def serve() -> None:
        async with app.running():
            await stdio.serve(app.mcp, app.engine.stop, handover.opening, handover.pending)

    anyio.run(serve)
