"""Callbacks, received by a second sandbox's server or by a bare listener."""

from collections.abc import AsyncIterator

import anyio
import httpx
import pytest

from acestep_mcp.sandbox import (
    Profile,
    Sandbox,
    limit_data,
    reply,
    reset_peer,
    slicer,
    timeout,
)

from .conftest import KEY, SONG, SUBMIT, TLS

pytestmark = pytest.mark.anyio


@pytest.fixture
async def receiver() -> AsyncIterator[Sandbox]:
    """Any server that records what is posted to it; it answers 200 on any status path."""
    receiver = Sandbox()
    receiver.faults.add("status", reply(200), times=None)
    async with receiver.serving():
        yield receiver


def callback(receiver: Sandbox, mode: str | None = None) -> dict[str, str]:
    headers = {"X-Webhook-URL": f"{receiver.base_url}/v2/requests/status/hook?token=abc"}
    return headers | ({"X-Webhook-Mode": mode} if mode else {})


async def hooked(client: httpx.AsyncClient, headers: dict[str, str]) -> str:
    answer = await client.post(SUBMIT, json=SONG, headers=headers)
    return str(answer.json()["request_id"])


async def test_terminal_mode_posts_the_status_payload_once_at_the_end(
    sandbox: Sandbox, client: httpx.AsyncClient, receiver: Sandbox
) -> None:
    request_id = await hooked(client, callback(receiver))
    sandbox.advance(request_id, "PROCESSING")
    sandbox.complete(request_id)
    await receiver.arrived("status")

    (arrival,) = receiver.arrivals
    polled = await client.get(f"/v2/requests/status/{request_id}")
    assert arrival.json() == polled.json()
    assert arrival.method == "POST"
    assert arrival.path.endswith("?token=abc")
    assert arrival.headers["content-type"] == "application/json"
    assert "ocp-apim-subscription-key" not in arrival.headers


async def test_sync_mode_posts_every_change(
    sandbox: Sandbox, client: httpx.AsyncClient, receiver: Sandbox
) -> None:
    request_id = await hooked(client, callback(receiver, "sync"))
    sandbox.advance(request_id, "PROCESSING")
    await receiver.arrived("status", 1)
    await sandbox.arrived("webhook", 1)
    sandbox.fail(request_id, "ERROR", error="no GPU")
    await receiver.arrived("status", 2)

    payloads = [arrival.json() for arrival in receiver.arrivals]
    assert [payload["status"] for payload in payloads] == ["PROCESSING", "ERROR"]
    assert payloads[1]["error"] == "no GPU"


async def test_sync_mode_also_posts_on_every_poll_cycle(receiver: Sandbox) -> None:
    sandbox = Sandbox(profile=Profile.manual(), speed=1500)  # a cycle of 15 s takes 10 ms
    async with (
        sandbox.serving() as base_url,
        httpx.AsyncClient(verify=TLS, base_url=base_url, headers=KEY) as client,
    ):
        await hooked(client, callback(receiver, "sync"))
        with anyio.fail_after(5):
            await receiver.arrived("status", 2)
    assert [a.json()["status"] for a in receiver.arrivals[:2]] == ["QUEUED", "QUEUED"]


async def test_a_job_on_the_clock_calls_back_when_its_time_has_come(receiver: Sandbox) -> None:
    sandbox = Sandbox(profile=Profile.quick(), speed=400)  # 16 s take 40 ms
    async with (
        sandbox.serving() as base_url,
        httpx.AsyncClient(verify=TLS, base_url=base_url, headers=KEY) as client,
    ):
        await hooked(client, callback(receiver))
        with anyio.fail_after(5):
            await receiver.arrived("status")
    assert receiver.arrivals[0].json()["status"] == "COMPLETED"


async def test_a_refused_callback_is_repeated_a_few_times(
    sandbox: Sandbox, client: httpx.AsyncClient, receiver: Sandbox
) -> None:
    sandbox.webhook_retry_delays = (0, 0)
    receiver.faults.clear()
    receiver.faults.add("status", reply(503), times=None)
    sandbox.complete(await hooked(client, callback(receiver)))
    await sandbox.arrived("webhook", 3)
    assert [delivery.status for delivery in sandbox.deliveries] == [503, 503, 503]


async def test_a_lost_confirmation_makes_a_duplicate(
    sandbox: Sandbox, client: httpx.AsyncClient, receiver: Sandbox
) -> None:
    sandbox.webhook_retry_delays = (0,)
    sandbox.faults.add("webhook", reset_peer("after"))
    sandbox.complete(await hooked(client, callback(receiver)))
    await sandbox.arrived("webhook", 2)

    assert [arrival.body for arrival in receiver.arrivals] == [receiver.arrivals[0].body] * 2
    assert [delivery.accepted for delivery in sandbox.deliveries] == [False, True]


async def test_callbacks_can_be_lost_cut_sliced_or_forged(
    sandbox: Sandbox, client: httpx.AsyncClient, receiver: Sandbox
) -> None:
    sandbox.webhook_retry_delays = (0, 0, 0, 0)
    sandbox.faults.add("webhook", reset_peer("before"))
    sandbox.faults.add("webhook", timeout())
    sandbox.faults.add("webhook", limit_data(60))
    sandbox.faults.add("webhook", reply(200, b'{"forged": true}'), reset_peer("after"))
    sandbox.faults.add("webhook", slicer(size=50))
    sandbox.complete(await hooked(client, callback(receiver)))
    await sandbox.arrived("webhook", 5)

    forged, true = receiver.arrivals
    assert forged.json() == {"forged": True}
    assert true.json()["status"] == "COMPLETED"
    assert [delivery.accepted for delivery in sandbox.deliveries] == [False] * 4 + [True]


async def test_a_receiver_that_is_not_there_harms_nobody(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    sandbox.webhook_retry_delays = ()
    sandbox.complete(await hooked(client, {"X-Webhook-URL": "http://127.0.0.1:9/hook"}))
    await sandbox.arrived("webhook")
    assert sandbox.deliveries[0].status is None


@pytest.mark.parametrize(
    ("url", "mode", "status"),
    [
        ("http://example.com/hook", "terminal", 400),
        ("ftp://example.com/hook", "terminal", 400),
        ("https://example.com/hook", "terminal", 202),
        ("https://example.com/hook", "sometimes", 400),
        ("http://127.0.0.1:9/hook", "terminal", 202),
        ("not a url", "terminal", 400),
    ],
)
async def test_a_callback_needs_https_or_loopback_and_a_known_mode(
    sandbox: Sandbox, client: httpx.AsyncClient, url: str, mode: str, status: int
) -> None:
    headers = {"X-Webhook-URL": url, "X-Webhook-Mode": mode}
    answer = await client.post(SUBMIT, json=SONG, headers=headers)
    assert answer.status_code == status
    assert len(sandbox.jobs) == (status == 202)
