"""Several hosted servers on one PostgreSQL: any of them answers, and a dead one is replaced."""

from pathlib import Path
from typing import Any

import anyio
import pytest

from acestep_mcp import server, settings
from acestep_mcp.clock import SystemClock
from acestep_mcp.domain.errors import CouldNotSend
from acestep_mcp.domain.request import SongRequest
from acestep_mcp.domain.song import Owner
from acestep_mcp.engine import Account, Engine, Terms
from acestep_mcp.ledger import Ledger, opened, postgres
from acestep_mcp.providers import Providers
from acestep_mcp.providers.pixazo.client import Gateway
from acestep_mcp.providers.pixazo.models import MODELS
from acestep_mcp.sandbox import Sandbox
from acestep_mcp.songcraft.prepare import prepare
from tests.house import KEY, environment, gateway
from tests.ledger.server import emptied

pytestmark = pytest.mark.anyio

ALICE = Account(Owner("sub-alice"), KEY)


@pytest.fixture
def database() -> str:
    return emptied().url()


def replica(sandbox: Sandbox, database: str, *, interval: float = 0.05) -> Engine:
    """The engine of one server process; it may follow anybody's songs with the server's key."""
    clock = SystemClock()
    return Engine(
        ledger=opened(Path("unused"), database),
        providers=Providers(Gateway(sandbox.base_url, now=clock.now)),
        library=None,
        clock=clock,
        terms=Terms(poll_interval=interval, lease=0.6),
        callback=lambda _owner, _song: "http://127.0.0.1:9/never",
        steward=lambda owner: Account(owner, KEY),
    )


def wanted(number: int = 0) -> Any:
    return prepare(SongRequest(prompt=f"Song {number}"), MODELS, lambda: 0.5)


async def test_what_one_replica_submits_another_waits_for_and_tells(database: str) -> None:
    async with gateway() as sandbox:
        one, two = replica(sandbox, database), replica(sandbox, database)
        async with one.open(ALICE), two.open(ALICE), anyio.create_task_group() as tasks:
            song = (await one.generate(ALICE, wanted(), wait=0)).song

            async def waits() -> None:
                seen = (await two.status(ALICE, song.handle, wait=10)).song
                assert seen.state == "COMPLETED"
                assert seen.worker == song.worker  # told by the ledger, not asked for again

            tasks.start_soon(waits)
            sandbox.complete(song.handle)


async def test_who_asks_another_replica_without_waiting_is_answered_at_once(database: str) -> None:
    async with gateway() as sandbox:
        one, two = replica(sandbox, database), replica(sandbox, database)
        async with one.open(ALICE), two.open(ALICE):
            song = (await one.generate(ALICE, wanted(), wait=0)).song
            await two.status(ALICE, song.handle, wait=0)  # connects
            with anyio.fail_after(1):
                seen = (await two.status(ALICE, song.handle, wait=0)).song

        assert seen.state == "QUEUED"


async def test_what_one_replica_has_just_heard_another_does_not_ask_again(database: str) -> None:
    """A question of its own would change the row, and the first would ask at once, too."""
    async with gateway() as sandbox:
        one, two = (replica(sandbox, database, interval=60) for _ in range(2))
        async with one.open(ALICE), two.open(ALICE):
            song = (await one.generate(ALICE, wanted(), wait=0)).song
            seen = (await two.status(ALICE, song.handle, wait=0)).song

        assert seen.state == "QUEUED"
        assert not sandbox.polls()


async def test_where_no_notification_arrives_a_callback_is_acted_on_within_two_seconds(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a pooler, which takes LISTEN and delivers nothing."""
    monkeypatch.setattr(postgres, "ending", lambda _told: "commit")
    async with gateway() as sandbox:
        one, two, three = (replica(sandbox, database, interval=60) for _ in range(3))
        async with one.open(ALICE), two.open(ALICE), three.open(ALICE):
            song = (await one.generate(ALICE, wanted(), wait=0)).song
            sandbox.complete(song.handle)
            await two.hint(ALICE.owner, song.id, song.handle)
            with anyio.fail_after(2.5):
                seen = (await three.status(ALICE, song.handle, wait=10)).song

        assert seen.state == "COMPLETED"


async def test_the_same_request_at_two_replicas_is_one_submission(database: str) -> None:
    async with gateway() as sandbox:
        one, two = replica(sandbox, database), replica(sandbox, database)
        async with one.open(), two.open():
            handles: list[str] = []

            async def orders(engine: Engine) -> None:
                handles.append((await engine.generate(ALICE, wanted(), wait=0)).song.handle)

            async with anyio.create_task_group() as tasks:
                for engine in (one, two) * 8:
                    tasks.start_soon(orders, engine)

        assert len(sandbox.submissions) == 1
        assert set(handles) == set(sandbox.jobs)


async def test_who_waits_for_an_order_that_its_own_replica_gave_up_is_told_at_once(
    database: str,
) -> None:
    """As after a database failure: the intent is dropped when the ledger takes changes again."""
    async with gateway() as sandbox:
        engine = replica(sandbox, database)
        async with engine.open(ALICE), anyio.create_task_group() as tasks:
            intent = engine._intent(ALICE, wanted())
            await engine._ledger.reserve(intent, limit=0, reuse=True, lease=60.0)

            async def waits() -> None:
                with anyio.fail_after(5), pytest.raises(CouldNotSend):
                    await engine.status(ALICE, intent.handle, wait=30)

            tasks.start_soon(waits)
            while not engine._registry.owners:
                await anyio.lowlevel.checkpoint()
            await engine._ledger.forget(ALICE.owner, intent.id)

        assert sandbox.submissions == []


async def test_the_songs_of_a_dead_replica_are_followed_by_another_within_its_lease(
    database: str,
) -> None:
    async with gateway() as sandbox:
        dead = replica(sandbox, database, interval=60)
        with anyio.CancelScope() as killed:
            async with dead.open():
                song = (await dead.generate(ALICE, wanted(), wait=0)).song
                dead._lease.give_up = _nothing  # type: ignore[method-assign]  # as after SIGKILL
                killed.cancel()
                await anyio.lowlevel.checkpoint()
        sandbox.complete(song.handle)
        ledger: Ledger = opened(Path("unused"), database)
        async with replica(sandbox, database).open():  # knows nothing of Alice
            with anyio.fail_after(5):
                while (found := await ledger.find(ALICE.owner, song.handle)) is None or (  # noqa: ASYNC110  # the ledger of another process
                    not found.ended
                ):
                    await anyio.sleep(0.05)  # the ledger is another process's
        await ledger.close()

        assert found.state == "COMPLETED"
        assert found.worker != song.worker
        assert len(sandbox.submissions) == 1


async def _nothing() -> None: ...


async def test_a_server_on_a_database_url_makes_a_song(tmp_path: Path, database: str) -> None:
    async with gateway() as sandbox:
        environ = environment(sandbox.base_url, tmp_path, ACESTEP_DATABASE_URL=database)
        app = server.build(settings.read(environ))
        async with app.running():
            song = (await app.engine.generate(app.account, wanted(), wait=0)).song

        assert song.request_id in sandbox.jobs
        assert not (tmp_path / "data").exists()
