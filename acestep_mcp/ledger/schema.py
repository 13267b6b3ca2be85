# ruff: noqa: S608  # put together from fixed text
"""The tables, as numbered steps. A released step never changes; a new one goes below.

A server of an older version that has the ledger open goes on writing while and after a newer one
takes a step. So columns are only ever added, with a default, and what must always be true of
the tables is kept by triggers and not by the statements of this version.
"""

from collections.abc import Iterator

from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.ledger.driver import Engine, Transaction
from acestep_mcp.ledger.statements import (
    DELIVERED,
    ENDED_UNHEARD,
    MADE,
    ORDERED,
    RUNNING,
    UNFINISHED,
    UNINDEXED,
    UNSAVED,
)

LONG, SHORT = 600, 10
"""Seconds that a row of `bought` covers; a day is some two hundred rows of these."""

_TALLY = """
    create table tally (
        owner text not null, state text not null, part bigint not null,
        songs integer not null, tracks integer not null, primary key (owner, state, part)
    )
"""
_BOUGHT = """
    create table bought (
        owner text not null, span integer not null, at bigint not null, part bigint not null,
        tracks integer not null, primary key (owner, span, at, part)
    )
"""
# Byte order, in which all words with one beginning stand together, is SQLite's own.
_WORD = """
    create table word (
        owner text not null, word text{bytes} not null, created_at double precision not null,
        song text{bytes} not null, primary key (owner, word, created_at, song)
    )
"""
_INTO_TALLY = "insert into tally (owner, state, part, songs, tracks)"
_INTO_BOUGHT = "insert into bought (owner, span, at, part, tracks)"
_ADD_TALLY = """
    on conflict (owner, state, part)
    do update set songs = tally.songs + excluded.songs, tracks = tally.tracks + excluded.tracks
"""
_ADD_BOUGHT = """
    on conflict (owner, span, at, part) do update set tracks = bought.tracks + excluded.tracks
"""
_SPAN_OF: dict[Engine, str] = {
    "sqlite": "cast({row}created_at / {span} as integer)",
    "postgres": "floor({row}created_at / {span})::bigint",
}


def recounted(engine: Engine) -> Iterator[str]:
    """What fills empty counts from the songs there are."""
    yield f"""
        {_INTO_TALLY} select owner, state, 0, count(*), sum(tracks) from song group by owner, state
    """
    for span in (LONG, SHORT):
        at = _SPAN_OF[engine].format(row="", span=span)
        sums = f"select owner, {span}, {at}, 0, sum(tracks) from song group by owner, {at}"
        yield f"{_INTO_BOUGHT} {sums}"


def _counting(engine: Engine, part: str, tracks: str = "{row}.tracks") -> dict[str, str]:
    """What has to follow the three things that can happen to a song, of which `tracks` count."""

    def whole(row: str, sign: str) -> str:
        of = tracks.format(row=row)
        at = {span: _SPAN_OF[engine].format(row=f"{row}.", span=span) for span in (LONG, SHORT)}
        spans = (f"({row}.owner, {span}, {at[span]}, {part}, {sign}{of})" for span in at)
        return f"""
            {_INTO_TALLY} values ({row}.owner, {row}.state, {part}, {sign}1, {sign}{of})
            {_ADD_TALLY};
            {_INTO_BOUGHT} values {", ".join(spans)} {_ADD_BOUGHT};
        """

    moved = f"""
        {_INTO_TALLY} values
        (old.owner, old.state, {part}, -1, -{tracks.format(row="old")}),
        (new.owner, new.state, {part}, 1, {tracks.format(row="new")}) {_ADD_TALLY};
    """
    return {"insert": whole("new", ""), "delete": whole("old", "-"), "update": moved}


def _in_sqlite() -> Iterator[str]:
    for table in (_TALLY, _BOUGHT, _WORD.format(bytes="")):
        yield f"{table} without rowid"
    yield from recounted("sqlite")
    yield from _triggers(_counting("sqlite", "0"))


def _triggers(counting: dict[str, str]) -> Iterator[str]:
    for event, work in counting.items():
        moved = " of state on song when old.state <> new.state" if event == "update" else " on song"
        yield f"create trigger song_{event} after {event}{moved} begin {work} end"


def _in_postgres() -> Iterator[str]:
    """Transactions that count at once do not wait for each other: each adds rows of its own.

    Such a `part` is the transaction's number. Now and then one of them adds the parts that are
    committed up into part 0, which nobody else touches meanwhile.
    """
    yield _TALLY
    yield _BOUGHT
    yield _WORD.format(bytes=' collate "C"')
    yield "create index tally_part on tally (part) where part > 0"
    yield "create index bought_part on bought (part) where part > 0"
    yield from recounted("postgres")
    yield _function(_counting("postgres", "this"))
    yield """
        create trigger song_counted after insert or delete on song
        for each row execute function count_song()
    """
    yield """
        create trigger song_moved after update of state on song
        for each row when (old.state <> new.state) execute function count_song()
    """


def _function(counting: dict[str, str]) -> str:
    branches = "".join(
        f"if tg_op = '{event.upper()}' then {work} end if;" for event, work in counting.items()
    )
    body = f"""
        declare this bigint := pg_current_xact_id()::text::bigint;
        begin
            {branches}
            if this % 61 = 0
            and pg_try_advisory_xact_lock(hashtextextended('acestep-mcp: tally', 0)) then
                with gone as (delete from tally where part > 0 and part <> this returning *)
                {_INTO_TALLY} select owner, state, 0, sum(songs), sum(tracks) from gone
                group by owner, state {_ADD_TALLY};
                with gone as (delete from bought where part > 0 and part <> this returning *)
                {_INTO_BOUGHT} select owner, span, at, 0, sum(tracks) from gone
                group by owner, span, at {_ADD_BOUGHT};
            end if;
            return null;
        end
    """
    quoted = body.replace("'", "''")
    return (
        "create or replace function count_song() returns trigger language plpgsql "
        f"set search_path = acestep as '{quoted}'"
    )


_CHARGED = "{row}.tracks * {row}.charged"
"""Tracks for which nobody takes money count towards no limit."""


STEPS: tuple[tuple[str | dict[Engine, tuple[str, ...]], ...], ...] = (
    (
        """
        create table song (
            id text primary key,
            owner text not null,
            fingerprint text not null,
            model text not null,
            title text not null,
            payload text not null,
            words text not null,
            tracks integer not null,
            state text not null,
            saving text not null,
            worker text not null,
            version integer not null,
            request_id text,
            media_urls text not null,
            media_type text not null,
            files text not null,
            sound text not null,
            warnings text not null,
            error text not null,
            delivered integer not null,
            created_at double precision not null,
            updated_at double precision not null,
            completed_at double precision,
            took double precision
        )
        """,
        "create index song_request on song (owner, request_id)",
        "create index song_newest on song (owner, created_at, id)",
        "create index song_same on song (owner, fingerprint)",
        "create index song_open on song (state, saving)",
        "create table worker (id text primary key, until double precision not null)",
    ),
    (
        "alter table song add column file_warnings text not null default '[]'",
        "alter table song add column save_attempts integer not null default 0",
        "alter table song add column save_since double precision not null default 0",
        "alter table song add column save_after double precision not null default 0",
        "alter table song add column presumed integer not null default 0",
        # What its rows in `word` were made from; none where an older version wrote the song.
        "alter table song add column found_by text not null default ''",
        # How long a lease is, so that one from a clock that ran ahead can be told.
        "alter table worker add column seconds double precision not null default 10",
        {"sqlite": tuple(_in_sqlite()), "postgres": tuple(_in_postgres())},
        "drop index song_same",
        "drop index song_open",
        f"""
        create index song_answers on song (owner, fingerprint, created_at)
        where ({UNFINISHED} or {ENDED_UNHEARD})
        """,
        """
        create index song_in_doubt on song (owner, fingerprint, updated_at)
        where state = 'UNKNOWN'
        """,
        f"create index song_named on song (request_id) where {ORDERED}",
        "create index song_state on song (owner, state, created_at, id)",
        """
        create index song_took on song (owner, model, tracks, created_at, took)
        where took is not null
        """,
        f"create index song_unfinished on song (worker, owner) where {UNFINISHED}",
        f"create index song_unsaved on song (worker, owner) where {UNSAVED}",
        f"create index song_running on song (worker) where {RUNNING}",
        f"create index song_unindexed on song (owner, created_at) where {UNINDEXED}",
        "create index worker_until on worker (until)",
    ),
    # Whoever wrote a song before this step, or writes one beside it, knew one provider.
    (
        "alter table song add column provider text not null default 'pixazo'",
        "alter table song add column exact text not null default ''",
        "alter table song add column based_on text not null default ''",
        "alter table song add column charged integer not null default 1",
        {
            "sqlite": (
                *(f"drop trigger song_{event}" for event in ("insert", "delete", "update")),
                *_triggers(_counting("sqlite", "0", _CHARGED)),
            ),
            "postgres": (_function(_counting("postgres", "this", _CHARGED)),),
        },
        "alter table song add column delivered_at double precision not null default 0",
        f"""
        create index song_delivered on song (owner, fingerprint, delivered_at) where {DELIVERED}
        """,
        f"create index song_made on song (owner, exact, created_at) where {MADE}",
    ),
)


META = "create table if not exists meta (version integer not null)"


def statements(step: tuple[str | dict[Engine, tuple[str, ...]], ...], engine: Engine) -> list[str]:
    """A step as one engine takes it."""
    return [
        text
        for statement in step
        for text in ((statement,) if isinstance(statement, str) else statement[engine])
    ]


def is_old(tx: Transaction) -> bool:
    """Whether the tables are of an earlier version, and may have many songs; `META` is there."""
    return 0 < _version(tx) < len(STEPS)


def migrate(engine: Engine, tx: Transaction) -> None:
    """Bring the tables to this version's shape; `META` is there already.

    Raises:
        LedgerDown: A newer version wrote the ledger; it is left as it is.
    """
    done = _version(tx)
    if done > len(STEPS):
        raise LedgerDown("it was written by a newer version of acestep-mcp; update this one")
    if done == len(STEPS):
        return
    for step in STEPS[done:]:
        for statement in statements(step, engine):
            tx.run(statement)
    tx.run("delete from meta")
    tx.run("insert into meta (version) values (:version)", {"version": len(STEPS)})


def _version(tx: Transaction) -> int:
    """How many steps the tables have had; 0 where there are none yet."""
    rows = tx.all("select version from meta")
    return int(rows[0]["version"]) if rows else 0
