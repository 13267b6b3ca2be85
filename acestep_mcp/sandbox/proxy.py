"""A TCP proxy before the sandbox's web server: its connections can be slowed, cut off and reset.

Bare non-blocking sockets towards the client instead of anyio's streams, because a stream says
goodbye with a FIN before it closes, and a client must meet a true RST.
"""

import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import anyio
from anyio.abc import SocketAttribute, SocketStream

_CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close() sends RST
_BROKEN = (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError)


@dataclass(slots=True)
class Manner:
    """How the next reply reaches the client.

    In pieces of `piece` bytes, `pause` seconds apart; after `budget` bytes, head included, the
    connection is closed, and where the server closes it, that is passed on `linger` seconds later.
    """

    budget: int | None = None
    piece: int = _CHUNK
    pause: float = 0.0
    linger: float = 0.0


class ProxiedConnection:
    """One client's connection, passed on to the server behind."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # small pieces leave at once
        self.manner = Manner()
        self._sock = sock
        self._passing = anyio.CancelScope()

    def reset(self) -> None:
        """End the connection with RST; whatever was not delivered is lost."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._passing.cancel()

    def hang_up(self) -> None:
        """End the connection in order."""
        self._passing.cancel()

    async def run(self, behind: SocketStream) -> None:
        """Pass bytes both ways until either side or a fault ends it."""
        with self._passing:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._there, behind)
                await self._back(behind)
                tasks.cancel_scope.cancel()

    async def _there(self, behind: SocketStream) -> None:
        try:
            while data := await self._receive():
                await behind.send(data)
            await behind.send_eof()
        except _BROKEN:
            self._passing.cancel()

    async def _back(self, behind: SocketStream) -> None:
        with suppress(*_BROKEN):
            async for data in behind:
                if not await self._deliver(data):
                    return
            await anyio.sleep(self.manner.linger)

    async def _deliver(self, data: bytes) -> bool:
        """Send what the manner lets through; False once it has cut something off."""
        manner = self.manner
        for start in range(0, len(data), manner.piece):
            piece = data[start : start + manner.piece]
            await self._send(piece if manner.budget is None else piece[: manner.budget])
            if manner.budget is not None:
                manner.budget -= len(piece)
                if manner.budget < 0:
                    return False
            if manner.pause:
                await anyio.sleep(manner.pause)
        return True

    async def _receive(self) -> bytes:
        """The next bytes; b"" once the peer has finished."""
        while True:
            try:
                return self._sock.recv(_CHUNK)
            except BlockingIOError:
                await anyio.wait_readable(self._sock)

    async def _send(self, data: bytes) -> None:
        """Hand every byte to the system."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._sock.send(rest) :]
            except BlockingIOError:
                await anyio.wait_writable(self._sock)


class TcpProxy:
    """What connects to a listening socket, passed on to a server on a port of loopback.

    `connected` is told of each connection, also of one that nothing is read from.
    """

    def __init__(self, listener: socket.socket, connected: Callable[[], None]) -> None:
        self._listener = listener
        self._connected = connected
        self._connections: dict[int, ProxiedConnection] = {}

    def connection(self, port: int) -> ProxiedConnection:
        """The connection whose client the server sees at that port of loopback."""
        return self._connections[port]

    async def run(self, port: int) -> None:
        """Accept connections for ever, and pass each on to the server at `port`."""
        async with anyio.create_task_group() as tasks:
            while True:
                try:
                    sock, _ = self._listener.accept()
                except BlockingIOError:
                    await anyio.wait_readable(self._listener)
                except OSError:
                    await anyio.sleep(0.01)  # the client has gone, or descriptors ran out
                else:
                    self._connected()
                    tasks.start_soon(self._connect, sock, port)

    async def _connect(self, sock: socket.socket, port: int) -> None:
        # The server behind is gone only where the sandbox ends, or descriptors ran out.
        with sock, suppress(OSError):
            async with await anyio.connect_tcp("127.0.0.1", port) as behind:
                here = behind.extra(SocketAttribute.local_port)  # noqa: S610  # anyio's, not Django's
                self._connections[here] = connection = ProxiedConnection(sock)
                try:
                    await connection.run(behind)
                finally:
                    del self._connections[here]


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=4096)
    listener.setblocking(False)
    return listener
