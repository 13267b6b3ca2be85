"""When the issuer's keys are fetched, on a clock of the test's own."""

import pytest

from acestep_mcp.hosted.issuer import Issuer, IssuerDown
from tests.hosted.issuer import issuer

pytestmark = pytest.mark.anyio


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
