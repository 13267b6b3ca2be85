"""The fastest client that still speaks HTTP: one connection, one request at a time."""

import asyncio
import time
from dataclasses import dataclass
from typing import Self

_HEAD_ENDS = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Shot:
    """One request, as bytes, and the status it should be answered with."""

    kind: str
    request: bytes
    status: int


def post(
    path: bytes,
    body: bytes,
    *,
    chunked: bool = False,
    content_type: bytes = b"application/json",
) -> bytes:
    """A POST request."""
    framing = b"Content-Length: %d" % len(body)
    if chunked:
        framing, body = b"Transfer-Encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    return b"POST %b HTTP/1.1\r\nHost: songs.example\r\nContent-Type: %b\r\n%b\r\n\r\n%b" % (
        path,
        content_type,
        framing,
        body,
    )


class Line:
    """A connection that is opened again whenever the server closes it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def send(self, request: bytes) -> tuple[int, float]:
        """The status of the answer, and the seconds it took to come whole."""
        if self._writer is None:
            await self._open()
        assert self._writer is not None
        began = time.perf_counter()
        self._writer.write(request)
        head = (await self._reader.readuntil(_HEAD_ENDS)).lower()
        await self._reader.readexactly(_length(head))
        took = time.perf_counter() - began
        if b"connection: close" in head:
            await self._close()
        return int(head[9:12]), took

    async def _open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            await self._writer.wait_closed()
            self._writer = None


def _length(head: bytes) -> int:
    given = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    return int(given or 0)
