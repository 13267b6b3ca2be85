"""When the issuer's keys are fetched, on a clock of the test's own."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from acestep_mcp.hosted.issuer import Issuer, IssuerDown
from tests.hosted.house import listening
from tests.hosted.issuer import issuer

pytestmark = [pytest.mark.anyio, pytest.mark.attack]


class Time:
    """Seconds that pass when the test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_key_that_is_not_known_yet_is_asked_for_at_most_every_ten_seconds() -> None:
    time = Time()
    async with issuer() as keys:
        known = Issuer(keys.url, time)
        assert await known.key("k1") is not None
        keys.names = ["k1", "k2"]
        assert await known.key("k2") is None  # asked a moment ago
        time.now += 10
        assert await known.key("k2") is not None
        for number in range(100):
            assert await known.key(f"nobody's {number}") is None

        assert keys.asked == 2


async def test_a_withdrawn_key_counts_for_five_minutes_and_no_longer() -> None:
    time = Time()
    async with issuer() as keys:
        known = Issuer(keys.url, time)
        assert await known.key("k1") is not None
        keys.names = ["k2"]
        time.now += 299
        assert await known.key("k1") is not None
        time.now += 1
        assert await known.key("k1") is None


async def test_known_keys_outlive_an_outage_of_the_issuer_by_an_hour() -> None:
    time = Time()
    async with issuer() as keys:
        known = Issuer(keys.url, time)
        assert await known.key("k1") is not None
        keys.names = []
        time.now += 3599
        assert await known.key("k1") is not None
        with pytest.raises(IssuerDown):
            await known.key("k2")
        time.now += 1
        with pytest.raises(IssuerDown):
            await known.key("k1")
        keys.names = ["k1"]
        time.now += 10
        assert await known.key("k1") is not None


@asynccontextmanager
async def odd(body: Callable[[], AsyncIterator[bytes]]) -> AsyncIterator[str]:
    """An issuer that answers in a way of its own."""

    async def answer(_: Request) -> StreamingResponse:
        return StreamingResponse(body(), media_type="application/json")

    async with listening(Starlette(routes=[Route("/jwks.json", answer)])) as url:
        yield f"{url}/jwks.json"


async def huge() -> AsyncIterator[bytes]:
    for _ in range(64):
        yield b" " * 65_536


async def nested() -> AsyncIterator[bytes]:
    yield b"[" * 500_000


async def none_at_all() -> AsyncIterator[bytes]:
    yield b'["keys"]'


@pytest.mark.parametrize("body", [huge, nested, none_at_all])
async def test_what_is_no_set_of_keys_is_an_issuer_that_is_down(
    body: Callable[[], AsyncIterator[bytes]],
) -> None:
    async with odd(body) as url:
        with anyio.fail_after(4), pytest.raises(IssuerDown):
            await Issuer(url).key("k1")


async def test_a_set_of_keys_that_drips_ends_in_time_and_known_keys_serve_meanwhile() -> None:
    time = Time()
    async with issuer() as keys:
        known = Issuer(keys.url, time)
        assert await known.key("k1") is not None
        keys.drips = True
        time.now += 300

        async with anyio.create_task_group() as tasks:
            began = anyio.current_time()
            tasks.start_soon(known.key, "k1")
            await anyio.wait_all_tasks_blocked()
            for _ in range(100):
                assert await known.key("k1") is not None
            assert anyio.current_time() - began < 1
        assert anyio.current_time() - began < 6  # 5, and one for a busy machine
        keys.drips = False
        time.now += 10
        assert await known.key("k1") is not None
        assert keys.asked == 3
