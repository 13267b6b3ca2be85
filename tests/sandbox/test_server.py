"""HTTP itself: keep-alive, limits, broken requests, many clients, and the end of it."""

import json
import socket
import struct

import anyio
import httpx
import pytest

from acestep_mcp.sandbox import Profile, Sandbox, hold, run, timeout

from .conftest import KEY, SONG, SUBMIT, TLS, submit

pytestmark = pytest.mark.anyio


async def talk(sandbox: Sandbox, request: bytes) -> bytes:
    """Everything the server says to raw bytes, until it closes."""
    host, port = sandbox.base_url.removeprefix("http://").split(":")
    said = b""
    async with await anyio.connect_tcp(host, int(port)) as stream:
        await stream.send(request)
        try:
            while True:
                said += await stream.receive()
        except anyio.EndOfStream:
            return said


async def test_connections_are_kept_alive(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    for _ in range(5):
        await submit(client)
    assert (sandbox.connections, len(sandbox.submissions)) == (1, 5)


async def test_pipelined_requests_are_answered_in_order(sandbox: Sandbox) -> None:
    poll = (
        "GET /v2/requests/status/{} HTTP/1.1\r\nHost: x\r\n{}Ocp-Apim-Subscription-Key: {}\r\n\r\n"
    )
    said = await talk(
        sandbox,
        poll.format("one", "", "sandbox-key").encode()
        + poll.format("two", "Connection: close\r\n", "sandbox-key").encode(),
    )
    assert said.count(b"HTTP/1.1 404 Not Found") == 2
    assert said.index(b"'one'") < said.index(b"'two'")


async def test_a_body_over_one_mebibyte_is_a_413(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    async def endless() -> object:
        for _ in range(33):
            yield b"x" * 32_768

    declared = await client.post(SUBMIT, content=b"x" * (2**20 + 1))
    chunked = await client.post(SUBMIT, content=endless())  # type: ignore[arg-type]  # yields bytes
    assert (declared.status_code, chunked.status_code) == (413, 413)
    assert not sandbox.arrivals


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: no\r\n\r\n",
    ],
)
async def test_a_malformed_request_is_a_400(sandbox: Sandbox, request_bytes: bytes) -> None:
    assert (await talk(sandbox, request_bytes)).startswith(b"HTTP/1.1 400 ")


async def test_a_client_that_leaves_in_mid_request_is_forgotten(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    host, port = sandbox.base_url.removeprefix("http://").split(":")
    async with await anyio.connect_tcp(host, int(port)) as stream:
        await stream.send(b"POST /ace-step/v1/generate HTTP/1.1\r\nHost: x\r\nContent-Le")
    await submit(client)
    assert len(sandbox.arrivals) == 1


async def test_a_request_that_breaks_the_sandbox_is_a_500_and_no_more(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    del sandbox.balance
    broken = await client.post(SUBMIT, json=SONG)
    sandbox.balance = None
    assert broken.status_code == 500
    assert "AttributeError" in broken.json()["message"]
    await submit(client)


async def test_a_hundred_requests_are_held_open_at_once(sandbox: Sandbox) -> None:
    gate = hold()
    sandbox.faults.add("status", gate, times=None)
    limits = httpx.Limits(max_connections=100)
    async with (
        httpx.AsyncClient(
            verify=TLS, base_url=sandbox.base_url, headers=KEY, limits=limits
        ) as client,
        anyio.create_task_group() as group,
    ):
        for _ in range(100):
            group.start_soon(client.get, "/v2/requests/status/x")
        await sandbox.arrived("status", 100)
        gate.release()
    assert sandbox.connections == 100


async def test_serving_ends_even_with_open_requests() -> None:
    sandbox = Sandbox(profile=Profile.manual())
    sandbox.faults.add("submit", timeout())
    async with (
        httpx.AsyncClient(verify=TLS, headers=KEY) as client,
        anyio.create_task_group() as group,
    ):

        async def post() -> None:
            with pytest.raises(httpx.TransportError):
                await client.post(f"{sandbox.base_url}{SUBMIT}", json=SONG)

        with anyio.fail_after(5):
            async with sandbox.serving():
                group.start_soon(post)
                await sandbox.arrived("submit")


async def test_an_exception_leaves_the_serving_block_as_it_is() -> None:
    with pytest.raises(KeyError):
        async with Sandbox().serving():
            raise KeyError


async def test_the_command_announces_its_address_and_serves_until_cancelled() -> None:
    heard: list[str] = []
    announced = anyio.Event()

    def announce(base_url: str) -> None:
        heard.append(base_url)
        announced.set()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(run, 0, 10.0, announce)
            await announced.wait()
            async with httpx.AsyncClient(verify=TLS, base_url=heard[0], headers=KEY) as client:
                await submit(client)
            group.cancel_scope.cancel()


async def test_what_a_client_sent_before_it_was_killed_has_its_effect(sandbox: Sandbox) -> None:
    host, port = sandbox.base_url.removeprefix("http://").split(":")
    body = json.dumps(SONG)
    head = "\r\n".join(
        [
            f"POST {SUBMIT} HTTP/1.1",
            "Host: x",
            "Ocp-Apim-Subscription-Key: sandbox-key",
            f"Content-Length: {len(body)}",
        ]
    )
    for _ in range(50):
        with socket.create_connection((host, int(port))) as client:
            client.sendall(f"{head}\r\n\r\n{body}".encode())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await sandbox.arrived("submit", 50)

    assert len(sandbox.jobs) == 50
