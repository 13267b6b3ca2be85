"""A TCP connection that can end as real ones do: in order, cut off, or reset.

Bare non-blocking sockets instead of anyio's streams, because a stream says goodbye with a FIN
before it closes, and a client must meet a true RST.
"""

import socket
import struct
from collections.abc import AsyncIterator

import anyio

_CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close() sends RST


class Wire:
    """One accepted connection. Broken connections raise OSError from every method but the ends."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # small pieces leave at once
        self._sock = sock

    async def peek(self, size: int = 2048) -> bytes:
        """What would be received next, left in place; b"" once the peer has finished."""
        return await self._read(size, socket.MSG_PEEK)

    async def receive(self) -> bytes:
        """The next bytes; b"" once the peer has finished."""
        return await self._read(_CHUNK, 0)

    async def _read(self, size: int, flags: int) -> bytes:
        while True:
            try:
                return self._sock.recv(size, flags)
            except BlockingIOError:
                await anyio.wait_readable(self._sock)

    async def send(self, data: bytes | memoryview) -> None:
        """Hands every byte to the system."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._sock.send(rest[:_CHUNK]) :]
            except BlockingIOError:
                await anyio.wait_writable(self._sock)

    async def hung_up(self) -> None:
        """Returns when the peer closes; never if it goes on sending instead."""
        if await self.peek(1):
            await anyio.sleep_forever()

    async def finish(self, patience: float = 1.0) -> None:
        """Says that no more will be sent, and reads what is still on its way.

        Closing with unread bytes would reset the connection and take the reply along.
        """
        self._sock.shutdown(socket.SHUT_WR)
        with anyio.move_on_after(patience):
            while await self.receive():
                pass

    def close(self) -> None:
        """Frees the socket."""
        self._sock.close()

    def reset(self) -> None:
        """Ends the connection with RST; whatever was not delivered is lost."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._sock.close()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=4096)
    listener.setblocking(False)
    return listener


async def accepted(listener: socket.socket) -> AsyncIterator[Wire]:
    """The connections as they come in, without end."""
    while True:
        try:
            yield Wire(listener.accept()[0])
        except BlockingIOError:
            await anyio.wait_readable(listener)
        except OSError:
            await anyio.sleep(0.01)  # the client was gone already, or descriptors ran out
