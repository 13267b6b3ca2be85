"""How large a body may be and how long it may take, on every route alike."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from acestep_mcp.hosted.limits import LARGEST, BodyLimits
from tests.hosted.house import called_back, hosted, listening
from tests.hosted.test_exposure import JSON, MODERN
from tests.house import SONG

pytestmark = pytest.mark.anyio

ROUTES = ["/mcp", "/health", "/webhook/x", "/nothing", "/.well-known/oauth-protected-resource/mcp"]


async def pieces(size: int) -> AsyncIterator[bytes]:
    """A body without a declared length."""
    for _ in range(size // 65536):
        yield b"x" * 65536
    yield b"x" * (size % 65536)


@pytest.mark.parametrize("path", ROUTES)
async def test_a_body_that_declares_more_than_a_mebibyte_is_refused_on_every_route(
    tmp_path: Path, path: str
) -> None:
    async with hosted(tmp_path) as host, httpx.AsyncClient(base_url=host.url) as web:
        for method in ("POST", "GET", "PUT"):
            answers = [
                (await web.request(method, path, content=b"x" * size, headers=JSON)).status_code
                for size in (LARGEST, LARGEST + 1)
            ]
            assert answers[0] in {200, 400, 401, 404, 405}
            assert answers[1] == 413


@pytest.mark.parametrize("era", [{}, MODERN], ids=["legacy", "modern"])
async def test_a_body_without_a_length_is_cut_off_where_it_is_too_long_for_who_reads_it(
    tmp_path: Path, era: dict[str, str]
) -> None:
    async with (
        called_back(tmp_path) as (host, client),
        httpx.AsyncClient(base_url=host.url, headers={**JSON, **era}) as web,
    ):
        await client.call_tool("generate_song", {**SONG, "wait": 0})
        address = host.sandbox.submissions[0].headers["x-webhook-url"]
        for path in ("/mcp", address):
            for size, right in ((LARGEST, 400), (LARGEST + 1, 413), (8 * LARGEST, 413)):
                assert (await web.post(path, content=pieces(size))).status_code == right
        for path, right in (("/health", 405), ("/webhook/x", 401), ("/nothing", 404)):
            assert (await web.post(path, content=pieces(LARGEST + 1))).status_code == right


async def raw(url: str, *sent: bytes) -> bytes:
    """What a server answers to these bytes, after which the client says no more."""
    port = int(url.rpartition(":")[2])
    with anyio.fail_after(5):
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            for piece in sent:
                await stream.send(piece)
            return await stream.receive()


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello"),
        (b"Content-Length: -1\r\n", b"hello"),
        (b"Content-Length: five\r\n", b"hello"),
        (b"Content-Length: 1e9\r\n", b"hello"),
        (b"Transfer-Encoding: chunked\r\n", b"zz\r\nhello\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: gzip\r\n", b"hello"),
    ],
)
async def test_a_length_that_is_none_is_refused(
    tmp_path: Path, framing: bytes, body: bytes
) -> None:
    async with hosted(tmp_path) as host:
        for path in (b"/mcp", b"/webhook/x"):
            head = b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\n" + framing + b"\r\n"
            answer = await raw(host.url, head + body)

            assert answer.split(b" ")[1] in {b"400", b"401", b"501"}


async def test_more_bytes_than_were_declared_are_another_request(tmp_path: Path) -> None:
    async with hosted(tmp_path) as host:
        head = b"POST /webhook/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n"
        answer = await raw(host.url, head + b"{}" + b"x" * 100)

        assert answer.split(b" ")[1] == b"401"


async def _reads(request: Request) -> Response:
    return Response(await request.body())


async def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    app = BodyLimits(Starlette(routes=[Route("/", _reads, methods=["POST"])]), slowest=0.2)
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
    async with listening(app) as url:
        assert (await raw(url, head, b"half")).split(b" ")[1] == b"408"
        assert (await raw(url, head, b"in ", b"pieces")).endswith(b"in pieces")


async def test_a_client_that_leaves_in_the_middle_of_a_body_is_no_fault_of_ours(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with called_back(tmp_path) as (host, client):
        await client.call_tool("generate_song", {**SONG, "wait": 0})
        address = host.sandbox.submissions[0].headers["x-webhook-url"].removeprefix(host.url)
        port = int(host.url.rpartition(":")[2])
        for path in ("/mcp", address):
            async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
                types = "".join(f"{name}: {value}\r\n" for name, value in JSON.items())
                await stream.send(f"{head}{types}\r\nhalf".encode())
        async with httpx.AsyncClient(base_url=host.url) as web:  # and it answers the next one
            assert (await web.get("/health")).status_code == 200

    assert [each.message for each in caplog.records if each.levelno >= logging.ERROR] == []
