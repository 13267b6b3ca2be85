"""A callback arrives at any process; the one that follows the song hears of it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from acestep_mcp.clock import SystemClock
from acestep_mcp.domain.request import SongRequest
from acestep_mcp.domain.song import Owner, Song, SongId
from acestep_mcp.engine import Account, Engine, Terms
from acestep_mcp.engine.keyring import Keyring
from acestep_mcp.engine.live import Live
from acestep_mcp.engine.schedule import Schedule
from acestep_mcp.ledger import opened
from acestep_mcp.providers import Providers, Unanswered
from acestep_mcp.providers.pixazo.client import Gateway
from acestep_mcp.providers.pixazo.models import MODELS
from acestep_mcp.sandbox import Sandbox, reset_peer
from acestep_mcp.songcraft.prepare import prepare
from tests.house import KEY, gateway

pytestmark = pytest.mark.anyio

ALICE = Account(Owner("key-alice"), KEY)
BOB = Account(Owner("key-bob"), KEY)
NOBODY = Providers(Gateway("https://gateway.invalid", now=float))
NOWHERE = "http://127.0.0.1:9/never"


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return ""
    from tests.ledger.server import emptied

    return emptied().url()


@asynccontextmanager
async def process(
    sandbox: Sandbox,
    folder: Path,
    database: str = "",
    accounts: Sequence[Account] = (),
) -> AsyncIterator[Engine]:
    """A server's engine that asks to be called back and hardly ever asks by itself."""
    clock = SystemClock()
    engine = Engine(
        ledger=opened(folder / "ledger.sqlite3", database),
        providers=Providers(Gateway(sandbox.base_url, now=clock.now, webhook_mode="terminal")),
        library=None,
        clock=clock,
        terms=Terms(poll_interval=60.0),
        callback=lambda _owner, _song: NOWHERE,
    )
    async with engine.open(*accounts):
        yield engine


async def ordered(engine: Engine, account: Account = ALICE) -> Song:
    return (
        await engine.generate(
            account, prepare(SongRequest(prompt="A song"), MODELS, lambda: 0.5), wait=0
        )
    ).song


def awaited(engine: Engine, song: Song) -> bool:
    return bool(engine._registry.live(song).waiting)


async def test_a_callback_at_a_process_without_the_key_wakes_whoever_waits_at_the_others(
    tmp_path: Path, database: str
) -> None:
    async with (
        gateway() as sandbox,
        process(sandbox, tmp_path, database) as follows,
        process(sandbox, tmp_path, database) as called,
        process(sandbox, tmp_path, database) as shows,
    ):
        song = await ordered(follows)
        states: list[str] = []

        async def waits(at: Engine) -> None:
            states.append((await at.status(ALICE, song.handle, wait=10)).song.state)

        with anyio.fail_after(5):
            async with anyio.create_task_group() as waiting:
                waiting.start_soon(waits, follows)
                waiting.start_soon(waits, shows)
                while not (awaited(follows, song) and awaited(shows, song)):
                    await anyio.lowlevel.checkpoint()
                sandbox.complete(song.handle)
                assert called._keys.get(ALICE.owner) is None
                assert await called.hint(ALICE.owner, song.id, song.handle)

        assert states == ["COMPLETED", "COMPLETED"]
        assert len(sandbox.polls(song.handle)) == 1


async def test_a_callback_that_comes_while_the_gateway_is_asked_is_not_forgotten(
    tmp_path: Path,
) -> None:
    async with gateway() as sandbox, process(sandbox, tmp_path) as engine:
        song = await ordered(engine)
        live = engine._registry.live(song)
        await engine.hint(ALICE.owner, song.id, song.handle)
        await sandbox.arrived("status")
        # The answer under way says QUEUED; the song ends, and the gateway calls, before it is here.
        await engine.hint(ALICE.owner, song.id, song.handle)
        sandbox.complete(song.handle)
        with anyio.fail_after(5):
            while not live.over:
                await live.next_change()

        assert live.song.state == "COMPLETED"


async def test_a_flood_of_callbacks_is_no_flood_of_status_requests(tmp_path: Path) -> None:
    async with gateway() as sandbox, process(sandbox, tmp_path) as engine:
        song = await ordered(engine)
        with anyio.move_on_after(1.2):
            while True:
                await engine.hint(ALICE.owner, song.id, song.handle)

        assert 1 <= len(sandbox.polls(song.handle)) <= 4


async def test_a_callback_never_gives_one_song_the_id_of_another(tmp_path: Path) -> None:
    async with gateway() as sandbox, process(sandbox, tmp_path) as engine:
        known = await ordered(engine)
        sandbox.faults.add("submit", reset_peer("after"))
        wish = SongRequest(prompt="Another song")
        lost = (await engine.generate(ALICE, prepare(wish, MODELS, lambda: 0.5), wait=0)).song
        assert lost.state == "UNKNOWN"

        assert await engine.hint(ALICE.owner, lost.id, known.handle)
        assert (await engine.status(ALICE, lost.handle, wait=0)).song.state == "UNKNOWN"
        named = next(name for name in sandbox.jobs if name != known.handle)
        assert await engine.hint(ALICE.owner, lost.id, named)
        assert (await engine.status(ALICE, lost.handle, wait=0)).song.request_id == named


async def test_a_song_found_by_a_process_without_the_key_goes_on_where_its_owner_calls_next(
    tmp_path: Path,
) -> None:
    async with (
        gateway() as sandbox,
        process(sandbox, tmp_path) as called,
        process(sandbox, tmp_path) as visited,
    ):
        await ordered(called, BOB)  # it is alive, and known to be
        sandbox.faults.add("submit", reset_peer("after"))
        async with process(sandbox, tmp_path) as gone:
            lost = await ordered(gone)
        assert lost.state == "UNKNOWN"
        named = [*sandbox.jobs][-1]
        assert await called.hint(ALICE.owner, lost.id, named)
        sandbox.complete(named)
        with anyio.fail_after(5):
            found = (await visited.status(ALICE, lost.handle, wait=5)).song

        assert found.state == "COMPLETED"


class Hand(SystemClock):
    """A clock that is set by hand."""

    time = 0.0

    def monotonic(self) -> float:
        return self.time


def test_a_callers_key_is_kept_while_their_songs_run_and_for_a_lease_after_their_last_call() -> (
    None
):
    clock = Hand()
    keys = Keyring(clock, NOBODY)
    keys.add(ALICE)
    for time, busy, kept in ((9, (), True), (11, (ALICE.owner,), True), (12, (), False)):
        clock.time = time
        keys.forget(busy, since=clock.monotonic() - 10)
        assert (keys.get(ALICE.owner) is not None) is kept


async def test_the_processs_own_key_is_never_forgotten(tmp_path: Path) -> None:
    async with gateway() as sandbox, process(sandbox, tmp_path, accounts=[ALICE]) as engine:
        await engine._lease._take_over()

        assert engine._keys.get(ALICE.owner) is not None


def test_where_the_gateway_calls_back_it_is_asked_three_times_less_often() -> None:
    pauses = []
    for called_back in (False, True):
        schedule = scheduled(callbacks=called_back)
        live = Live(song_of_age(300.0))
        schedule.begin(live, [1.0, 1.0, 1.0])  # such songs took a second: none ends this late
        schedule.known(live)
        pauses.append(live.polling.due - live.polling.asked_at)

    assert pauses == pytest.approx([5.0, 15.0], rel=0.01)


def test_what_is_learnt_of_such_songs_puts_no_failed_question_off() -> None:
    """It may be learnt while that question is under way, and an old song's pause is minutes."""
    schedule = scheduled()
    live = Live(song_of_age(86_400.0))
    schedule.unanswered(live, Unanswered("no reply"))
    due = live.polling.due
    schedule.begin(live, [])

    assert live.polling.due == due <= live.polling.asked_at + 1.0


def scheduled(*, callbacks: bool = False) -> Schedule:
    return Schedule(SystemClock(), Terms(poll_interval=5.0), NOBODY, callbacks=callbacks)


def song_of_age(age: float) -> Song:
    return Song(
        id=SongId("local-1"),
        owner=ALICE.owner,
        fingerprint="",
        provider="pixazo",
        model="ace-step-xl",
        title="",
        payload={},
        tracks=1,
        state="PROCESSING",
        created_at=SystemClock().now() - age,
        worker="",
        saving="off",
    )
