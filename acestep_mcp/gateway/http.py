"""HTTP, and nothing of the API: the only importer of httpx, itself imported on first use."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import anyio
import httpx

from acestep_mcp.gateway.verdicts import Broken, cause, of_error

Use = Literal["submit", "status", "media"]

CONNECT_SECONDS = 10.0
IDLE_SECONDS = 60.0
"""Without a byte for this long, a reply has failed."""
_REPLY_CAP = 1 << 20
_PIECE = 1 << 18  # bytes of media handed on at a time
_BROKEN = (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete reply; `body` is None where it was longer than any documented one."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


class Http:
    """Connections of one process; each use has its own pool."""

    def __init__(self, *, loopback: bool) -> None:
        self._loopback = loopback
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
    async def stream(self, url: str) -> AsyncIterator[tuple[int | None, AsyncIterator[bytes]]]:
        """Open a URL for reading: its length in bytes where known, and its bytes in pieces.

        Raises:
            OSError: The host did not deliver.
        """
        try:
            async with self._client("media").stream("GET", url) as response:
                if response.status_code != httpx.codes.OK:
                    raise OSError(f"the media host answered HTTP {response.status_code}")
                length = response.headers.get("content-length", "")
                pieces = response.aiter_bytes(_PIECE)
                yield int(length) if length.isdecimal() else None, pieces
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise OSError(cause(error)) from error

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

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
