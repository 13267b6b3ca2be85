# ruff: noqa: S608  # put together from fixed text
"""Ledgers that have grown: many songs of one owner, all ordered today, and many other owners.

What slows a ledger down is in each of them: a third of the songs failed, thousands share one
request, one in twenty is under way in another process, as many wait to be saved there, and
thousands of workers died without a word.
"""

from collections.abc import Callable, Sequence
from functools import partial

from acestep_mcp.domain.song import Owner
from acestep_mcp.ledger import DAY
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
    when i % 1000 = 2 then 'UNKNOWN' else 'COMPLETED' end
"""
_OTHERS = {
    "id": "'local-' || i",
    "owner": "case when i % 10 = 9 then 'owner-' || i else 'me' end",
    "fingerprint": "case when i % 100 < 2 then 'same' else 'request-' || i end",
    "model": "'ace-step-xl'",
    "title": "'Song ' || i",
    "payload": """'{"prompt": "a lofi song"}'""",
    "tracks": "1",
    "state": _STATE,
    "created_at": ":now - (i * :span) / :songs",
    "updated_at": ":now - (i * :span) / :songs",
    "saving": "case when i % 20 = 3 then 'wanted' else 'done' end",
    "worker": "case when i % 100000 = 20 then 'dying' else 'living' end",
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
    "delivered": "case when i % 100 < 2 then 1 else i % 2 end",
}
assert {*_OTHERS} == {*FIELDS}
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
    again = _without_help(engine, tx)
    params = {"songs": songs, "now": NOW, "span": span}
    said = " || ".join(
        f"case when {where} then '{word} ' else '' end" for word, where in WORDS.items()
    )
    values = ", ".join(_OTHERS[name] for name in FIELDS)
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
    tx.run("alter table song disable trigger user")
    rows = tx.all(
        "select indexname as name, indexdef as sql from pg_indexes "
        "where schemaname = 'acestep' and tablename = 'song' and indexname <> 'song_pkey'"
    )
    for row in rows:
        tx.run(f"drop index {row['name']}")
    return [*(row["sql"] for row in rows), "alter table song enable trigger user"]
