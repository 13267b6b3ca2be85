"""What every ledger engine must do, asked of both."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from acestep_mcp.domain.errors import LedgerDown, LimitReached
from acestep_mcp.domain.song import (
    Observation,
    Owner,
    RequestId,
    Song,
    SongId,
    accepted,
    delivered,
    observed,
    sending,
    unknown,
)
from acestep_mcp.engine import following
from acestep_mcp.ledger import WINDOW, InDoubt, Ledger, opened, schema
from acestep_mcp.ledger.driver import Driver, Transaction
from acestep_mcp.ledger.rows import to_row
from acestep_mcp.ledger.sqlite import SqliteDriver
from acestep_mcp.ledger.statements import BEAT, INSERT
from acestep_mcp.sandbox import Sandbox
from tests.house import House, gateway, served, shown
from tests.ledger import crowd
from tests.ledger.server import emptied

pytestmark = pytest.mark.anyio

T = TypeVar("T")
Connect = Callable[[], Ledger]
ME, OTHER = Owner("me"), Owner("other")
NOW = 1_800_000_000.0


def song(number: int = 1, **fields: Any) -> Song:
    plain: dict[str, Any] = {
        "id": SongId(f"local-{number}"),
        "owner": ME,
        "fingerprint": "same",
        "provider": "pixazo",
        "model": "ace-step-xl",
        "title": "",
        "payload": {"prompt": "p"},
        "tracks": 1,
        "state": "intent",
        "created_at": NOW,
        "updated_at": NOW,
        "worker": "w",
    }
    return Song(**{**plain, **fields})


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """Where the ledger is; `""` for the SQLite file."""
    return emptied().url() if request.param == "postgres" else ""


@pytest.fixture
async def connect(url: str, tmp_path: Path) -> AsyncIterator[Connect]:
    """Opens the test's ledger once more, as another process would."""
    ledgers: list[Ledger] = []

    def another() -> Ledger:
        ledgers.append(opened(tmp_path / "deep" / "ledger.sqlite3", url))
        return ledgers[-1]

    yield another
    for ledger in ledgers:
        await ledger.close()


@pytest.fixture
def ledger(connect: Connect) -> Ledger:
    return connect()


async def reserve(ledger: Ledger, new: Song, **options: Any) -> Song:
    terms: dict[str, Any] = {"limit": 0, "reuse": True, "lease": 10.0}
    return await ledger.reserve(new, **{**terms, **options})


async def test_a_song_comes_back_as_it_was_written(ledger: Ledger) -> None:
    full = song(
        title="Ω “x”",
        payload={"prompt": "p", "duration": 60.5, "thinking": True},
        media_urls=("https://a/b",),
        files=("/x/y",),
        warnings=("w",),
        saving="wanted",
        completed_at=NOW,
    )
    await reserve(ledger, full)

    assert await ledger.find(ME, full.id) == full


async def test_the_file_and_its_folder_are_private(tmp_path: Path) -> None:
    ledger = opened(tmp_path / "deep" / "ledger.sqlite3")
    await reserve(ledger, song())
    await ledger.close()

    assert (tmp_path / "deep").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "deep" / "ledger.sqlite3").stat().st_mode & 0o777 == 0o600


async def test_nothing_of_one_owner_is_seen_or_changed_by_another(ledger: Ledger) -> None:
    mine = await reserve(ledger, song(request_id=RequestId("r")))

    assert await ledger.find(OTHER, "r") is None
    assert await ledger.find(OTHER, mine.id) is None
    assert await ledger.change(OTHER, mine.id, partial(sending, now=NOW, worker="w")) is None
    await ledger.forget(OTHER, mine.id)
    assert (await ledger.page(OTHER, limit=5)).total == 0
    assert await ledger.claim([OTHER], "w2", NOW + 99, 1.0, unsaved=False) == ()
    twin = song(2, owner=OTHER)
    assert (await reserve(ledger, twin)).id == twin.id
    assert (await ledger.find(ME, mine.id)) == mine


@pytest.mark.parametrize(
    ("first", "answers"),
    [
        ({"state": "intent"}, True),
        ({"state": "sending"}, True),
        ({"state": "QUEUED"}, True),
        ({"state": "PROCESSING"}, True),
        ({"state": "COMPLETED"}, True),
        ({"state": "FAILED"}, True),
        ({"state": "COMPLETED", "delivered": True, "delivered_at": NOW - WINDOW + 1}, True),
        ({"state": "COMPLETED", "delivered": True, "delivered_at": NOW - WINDOW - 1}, False),
        ({"state": "COMPLETED", "delivered": True}, False),  # as 0.1.0 wrote it
        ({"state": "FAILED", "delivered": True, "delivered_at": NOW - 1}, False),
        ({"state": "COMPLETED", "delivered": True, "exact": "this"}, True),
        ({"state": "COMPLETED", "delivered": True, "exact": "that"}, False),
        ({"state": "FAILED", "delivered": True, "exact": "this"}, False),
        ({"state": "COMPLETED", "fingerprint": "another", "exact": "this"}, True),
        ({"state": "UNKNOWN"}, True),
        ({"state": "UNKNOWN", "updated_at": NOW - WINDOW - 1}, False),
        ({"state": "QUEUED", "fingerprint": "another"}, False),
    ],
    ids=str,
)
async def test_which_earlier_song_answers_an_identical_request(
    ledger: Ledger, first: dict[str, Any], answers: bool
) -> None:
    await reserve(ledger, song(1, **first))
    found = await reserve(ledger, song(2, exact="this"))

    assert found.id == ("local-1" if answers else "local-2")
    assert (await reserve(ledger, song(3), reuse=False)).id == "local-3"


async def test_the_limit_counts_the_tracks_of_the_last_24_hours(ledger: Ledger) -> None:
    await reserve(ledger, song(1, tracks=4, created_at=NOW - 86_401, fingerprint="1"))
    await reserve(ledger, song(2, tracks=2, created_at=NOW - 86_399, fingerprint="2"))
    with pytest.raises(LimitReached) as refused:
        await reserve(ledger, song(3, tracks=2, fingerprint="3"), limit=3)

    assert (refused.value.limit, refused.value.used, refused.value.asked) == (3, 2, 2)
    assert (await reserve(ledger, song(4, fingerprint="4"), limit=3)).id == "local-4"


async def test_every_change_raises_the_version_and_no_change_writes_nothing(
    ledger: Ledger,
) -> None:
    await reserve(ledger, song())
    changed = await ledger.change(ME, "local-1", partial(sending, now=NOW + 1, worker="w"))
    again = await ledger.change(ME, "local-1", partial(sending, now=NOW + 2, worker="w"))

    assert changed is not None
    assert (changed.state, changed.version) == ("sending", 1)
    assert again == changed
    assert await ledger.change(ME, "nobody", partial(sending, now=NOW, worker="w")) is None


async def test_a_song_is_found_by_both_its_handles(ledger: Ledger) -> None:
    await reserve(ledger, song(state="sending"))
    fact = partial(accepted, request_id=RequestId("gateway-1"), now=NOW, worker="w")
    named = await ledger.change(ME, "local-1", fact)

    assert named is not None
    assert await ledger.find(ME, "local-1") == named
    assert await ledger.find(ME, "gateway-1") == named


async def test_a_song_asked_for_by_the_gateways_id_before_the_reply_came_is_one_song(
    ledger: Ledger,
) -> None:
    await reserve(ledger, song(state="sending"))
    await ledger.adopt(song(2, state="QUEUED", request_id=RequestId("g"), fingerprint=""))
    await ledger.change(
        ME, "local-1", partial(accepted, request_id=RequestId("g"), now=NOW, worker="w")
    )

    assert [each.id for each in (await ledger.page(ME, limit=5)).songs] == ["local-1"]


async def test_forgetting_never_drops_a_song_the_gateway_named(ledger: Ledger) -> None:
    await reserve(ledger, song(state="QUEUED", request_id=RequestId("g")))
    await ledger.forget(ME, SongId("local-1"))

    assert await ledger.find(ME, "g") is not None


@pytest.mark.parametrize(
    ("state", "saving", "taken"),
    [
        ("QUEUED", "off", True),
        ("PROCESSING", "wanted", True),
        ("COMPLETED", "wanted", True),
        ("COMPLETED", "done", False),
        ("FAILED", "off", False),
        ("UNKNOWN", "off", False),
    ],
)
async def test_the_open_songs_of_a_dead_worker_are_taken_over_once(
    ledger: Ledger, state: Any, saving: Any, taken: bool
) -> None:
    await reserve(ledger, song(state=state, saving=saving), lease=10.0)

    unsaved = state == "COMPLETED"
    assert await ledger.claim([ME], "heir", NOW + 9, 20.0, unsaved=unsaved) == ()
    assert await ledger.claim([ME], "heir", NOW + 11, 20.0, unsaved=not unsaved) == ()
    heirs = await ledger.claim([ME], "heir", NOW + 11, 20.0, unsaved=unsaved)
    assert [each.worker for each in heirs] == ["heir"] * taken
    assert await ledger.claim([ME], "third", NOW + 12, 20.0, unsaved=unsaved) == ()


async def test_of_a_dead_workers_songs_the_unsent_are_dropped_and_the_sent_are_unknown(
    ledger: Ledger,
) -> None:
    await reserve(ledger, song(1, state="intent", fingerprint="1"))
    await reserve(ledger, song(2, state="sending", fingerprint="2"))

    assert await ledger.claim([ME], "heir", NOW + 11, 20.0, unsaved=False) == ()
    assert await ledger.find(ME, "local-1") is None
    left = await ledger.find(ME, "local-2")
    assert left is not None
    assert left.state == "UNKNOWN"
    assert "stopped before the gateway answered" in left.error


async def test_a_retired_workers_songs_are_anyones_at_once(ledger: Ledger) -> None:
    await reserve(ledger, song(state="QUEUED"))
    await ledger.retire("w")

    assert len(await ledger.claim([ME], "heir", NOW, 30.0, unsaved=False)) == 1


async def workers(ledger: Ledger) -> set[str]:
    rows = await ledger.driver.read(lambda tx: tx.all("select id from worker"))
    return {row["id"] for row in rows}


async def test_a_lease_from_a_clock_that_ran_ahead_keeps_nobody_from_the_songs(
    ledger: Ledger,
) -> None:
    ahead = NOW + 6 * 3600
    await reserve(ledger, song(state="QUEUED", created_at=ahead))

    assert await ledger.expiry("heir", NOW) == float("inf")
    assert await ledger.bereaved(NOW, unsaved=False) == (ME,)
    (taken,) = await ledger.claim([ME], "heir", NOW, 10.0, unsaved=False)
    assert taken.worker == "heir"
    assert await ledger.bereaved(NOW, unsaved=False) == ()


async def test_a_lease_that_was_just_taken_counts_for_clocks_a_little_apart(
    ledger: Ledger,
) -> None:
    await reserve(ledger, song(state="QUEUED"))

    assert await ledger.bereaved(NOW, unsaved=False) == ()
    assert await ledger.bereaved(NOW + 9, unsaved=False) == ()
    assert await ledger.expiry("heir", NOW) == NOW + 10


@pytest.mark.parametrize("unsaved", [False, True])
async def test_whoever_looks_for_orphans_buries_workers_that_are_dead_for_long(
    ledger: Ledger, unsaved: bool
) -> None:
    def killed(tx: Transaction) -> None:
        for number in range(250):
            until = NOW - 100_000 - number
            tx.run(BEAT, {"id": f"killed-{number}", "until": until, "seconds": 10})

    await ledger.driver.write(killed)
    await ledger.beat("killed just now", NOW - 3_600, 10.0)
    await ledger.beat("by a clock that ran ahead for ever", NOW + 1e9, 10.0)
    await ledger.beat("living", NOW - 3, 10.0)
    for _ in range(3):
        await ledger.bereaved(NOW, unsaved=unsaved)

    assert await workers(ledger) == {"killed just now", "living"}


@pytest.mark.parametrize("hours", [-6, 6])
async def test_a_clock_that_was_set_buries_nobody_who_lives(ledger: Ledger, hours: float) -> None:
    await reserve(ledger, song(state="QUEUED"))
    await ledger.bereaved(NOW + hours * 3_600, unsaved=False)

    assert await workers(ledger) == {"w"}
    assert await ledger.bereaved(NOW + 3, unsaved=False) == ()


async def test_a_dead_workers_songs_are_still_anyones_once_it_is_buried(ledger: Ledger) -> None:
    await reserve(ledger, song(state="QUEUED"))
    later = NOW + 100_000
    assert await ledger.bereaved(later, unsaved=False) == (ME,)

    assert await workers(ledger) == set()
    assert await ledger.bereaved(later, unsaved=False) == (ME,)
    assert len(await ledger.claim([ME], "heir", later, 10.0, unsaved=False)) == 1


async def test_very_many_orphans_are_taken_over_some_at_a_time(ledger: Ledger) -> None:
    def left(tx: Transaction) -> None:
        for number in range(700):
            tx.run(INSERT, to_row(song(number, state="QUEUED", worker=f"dead-{number % 3}")))

    await ledger.driver.write(left)
    claims = [len(await ledger.claim([ME], "heir", NOW, 10.0, unsaved=False)) for _ in range(3)]

    assert claims == [500, 200, 0]


async def test_the_owners_of_orphans_are_named_once_and_only_those_of_the_dead(
    ledger: Ledger,
) -> None:
    await ledger.beat("living", NOW, 10.0)
    workers = ("dead-1", "dead-2", "living", "")

    def left(tx: Transaction) -> None:
        for number in range(120):
            owner, worker = Owner(f"owner-{number % 5}"), workers[number % 4]
            owner = Owner("of the living") if worker == "living" else owner
            state: Any = ("QUEUED", "sending", "COMPLETED", "FAILED")[number // 4 % 4]
            saving: Any = "wanted" if number % 2 else "done"
            orphan = song(number, owner=owner, worker=worker, state=state, saving=saving)
            tx.run(INSERT, to_row(orphan))

    await ledger.driver.write(left)

    assert sorted(await ledger.bereaved(NOW, unsaved=False)) == [f"owner-{n}" for n in range(5)]
    unsaved = await ledger.bereaved(NOW, unsaved=True)
    assert sorted(unsaved) == [f"owner-{number}" for number in range(5)]


async def test_many_writers_on_one_ledger_wait_for_each_other(connect: Connect) -> None:
    ledgers = [connect() for _ in range(4)]

    async def write(ledger: Ledger, first: int) -> None:
        for number in range(first, first + 10):
            await reserve(ledger, song(number, fingerprint=str(number)))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for index, ledger in enumerate(ledgers):
                tasks.start_soon(write, ledger, 100 * index)

    assert (await ledgers[0].page(ME, limit=1)).total == 0  # intents are not listed
    for number in (0, 109, 209, 309):
        assert await ledgers[0].find(ME, f"local-{number}") is not None


async def test_a_ledger_of_a_newer_version_is_left_alone_politely(connect: Connect) -> None:
    newer = connect()
    await newer.driver.write(lambda tx: tx.run("update meta set version = 99"))
    with pytest.raises(LedgerDown) as refused:
        await connect().find(ME, "x")

    assert "newer version" in refused.value.cause


async def test_a_ledger_of_an_older_version_is_brought_up_to_date(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await reserve(connect(), song(title="from before"))
    added = ("alter table song add column mood text not null default 'calm'",)
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, added))
    updated = connect()

    assert await updated.find(ME, old.id) == old
    rows = await updated.driver.read(lambda tx: tx.all("select mood from song"))
    assert [row["mood"] for row in rows] == ["calm"]


async def test_pages_go_on_where_the_last_one_ended(
    ledger: Ledger,
) -> None:
    for number in range(5):
        created = NOW + number // 2  # some at the same time
        title = f"100%_ Ω \\ {number}"
        await reserve(
            ledger, song(number, state="QUEUED", created_at=created, title=title), reuse=False
        )

    seen: list[str] = []
    cursor = ""
    while not seen or cursor:
        page = await ledger.page(ME, limit=2, cursor=cursor)
        seen += [each.id for each in page.songs]
        cursor = page.cursor
    assert seen == [f"local-{number}" for number in (4, 3, 2, 1, 0)]
    assert (await ledger.page(ME, limit=1, status="QUEUED")).total == 5
    assert (await ledger.page(ME, limit=1, status="COMPLETED")).total == 0


@pytest.mark.parametrize("search", ["", "song"])
async def test_lists_show_what_may_have_been_paid_for_as_unknown_and_never_an_intent(
    ledger: Ledger, search: str
) -> None:
    states: Any = ("intent", "sending", "UNKNOWN", "QUEUED", "FAILED")
    for number, state in enumerate(states):
        await reserve(ledger, song(number, state=state, title="song"), reuse=False)
    shown = {"": 4, "UNKNOWN": 2, "QUEUED": 1, "COMPLETED": 0, "intent": 0}
    for status, total in shown.items():
        page = await ledger.page(ME, limit=10, status=status, search=search)

        assert (len(page.songs), page.total) == (total, total), status
        assert "intent" not in {each.state for each in page.songs}


async def test_a_change_is_heard_by_whoever_else_has_the_ledger_open(connect: Connect) -> None:
    here, there = connect(), connect()
    await reserve(there, song())
    with anyio.fail_after(5):
        async with aclosing(here.changes(anyio.lowlevel.checkpoint)) as changes:
            assert await anext(changes) is None  # from now on, and what was before may be anything
            for fact in (
                partial(sending, now=NOW, worker="w"),
                partial(accepted, request_id=RequestId("g"), now=NOW, worker="w"),
            ):
                await there.change(ME, "local-1", fact)
                assert await anext(changes) in ("local-1", None)


async def test_nobody_listens_before_somebody_waits(connect: Connect) -> None:
    waits: list[None] = []

    async def wanted() -> None:
        waits.append(None)
        await anyio.sleep_forever()

    async with aclosing(connect().changes(wanted)) as changes:
        with anyio.move_on_after(0.05):
            await anext(changes)

    assert waits == [None]


@asynccontextmanager
async def two_processes(tmp_path: Path, url: str) -> AsyncIterator[tuple[Sandbox, House, House]]:
    """Two servers on one ledger."""
    async with (
        gateway() as sandbox,
        served(sandbox, tmp_path, ACESTEP_DATABASE_URL=url) as one,
        served(sandbox, tmp_path, ACESTEP_DATABASE_URL=url) as other,
    ):
        yield sandbox, one, other


async def test_a_wait_for_another_processs_song_is_ended_by_a_hint(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "GLANCE", 60.0)
    async with two_processes(tmp_path, url) as (sandbox, orders, waits):
        handle = shown(await orders.generate())["request_id"]
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(partial(_completed, waits, handle))
                sandbox.complete(handle)

        assert len(sandbox.submissions) == 1


async def test_a_wait_for_another_processs_song_ends_within_two_seconds_where_no_hint_comes(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = anyio.Event()

    async def deaf(
        _: Ledger, wanted: Callable[[], Awaitable[None]]
    ) -> AsyncGenerator[SongId | None, None]:
        await wanted()
        waiting.set()
        await anyio.sleep_forever()
        yield None

    monkeypatch.setattr(Ledger, "changes", deaf)
    async with two_processes(tmp_path, url) as (sandbox, orders, waits):
        handle = shown(await orders.generate())["request_id"]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(_completed, waits, handle))
            await waiting.wait()
            sandbox.complete(handle)
            await orders.status(handle, wait=20)
            tasks.cancel_scope.deadline = anyio.current_time() + 2

        assert not tasks.cancel_scope.cancelled_caught


async def _completed(house: House, handle: str) -> None:
    assert shown(await house.status(handle, wait=20))["status"] == "COMPLETED"


async def test_of_eight_processes_one_writes_each_intent_and_takes_each_orphan(
    connect: Connect, url: str, tmp_path: Path
) -> None:
    await connect().driver.write(_orphaned_by_a_dead_process)
    file = str(tmp_path / "deep" / "ledger.sqlite3")
    commands = [
        [sys.executable, "-m", "tests.ledger.crowd", file, url, str(number), "10"]
        for number in range(8)
    ]
    got = await anyio.to_thread.run_sync(_all_at_once, commands)

    for winners in zip(*(each["found"] for each in got), strict=True):
        assert len(set(winners)) == 1
    claims = Counter(handle for each in got for handle in each["claimed"])
    assert len(claims) == 1000
    assert set(claims.values()) == {1}


def _orphaned_by_a_dead_process(tx: Transaction) -> None:
    for number in range(1000):
        owner = crowd.OWNERS[number % len(crowd.OWNERS)]
        orphan = crowd.song(f"orphan-{number}", owner=owner, state="QUEUED", worker=crowd.DEAD)
        tx.run(INSERT, to_row(orphan))


def _all_at_once(commands: list[list[str]]) -> list[dict[str, list[str]]]:
    pipe = subprocess.PIPE
    several = [subprocess.Popen(each, stdin=pipe, stdout=pipe, text=True) for each in commands]
    for each in several:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in several:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    return [json.loads(each.communicate(timeout=60)[0]) for each in several]


class _LostError(Exception):
    """The connection broke before the commit arrived."""


class Doubtful:
    """A driver whose next commit takes effect, or not, and nobody hears which."""

    def __init__(self, driver: Driver, *, took_effect: bool) -> None:
        self._driver = driver
        self._took_effect = took_effect
        self.doubts = 1
        self.read = driver.read

    async def write(self, work: Callable[[Transaction], T]) -> T:
        if not self.doubts:
            return await self._driver.write(work)
        self.doubts -= 1
        results: list[T] = []

        def lost(tx: Transaction) -> None:
            results.append(work(tx))
            if not self._took_effect:
                raise _LostError

        with suppress(_LostError):
            await self._driver.write(lost)
        raise InDoubt("connection reset", results[0])


@pytest.mark.parametrize("took_effect", [True, False])
async def test_a_commit_in_doubt_is_looked_into_and_takes_effect_once(
    ledger: Ledger, took_effect: bool
) -> None:
    def doubtful() -> Ledger:
        return Ledger(Doubtful(ledger.driver, took_effect=took_effect))  # type: ignore[arg-type]  # it listens to nothing

    mine = await reserve(doubtful(), song(), limit=1)
    assert (mine.id, mine.state) == ("local-1", "intent")
    sent = await doubtful().change(ME, "local-1", partial(sending, now=NOW, worker="w"))
    assert sent is not None
    assert (sent.state, sent.version) == ("sending", 1)
    await doubtful().change(ME, "local-1", _once_more)
    counted = await ledger.find(ME, "local-1")
    assert counted is not None
    assert (counted.warnings, counted.version) == (("once more",), 2)

    fact = partial(accepted, request_id=RequestId("g"), now=NOW, worker="w")
    await ledger.change(ME, "local-1", fact)
    (taken,) = await doubtful().claim([ME], "heir", NOW + 11, 20.0, unsaved=False)
    assert taken == await ledger.find(ME, "local-1")
    found = song(9, state="QUEUED", request_id=RequestId("other"), fingerprint="")
    assert await doubtful().adopt(found) == found
    await reserve(ledger, song(2, fingerprint="2"))
    await doubtful().forget(ME, SongId("local-2"))
    assert await ledger.find(ME, "local-2") is None


def _once_more(before: Song) -> Song:
    return replace(before, warnings=(*before.warnings, "once more"))


async def test_a_doubt_that_cannot_be_cleared_up_is_told(ledger: Ledger) -> None:
    driver = Doubtful(ledger.driver, took_effect=True)
    driver.doubts = 2
    with pytest.raises(InDoubt) as told:
        await reserve(Ledger(driver), song())  # type: ignore[arg-type]  # it listens to nothing

    assert told.value.cause == "connection reset"


async def test_a_file_that_is_no_ledger_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    path.write_bytes(b"precious" * 1000)
    with pytest.raises(LedgerDown):
        await Ledger(SqliteDriver(path)).find(ME, "x")

    assert path.read_bytes() == b"precious" * 1000


def test_facts_change_a_song_only_in_lawful_order() -> None:
    seen = Observation(request_id=RequestId("g"), state="COMPLETED", media_urls=("https://x/y",))
    queued = accepted(sending(song(), NOW, "w"), RequestId("g"), NOW, "w")
    done = observed(queued, seen, NOW)

    assert done.state == "COMPLETED"
    assert observed(done, replace(seen, state="FAILED"), NOW) is done
    assert unknown(done, NOW, "why") is done
    assert accepted(done, RequestId("h"), NOW, "w") is done
    assert delivered(queued, NOW) is queued
    assert delivered(done, NOW).delivered_at == NOW
    assert delivered(delivered(done, NOW), NOW + 1).delivered_at == NOW
    assert sending(song(), NOW, "another worker").state == "intent"
    lost = unknown(sending(song(), NOW, "w"), NOW, "?")
    assert accepted(lost, RequestId("g"), NOW, "heard by") == replace(
        lost, state="QUEUED", request_id=RequestId("g"), error="", worker="heard by"
    )
    back = observed(replace(queued, state="PROCESSING"), replace(seen, state="QUEUED"), NOW)
    assert back.state == "PROCESSING"
