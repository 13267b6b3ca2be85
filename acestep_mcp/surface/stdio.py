"""Serving over stdin and stdout, for every client that can be met there.

Three things the SDK's own runner does not do. A client may send `server/discover` and then
`initialize`: the SDK would hold it to the first and refuse the second, so discovery is answered
aside and the next request decides the protocol era. SIGTERM and SIGINT end the process in order,
although a thread is blocked reading stdin. And when the client goes, so does the process.
"""

import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from mcp.server.lowlevel.server import Server
from mcp.server.mcpserver import MCPServer
from mcp.server.stdio import stdio_server
from mcp.shared._context_streams import create_context_streams
from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCRequest

Incoming = SessionMessage | Exception
_LAST_RESORT = 1.9  # seconds after a signal at which the process ends, whatever still runs


async def serve(mcp: MCPServer[Any], stop: Callable[[], Awaitable[None]]) -> None:
    """Serve one client until it closes stdin. A signal runs `stop` and ends the process."""
    async with stdio_server() as (incoming, outgoing), anyio.create_task_group() as tasks:
        if sys.platform != "win32":  # the event loop takes no signals there
            tasks.start_soon(_end_on_signal, stop)
        await serve_streams(mcp._lowlevel_server, incoming, outgoing)  # noqa: SLF001  # MCPServer opens no streams of ours
        tasks.cancel_scope.cancel()


async def serve_streams(
    server: Server[Any],
    incoming: ReadStream[Incoming],
    outgoing: WriteStream[SessionMessage],
) -> None:
    """Serve one connection over a pair of streams until the reading side closes."""
    forward, requests = create_context_streams[Incoming](0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_pump, server, incoming, forward, outgoing)
        await server.run(requests, outgoing, server.create_initialization_options())
        tasks.cancel_scope.cancel()


async def _pump(
    server: Server[Any],
    incoming: ReadStream[Incoming],
    forward: WriteStream[Incoming],
    outgoing: WriteStream[SessionMessage],
) -> None:
    """Hand messages on; until the first other request, answer each discovery aside."""
    opened = False
    async with forward:
        async for item in incoming:
            request = _request(item)
            if not opened and request is not None and request.method == "server/discover":
                await outgoing.send(await _aside(server, item))
                continue
            opened = opened or request is not None
            await forward.send(item)


def _request(item: Incoming) -> JSONRPCRequest | None:
    message = item.message if isinstance(item, SessionMessage) else None
    return message if isinstance(message, JSONRPCRequest) else None


async def _aside(server: Server[Any], item: Incoming) -> SessionMessage:
    """The answer to one request on a connection of its own, which then ends."""
    ask, asked = create_context_streams[Incoming](1)
    reply, replied = create_context_streams[SessionMessage](1)
    async with ask, asked, reply, replied, anyio.create_task_group() as tasks:
        tasks.start_soon(server.run, asked, reply, server.create_initialization_options())
        await ask.send(item)
        answer = await replied.receive()
        tasks.cancel_scope.cancel()
    return answer


async def _end_on_signal(stop: Callable[[], Awaitable[None]]) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            watchdog = threading.Timer(_LAST_RESORT, os._exit, (0,))
            watchdog.daemon = True
            watchdog.start()
            with anyio.CancelScope(shield=True):
                await stop()
            # The thread that reads stdin cannot be interrupted; nothing else is left to do.
            os._exit(0)
