"""The sandbox on its own, for the command line."""

from collections.abc import Callable

import anyio

from acestep_mcp.sandbox.gateway import Sandbox


async def run(port: int, speed: float, announce: Callable[[str], None]) -> None:
    """Serves until cancelled; `announce` is given the base URL once it answers.

    Raises OSError when the port is taken.
    """
    async with Sandbox(speed=speed).serving(port=port) as base_url:
        announce(base_url)
        await anyio.sleep_forever()
