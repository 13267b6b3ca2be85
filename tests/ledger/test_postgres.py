"""What only PostgreSQL can do to a ledger: go away, come back, and keep a password."""

import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from acestep_mcp import ledger as package
from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.domain.song import RequestId, Song, accepted, sending
from acestep_mcp.ledger import InDoubt, Ledger, opened, schema, statements
from acestep_mcp.ledger.driver import Transaction, answering_by
from acestep_mcp.settings import SettingsError
from tests.ledger.crowd import NOW, OWNERS, song
from tests.ledger.server import PostgreSQL, emptied

pytestmark = pytest.mark.anyio

ME = OWNERS[0]
NO_FILE = Path("/nowhere")
Connect = Callable[..., Ledger]


@pytest.fixture
def server() -> PostgreSQL:
    return emptied()


@pytest.fixture
async def connect(server: PostgreSQL) -> AsyncIterator[Connect]:
    """Opens the test's ledger once more, as another process would."""
    ledgers: list[Ledger] = []

    def another(url: str = "") -> Ledger:
        ledgers.append(opened(NO_FILE, url or server.url()))
        return ledgers[-1]

    yield another
    for ledger in ledgers:
        await ledger.close()


@pytest.fixture
def ledger(connect: Connect) -> Ledger:
    return connect()


@pytest.fixture
def engine() -> ModuleType:
    from acestep_mcp.ledger import postgres

    return postgres


async def reserve(ledger: Ledger, name: str, **fields: Any) -> None:
    await ledger.reserve(song(name, **fields), limit=0, reuse=True, lease=10.0)


async def test_a_refused_connection_is_one_line_without_the_password(server: PostgreSQL) -> None:
    secret = "hunter2"
    wrong = server.url(password=secret)
    gone = wrong.replace(f":{server.port}/", ":1/")
    causes = []
    for url in (wrong, gone, wrong.replace("127.0.0.1", "host.invalid"), server.url("nobody")):
        with pytest.raises(LedgerDown) as down:
            await opened(NO_FILE, url).find(ME, "x")
        causes.append(down.value.cause)

    assert causes[0] == 'PostgreSQL: password authentication failed for user "acestep"'
    assert causes[1] == "PostgreSQL: Connection refused"
    assert "host.invalid" in causes[2]
    assert causes[3] == 'PostgreSQL: database "nobody" does not exist'
    assert not any(secret in cause or server.password in cause for cause in causes)


@pytest.mark.parametrize("url", ["postgresql://u:a b@h/d", "postgresql://u:p@h/d?frob=hunter2"])
def test_a_url_that_libpq_refuses_is_not_quoted(url: str) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(SettingsError, match="ACESTEP_DATABASE_URL is not usable") as refused:
        opened(NO_FILE, url)

    assert "hunter2" not in str(refused.value)
    assert "a b" not in str(refused.value)


def test_the_driver_never_shows_the_password() -> None:
    pytest.importorskip("psycopg")

    assert "hunter2" not in repr(opened(NO_FILE, "postgresql://u:hunter2@h/d"))


def test_without_the_extra_one_line_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "acestep_mcp.ledger.postgres", raising=False)
    monkeypatch.delattr(package, "postgres", raising=False)
    with pytest.raises(SettingsError, match=r"pip install 'acestep-mcp\[postgres\]'"):
        opened(NO_FILE, "postgresql://h/d")


def test_the_driver_is_imported_only_when_the_url_asks_for_it() -> None:
    code = (
        "import sys; from acestep_mcp import server, settings; "
        "server.build(settings.read({'PIXAZO_API_KEY': 'k'})); print('psycopg' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


async def test_every_transaction_is_durable_whatever_the_databases_default(
    connect: Connect, server: PostgreSQL
) -> None:
    lax = connect(f"{server.url()}?options=-csynchronous_commit%3Doff")
    sql = "select current_setting('synchronous_commit') as durable"
    rows = await lax.driver.write(lambda tx: tx.all(sql))

    assert [row["durable"] for row in rows] == ["on"]


async def test_processes_that_come_at_once_make_the_tables_once(connect: Connect) -> None:
    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(reserve, connect(), f"local-{number}")

    rows = await connect().driver.read(lambda tx: tx.all("select version from meta"))
    assert len(rows) == 1


async def test_a_user_who_may_create_nothing_can_use_the_ledger_once_it_is_there(
    ledger: Ledger, connect: Connect, server: PostgreSQL
) -> None:
    await reserve(ledger, "local-1")

    def grant(tx: Transaction) -> None:
        tx.run("drop role if exists clerk")
        tx.run(f"create role clerk login password '{server.password}'")
        tx.run("grant usage on schema acestep to clerk")
        tx.run("grant select, insert, update, delete on all tables in schema acestep to clerk")

    await ledger.driver.write(grant)
    clerk = connect(server.url().replace("//acestep:", "//clerk:"))
    await reserve(clerk, "local-2")
    assert await clerk.find(ME, "local-2") is not None
    await clerk.close()
    await ledger.driver.write(lambda tx: tx.run("drop owned by clerk"))


async def test_an_upgrade_that_takes_longer_than_a_call_may_is_not_cut_off(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would begin anew with every call, and never end."""
    await connect().find(ME, "x")  # the tables are there
    steps = (*schema.STEPS, ("select pg_sleep(2.5)",))
    monkeypatch.setattr(schema, "STEPS", steps)
    new = connect()
    with anyio.fail_after(20), answering_by(anyio.current_time() + 0.5):
        assert await new.find(ME, "x") is None


async def test_connections_that_died_in_the_pool_are_replaced_unnoticed(
    ledger: Ledger, connect: Connect
) -> None:
    await reserve(ledger, "local-1")
    await connect().driver.write(_end_all_other_sessions)

    await reserve(ledger, "local-2", fingerprint="2")
    assert await ledger.find(ME, "local-2") is not None


def _end_all_other_sessions(tx: Transaction) -> None:
    tx.all(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
        "where pid <> pg_backend_pid() and usename = current_user"
    )


@pytest.mark.parametrize("took_effect", [True, False])
async def test_a_connection_lost_in_the_commit_leaves_one_song_and_no_question(
    ledger: Ledger, engine: ModuleType, monkeypatch: pytest.MonkeyPatch, took_effect: bool
) -> None:
    await ledger.find(ME, "x")  # the tables are there
    end = "select pg_terminate_backend(pg_backend_pid())"
    fatal = [f"commit; {end}" if took_effect else f"{end}; commit"] * 2
    normal = engine.ending
    monkeypatch.setattr(engine, "ending", lambda told: fatal.pop() if fatal else normal(told))
    with pytest.raises(InDoubt, match="PostgreSQL: terminating connection"):
        await ledger.driver.write(lambda tx: tx.run("delete from worker"))

    await reserve(ledger, "local-1")
    assert fatal == []
    there = await ledger.find(ME, "local-1")
    assert there is not None
    assert (there.state, there.version) == ("intent", 0)


async def test_a_song_is_adopted_once_while_its_own_process_hears_the_gateways_reply(
    ledger: Ledger, connect: Connect
) -> None:
    await reserve(ledger, "local-1")
    await ledger.change(ME, "local-1", partial(sending, now=NOW, worker="w"))
    adopting, hold = anyio.Event(), threading.Event()
    stranger = song("local-2", state="QUEUED", request_id=RequestId("g"), fingerprint="")

    def slowly(tx: Transaction) -> None:
        package._adopt(stranger, tx)
        anyio.from_thread.run_sync(adopting.set)
        hold.wait(10)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(connect().driver.write, slowly)
        await adopting.wait()
        fact = partial(accepted, request_id=RequestId("g"), now=NOW, worker="w")
        tasks.start_soon(ledger.change, ME, "local-1", fact)
        await _somebody_waits_for_a_lock(connect())
        hold.set()

    page = await ledger.page(ME, limit=5)
    assert [each.id for each in page.songs] == ["local-1"]


async def _somebody_waits_for_a_lock(ledger: Ledger) -> None:
    sql = "select 1 from pg_locks where not granted and locktype = 'advisory'"
    with anyio.fail_after(5):
        while not await ledger.driver.read(lambda tx: tx.all(sql)):
            await anyio.lowlevel.checkpoint()


async def test_what_another_has_in_hand_is_left_out_of_a_claim(
    ledger: Ledger, connect: Connect
) -> None:
    await reserve(ledger, "local-1", state="QUEUED")
    await reserve(ledger, "local-2", state="QUEUED", fingerprint="2")
    held, hold = anyio.Event(), threading.Event()

    def at_work(tx: Transaction) -> None:
        tx.run("update song set version = version where id = 'local-1'")
        anyio.from_thread.run_sync(held.set)
        hold.wait(10)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(connect().driver.write, at_work)
        await held.wait()
        taken = await ledger.claim([ME], "heir", NOW + 11, 20.0, unsaved=False)
        hold.set()

    assert [each.id for each in taken] == ["local-2"]


async def test_of_two_claims_at_once_the_later_one_sees_what_the_earlier_one_took(
    ledger: Ledger, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reserve(ledger, "local-1", state="QUEUED")
    held, hold = anyio.Event(), threading.Event()

    def holding(tx: Transaction) -> None:
        tx.all("select pg_advisory_xact_lock(42)")
        anyio.from_thread.run_sync(held.set)
        hold.wait(10)

    late: list[Song] = []

    async def claim_late() -> None:
        late.extend(await connect().claim([ME], "late", NOW + 11, 20.0, unsaved=False))

    # Its select has begun, and so sees the worker table as it was, before the other one commits.
    lock = "and (select pg_advisory_xact_lock(42)) is not null"
    slow = statements.LEFT.replace("order by", f"{lock} order by")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(connect().driver.write, holding)
        await held.wait()
        with monkeypatch.context() as patch:
            patch.setattr(statements, "LEFT", slow)
            tasks.start_soon(claim_late)
            await _somebody_waits_for_a_lock(connect())
        first = await ledger.claim([ME], "heir", NOW + 11, 20.0, unsaved=False)
        hold.set()

    assert [each.worker for each in first] == ["heir"]
    assert late == []


async def test_while_the_database_is_down_it_says_so_and_afterwards_nothing_is_lost(
    ledger: Ledger, server: PostgreSQL
) -> None:
    written: set[str] = set()
    refused: list[str] = []
    restarted = anyio.Event()

    async def order(worker: int) -> None:
        number = 0
        while not restarted.is_set() or number % 10:
            number += 1
            name = f"local-{worker}-{number}"
            try:
                await reserve(ledger, name)
                await ledger.change(ME, name, partial(sending, now=NOW, worker="w"))
            except LedgerDown as down:
                refused.append(down.cause)
            else:
                written.add(name)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for worker in range(3):
                tasks.start_soon(order, worker)
            for stop in ("immediate", "fast"):
                await anyio.to_thread.run_sync(server.stop, stop)
                with pytest.raises(LedgerDown):
                    await ledger.find(ME, "x")
                await anyio.to_thread.run_sync(server.start)
            restarted.set()

    assert written
    assert refused
    assert all(cause.startswith("PostgreSQL: ") and "\n" not in cause for cause in refused)
    for name in written:
        found = await ledger.find(ME, name)
        assert found is not None
        assert found.state == "sending"


async def test_after_the_listening_connection_broke_everything_may_have_changed(
    ledger: Ledger, connect: Connect, engine: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "RECONNECT", 0.0)
    await reserve(ledger, "local-1")
    with anyio.fail_after(10):
        async with aclosing(connect().changes(anyio.lowlevel.checkpoint)) as changes:
            assert await anext(changes) is None
            await ledger.driver.write(_end_all_other_sessions)
            assert await anext(changes) is None
            await ledger.change(ME, "local-1", partial(sending, now=NOW, worker="w"))
            assert await anext(changes) == "local-1"


async def test_a_silent_listening_connection_is_asked_whether_it_lives(
    ledger: Ledger, connect: Connect, engine: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "KEEP_ALIVE", 0.01)
    await reserve(ledger, "local-1")
    with anyio.fail_after(10):
        async with aclosing(connect().changes(anyio.lowlevel.checkpoint)) as changes:
            assert [await anext(changes) for _ in range(3)] == [None, None, None]
            await ledger.change(ME, "local-1", partial(sending, now=NOW, worker="w"))
            heard = [await anext(changes) for _ in range(3)]

    assert set(heard) <= {"local-1", None}


async def test_nothing_is_told_of_a_change_that_was_not_committed(
    ledger: Ledger, connect: Connect
) -> None:
    await reserve(ledger, "local-1")
    await reserve(ledger, "local-2", fingerprint="2")

    def undone(tx: Transaction) -> None:
        package._change(ME, "local-1", partial(sending, now=NOW, worker="w"), None, tx)
        raise LedgerDown("a fault after the change")

    with anyio.fail_after(10):
        async with aclosing(connect().changes(anyio.lowlevel.checkpoint)) as changes:
            assert await anext(changes) is None
            with pytest.raises(LedgerDown):
                await ledger.driver.write(undone)
            await ledger.forget(ME, song("local-2").id)
            assert await anext(changes) == "local-2"


def test_named_parameters_are_translated_and_quoted_text_is_not() -> None:
    pytest.importorskip("psycopg")
    from acestep_mcp.ledger.postgres import _with_places

    assert _with_places("a = :a_b and b like '%:x' or c::text % :d") == (
        "a = %(a_b)s and b like '%%:x' or c::text %% %(d)s"
    )
