"""The stdio server with a lease of its own, for tests in which processes die or are stopped.

python -m tests.leased SECONDS
"""

import sys

import anyio

from acestep_mcp import server, settings
from acestep_mcp.surface import stdio


async def main(lease: float) -> None:
    app = server.build(settings.read(), lease=lease)
    async with app.running():
        await stdio.serve(app.mcp, app.engine.stop)


if __name__ == "__main__":
    anyio.run(main, float(sys.argv[1]))
