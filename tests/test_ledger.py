"""What every ledger engine must do."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
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
from acestep_mcp.ledger import UNKNOWN_WINDOW, Ledger
from acestep_mcp.ledger.sqlite import SqliteDriver

pytestmark = pytest.mark.anyio

ME, OTHER = Owner("me"), Owner("other")
NOW = 1_800_000_000.0


def song(number: int = 1, **fields: Any) -> Song:
    plain: dict[str, Any] = {
        "id": SongId(f"local-{number}"),
        "owner": ME,
        "fingerprint": "same",
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


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    opened = Ledger(SqliteDriver(tmp_path / "deep" / "ledger.sqlite3"))
    yield opened
    await opened.close()


async def reserve(ledger: Ledger, new: Song, **options: Any) -> Song:
    terms: dict[str, Any] = {"limit": 0, "reuse": True, "until": NOW + 10}
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


async def test_the_file_and_its_folder_are_private(ledger: Ledger, tmp_path: Path) -> None:
    await reserve(ledger, song())

    assert (tmp_path / "deep").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "deep" / "ledger.sqlite3").stat().st_mode & 0o777 == 0o600


async def test_nothing_of_one_owner_is_seen_or_changed_by_another(ledger: Ledger) -> None:
    mine = await reserve(ledger, song(request_id=RequestId("r")))

    assert await ledger.find(OTHER, "r") is None
    assert await ledger.find(OTHER, mine.id) is None
    assert await ledger.change(OTHER, mine.id, partial(sending, now=NOW, worker="w")) is None
    await ledger.forget(OTHER, mine.id)
    assert (await ledger.page(OTHER, limit=5)).total == 0
    assert await ledger.claim([OTHER], "w2", NOW + 99, NOW + 100) == ()
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
        ({"state": "COMPLETED", "delivered": True}, False),
        ({"state": "FAILED", "delivered": True}, False),
        ({"state": "UNKNOWN"}, True),
        ({"state": "UNKNOWN", "updated_at": NOW - UNKNOWN_WINDOW - 1}, False),
        ({"state": "QUEUED", "fingerprint": "another"}, False),
    ],
    ids=str,
)
async def test_which_earlier_song_answers_an_identical_request(
    ledger: Ledger, first: dict[str, Any], answers: bool
) -> None:
    await reserve(ledger, song(1, **first))
    found = await reserve(ledger, song(2))

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
    await reserve(ledger, song(state=state, saving=saving), until=NOW + 10)

    assert await ledger.claim([ME], "heir", NOW + 9, NOW + 30) == ()
    heirs = await ledger.claim([ME], "heir", NOW + 11, NOW + 30)
    assert [each.worker for each in heirs] == ["heir"] * taken
    assert await ledger.claim([ME], "third", NOW + 12, NOW + 30) == ()


async def test_of_a_dead_workers_songs_the_unsent_are_dropped_and_the_sent_are_unknown(
    ledger: Ledger,
) -> None:
    await reserve(ledger, song(1, state="intent", fingerprint="1"))
    await reserve(ledger, song(2, state="sending", fingerprint="2"))

    assert await ledger.claim([ME], "heir", NOW + 11, NOW + 30) == ()
    assert await ledger.find(ME, "local-1") is None
    left = await ledger.find(ME, "local-2")
    assert left is not None
    assert left.state == "UNKNOWN"
    assert "stopped before the gateway answered" in left.error


async def test_a_retired_workers_songs_are_anyones_at_once(ledger: Ledger) -> None:
    await reserve(ledger, song(state="QUEUED"))
    await ledger.retire("w")

    assert len(await ledger.claim([ME], "heir", NOW, NOW + 30)) == 1


async def test_many_writers_on_one_file_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    ledgers = [Ledger(SqliteDriver(path)) for _ in range(4)]

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
    for ledger in ledgers:
        await ledger.close()


async def test_a_ledger_of_a_newer_version_is_left_alone_politely(tmp_path: Path) -> None:
    driver = SqliteDriver(tmp_path / "ledger.sqlite3")
    await driver.write(lambda tx: tx.run("update meta set version = 99"))
    await driver.close()
    with pytest.raises(LedgerDown) as refused:
        await Ledger(SqliteDriver(tmp_path / "ledger.sqlite3")).find(ME, "x")

    assert "newer version" in refused.value.cause


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
    assert delivered(queued) is queued
    assert delivered(done).delivered
    assert sending(song(), NOW, "another worker").state == "intent"
    lost = unknown(sending(song(), NOW, "w"), NOW, "?")
    assert accepted(lost, RequestId("g"), NOW, "heard by") == replace(
        lost, state="QUEUED", request_id=RequestId("g"), error="", worker="heard by"
    )
    back = observed(replace(queued, state="PROCESSING"), replace(seen, state="QUEUED"), NOW)
    assert back.state == "PROCESSING"
