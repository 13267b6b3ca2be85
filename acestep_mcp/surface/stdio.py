"""Serving over stdin and stdout, for every client that can be met there.

Four things the SDK's own runner does not do. A client may send `server/discover` and then
`initialize`: the SDK would hold it to the first and refuse the second, so discovery is answered
aside and the next request decides the protocol era. SIGTERM and SIGINT end the process in order,
although a thread is blocked reading stdin. When the client goes, so does the process. And a
connection that began before the server was there is gone on with where it stood.
"""

import os
import signal
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Self

import anyio
from mcp.server.lowlevel.server import Server
from mcp.server.mcpserver import MCPServer
from mcp.server.stdio import stdio_server
from mcp.shared._context_streams import create_context_streams
from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCRequest, JSONRPCResponse, jsonrpc_message_adapter

Incoming = SessionMessage | Exception
_LAST_RESORT = 1.9  # seconds after a signal at which the process ends, whatever still runs


async def serve(
    mcp: MCPServer[Any],
    stop: Callable[[], Awaitable[None]],
    opening: Sequence[bytes] = (),
    pending: bytes = b"",
) -> None:
    """Serve one client until it closes stdin. A signal runs `stop` and ends the process.

    `opening` and `pending` are lines that were read from stdin before: how the connection began,
    with a request that is answered, and what is to be answered next.
    """
    async with stdio_server() as (incoming, outgoing), anyio.create_task_group() as tasks:
        if sys.platform != "win32":  # the event loop takes no signals there
            tasks.start_soon(_end_on_signal, stop)
        server = mcp._lowlevel_server  # noqa: SLF001  # MCPServer opens no streams of ours
        await serve_streams(server, _preceded(pending, incoming), outgoing, opening)
        tasks.cancel_scope.cancel()


async def serve_streams(
    server: Server[Any],
    incoming: AsyncIterator[Incoming] | ReadStream[Incoming],
    outgoing: WriteStream[SessionMessage],
    opening: Sequence[bytes] = (),
) -> None:
    """Serve one connection over a pair of streams until the reading side closes."""
    forward, requests = create_context_streams[Incoming](0)
    replies = _Replies(outgoing, first=not opening)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_pump, server, incoming, forward, replies, opening)
        await server.run(requests, replies, server.create_initialization_options())
        tasks.cancel_scope.cancel()


async def _pump(
    server: Server[Any],
    incoming: AsyncIterator[Incoming] | ReadStream[Incoming],
    forward: WriteStream[Incoming],
    replies: "_Replies",
    opening: Sequence[bytes],
) -> None:
    """Hand messages on; until the first other request, answer each discovery aside."""
    opened = bool(opening)
    async with forward:
        for line in opening:
            await forward.send(_message(line))
            await replies.begun.wait()
        async for item in incoming:
            request = _request(item)
            if not opened and request is not None and request.method == "server/discover":
                await replies.send(await _aside(server, item))
                continue
            opened = opened or request is not None
            await forward.send(item)


class _Replies:
    """The way back to the client, which may have the `first` answer already."""

    def __init__(self, outgoing: WriteStream[SessionMessage], *, first: bool) -> None:
        self._outgoing = outgoing
        self.begun = anyio.Event()
        if first:
            self.begun.set()

    async def send(self, item: SessionMessage, /) -> None:
        if self.begun.is_set():
            await self._outgoing.send(item)
        elif isinstance(item.message, JSONRPCResponse | JSONRPCError):
            self.begun.set()

    async def aclose(self) -> None:
        await self._outgoing.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.aclose()


async def _preceded(
    pending: bytes, incoming: ReadStream[Incoming]
) -> AsyncGenerator[Incoming, None]:
    if pending:
        yield _message(pending)
    async for item in incoming:
        yield item


def _message(line: bytes) -> Incoming:
    """A line as the SDK's own reader would take it."""
    try:
        text = line.decode("utf-8", "replace")
        return SessionMessage(jsonrpc_message_adapter.validate_json(text, by_name=False))
    except ValueError as error:
        return error


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
