"""Every toxic, as a plain HTTP client meets it."""

import anyio
import httpx
import pytest

from acestep_mcp.sandbox import (
    Sandbox,
    Toxic,
    hold,
    latency,
    limit_data,
    reply,
    reset_peer,
    slicer,
    slow_close,
    timeout,
)

from .conftest import KEY, SONG, SUBMIT, TLS, finished, submit

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("when", "read", "accepted"), [("before", 0, 0), ("unprocessed", 1, 0), ("after", 1, 1)]
)
async def test_a_reset_leaves_exactly_what_its_moment_allows(
    sandbox: Sandbox, client: httpx.AsyncClient, when: str, read: int, accepted: int
) -> None:
    toxics = {w: reset_peer(w) for w in ("before", "unprocessed", "after")}
    sandbox.faults.add("submit", toxics[when])

    with pytest.raises(httpx.ReadError):
        await client.post(SUBMIT, json=SONG)
    assert sandbox.connections == 1
    assert (len(sandbox.submissions), len(sandbox.jobs)) == (read, accepted)


async def test_a_reset_is_a_true_rst(sandbox: Sandbox) -> None:
    sandbox.faults.add("submit", reset_peer("before"))
    host, port = sandbox.base_url.removeprefix("http://").split(":")
    async with await anyio.connect_tcp(host, int(port)) as stream:
        await stream.send(f"POST {SUBMIT} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        with pytest.raises(anyio.BrokenResourceError) as broken:
            await stream.receive()
    assert isinstance(broken.value.__cause__, ConnectionResetError)


async def test_a_timeout_never_answers_and_accepts_only_when_told_to(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    sandbox.faults.add("submit", timeout())
    sandbox.faults.add("submit", timeout(process=True))
    for accepted in (0, 1):
        with pytest.raises(httpx.ReadTimeout):
            await client.post(SUBMIT, json=SONG, timeout=0.05)
        assert len(sandbox.jobs) == accepted


async def test_a_timeout_with_an_end_closes_without_a_word(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    sandbox.faults.add("submit", timeout(0.01))
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post(SUBMIT, json=SONG)
    assert len(sandbox.submissions) == 1


async def test_latency_delays_a_reply_whose_job_is_already_accepted(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    sandbox.faults.add("submit", latency(60))
    with pytest.raises(httpx.ReadTimeout):
        await client.post(SUBMIT, json=SONG, timeout=0.05)
    assert len(sandbox.jobs) == 1

    sandbox.faults.add("status", latency(0.02))
    began = anyio.current_time()
    await client.get("/v2/requests/status/x")
    assert anyio.current_time() - began >= 0.02


async def test_a_held_reply_comes_when_released(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    gate, ids = hold(), []
    sandbox.faults.add("submit", gate)

    async def post() -> None:
        ids.append(await submit(client))

    async with anyio.create_task_group() as group:
        group.start_soon(post)
        await sandbox.arrived("submit")
        assert len(sandbox.jobs) == 1
        assert not ids
        gate.release()
    assert ids == list(sandbox.jobs)


async def test_a_sliced_reply_arrives_whole(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    sandbox.faults.add("submit", slicer(size=7, delay=0.0001))
    assert await submit(client) in sandbox.jobs


@pytest.mark.parametrize("size", [0, 10, 180])
async def test_limited_data_ends_the_connection_inside_the_reply(
    sandbox: Sandbox, client: httpx.AsyncClient, size: int
) -> None:
    sandbox.faults.add("submit", limit_data(size))
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post(SUBMIT, json=SONG)
    assert len(sandbox.jobs) == 1


async def test_a_limited_download_is_short_of_its_declared_length(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    (url,) = await finished(sandbox, client)
    sandbox.faults.add("media", slicer(size=4096), limit_data(100_000))
    received = 0
    async with client.stream("GET", url) as download:
        with pytest.raises(httpx.RemoteProtocolError):  # noqa: PT012  # raised between pieces
            async for piece in download.aiter_raw():
                received += len(piece)
    assert 99_000 < received < 100_000


async def test_a_slow_close_gives_the_reply_at_once(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    sandbox.faults.add("submit", slow_close(60))
    answer = await client.post(SUBMIT, json=SONG)
    assert answer.status_code == 202
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("process", "accepted"),
    [(False, 0), (True, 1)],
)
async def test_a_canned_reply_may_tell_the_truth_or_lie(
    sandbox: Sandbox, client: httpx.AsyncClient, *, process: bool, accepted: int
) -> None:
    lie = reply(502, b"<html>", {"Content-Type": "text/html", "Retry-After": "3"}, process=process)
    sandbox.faults.add("submit", lie)
    answer = await client.post(SUBMIT, json=SONG)

    assert (answer.status_code, answer.content) == (502, b"<html>")
    assert (answer.headers["retry-after"], answer.headers["content-type"]) == ("3", "text/html")
    assert len(sandbox.jobs) == accepted


@pytest.mark.parametrize("status", [200, 202, 204, 301, 429, 500, 503, 520])
async def test_a_canned_reply_takes_any_status(
    sandbox: Sandbox, client: httpx.AsyncClient, status: int
) -> None:
    sandbox.faults.add("status", reply(status))
    assert (await client.get("/v2/requests/status/x")).status_code == status


async def test_a_canned_reply_with_a_false_length_breaks_off(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    sandbox.faults.add("status", reply(200, b"{}", {"content-length": "9"}))
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get("/v2/requests/status/x")


async def test_faults_are_consumed_in_order_and_only_by_their_kind(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    sandbox.faults.add("status", reply(500), times=2)
    sandbox.faults.add("status", reply(503))
    await submit(client)
    polls = [(await client.get("/v2/requests/status/x")).status_code for _ in range(4)]
    assert polls == [500, 500, 503, 404]


async def test_an_endless_fault_lasts_until_cleared(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    sandbox.faults.add("submit", reply(429, headers={"Retry-After": "1"}), times=None)
    refused = [(await client.post(SUBMIT, json=SONG)).status_code for _ in range(3)]
    sandbox.faults.clear()
    assert refused == [429, 429, 429]
    await submit(client)


@pytest.mark.parametrize(
    "toxic", [reset_peer("before"), reset_peer("after"), limit_data(5), timeout(0)]
)
async def test_a_broken_connection_disturbs_no_other(
    sandbox: Sandbox, client: httpx.AsyncClient, toxic: Toxic
) -> None:
    sandbox.faults.add("submit", toxic)
    async with httpx.AsyncClient(verify=TLS, base_url=sandbox.base_url, headers=KEY) as other:
        await other.get("/v2/requests/status/x")
        with pytest.raises(httpx.TransportError):
            await client.post(SUBMIT, json=SONG)
        assert (await other.get("/v2/requests/status/x")).status_code == 404
    assert sandbox.connections == 2
