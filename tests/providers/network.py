"""A small internet on loopback: names, certificates, TLS in front of the sandbox, proxies.

Two kinds of proxy. `foreign` is pproxy, which nobody here wrote, in a process of its own. `Relay`
is ours: it notes what it is asked for, and misbehaves on request.
"""

import base64
import json
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address

import anyio
import anyio.lowlevel
import trustme
from anyio.abc import ByteStream
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.tls import TLSListener, TLSStream

from acestep_mcp.providers.addresses import Address

SECOND = "127.0.0.2"
"""Another address of this machine, on Linux."""


def is_here(address: Address) -> bool:
    """The address policy of these tests: this machine stands for the public internet."""
    return address.is_loopback


class Names:
    """A resolver that knows the names it was given, and notes which it was asked for."""

    def __init__(self, known: Mapping[str, Sequence[str]]) -> None:
        self.known = known
        self.asked: list[str] = []

    async def __call__(self, host: str, _port: int) -> Sequence[Address]:
        self.asked.append(host)
        if host not in self.known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [ip_address(each) for each in self.known[host]]


Serve = Callable[[ByteStream], Awaitable[None]]
_BROKEN = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, OSError)


async def joined(one: ByteStream, other: ByteStream) -> None:
    """Everything from each to the other, until both are done."""

    async def copy(source: ByteStream, sink: ByteStream) -> None:
        with suppress(*_BROKEN):
            async for piece in source:
                await sink.send(piece)
        with suppress(*_BROKEN):
            # TLS knows no half of a connection.
            await (sink.aclose() if isinstance(sink, TLSStream) else sink.send_eof())

    try:
        async with anyio.create_task_group() as both:
            both.start_soon(copy, one, other)
            both.start_soon(copy, other, one)
    finally:
        with anyio.CancelScope(shield=True):
            for each in (one, other):
                await anyio.aclose_forcefully(each)


@asynccontextmanager
async def listening(
    serve: Serve, host: str = "127.0.0.1", port: int = 0, context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """A server on loopback; gives its port."""
    plain = await anyio.create_tcp_listener(local_host=host, local_port=port)
    found: int = plain.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610  # not Django
    quiet = TLSListener(plain, context, standard_compatible=False) if context else plain

    async def served(stream: ByteStream) -> None:
        try:
            with suppress(*_BROKEN, anyio.IncompleteRead):
                await serve(stream)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(stream)

    async with plain, anyio.create_task_group() as tasks:
        tasks.start_soon(partial(quiet.serve, served))
        yield found
        tasks.cancel_scope.cancel()


@dataclass
class Front:
    """TLS before a plain server: which names were asked for in each connection."""

    port: int = 0
    names: list[str | None] = field(default_factory=list)


@asynccontextmanager
async def tls_before(
    plain: int, *certificates: trustme.LeafCert, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Front]:
    """TLS on loopback in front of what listens on the port `plain`."""
    front = Front()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    for each in certificates:
        each.configure_cert(context)

    def noted(_: object, name: str | None, __: ssl.SSLContext) -> None:
        front.names.append(name)

    context.sni_callback = noted

    async def serve(stream: ByteStream) -> None:
        await joined(stream, await anyio.connect_tcp("127.0.0.1", plain))

    async with listening(serve, host, port, context) as front.port:
        yield front


def answering(*replies: bytes, heads: list[bytes] | None = None) -> Serve:
    """A server that answers requests with these in turn, the last for ever, and closes."""
    left = list(replies)

    async def serve(stream: ByteStream) -> None:
        head = await BufferedByteReceiveStream(stream).receive_until(b"\r\n\r\n", 65_536)
        if heads is not None:
            heads.append(head)
        await stream.send(left.pop(0) if len(left) > 1 else left[0])

    return serve


@dataclass
class Relay:
    """An HTTP and SOCKS5 proxy on one port, that notes what it was asked for.

    `answer` is said to whoever connects, in place of opening a tunnel; with `by_piece` every byte
    of its own words leaves alone.
    """

    names: Mapping[str, str]
    login: tuple[bytes, bytes] | None = None
    answer: bytes | None = None
    by_piece: bool = False
    asked: list[str] = field(default_factory=list)
    port: int = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Relay"]:
        async with listening(self._serve) as self.port:
            yield self

    async def _serve(self, stream: ByteStream) -> None:
        read = BufferedByteReceiveStream(stream)
        first = await read.receive_exactly(1)
        if self.answer is not None:
            await self._say(stream, self.answer)
        elif first == b"\x05":
            await self._socks(stream, read)
        else:
            await self._connect(stream, await read.receive_until(b"\r\n\r\n", 65_536))

    async def _say(self, stream: ByteStream, text: bytes) -> None:
        size = 1 if self.by_piece else len(text) or 1
        for start in range(0, len(text), size):
            await stream.send(text[start : start + size])
            await anyio.lowlevel.checkpoint()

    async def _connect(self, stream: ByteStream, head: bytes) -> None:
        lines = head.decode("latin-1").split("\r\n")
        target = lines[0].split(" ")[1]
        self.asked.append(target)
        wanted = base64.b64encode(b":".join(self.login)).decode() if self.login else None
        if wanted and f"Proxy-Authorization: Basic {wanted}" not in lines:
            await self._say(stream, b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\n\r\n")
            return
        host, _, port = target.rpartition(":")
        far = await anyio.connect_tcp(self.names[host], int(port))
        await self._say(stream, b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n")
        await joined(stream, far)

    async def _socks(self, stream: ByteStream, read: BufferedByteReceiveStream) -> None:
        async def counted() -> bytes:
            return await read.receive_exactly((await read.receive_exactly(1))[0])

        methods = await counted()
        if self.login and 2 not in methods:
            await self._say(stream, b"\x05\xff")
            return
        await self._say(stream, b"\x05\x02" if self.login else b"\x05\x00")
        if self.login:
            await read.receive_exactly(1)
            right = (await counted(), await counted()) == self.login
            await self._say(stream, b"\x01\x00" if right else b"\x01\x01")
            if not right:
                return
        kind = (await read.receive_exactly(4))[3]
        length = {1: 4, 4: 16}.get(kind)
        raw = await (read.receive_exactly(length) if length else counted())
        port = int.from_bytes(await read.receive_exactly(2), "big")
        host = raw.decode() if kind == 3 else str(ip_address(raw))
        self.asked.append(f"{host}:{port}")
        if host not in self.names:
            await self._say(stream, b"\x05\x04\x00\x01" + bytes(6))
            return
        far = await anyio.connect_tcp(self.names[host], port)
        # The bound address as a name: the longest and least usual form.
        await self._say(stream, b"\x05\x00\x00\x03\x04here" + bytes(2))
        await joined(stream, far)


_PPROXY = """
import asyncio, json, runpy, socket, sys
names = json.loads(sys.argv.pop(1))
real = socket.getaddrinfo
def found(host, *args, **named):
    return real(names.get(host, host), *args, **named)
socket.getaddrinfo = found
asyncio.set_event_loop(asyncio.new_event_loop())
runpy.run_module("pproxy", run_name="__main__", alter_sys=True)
"""


@asynccontextmanager
async def foreign(names: Mapping[str, str], login: str = "") -> AsyncIterator[int]:
    """pproxy, speaking HTTP and SOCKS5 on the port given, in a network that has these names."""
    port = free_port()
    listen = f"http+socks5://127.0.0.1:{port}" + (f"#{login}" if login else "")
    command = (sys.executable, "-c", _PPROXY, json.dumps(dict(names)), "-l", listen)
    async with await anyio.open_process(command) as process:
        try:
            with anyio.fail_after(20):
                while not await _open(port):  # noqa: ASYNC110  # another process tells nobody
                    await anyio.sleep(0.02)
            yield port
        finally:
            process.kill()


async def _open(port: int) -> bool:
    try:
        stream = await anyio.connect_tcp("127.0.0.1", port)
    except OSError:
        return False
    await stream.aclose()
    return True


def free_port() -> int:
    """A port where nobody listens, for now."""
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


silent = partial(listening, lambda _: anyio.sleep_forever())
"""A server that takes connections and says nothing."""
