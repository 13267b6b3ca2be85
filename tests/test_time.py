"""Clocks are set, in both directions and at any moment, and no song is the worse for it."""

from email.utils import formatdate
from pathlib import Path

import anyio
import pytest

from acestep_mcp.clock import Jumps, SystemClock
from acestep_mcp.ledger import Ledger, opened
from acestep_mcp.sandbox import Sandbox, reply, reset_peer
from tests.house import Wall, environment, gateway, house, served, shown, text

pytestmark = pytest.mark.anyio
HOUR = 3_600.0
STEPS = pytest.mark.parametrize("step", [-6 * HOUR, -HOUR, -1.0, 1.0, HOUR, 6 * HOUR])


@STEPS
async def test_a_wait_on_a_running_song_asks_the_gateway_whatever_happens_to_the_clock(
    tmp_path: Path, step: float
) -> None:
    clock = Wall()
    async with house(tmp_path, clock=clock) as home:
        handle = shown(await home.generate())["request_id"]
        await home.sandbox.arrived("status")
        clock.ahead += step
        home.sandbox.complete(handle)
        with anyio.fail_after(5):
            found = shown(await home.status(handle, wait=12))

        assert found["status"] == "COMPLETED"


@STEPS
async def test_an_order_placed_after_the_clock_was_set_is_asked_about_as_usual(
    tmp_path: Path, step: float
) -> None:
    clock = Wall()
    async with house(tmp_path, clock=clock) as home:
        clock.ahead += step
        handle = shown(await home.generate())["request_id"]
        with anyio.fail_after(5):
            await home.sandbox.arrived("status", 2)

        assert home.sandbox.polls(handle)


async def test_a_lease_from_a_clock_that_ran_ahead_keeps_nobody_from_a_dead_processs_song(
    tmp_path: Path,
) -> None:
    clock = Wall()
    clock.ahead = 6 * HOUR
    async with gateway() as sandbox:
        async with served(sandbox, tmp_path, clock=clock) as first:
            handle = shown(await first.generate())["request_id"]
            left = await first.app.engine.song(first.app.account, handle)
        assert left is not None
        await with_dead_worker(tmp_path, sandbox, left.worker, at=clock.now())
        asked = len(sandbox.polls(handle))
        async with served(sandbox, tmp_path) as second:
            with anyio.fail_after(5):
                await sandbox.arrived("status", asked + 2)
            taken = await second.app.engine.song(second.app.account, handle)

        assert taken is not None
        assert taken.worker not in ("", left.worker)


async def with_dead_worker(folder: Path, sandbox: Sandbox, worker: str, at: float) -> None:
    """The ledger as a process leaves it that is killed: with its lease, by its clock."""
    ledger = there(folder, sandbox)
    await ledger.beat(worker, at, 10.0)
    await ledger.close()


def there(folder: Path, sandbox: Sandbox) -> Ledger:
    return opened(Path(environment(sandbox.base_url, folder)["ACESTEP_DATA_DIR"], "ledger.sqlite3"))


class Hurried(SystemClock):
    """A machine on which everything but the network goes ten times faster."""

    def now(self) -> float:
        return super().now() * 10

    def monotonic(self) -> float:
        return super().monotonic() * 10

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 10)


@pytest.mark.parametrize(
    "header",
    ["0", "0.000001", "-3", "soon", formatdate(0, usegmt=True), formatdate(1e9, usegmt=True)],
)
async def test_a_gateway_that_says_come_back_at_once_is_sent_no_more_than_five_in_ten_seconds(
    tmp_path: Path, header: str
) -> None:
    async with house(tmp_path, clock=Hurried()) as home:
        busy = reply(429, b"busy", headers={"Retry-After": header})
        home.sandbox.faults.add("submit", busy, times=None)
        answer = await home.generate(wait=15)  # room for a second one on a busy machine

        assert answer.is_error
        assert "429" in text(answer)
        assert 2 <= home.posts <= 5


async def test_retry_after_as_a_date_is_read_by_the_gateways_clock_where_it_tells_it(
    tmp_path: Path,
) -> None:
    clock = Wall()
    clock.ahead = -6 * HOUR
    async with house(tmp_path, clock=clock) as home:
        there_now = SystemClock().now()
        dates = {"Date": formatdate(there_now, usegmt=True)}
        dates["Retry-After"] = formatdate(there_now + 1, usegmt=True)
        home.sandbox.faults.add("submit", reply(429, b"busy", headers=dates))
        with anyio.fail_after(10):
            answer = shown(await home.generate(wait=3))

        assert answer["status"] in ("QUEUED", "PROCESSING")
        assert home.posts == 2


@pytest.mark.parametrize("asking", ["get_status", "list_outputs"])
async def test_what_is_said_of_a_running_song_is_never_older_than_the_poll_interval(
    tmp_path: Path, asking: str
) -> None:
    async with gateway() as sandbox:
        async with served(sandbox, tmp_path) as first:
            handle = shown(await first.generate())["request_id"]
            left = await first.app.engine.song(first.app.account, handle)
        assert left is not None
        # Its process seems to be alive, and looks after the song no more.
        await with_dead_worker(tmp_path, sandbox, left.worker, at=SystemClock().now())
        sandbox.complete(handle)
        later = Wall()
        later.ahead = 6.0  # by the time of the day, the row is older than the interval
        async with served(sandbox, tmp_path, clock=later, ACESTEP_POLL_INTERVAL="5") as second:
            if asking == "get_status":
                found = shown(await second.status(handle))
            else:
                (found,) = shown(await second.call("list_outputs"))["songs"]

        assert found["status"] == "COMPLETED"
        assert found["request_id"] == handle


async def test_many_who_ask_at_once_lead_to_one_question(tmp_path: Path) -> None:
    async with gateway() as sandbox:
        async with served(sandbox, tmp_path) as first:
            handle = shown(await first.generate())["request_id"]
            left = await first.app.engine.song(first.app.account, handle)
        assert left is not None
        await with_dead_worker(tmp_path, sandbox, left.worker, at=SystemClock().now())
        later = Wall()
        later.ahead = 6.0
        async with served(sandbox, tmp_path, clock=later, ACESTEP_POLL_INTERVAL="5") as second:
            before = len(sandbox.polls(handle))
            async with anyio.create_task_group() as tasks:
                for _ in range(20):
                    tasks.start_soon(second.status, handle)

        assert len(sandbox.polls(handle)) - before == 1


async def test_an_unknown_outcome_stays_young_when_the_clock_is_set_forward(
    tmp_path: Path,
) -> None:
    clock = Wall()
    async with house(tmp_path, clock=clock) as home:
        home.sandbox.faults.add("submit", reset_peer("after"))
        first = shown(await home.generate())
        clock.ahead += HOUR
        again = shown(await home.generate())

        assert first["status"] == again["status"] == "UNKNOWN"
        assert again["request_id"] == first["request_id"]
        assert home.posts == 1


def test_a_clock_that_is_set_back_and_then_right_makes_nothing_older_than_it_is() -> None:
    clock = Wall()
    jumps = Jumps(clock)
    written = clock.now()
    clock.ahead -= 2 * HOUR
    assert written > jumps.ago(600)
    clock.ahead += 2 * HOUR
    assert written > jumps.ago(600)
    clock.ahead += 2 * HOUR

    assert written > jumps.ago(600)


async def test_a_song_from_the_future_is_told_and_followed(tmp_path: Path) -> None:
    clock = Wall()
    clock.ahead = 24 * HOUR
    async with gateway() as sandbox:
        async with served(sandbox, tmp_path, clock=clock) as first:
            handle = shown(await first.generate())["request_id"]
        sandbox.complete(handle)
        async with served(sandbox, tmp_path) as second:
            with anyio.fail_after(8):
                found = shown(await second.status(handle, wait=5))

        assert found["status"] == "COMPLETED"
