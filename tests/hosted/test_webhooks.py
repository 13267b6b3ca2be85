"""What the gateway tells by itself, and what everybody else may try to."""

import json
import random
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from acestep_mcp.sandbox import reset_peer
from tests.hosted.house import Hosted, call, called_back
from tests.house import KEY, SONG, shown

pytestmark = pytest.mark.anyio


def address(host: Hosted, number: int = 0) -> str:
    """Where the gateway was told to report the end of a song."""
    return host.sandbox.submissions[number].headers["x-webhook-url"].removeprefix(host.url)


def payload(request_id: object, status: object = "COMPLETED") -> bytes:
    """A callback as documented."""
    return json.dumps({"request_id": request_id, "status": status, "output": None}).encode()


@pytest.mark.parametrize("mode", ["terminal", "sync"])
async def test_a_callback_tells_the_end_long_before_the_next_poll(
    tmp_path: Path, mode: str
) -> None:
    async with called_back(tmp_path, ACESTEP_WEBHOOK_MODE=mode) as (host, client):
        ordered = shown(await call(client, "generate_song", **SONG, wait=0))
        sent = host.sandbox.submissions[0].headers
        async with anyio.create_task_group() as tasks:

            async def waits() -> None:
                arguments = {"request_id": ordered["request_id"], "wait": 10}
                assert shown(await call(client, "get_status", **arguments))["status"] == "COMPLETED"

            tasks.start_soon(waits)
            await anyio.lowlevel.checkpoint()
            host.sandbox.complete(ordered["request_id"])

        assert sent["x-webhook-mode"] == mode
        assert sent["x-webhook-url"].startswith(f"{host.url}/webhook/")
        assert KEY not in sent["x-webhook-url"]


async def test_a_song_of_unknown_outcome_resolves_itself_when_its_callback_arrives(
    tmp_path: Path,
) -> None:
    async with called_back(tmp_path) as (host, client):
        host.sandbox.faults.add("submit", reset_peer("after"))
        unknown = shown(await call(client, "generate_song", **SONG, wait=0))
        assert unknown["status"] == "UNKNOWN"
        named = next(iter(host.sandbox.jobs))
        host.sandbox.complete(named)
        song = unknown
        with anyio.fail_after(10):
            while song["status"] != "COMPLETED":
                song = shown(
                    await call(client, "get_status", request_id=unknown["request_id"], wait=1)
                )

        assert song["request_id"] == named
        assert len(host.sandbox.submissions) == 1


ODD_IDS: list[Any] = [7, None, [], {}, True, 1e308]


async def test_callbacks_of_any_kind_are_answered_properly_and_change_nothing(
    tmp_path: Path,
) -> None:
    async with called_back(tmp_path) as (host, client):
        ordered = shown(await call(client, "generate_song", **SONG, wait=0))
        ours = address(host)
        named, _, signature = ours.partition(".")
        right = payload(ordered["request_id"])
        expected = [
            (ours, right, 204),
            (ours, right, 204),
            (ours, payload("another"), 204),
            (ours, payload(ordered["request_id"], 7), 204),  # its id is all that is asked of it
            (ours, payload("\ud800"), 204),
            (ours, right.decode().encode("utf-16"), 204),  # JSON may be
            *((ours, payload(odd), 400) for odd in ODD_IDS),
            (ours, b"", 400),
            (ours, b"not json", 400),
            (ours, b"[]", 400),
            (ours, b"[" * 100_000, 400),
            (ours, b'{"request_id":' * 10_000, 400),
            (ours, b'{"request_id": ' + b"9" * 5_000 + b"}", 400),
            (ours, b"\xff" * 9, 400),
            (ours, b"x" * ((1 << 20) + 1), 413),
            (f"{named}.{signature[:-1]}", right, 401),
            (f"{named}.{signature}0", right, 401),
            (f"{named}.{signature.upper()}", right, 401),
            (f"{named}.{'0' * len(signature)}", right, 401),
            (f"{named}A.{signature}", right, 401),
            (named, right, 401),
            (f"/webhook/.{signature}", right, 401),
            ("/webhook/nonsense", right, 401),
            ("/webhook/%ff%00.%ed%a0%80", right, 401),
            (f"/webhook/{'x' * 8000}", right, 401),
        ]
        async with httpx.AsyncClient(base_url=host.url) as web:
            for path, body, status in expected:
                assert (await web.post(path, content=body)).status_code == status, (path, body[:40])
            chance = random.Random(5)
            for _ in range(300):
                body = chance.randbytes(chance.randrange(200))
                path = ours if chance.random() < 0.5 else f"/webhook/{body.hex()[:40] or 'x'}"
                answer = await web.post(path, content=body)
                assert answer.status_code in (204, 400, 401, 404, 413)
        song = shown(await call(client, "get_status", request_id=ordered["request_id"]))

        assert song["status"] == "QUEUED"  # only the gateway itself is believed
        assert len(host.sandbox.submissions) == 1


async def test_an_address_is_good_for_its_own_song_only(tmp_path: Path) -> None:
    async with called_back(tmp_path) as (host, client):
        for prompt in ("one", "two"):
            await call(client, "generate_song", prompt=prompt, wait=0)
        (one, mine), (two, yours) = (address(host, n).split(".") for n in range(2))
        async with httpx.AsyncClient(base_url=host.url) as web:
            for crossed in (f"{one}.{yours}", f"{two}.{mine}"):
                assert (await web.post(crossed, content=payload("x"))).status_code == 401


async def test_a_flood_of_right_callbacks_brings_about_few_status_requests_and_none_after_the_end(
    tmp_path: Path,
) -> None:
    async with called_back(tmp_path) as (host, client):
        named = shown(await call(client, "generate_song", **SONG, wait=0))["request_id"]
        async with httpx.AsyncClient(base_url=host.url) as web:

            async def flood() -> None:
                for _ in range(100):
                    answer = await web.post(address(host), content=payload(named, "PROCESSING"))
                    assert answer.status_code == 204

            began = anyio.current_time()
            await flood()
            lasted = anyio.current_time() - began
            asked = len(host.sandbox.polls(named))
            host.sandbox.complete(named)
            await call(client, "get_status", request_id=named, wait=10)
            at_the_end = len(host.sandbox.polls(named))
            await flood()

        assert asked <= 3 + 2 * lasted  # two a second, and the one that was due anyway
        assert at_the_end <= asked + 2
        assert len(host.sandbox.polls(named)) == at_the_end
