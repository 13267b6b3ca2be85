"""HTTP, and nothing of the API: the only importer of httpx, itself imported on first use."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urljoin

import anyio
import httpx

from acestep_mcp.domain.errors import MediaGone
from acestep_mcp.gateway.addresses import is_loopback, public_address
from acestep_mcp.gateway.verdicts import Broken, cause, of_error

Use = Literal["submit", "status", "media"]

CONNECT_SECONDS = 10.0
IDLE_SECONDS = 60.0
"""Without a byte for this long, a reply has failed."""
_REPLY_CAP = 1 << 20
_REDIRECTS = 3
_BROKEN = (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete reply; `body` is None where it was longer than any documented one."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Download:
    """An open media reply; `pieces` are its bytes as they were sent."""

    status: int
    headers: Mapping[str, str]
    pieces: AsyncIterator[bytes]


class Http:
    """Connections of one process; each use has its own pool."""

    def __init__(self, origin: str) -> None:
        self._origin = httpx.URL(origin)
        self._loopback = is_loopback(origin)
        self._clients: dict[Use, httpx.AsyncClient] = {}
        self._tls: ssl.SSLContext | None = None

    async def exchange(
        self,
        use: Use,
        request: tuple[str, str],
        headers: Mapping[str, str],
        seconds: float,
        payload: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Send one (method, URL), once, and read the whole reply within `seconds`.

        Raises:
            Broken: There is no complete reply.
        """
        try:
            with anyio.fail_after(seconds):
                return await self._exchange(use, request, headers, payload)
        except _BROKEN as error:
            raise Broken(of_error(error), cause(error)) from error

    @asynccontextmanager
    async def download(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[Download]:
        """Open a media URL for reading, through at most three redirects, each checked alike.

        Raises:
            MediaGone: The URL may not be fetched.
            OSError: The host did not answer, or broke off.
        """
        try:
            for _ in range(_REDIRECTS + 1):
                request = await self._checked(url, headers)
                response = await self._client("media").send(request, stream=True)
                async with aclosing(response):
                    if not response.has_redirect_location:
                        pieces = response.aiter_raw()
                        yield Download(response.status_code, response.headers, pieces)
                        return
                    url = urljoin(url, response.headers["location"])
        except httpx.HTTPError as error:
            raise OSError(cause(error)) from error
        except (httpx.InvalidURL, ValueError) as error:
            raise MediaGone("the media URL is no URL") from error
        raise MediaGone("the media host redirects in circles")

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    async def _checked(self, url: str, headers: Mapping[str, str]) -> httpx.Request:
        """The request for a URL, addressed to the public address that was just looked up."""
        wanted = httpx.URL(url)
        if self._loopback and _same_origin(wanted, self._origin):
            return self._client("media").build_request("GET", wanted, headers=dict(headers))
        if wanted.scheme != "https" or wanted.userinfo:
            raise MediaGone("the media URL is not a plain https URL")
        address = await public_address(wanted.host, wanted.port or 443)
        return self._client("media").build_request(
            "GET",
            wanted.copy_with(host=address),
            headers={**headers, "Host": wanted.netloc.decode("ascii")},
            extensions={"sni_hostname": wanted.host},
        )

    async def _exchange(
        self,
        use: Use,
        request: tuple[str, str],
        headers: Mapping[str, str],
        payload: Mapping[str, Any] | None,
    ) -> Reply:
        opened = self._client(use).stream(*request, headers=dict(headers), json=payload)
        async with opened as response:
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > _REPLY_CAP:
                    return Reply(response.status_code, response.headers, None)
            return Reply(response.status_code, response.headers, bytes(body))

    def _client(self, use: Use) -> httpx.AsyncClient:
        if use not in self._clients:
            self._clients[use] = self._build(use)
        return self._clients[use]

    def _build(self, use: Use) -> httpx.AsyncClient:
        # The paid request never rides on a kept connection: one that the gateway is just
        # closing would swallow it and leave its outcome unknown.
        kept = 0 if use == "submit" else 10
        if self._tls is None:
            self._tls = httpx.create_ssl_context()
        return httpx.AsyncClient(
            verify=self._tls,
            trust_env=not self._loopback,  # a proxy from the environment cannot reach loopback
            follow_redirects=False,
            headers={"User-Agent": "acestep-mcp"},
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=kept),
            timeout=httpx.Timeout(IDLE_SECONDS, connect=CONNECT_SECONDS),
        )


def _same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)
