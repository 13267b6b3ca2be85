"""The network back-end under the HTTP client: how a connection to a host comes about.

Directly, every address of a name is tried until one connects (RFC 8305): an address that is dead
costs a quarter of a second, not the song. Behind a proxy the name goes to the proxy and nothing
is looked up here. TLS comes on top, in the HTTP client, and checks the certificate against the
name whichever way the bytes travel.
"""

import base64
import errno
import re
import ssl
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import zip_longest

import anyio
import anyio.streams.tls  # loaded now, because the first handshake must not fail for lack of it
import httpcore

from acestep_mcp.providers.addresses import Address, Resolve, literal
from acestep_mcp.providers.proxies import Proxies, Proxy

CONNECT_SECONDS = 10.0
PROXY_SECONDS = 5.0
"""A proxy is near, and one that does not answer is to be said while somebody still listens."""
STAGGER = 0.25
"""Seconds after which the next address is tried beside the last; RFC 8305's figure."""
_MOST_ADDRESSES = 8
_LONGEST_HEAD = 16 << 10  # bytes of a proxy's reply to CONNECT
_UNAUTHORISED = frozenset({407, 401})
"""What a proxy says that wants to know who asks; the second is tinyproxy's to a wrong password."""
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})\b")
_OFFLINE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})

_NO_AUTHENTICATION, _BY_PASSWORD, _NO_METHOD = 0, 2, 0xFF
_REFUSED_BY_RULE = 2
_REPLIES = {
    1: "it failed",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "timed out",
}
"""SOCKS5's reply codes (RFC 1928 §6) that speak of the far side; the others are the proxy's own."""

# OpenSSL's verification codes, as Python passes them on.
_EXPIRED, _NOT_YET = 10, 9
_OTHER_NAME = frozenset({62, 64})
_UNTRUSTED = frozenset({2, 18, 19, 20, 21})


class Undialled(httpcore.ConnectError):
    """No connection, so nothing was sent; `hopeless` until somebody mends what `cause` names."""

    def __init__(self, cause: str, *, hopeless: bool = False) -> None:
        super().__init__(cause)
        self.cause = cause
        self.hopeless = hopeless


Vet = Callable[[str, int], Awaitable[Sequence[Address]]]
"""The addresses of a host that may be connected to, in place of all that it has."""


class Dialler(httpcore.AsyncNetworkBackend):
    """Opens connections, each through the proxy that the environment names for its host."""

    def __init__(
        self,
        proxies: Proxies | None,
        resolve: Resolve,
        trust: ssl.SSLContext,
        vet: Vet | None = None,
    ) -> None:
        self._proxies = proxies
        self._resolve = resolve
        self._trust = trust
        self._vet = vet

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the back-end's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A stream of bytes to a host.

        Raises:
            Undialled: There is none.
            MediaGone: The host may not be connected to.
        """
        del local_address, socket_options  # none is ever asked for
        # Plain http is for this machine only, so what goes through a proxy is always TLS.
        proxy = self._proxies.of("https", host, port) if self._proxies else None
        try:
            with anyio.fail_after(timeout):
                if proxy is None:
                    return await self._direct(host, port)
                return await self._tunnel(proxy, host, port)
        except TimeoutError:
            if proxy is None:
                raise Undialled(f"the connection timed out ({host[:80]})") from None
            raise Undialled(f"{proxy} did not connect to {host} in time", hopeless=True) from None

    async def sleep(self, seconds: float) -> None:
        """Wait; only retries would, and there are none."""
        await anyio.sleep(seconds)

    async def _direct(self, host: str, port: int) -> httpcore.AsyncNetworkStream:
        found = await (self._vet(host, port) if self._vet else self._addresses(host, port))
        return await raced(found, host, port)

    async def _tunnel(self, proxy: Proxy, host: str, port: int) -> httpcore.AsyncNetworkStream:
        stream = await self._reached(proxy)
        try:
            if proxy.kind == "https":
                stream = await self._wrapped(stream, proxy)
            await (_socks if proxy.kind == "socks5" else _connect)(stream, proxy, host, port)
        except BaseException as error:
            await _close([stream])
            if isinstance(error, httpcore.NetworkError) and not isinstance(error, Undialled):
                raise Undialled(f"{proxy} broke the connection off", hopeless=True) from error
            raise
        return stream

    async def _reached(self, proxy: Proxy) -> httpcore.AsyncNetworkStream:
        silent = f"{proxy} does not answer; start it, or mend or unset {proxy.variable}"
        try:
            with anyio.fail_after(PROXY_SECONDS):
                found = await self._addresses(proxy.host, proxy.port)
                return await raced(found, proxy.host, proxy.port)
        except (Undialled, TimeoutError) as error:
            raise Undialled(silent, hopeless=True) from error

    async def _wrapped(
        self, stream: httpcore.AsyncNetworkStream, proxy: Proxy
    ) -> httpcore.AsyncNetworkStream:
        try:
            return await stream.start_tls(self._trust, proxy.host, PROXY_SECONDS)
        except httpcore.NetworkError as error:
            said = certificate_fault(error, proxy.host)
            said = said or f"{proxy} speaks no TLS; write http:// instead of https:// for it"
            raise Undialled(said, hopeless=True) from error

    async def _addresses(self, host: str, port: int) -> Sequence[Address]:
        address = literal(host)
        if address is not None:
            return [address]
        try:
            return await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            said = f"its host name was not found ({host[:80]}); check the network and its DNS"
            raise Undialled(said) from error


async def raced(addresses: Sequence[Address], host: str, port: int) -> httpcore.AsyncNetworkStream:
    """A connection to whichever address takes one first, each given a head start on the next.

    Raises:
        Undialled: None does.
    """
    won: list[httpcore.AsyncNetworkStream] = []
    failures: list[BaseException] = []

    async def attempt(address: Address, over: anyio.Event) -> None:
        try:
            won.append(await httpcore.AnyIOBackend().connect_tcp(str(address), port))
            runners.cancel_scope.cancel()
        except httpcore.ConnectError as error:
            failures.append(error)
        finally:
            over.set()

    try:
        async with anyio.create_task_group() as runners:
            for address in _alternating(addresses):
                over = anyio.Event()
                runners.start_soon(attempt, address, over)
                with anyio.move_on_after(STAGGER):
                    await over.wait()
    except BaseException:
        await _close(won)
        raise
    if won:
        await _close(won[1:])  # two may connect in the same moment
        return won[0]
    numbers = {link.errno for each in failures for link in chain(each) if isinstance(link, OSError)}
    if errno.ECONNREFUSED in numbers or not numbers & _OFFLINE:
        raise Undialled(f"the connection was refused ({host[:80]})")
    raise Undialled(f"there is no way to {host[:80]}; check the network")


async def _close(streams: Iterable[httpcore.AsyncNetworkStream]) -> None:
    with anyio.CancelScope(shield=True):
        for each in streams:
            await each.aclose()


def _alternating(addresses: Sequence[Address]) -> list[Address]:
    """The addresses with the two families taking turns, so that one dead family costs little."""
    first = addresses[0].version if addresses else 0
    same = [each for each in addresses if each.version == first]
    other = [each for each in addresses if each.version != first]
    pairs = zip_longest(same, other)
    return [each for pair in pairs for each in pair if each is not None][:_MOST_ADDRESSES]


async def _connect(stream: httpcore.AsyncNetworkStream, proxy: Proxy, host: str, port: int) -> None:
    """Have an HTTP proxy open a tunnel (RFC 9110 §9.3.6)."""
    name = str(literal(host) or host)
    target = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1".encode(), f"Host: {target}".encode()]
    if proxy.credentials:
        token = base64.b64encode(b":".join(proxy.credentials))
        lines.append(b"Proxy-Authorization: Basic " + token)
    await stream.write(b"\r\n".join((*lines, b"", b"")))
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _LONGEST_HEAD:
        piece = await stream.read(4096)
        if not piece:
            break
        head += piece
    found = _STATUS.match(head)
    if found is None:
        mend = "if it is a SOCKS proxy, write socks5h:// for it"
        raise Undialled(f"{proxy} does not speak HTTP; {mend}", hopeless=True)
    status = int(found[1])
    if status in _UNAUTHORISED:
        raise Undialled(_unauthorised(proxy), hopeless=True)
    if not 200 <= status < 300:  # noqa: PLR2004  # the class of HTTP success
        # A gateway error is the far side's and may pass; a refusal is the proxy's and stays.
        fault = f"{proxy} does not connect to {host[:80]} (HTTP {status})"
        raise Undialled(fault, hopeless=status < 500)  # noqa: PLR2004  # the class of server errors
    if not head.endswith(b"\r\n\r\n"):
        raise Undialled(f"{proxy} sent something into the tunnel", hopeless=True)


async def _socks(stream: httpcore.AsyncNetworkStream, proxy: Proxy, host: str, port: int) -> None:
    """Have a SOCKS5 proxy connect to a host by its name (RFC 1928, RFC 1929)."""
    methods = bytes((_NO_AUTHENTICATION, _BY_PASSWORD)[: 2 if proxy.credentials else 1])
    await stream.write(bytes((5, len(methods))) + methods)
    version, method = await _exactly(stream, 2, proxy)
    if version != 5:  # noqa: PLR2004  # SOCKS5
        mend = "if it is an HTTP proxy, write http:// for it"
        raise Undialled(f"{proxy} does not speak SOCKS5; {mend}", hopeless=True)
    if method == _BY_PASSWORD and proxy.credentials:
        user, password = (bytes((len(each),)) + each for each in proxy.credentials)
        await stream.write(b"\x01" + user + password)
        if (await _exactly(stream, 2, proxy))[1]:
            raise Undialled(_unauthorised(proxy), hopeless=True)
    elif method != _NO_AUTHENTICATION:
        raise Undialled(_unauthorised(proxy), hopeless=True)
    await stream.write(b"\x05\x01\x00" + _destination(host) + port.to_bytes(2, "big"))
    _, reply, _, kind = await _exactly(stream, 4, proxy)
    if reply:
        said = "not allowed" if reply == _REFUSED_BY_RULE else f"SOCKS error {reply}"
        said = _REPLIES.get(reply, said)
        raise Undialled(
            f"{proxy} does not connect to {host[:80]} ({said})", hopeless=reply not in _REPLIES
        )
    length = {1: 4, 4: 16}.get(kind) or (await _exactly(stream, 1, proxy))[0]
    await _exactly(stream, length + 2, proxy)  # the proxy's own address and port there


def _destination(host: str) -> bytes:
    address = literal(host)
    if address is not None:
        return bytes((1 if address.version == 4 else 4,)) + address.packed  # noqa: PLR2004  # IPv4
    return bytes((3, len(host))) + host.encode()


async def _exactly(stream: httpcore.AsyncNetworkStream, count: int, proxy: Proxy) -> bytes:
    got = b""
    while len(got) < count:
        piece = await stream.read(count - len(got))
        if not piece:
            raise Undialled(f"{proxy} broke the connection off", hopeless=True)
        got += piece
    return got


def _unauthorised(proxy: Proxy) -> str:
    if proxy.credentials:
        return f"{proxy} refuses the user name and password that {proxy.variable} gives it"
    return f"{proxy} wants a user name and password: write scheme://USER:PASSWORD@HOST:PORT there"


def certificate_fault(error: BaseException, host: str) -> str:
    """What is wrong with a host's certificate, and the mend; `""` where it is something else."""
    links = (link for link in chain(error) if isinstance(link, ssl.SSLCertVerificationError))
    fault = next(links, None)
    if fault is None:
        return ""
    whose = f"the certificate of {host[:80]}"
    if fault.verify_code in _UNTRUSTED:
        return f"{whose} is not trusted; set SSL_CERT_FILE to your company's or VPN's CA file"
    if fault.verify_code == _EXPIRED:
        return f"{whose} has expired; if others open it, mend this machine's clock"
    if fault.verify_code == _NOT_YET:
        return f"{whose} is not valid yet; mend this machine's clock"
    if fault.verify_code in _OTHER_NAME:
        return f"{whose} is for another name: something in between answers in its place"
    return f"{whose} cannot be verified"


def chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and everything that it came from."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        if isinstance(seen, BaseExceptionGroup):
            for inner in seen.exceptions:
                yield from chain(inner)
        seen = seen.__cause__ or seen.__context__
