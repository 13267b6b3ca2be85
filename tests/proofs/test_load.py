"""A thousand songs at once: what they cost, how fast they are told, and how little is asked."""

import json
import sys
from email.utils import formatdate
from pathlib import Path
from typing import Any

import anyio
import pytest
import trio
from trio.testing import MockClock

from acestep_mcp.providers.bodies import Reply
from tests.house import gateway
from tests.proofs.crowd import EPOCH, Answer, Asked, busiest, failing, running, virtual
from tests.proofs.test_processes import memory

__all__ = ["memory"]
pytestmark = pytest.mark.proof

SONGS = 1_000
HOUR = 3_600.0


def asked_for(answer: Answer, songs: int, seconds: float, **terms: Any) -> list[Asked]:
    """The status requests of so many virtual seconds."""

    async def run() -> list[Asked]:
        async with virtual(answer, songs, **terms) as http:
            await trio.sleep(seconds)
            return list(http.asked)

    return trio.run(run, clock=MockClock(autojump_threshold=0))


@pytest.mark.anyio
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
async def test_a_thousand_songs_followed_cost_30_mib_and_50_ms_a_second_at_most(
    memory: Path,  # the fixture
) -> None:
    async with gateway() as sandbox:
        command = [sys.executable, "-m", "tests.proofs.crowd", sandbox.base_url, str(memory)]
        with anyio.fail_after(120):
            done = await anyio.run_process([*command, str(SONGS)], stderr=None)
        found = json.loads(done.stdout)
        print(found)

        assert len(sandbox.jobs) == SONGS + 1
        assert found["over idle"] <= 30
        assert found["asked"] >= 5, "they were asked about meanwhile"
        assert found["cpu"] <= 50


@pytest.mark.parametrize("rate", [1.0, 10.0])
def test_a_thousand_songs_never_exceed_the_status_rate_in_any_second(rate: float) -> None:
    asked = asked_for(running, SONGS, 600, status_rate=rate)
    print(f"{len(asked)} requests, {busiest(asked)} in the busiest second")

    assert busiest(asked) <= rate
    assert len(asked) >= 0.9 * 600 * rate, "the budget is used"
    assert rate < 10 or len({each.song for each in asked}) == SONGS, "and no song is forgotten"


@pytest.mark.parametrize(("songs", "late"), [(1, 0), (20, 0), (SONGS, 0), (1, HOUR), (20, HOUR)])
def test_a_gateway_that_fails_for_an_hour_is_asked_no_more_than_a_tenth_more_often(
    songs: int, late: float
) -> None:
    """Beyond the ten quick retries that a process has to begin with, which is all for one song."""

    def breaking(asked: Asked, number: int) -> Reply:
        return failing(asked, number) if asked.at >= late else running(asked, number)

    normal, failed = (
        sum(late <= each.at for each in asked_for(answer, songs, late + HOUR))
        for answer in (running, breaking)
    )
    print(f"{songs} songs: {normal} requests in a normal hour, {failed} in one of failures")

    assert failed <= 1.1 * normal + (10 if songs == 1 else 0)


@pytest.mark.parametrize("songs", [1, SONGS])
@pytest.mark.parametrize("header", ["30", "date"])
def test_nothing_is_asked_before_retry_after_has_passed(songs: int, header: str) -> None:
    """The gateway says it once in fifty requests; all songs heed it."""
    holds: list[float] = []

    def holding(asked: Asked, number: int) -> Reply:
        if number % 50:
            return running(asked, number)
        holds.append(asked.at)
        return Reply(429, {"retry-after": "30" if header == "30" else _date(asked.at + 30)}, b"")

    asked = asked_for(holding, songs, HOUR)
    early = [each for each in asked for hold in holds if hold < each.at < hold + 29]

    assert len(holds) >= 2
    assert early == []


def _date(at: float) -> str:
    return formatdate(EPOCH + at, usegmt=True)
