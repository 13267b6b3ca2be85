"""A plain round-robin proxy on loopback, as an operator puts one before replicas.

Every request goes to the next backend, each on a connection of its own. A backend that takes no
connection is skipped. A request of which a byte may have left is never sent to another one: the
client hears 502, or is cut off where the answer had begun.
"""

import re
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import anyio
from anyio.abc import ByteStream
from anyio.streams.buffered import BufferedByteReceiveStream

_HEAD = 1 << 16
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_KEEPING = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_GONE = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError)


@dataclass(slots=True)
class Passage:
    """A request passed on to `backend` (a port) at `sent`, in epoch seconds.

    `answered` says if the first byte of the answer has come, `over` if nothing more will.
    """

    path: str
    backend: int
    sent: float
    answered: bool = False
    over: bool = False


class Proxy:
    """Passes requests on to `backends`, which may be changed at any time."""

    def __init__(self, backends: Iterable[int]) -> None:
        self.backends = list(backends)
        self.passages: list[Passage] = []
        self._turn = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Listen until the block ends; gives the URL."""
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", backlog=1024)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610  # anyio's, not Django's
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, self._serve)
            yield f"http://127.0.0.1:{port}"
            tasks.cancel_scope.cancel()

    def callbacks(self) -> list[Passage]:
        """The gateway's requests."""
        return [passage for passage in self.passages if passage.path.startswith("/webhook/")]

    def talks_to(self, backend: int) -> bool:
        """Whether a client's call is with that backend at this moment."""
        calls = (each for each in self.passages if each.path == "/mcp" and not each.over)
        return any(each.backend == backend for each in calls)

    async def _serve(self, client: ByteStream) -> None:
        async with client:
            with suppress(*_GONE, anyio.IncompleteRead):
                request = await _request(client)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_hung_up, client, tasks.cancel_scope)
                    await self._answer(request, client)
                    tasks.cancel_scope.cancel()

    async def _answer(self, request: bytes, client: ByteStream) -> None:
        backend, upstream = await self._next()
        if upstream is None:
            await _send(client, _BAD_GATEWAY)
            return
        passage = Passage(request.split(b" ", 2)[1].decode(), backend, time.time())
        self.passages.append(passage)
        try:
            async with upstream:
                await _send(upstream, request)
                await _relay(upstream, client, passage)
        finally:
            passage.over = True

    async def _next(self) -> tuple[int, ByteStream | None]:
        for _ in self.backends:
            port = self.backends[self._turn % len(self.backends)]
            self._turn += 1
            with suppress(OSError):
                return port, await anyio.connect_tcp("127.0.0.1", port)
        return 0, None


async def _request(client: ByteStream) -> bytes:
    """The next request, asking for the connection to be closed after it."""
    received = BufferedByteReceiveStream(client)
    head = await received.receive_until(b"\r\n\r\n", _HEAD)
    length = _LENGTH.search(head)
    body = await received.receive_exactly(int(length[1])) if length else b""
    return _KEEPING.sub(b"", head) + b"\r\nConnection: close\r\n\r\n" + body


async def _relay(upstream: ByteStream, client: ByteStream, passage: Passage) -> None:
    with suppress(*_GONE):
        async for piece in upstream:
            passage.answered = True
            await _send(client, piece)
    if not passage.answered:
        await _send(client, _BAD_GATEWAY)


async def _send(stream: ByteStream, data: bytes) -> None:
    """Send what can be sent: whoever is gone hears nothing more."""
    with suppress(*_GONE):
        await stream.send(data)


async def _hung_up(client: ByteStream, scope: anyio.CancelScope) -> None:
    with suppress(*_GONE):
        while True:
            await client.receive()
    scope.cancel()
