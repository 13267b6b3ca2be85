"""The proxy of these proofs is as careful as an operator's: it never sends a request twice."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import httpx
import pytest
from anyio.abc import ByteStream

from tests.hosted.house import free_port
from tests.replicas.proxy import Proxy

pytestmark = pytest.mark.anyio

Backend = Callable[[ByteStream], Awaitable[None]]


@asynccontextmanager
async def listening(backend: Backend) -> AsyncIterator[int]:
    """The port of a server that treats each connection like that."""

    async def served(stream: ByteStream) -> None:
        async with stream:
            await stream.receive()
            await backend(stream)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, served)
        yield int(listener.extra(anyio.abc.SocketAttribute.local_port))  # noqa: S610  # anyio's, not Django's
        tasks.cancel_scope.cancel()


async def answers(stream: ByteStream) -> None:
    await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK")


async def hangs_up(_: ByteStream) -> None: ...


async def asked(proxy: Proxy, times: int) -> list[int]:
    async with proxy.serving() as url, httpx.AsyncClient(trust_env=False) as web:
        return [(await web.post(url, json={})).status_code for _ in range(times)]


async def test_requests_go_to_one_backend_after_another_and_a_dead_one_is_skipped() -> None:
    async with listening(answers) as one, listening(answers) as two:
        proxy = Proxy([one, await free_port(), two])

        assert await asked(proxy, 4) == [200] * 4
        assert [passage.backend for passage in proxy.passages] == [one, two, one, two]


async def test_a_request_that_may_have_arrived_is_sent_to_nobody_else() -> None:
    async with listening(hangs_up) as broken, listening(answers) as well:
        proxy = Proxy([broken, well])

        assert await asked(proxy, 2) == [502, 200]
        assert [passage.backend for passage in proxy.passages] == [broken, well]


async def test_with_every_backend_dead_the_client_hears_so() -> None:
    proxy = Proxy([await free_port(), await free_port()])

    assert await asked(proxy, 1) == [502]
    assert proxy.passages == []
