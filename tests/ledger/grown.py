# ruff: noqa: S608  # put together from fixed text
"""Ledgers that have grown: many songs of one owner, all ordered today, and many other owners.

What slows a ledger down is in each of them: a third of the songs failed, one in a hundred is of
one request that was answered long ago, as many are of one that is under way, one in twenty is
under way in another process, as many wait to be saved there, and thousands of workers died.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import count

from acestep_mcp.domain.song import Owner, RequestId, Song, SongId
from acestep_mcp.ledger import DAY, Ledger
from acestep_mcp.ledger.driver import Engine, Transaction
from acestep_mcp.ledger.rows import FIELDS
from acestep_mcp.ledger.schema import recounted

NOW = 1_800_000_000.0
ME = Owner("me")
"""Whose nine songs in ten are."""
LIVING, DYING = "living", "dying"
_NUMBERS = """
    with recursive n (i) as (select 0 union all select i + 1 from n where i < :songs - 1)
"""
_STATE = """
    case when i % 3 = 1 then 'FAILED' when i % 20 = 0 then 'PROCESSING'
    when i % 50 = 2 then 'UNKNOWN' else 'COMPLETED' end
"""
_COLUMNS = {
    "id": "'local-' || i",
    "owner": "case when i % 10 = 9 then 'owner-' || i else 'me' end",
    "fingerprint": "case i % 100 when 0 then 'busy' when 1 then 'heard' else 'request-' || i end",
    "provider": "'pixazo'",
    "model": "'ace-step-xl'",
    "title": "'Song ' || i",
    "payload": """'{"prompt": "a lofi song"}'""",
    "tracks": "1",
    "state": _STATE,
    "created_at": ":now - (i * :span) / :songs",
    "updated_at": ":now - (i * :span) / :songs",
    "saving": "case when i % 20 = 3 then 'wanted' else 'done' end",
    "worker": "case when i in (20, 60) then 'dying' else 'living' end",
    "version": "3",
    "request_id": "'gateway-' || i",
    "media_urls": "'[]'",
    "media_type": "''",
    "files": "'[]'",
    "sound": "'[]'",
    "warnings": "'[]'",
    "file_warnings": "'[]'",
    "save_attempts": "0",
    "save_since": "0",
    "save_after": "0",
    "error": "''",
    "presumed": "0",
    "completed_at": "null",
    "took": "case when i % 3 = 1 then null else 60.0 end",
    "delivered": "i % 2",
    "delivered_at": ":now - 600 - (i * :span) / :songs",
    "exact": "'exact ' || i",
    "based_on": "''",
    "charged": "1",
}
assert {*_COLUMNS} == {*FIELDS}
WORDS = {
    "lofi": "1 = 1",
    "rain": "i % 2 = 0",
    "sun": "i % 2 = 1",
    "lighthouse": "i in (77, 777)",
}
"""Words of the songs, and which have them: `rain` and `sun` never meet."""


def filled(engine: Engine, songs: int, span: float = DAY) -> Callable[[Transaction], None]:
    """What a driver writes to fill its empty ledger."""
    return partial(_fill, engine, songs, span)


def _fill(engine: Engine, songs: int, span: float, tx: Transaction) -> None:
    """Indexes and triggers are there again at the end; filling would take long with them."""
    if engine == "postgres":
        tx.run("set local statement_timeout to 0")
    again = _without_help(engine, tx)
    params = {"songs": songs, "now": NOW, "span": span}
    said = " || ".join(
        f"case when {where} then '{word} ' else '' end" for word, where in WORDS.items()
    )
    values = ", ".join(_COLUMNS[name] for name in FIELDS)
    tx.run(
        f"insert into song ({', '.join(FIELDS)}, found_by, words) {_NUMBERS} "
        f"select {values}, ' song ' || i || ' | ' || {said}, '' from n",
        params,
    )
    number = "cast(substr(id, 7) as integer)"
    for word, where in {**WORDS, "song": "1 = 1"}.items():
        tx.run(
            f"insert into word (owner, word, created_at, song) select owner, '{word}', "
            f"created_at, id from song where {where.replace('i ', f'{number} ')}"
        )
    for statement in (*again, *recounted(engine)):
        tx.run(statement)
    tx.run(
        f"insert into worker (id, until, seconds) {_NUMBERS} "
        "select 'dead-' || i, :now - 100 - i, 10 from n",
        {"songs": min(songs, 5_000), "now": NOW},
    )
    for worker, until in ((LIVING, NOW + 9), (DYING, NOW - 1)):
        tx.run(
            "insert into worker (id, until, seconds) values (:id, :until, 10)",
            {"id": worker, "until": until},
        )
    if engine == "sqlite":
        return
    tx.run("analyze")


def _without_help(engine: Engine, tx: Transaction) -> Sequence[str]:
    """Drop what has to be kept up with every row; how to make it again."""
    if engine == "sqlite":
        rows = tx.all(
            "select type, name, sql from sqlite_master "
            "where tbl_name = 'song' and type in ('index', 'trigger') and sql is not null"
        )
        for row in rows:
            tx.run(f"drop {row['type']} {row['name']}")
        return [row["sql"] for row in rows]
    tx.run("set local statement_timeout to 0")
    tx.run("alter table song disable trigger user")
    rows = tx.all(
        "select indexname as name, indexdef as sql from pg_indexes "
        "where schemaname = 'acestep' and tablename = 'song' and indexname <> 'song_pkey'"
    )
    for row in rows:
        tx.run(f"drop index {row['name']}")
    return [*(row["sql"] for row in rows), "alter table song enable trigger user"]


_number = count()


def _song(fingerprint: str = "") -> Song:
    """A song that nobody has asked for yet, unless it is of this request."""
    number = next(_number)
    return Song(
        id=SongId(f"local-new-{number}"),
        owner=ME,
        fingerprint=fingerprint or f"new-{number}",
        provider="pixazo",
        model="ace-step-xl",
        title="A new song",
        payload={"prompt": "a lofi song"},
        tracks=1,
        state="intent",
        created_at=NOW,
        updated_at=NOW,
        worker="new",
    )


async def _order(ledger: Ledger, fingerprint: str = "") -> None:
    await ledger.reserve(_song(fingerprint), limit=10**9, reuse=True, lease=10.0)


async def _order_refused(ledger: Ledger, fingerprint: str = "") -> None:
    new = _song(fingerprint)
    there = await ledger.reserve(new, limit=0, reuse=True, lease=10.0)
    assert there.id == new.id
    await ledger.forget(ME, new.id)


async def _foreseen(ledger: Ledger, fingerprint: str = "") -> None:
    await ledger.earlier(_song(fingerprint), limit=10**9, reuse=True)


async def _sent(ledger: Ledger) -> None:
    new = await ledger.reserve(_song(), limit=0, reuse=True, lease=10.0)
    await ledger.change(ME, new.id, lambda song: replace(song, state="sending"))
    named = RequestId(f"gateway-{new.id}")
    await ledger.change(ME, new.id, lambda song: replace(song, state="QUEUED", request_id=named))


async def _adopt(ledger: Ledger) -> None:
    named = RequestId(f"gateway-found-{next(_number)}")
    await ledger.adopt(replace(_song(), state="QUEUED", request_id=named, fingerprint=""))


async def _claim(ledger: Ledger, *, unsaved: bool) -> None:
    state, saving = ("COMPLETED", "wanted") if unsaved else ("PROCESSING", "off")
    orphans = "update song set worker = :dead, state = :state, saving = :saving where id = :id"
    orphan = {"dead": DYING, "state": state, "saving": saving, "id": "local-20"}
    await ledger.driver.write(lambda tx: tx.run(orphans, orphan))
    taken = await ledger.claim([ME], "heir", NOW, 10.0, unsaved=unsaved)
    assert "local-20" in {each.id for each in taken}


OPERATIONS: dict[str, Callable[[Ledger], Awaitable[object]]] = {
    "order": _order,
    "order: the same is under way": partial(_order, fingerprint="busy"),
    "order that is refused and dropped": _order_refused,
    "the same of one that was often heard of": partial(_order_refused, fingerprint="heard"),
    "order: what would be answered": _foreseen,
    "order, sent and accepted": _sent,
    "find by the gateway's id": lambda ledger: ledger.find(ME, "gateway-500"),
    "find by the local handle": lambda ledger: ledger.find(ME, "local-500"),
    "change": lambda ledger: ledger.change(ME, "local-500", replace),
    "adopt": _adopt,
    "page": lambda ledger: ledger.page(ME, limit=10),
    "page, deep": lambda ledger: ledger.page(ME, limit=10, cursor=f"{NOW - 43_200!r}/local-5"),
    "page of one status": lambda ledger: ledger.page(ME, limit=10, status="COMPLETED"),
    "page of two states": lambda ledger: ledger.page(ME, limit=10, status="UNKNOWN"),
    "search: a rare word": lambda ledger: ledger.page(ME, limit=10, search="lighthouse"),
    "search: a word of every song": lambda ledger: ledger.page(ME, limit=10, search="lo-fi"),
    "search: words that never meet": lambda ledger: ledger.page(ME, limit=10, search="rain sun"),
    "search: one letter": lambda ledger: ledger.page(ME, limit=10, search="l"),
    "search: nothing": lambda ledger: ledger.page(ME, limit=10, search="zebra"),
    "search, deep, of one status": lambda ledger: ledger.page(
        ME, limit=10, search="lofi", status="FAILED", cursor=f"{NOW - 43_200!r}/local-5"
    ),
    "typical times": lambda ledger: ledger.times(_song()),
    "running songs of a process": lambda ledger: ledger.running("new"),
    "orphans: look": lambda ledger: ledger.bereaved(NOW, unsaved=False),
    "orphans: look for unsaved": lambda ledger: ledger.bereaved(NOW, unsaved=True),
    "orphans: take over": partial(_claim, unsaved=False),
    "orphans: take over unsaved": partial(_claim, unsaved=True),
    "next lease to run out": lambda ledger: ledger.expiry("new", NOW),
    "renew a lease": lambda ledger: ledger.beat("new", NOW, 10.0),
    "give a lease up": lambda ledger: ledger.retire("new"),
    "what was bought": lambda ledger: ledger.bought(ME, NOW),
}
"""Everything a ledger is asked for, on one that is filled."""
