"""Serving over stdin and stdout, for every client that can be met there.

What the SDK's own runner does not do. A client may send `server/discover` and then `initialize`:
the SDK would hold it to the first and refuse the second, so discovery is answered aside and the
next request decides the protocol era. What is no message is answered with what is wrong with it,
where the SDK would drop it and repair its bytes in silence. What was asked before stdin closed
is answered before the process ends, which is at once, and so is a client that closed stdout.
SIGTERM and SIGINT end the process in order, although a thread is blocked reading stdin. And a
connection that began before the server was there is gone on with where it stood.
"""

import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, NoReturn, Self

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.lowlevel.server import Server
from mcp.server.mcpserver import MCPServer
from mcp.shared._context_streams import create_context_streams
from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.dispatcher import as_request_id, coerce_request_id
from mcp.shared.message import SessionMessage
from mcp_types import (
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
    jsonrpc_message_adapter,
)

from acestep_mcp.front import envelope, pipes

Incoming = SessionMessage | Exception
Stop = Callable[[], Coroutine[Any, Any, None]]
_CANCELLED = "notifications/cancelled"
_LAST_RESORT = 1.9  # seconds after a signal at which the process ends, whatever still runs
_LAST_ANSWERS = 3.5  # seconds after stdin closed within which calls answer for themselves
_END = 4.8  # seconds after stdin closed at which the process ends, whatever still runs


async def serve(
    mcp: MCPServer[Any],
    stop: Stop,
    opening: Sequence[bytes] = (),
    pending: bytes = b"",
) -> None:
    """Serve one client until it closes stdin. A signal runs `stop` and ends the process.

    `opening` and `pending` are lines that were read from stdin before: how the connection began,
    with a request that is answered, and what is to be answered next. When stdin closes, `stop`
    ends every wait, so that what was asked before is answered.
    """
    source, sink = _taken()
    sending, written = anyio.create_memory_object_stream[bytes](0)
    reading, incoming = create_context_streams[Incoming](0)
    async with anyio.create_task_group() as tasks:
        if sys.platform != "win32":  # the event loop takes no signals there
            tasks.start_soon(_end_on_signal, stop)
        tasks.start_soon(_read, source, pending, reading, sending.clone())
        async with anyio.create_task_group() as writing:
            writing.start_soon(_write, sink, written, stop)
            server = mcp._lowlevel_server  # noqa: SLF001  # MCPServer opens no streams of ours
            outgoing = _Encoded(sending)
            await serve_streams(server, incoming, outgoing, opening, leave=lambda: _leave(stop))
        tasks.cancel_scope.cancel()


def _taken() -> tuple[int, int]:
    """The two pipes, as descriptors that nobody else knows.

    In their places are an empty stdin and stderr, so that what something prints is no protocol.
    """
    source, sink = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # there is no stderr
        os.dup2(nothing, 1)
    os.close(nothing)
    return source, sink


async def _read(
    source: int,
    pending: bytes,
    reading: WriteStream[Incoming],
    answers: MemoryObjectSendStream[bytes],
) -> None:
    """Hand every message on, and say of what is none why it is none."""
    lines = pipes.Lines(source)
    async with reading, answers:
        line = pending or (await _next(lines)).removeprefix(envelope.BOM)
        while line:
            answer = envelope.refusal(line)
            if answer is None:
                try:
                    await reading.send(_message(line))
                except ValueError:
                    answer = envelope.unreadable(line)
            if answer:
                await answers.send(answer)
            line = await _next(lines)


async def _next(lines: pipes.Lines) -> bytes:
    return await anyio.to_thread.run_sync(lines.next, abandon_on_cancel=True)


async def _write(sink: int, written: MemoryObjectReceiveStream[bytes], stop: Stop) -> None:
    async with written:
        async for line in written:
            try:
                await anyio.to_thread.run_sync(pipes.write, sink, line, abandon_on_cancel=True)
            except OSError:  # nobody reads any more, and stdin may stay open for ever
                await _end(stop, _LAST_RESORT)


class _Encoded:
    """Messages to the client, each as the line it is written as."""

    def __init__(self, lines: MemoryObjectSendStream[bytes]) -> None:
        self._lines = lines

    async def send(self, item: SessionMessage, /) -> None:
        text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
        await self._lines.send(text.encode() + b"\n")

    async def aclose(self) -> None:
        await self._lines.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.aclose()


async def _leave(stop: Stop) -> None:
    """End every wait, and see to it that the process ends whatever becomes of the answers."""
    _watch(_END)
    await stop()


async def serve_streams(
    server: Server[Any],
    incoming: AsyncIterator[Incoming] | ReadStream[Incoming],
    outgoing: WriteStream[SessionMessage],
    opening: Sequence[bytes] = (),
    leave: Stop | None = None,
) -> None:
    """Serve one connection over a pair of streams until the reading side closes.

    Then `leave` is run, and what was asked before gets a moment to be answered.
    """
    forward, requests = create_context_streams[Incoming](0)
    replies = _Replies(outgoing, first=not opening)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_pump, server, incoming, forward, replies, opening, leave)
        await server.run(requests, replies, server.create_initialization_options())
        tasks.cancel_scope.cancel()


async def _pump(
    server: Server[Any],
    incoming: AsyncIterator[Incoming] | ReadStream[Incoming],
    forward: WriteStream[Incoming],
    replies: "_Replies",
    opening: Sequence[bytes],
    leave: Stop | None,
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
            replies.expect(item)
            await forward.send(item)
        if leave is not None:
            with anyio.move_on_after(_LAST_ANSWERS):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(leave)
                    await replies.all_given()


class _Replies:
    """The way back to the client, which may have the `first` answer already."""

    def __init__(self, outgoing: WriteStream[SessionMessage], *, first: bool) -> None:
        self._outgoing = outgoing
        self._owed: set[object] = set()
        self._one_given = anyio.Event()
        self.begun = anyio.Event()
        if first:
            self.begun.set()

    def expect(self, item: Incoming) -> None:
        """Take note of what the client waits for, and what it has given up waiting for."""
        message = item.message if isinstance(item, SessionMessage) else None
        if isinstance(message, JSONRPCRequest):
            self._owed.add(coerce_request_id(message.id))
        elif isinstance(message, JSONRPCNotification) and message.method == _CANCELLED:
            call = as_request_id((message.params or {}).get("requestId"))
            self._given(call)

    async def all_given(self) -> None:
        """Wait until the client waits for nothing."""
        while self._owed:
            await self._one_given.wait()

    async def send(self, item: SessionMessage, /) -> None:
        answer = item.message if isinstance(item.message, JSONRPCResponse | JSONRPCError) else None
        if self.begun.is_set():
            await self._outgoing.send(item)
            self._given(answer.id if answer is not None else None)
        elif answer is not None:
            self.begun.set()

    def _given(self, call: RequestId | None) -> None:
        if call is not None:
            self._owed.discard(coerce_request_id(call))
            self._one_given.set()
            self._one_given = anyio.Event()

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


def _message(line: bytes) -> SessionMessage:
    """A line as the SDK's own reader would take it, or a `ValueError`."""
    return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))


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


async def _end_on_signal(stop: Stop) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            await _end(stop, _LAST_RESORT)


async def _end(stop: Stop, within: float) -> NoReturn:
    _watch(within)
    with anyio.CancelScope(shield=True):
        await stop()
    # The thread that reads stdin cannot be interrupted; nothing else is left to do.
    os._exit(0)


def _watch(seconds: float) -> None:
    """End the process after so long, whatever still runs."""
    watchdog = threading.Timer(seconds, os._exit, (0,))
    watchdog.daemon = True
    watchdog.start()
