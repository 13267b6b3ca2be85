"""The process around the application: where it says it is, and how it ends."""

import os
import sys
import threading
from collections.abc import Awaitable, Callable
from socket import socket

import uvicorn
from starlette.applications import Starlette

from acestep_mcp.hosted.http import PATH

_LAST_RESORT = 4.5  # seconds after a signal at which the process ends, whatever hangs
_LAST_ANSWERS = 1  # seconds, after the engine has ended its work; then calls are cut off


class Server(uvicorn.Server):
    """uvicorn, with an engine to end: on a signal no call is let in and submissions come first."""

    def __init__(self, config: uvicorn.Config, leave: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._leave = leave

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Listen, and say where: one line, as soon as it is true."""
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            print(f"acestep-mcp serves MCP at http://{shown}:{port}{PATH}", file=sys.stderr)  # noqa: T201  # to whoever started it

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Let the engine end its work while calls are still answered, then end."""
        watchdog = threading.Timer(_LAST_RESORT, os._exit, (1,))
        watchdog.daemon = True
        watchdog.start()
        for server in self.servers:
            server.close()
        await self._leave()
        await super().shutdown(sockets)


def serve(web: Starlette, host: str, port: int, log_level: str) -> bool:
    """Serve until a signal comes; False where that could not begin.

    What uvicorn would log of each request holds the secret of a webhook's address, so it logs none.
    """
    config = uvicorn.Config(
        web,
        host=host,
        port=port,
        log_level=log_level,
        access_log=False,
        workers=1,  # also where the environment wants more: they could not share this application
        ws="none",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_LAST_ANSWERS,
    )
    server = Server(config, web.state.leave)
    server.run()
    return server.started
