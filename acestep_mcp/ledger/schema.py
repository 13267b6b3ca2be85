"""The tables, as numbered steps. A released step never changes; a new one goes below."""

from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.ledger.driver import Transaction

STEPS: tuple[tuple[str, ...], ...] = (
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
        # How long a lease is, so that one from a clock that ran ahead can be told.
        "alter table worker add column seconds double precision not null default 10",
    ),
)


META = "create table if not exists meta (version integer not null)"


def migrate(tx: Transaction) -> None:
    """Bring the tables to this version's shape; `META` is there already.

    Raises:
        LedgerDown: A newer version wrote the ledger; it is left as it is.
    """
    rows = tx.all("select version from meta")
    done = int(rows[0]["version"]) if rows else 0
    if done > len(STEPS):
        raise LedgerDown("it was written by a newer version of acestep-mcp; update this one")
    if done == len(STEPS):
        return
    for step in STEPS[done:]:
        for statement in step:
            tx.run(statement)
    tx.run("delete from meta")
    tx.run("insert into meta (version) values (:version)", {"version": len(STEPS)})
