"""A web application served on loopback, for as long as a block lasts."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

_FOR_EVER = 86_400  # seconds that an idle connection is kept


@asynccontextmanager
async def served(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Serve the application until the block ends; then every connection is cut off at once.

    uvicorn's own `serve` would take over the signals of the process, and takes a fifth of a second
    to see that it is to end.
    """
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        date_header=False,
        server_header=False,
        timeout_keep_alive=_FOR_EVER,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup([listener])
    try:
        yield
    finally:
        for each in server.servers:
            each.close()
        for connection in [*server.server_state.connections]:
            connection.transport.abort()
        for task in [*server.server_state.tasks]:
            task.cancel()
