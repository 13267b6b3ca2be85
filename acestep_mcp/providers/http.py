"""HTTP, and nothing of the API: the only importer of httpx, itself imported on first use.

Every request has a connection of its own. A kept one may be closing just when the paid request is
written to it, and what is still buffered in it answers the next request, whoever asks: neither is
worth the handshake saved on a request every few seconds.

Replies are asked for as they are (`identity`) and one that is encoded all the same is not
inflated: 2 kB of gzip can be 3 GB.
"""

import encodings.idna  # noqa: F401  # needed by the first look-up, when it is late to miss it
import logging
import os
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urljoin

import anyio
import httpcore
import httpx

from acestep_mcp.domain.errors import MediaGone
from acestep_mcp.providers.addresses import (
    Address,
    Resolve,
    is_loopback,
    is_public,
    judge,
    resolved,
    vetted,
)
from acestep_mcp.providers.bodies import Reply, Request
from acestep_mcp.providers.dialing import (
    CONNECT_SECONDS,
    Dialler,
    Undialled,
    Vet,
    certificate_fault,
    chain,
)
from acestep_mcp.providers.links import encoded
from acestep_mcp.providers.proxies import Proxies
from acestep_mcp.providers.verdicts import Broken, Verdict

log = logging.getLogger(__name__)

IDLE_SECONDS = 60.0
"""Without a byte for this long, a reply has failed."""
_REPLY_CAP = 1 << 20
_REDIRECTS = 3
_LONGEST_PATH = 90  # characters of a path that are shown, its end, so that a sentence holds it
_TRUST = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_AS_IT_IS = {"Accept-Encoding": "identity"}

_NEVER_SENT = (
    Undialled,
    httpx.ConnectError,  # the TLS handshake failed
    httpx.ConnectTimeout,
    httpx.PoolTimeout,  # still waiting for a connection
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
"""What ends a request before its first byte; whatever is not here may have been sent."""

_TRANSLATED: Mapping[type[Exception], type[httpx.HTTPError]] = {
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
    httpcore.PoolTimeout: httpx.PoolTimeout,
    httpcore.ProxyError: httpx.ProxyError,
    httpcore.ReadError: httpx.ReadError,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
    httpcore.UnsupportedProtocol: httpx.UnsupportedProtocol,
    httpcore.WriteError: httpx.WriteError,
    httpcore.WriteTimeout: httpx.WriteTimeout,
}

# At DEBUG they write down the headers of replies, and a gateway may repeat the key in one. A filter
# holds whatever level somebody sets.
for _name in ("httpx", "httpcore.connection", "httpcore.http11"):
    logging.getLogger(_name).addFilter(lambda record: record.levelno >= logging.INFO)


@dataclass(frozen=True, slots=True)
class Download:
    """An open media reply; `pieces` are its bytes as they were sent."""

    status: int
    headers: Mapping[str, str]
    pieces: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Network:
    """What is outside: the environment's settings, the names, and who may be asked for media.

    `transport` takes the place of all of it: it is handed each request, and answers it.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    resolve: Resolve = resolved
    public: Callable[[Address], bool] = is_public
    transport: httpx.AsyncBaseTransport | None = None


class Http:
    """Connections of one process, to one provider and to wherever its media are.

    Nothing from the environment concerns one on this machine, which may serve its own media. An
    `own` one may be in the private network as well, and then nothing else is ever asked.
    """

    def __init__(self, origin: str, network: Network | None = None, *, own: bool = False) -> None:
        self._origin = httpx.URL(origin)
        self._own = own
        self._loopback = own or is_loopback(origin)
        self._network = network or Network()
        self._clients: tuple[httpx.AsyncClient, httpx.AsyncClient] | None = None
        self._proxies: Proxies | None = None

    def prepare(self) -> None:
        """Build what submitting, asking and downloading need; cheap when it is there already.

        Raises:
            Broken: A variable names a proxy or certificates that cannot be used.
        """
        self._ready()
        if self._proxies is not None:
            self._proxies.of(self._origin.scheme, self._origin.host, self._origin.port or 443)

    async def exchange(self, request: Request, seconds: float) -> Reply:
        """Send a request, once, and read the whole reply within `seconds`.

        Raises:
            Broken: There is no complete reply. Nothing else is ever raised.
        """
        try:
            self.prepare()
            with anyio.fail_after(seconds):
                return await self._exchange(request)
        except Broken:
            raise
        except Exception as error:
            if not isinstance(error, (*_NEVER_SENT, httpx.HTTPError, OSError)):
                log.exception("a request ended in a fault of ours")
            host = self._origin.host
            hopeless = error.hopeless if isinstance(error, Undialled) else False
            hopeless = hopeless or bool(certificate_fault(error, host))
            raise Broken(of_error(error), cause(error, host), hopeless=hopeless) from error

    @asynccontextmanager
    async def download(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[Download]:
        """Open a media URL for reading, through at most three redirects, each checked alike.

        Raises:
            MediaGone: The URL may not be fetched.
            OSError: The host did not answer, or broke off.
        """
        with _as_os_error():
            async with aclosing(await self._opened(url, headers)) as response:
                yield Download(response.status_code, response.headers, response.aiter_raw())

    def settings(self) -> str:
        """What the environment says of proxy and certificates, in a few words; for `doctor`.

        Raises:
            Broken: It names something that cannot be used.
        """
        self.prepare()
        if self._proxies is None:
            return "neither is needed for this machine"
        proxy = self._proxies.of("https", self._origin.host, self._origin.port or 443)
        environ = self._network.environ
        files = [f"{name}={environ[name]}" for name in _TRUST if environ.get(name, "").strip()]
        return f"{proxy or 'no proxy'}, {', '.join(files) or 'the certificates that came along'}"

    async def looked_up(self, host: str) -> str:
        """How a media host would be reached, in a few words; for `doctor`.

        Raises:
            MediaGone: It may not be.
            OSError: It cannot be.
        """
        with _as_os_error():
            self._ready()
            if self._loopback and host == self._origin.host:
                return f"{host}, as the gateway"
            judge(host, self._network.public)
            if self._proxies and (proxy := self._proxies.of("https", host, 443)):
                return f"{host}, left to {proxy}"
            return f"{host} is {(await self._vet(host, 443))[0]}"

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients or ():
            await client.aclose()
        self._clients = None

    async def _exchange(self, request: Request) -> Reply:
        client, _ = self._ready()
        sent = _built(client, request)
        async with aclosing(await client.send(sent, stream=True)) as response:
            body = bytearray()
            if _is_encoded(response.headers):
                return Reply(response.status_code, response.headers, None)
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > _REPLY_CAP:
                    return Reply(response.status_code, response.headers, None)
            return Reply(response.status_code, response.headers, bytes(body))

    async def _opened(self, url: str, headers: Mapping[str, str]) -> httpx.Response:
        home, away = self._ready()
        base = ""
        for _ in range(_REDIRECTS + 1):
            try:
                wanted = httpx.URL(encoded(urljoin(base, url)))
            except (httpx.InvalidURL, ValueError) as error:
                raise MediaGone("the media URL is no URL") from error
            # A gateway on this machine serves its own media, which no address check would let by.
            local = self._loopback and _same_origin(wanted, self._origin)
            if self._own and not local:
                raise MediaGone("the media URL is not on the server that made the song")
            if not local:
                if wanted.scheme != "https" or wanted.userinfo:
                    raise MediaGone("the media URL is not a plain https URL")
                host = wanted.raw_host.decode("ascii")
                judge(host, self._network.public)
                wanted = wanted.copy_with(host=host.rstrip("."))  # certificates have no last dot
            client = home if local else away
            sent = client.build_request("GET", wanted, headers={**headers, **_AS_IT_IS})
            try:
                response = await client.send(sent, stream=True)
            except httpx.HTTPError as error:
                raise OSError(cause(error, wanted.host)) from error
            if not response.has_redirect_location:
                return response
            await response.aclose()
            base, url = str(wanted), response.headers["location"]
        raise MediaGone("the media host redirects in circles")

    def _ready(self) -> tuple[httpx.AsyncClient, httpx.AsyncClient]:
        """One client for the gateway, at whatever address, and one for media, at public ones."""
        if self._clients is None and self._network.transport is not None:
            client = self._client(self._network.transport)
            self._clients = client, client
        if self._clients is None:
            # Nothing from the environment concerns a gateway on this machine.
            environ = {} if self._loopback else self._network.environ
            trust = trusted(environ)
            self._proxies = None if self._loopback else Proxies(environ)
            self._clients = (
                self._client(self._connections(trust)),
                self._client(self._connections(trust, self._vet)),
            )
        return self._clients

    def _connections(self, trust: ssl.SSLContext, vet: Vet | None = None) -> "_Transport":
        pool = httpcore.AsyncConnectionPool(
            ssl_context=trust,
            max_connections=None,  # nobody is to wait here until there is no time left to answer
            max_keepalive_connections=0,
            network_backend=Dialler(self._proxies, self._network.resolve, trust, vet),
        )
        return _Transport(pool)

    def _client(self, transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=transport,
            trust_env=False,  # proxies and certificates are read here, and nothing from .netrc
            follow_redirects=False,
            headers={"User-Agent": "acestep-mcp"},
            timeout=httpx.Timeout(IDLE_SECONDS, connect=CONNECT_SECONDS),
        )

    @property
    def _vet(self) -> Vet:
        outside = self._network
        return partial(
            vetted, resolve=outside.resolve, public=outside.public, provider=self._origin.host
        )


class _Transport(httpx.AsyncBaseTransport):
    """httpx on a pool of our own: httpx's transport takes no network back-end."""

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        self._pool = pool

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        wanted = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        assert isinstance(request.stream, httpx.AsyncByteStream)  # noqa: S101  # as AsyncClient has it
        sent = httpcore.Request(
            request.method,
            wanted,
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _translated():
            got = await self._pool.handle_async_request(sent)
        assert isinstance(got.stream, AsyncIterable)  # noqa: S101  # as the pool gives it
        body = _Body(got.stream)
        return httpx.Response(
            got.status, headers=got.headers, stream=body, extensions=got.extensions
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, stream: AsyncIterable[bytes]) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translated():
            async for piece in self._stream:
                yield piece

    async def aclose(self) -> None:
        close = getattr(self._stream, "aclose", None)  # httpcore's own type names no such method
        if close is not None:
            await close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        twin = _TRANSLATED.get(type(error))
        if twin is None:
            raise
        raise twin(str(error)) from error


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Whatever goes wrong with a download as what its callers know."""
    try:
        yield
    except Broken as broken:
        raise OSError(broken.cause) from broken
    except (httpx.HTTPError, httpx.StreamError, httpcore.ConnectError) as error:
        raise OSError(cause(error)) from error


def trusted(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Which certificates are believed: by `SSL_CERT_FILE` and `SSL_CERT_DIR`, else by certifi.

    Raises:
        Broken: What a variable names cannot be read.
    """
    file, folder = (environ.get(name, "").strip() for name in _TRUST)
    if not file and not folder:
        return httpx.create_ssl_context(trust_env=False)
    # OpenSSL takes a folder that is not there for an empty one, and then trusts nobody.
    there = any(map(os.path.isdir, folder.split(os.pathsep)))
    variable, value = (_TRUST[0], file) if file else (_TRUST[1], folder)
    why = "no such folder"
    if file or there:
        try:
            return ssl.create_default_context(cafile=file or None, capath=folder or None)
        except ssl.SSLError:
            why = "there is no certificate in it"
        except (OSError, ValueError) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or "it is no path"
    shown = value if len(value) <= _LONGEST_PATH else f"…{value[1 - _LONGEST_PATH :]}"
    mend = "name a PEM file of CA certificates, or unset it"
    raise Broken("never_sent", f"{variable}={shown} cannot be used: {why}; {mend}", hopeless=True)


def of_error(error: BaseException) -> Verdict:
    """The verdict for a submit request that ended in an exception instead of a reply."""
    return "never_sent" if isinstance(error, _NEVER_SENT) else "unknown"


def cause(error: BaseException, host: str = "the host") -> str:
    """The kind of failure in a few words; nothing of the exception's own text."""
    if isinstance(error, Undialled):
        return error.cause
    if said := certificate_fault(error, host):
        return said
    if any(isinstance(link, socket.gaierror) for link in chain(error)):
        return "its host name was not found"
    late = isinstance(error, httpx.TimeoutException | TimeoutError)
    if not late and any(isinstance(link, ssl.SSLError) for link in chain(error)):
        return "the TLS handshake failed"
    if isinstance(error, _NEVER_SENT):
        return "the connection timed out" if late else "the connection was refused"
    return "no reply in time" if late else "the connection broke"


def _built(client: httpx.AsyncClient, request: Request) -> httpx.Request:
    try:
        return client.build_request(
            request.method,
            request.url,
            headers={**request.headers, **_AS_IT_IS},
            json=request.json,
            data=request.form,
            files=request.files,
        )
    except (ValueError, TypeError) as error:
        said = "it cannot be written as an HTTP request; is the key plain ASCII?"
        raise Broken("never_sent", said, hopeless=True) from error


def _is_encoded(headers: Mapping[str, str]) -> bool:
    named = headers.get("content-encoding", "").lower().replace(",", " ").split()
    return any(each != "identity" for each in named)


def _same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)
