"""The memory of every song: what was asked, what may have been paid for, how it ended.

The ledger is the only truth; poll answers and callbacks are hints that lead to a change here.
Each operation names the owner whose songs it may see. Every change is a compare-and-set on the
song's version, so two processes that saw the same song cannot both act on it.
"""

import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

from acestep_mcp.domain.errors import BadInput, LedgerDown, LimitReached
from acestep_mcp.domain.song import Owner, Song, SongId, orphaned
from acestep_mcp.ledger.driver import Driver, InDoubt, Row, Transaction
from acestep_mcp.ledger.nowhere import Nowhere
from acestep_mcp.ledger.rows import COLUMNS, to_row, to_song
from acestep_mcp.settings import SettingsError

__all__ = ["UNKNOWN_WINDOW", "InDoubt", "Ledger", "Page", "opened"]

T = TypeVar("T")
DAY = 86_400.0
UNKNOWN_WINDOW = 600.0
"""Seconds for which a song of unknown outcome still answers for an identical request."""

_INSERT = (
    f"insert into song ({', '.join(COLUMNS)}) "  # noqa: S608  # column names of this module
    f"values ({', '.join(':' + name for name in COLUMNS)})"
)
_UPDATE = (
    f"update song set {', '.join(f'{name} = :{name}' for name in COLUMNS)} "  # noqa: S608  # as above
    "where id = :id and owner = :owner and version = :version - 1"
)
_BY_HANDLE = (
    "select * from song where owner = :owner and (request_id = :handle or id = :handle) limit 1"
)
_FORGET = "delete from song where id = :id and owner = :owner and request_id is null"
_ADOPTED_TWIN = (
    "delete from song where owner = :owner and request_id = :request_id and id <> :id "
    "and fingerprint = ''"
)
_SAME = """
    select * from song where owner = :owner and fingerprint = :fingerprint and (
        state in ('intent', 'sending', 'QUEUED', 'PROCESSING')
        or (state in ('COMPLETED', 'FAILED', 'ERROR') and delivered = 0)
        or (state = 'UNKNOWN' and updated_at > :fresh)
    ) order by created_at desc limit 1
"""
_USED = (
    "select coalesce(sum(tracks), 0) as used from song where owner = :owner and created_at > :since"
)
# `intent` is left out of every list: nothing was sent, so there is no song yet.
_LISTED = """
    from song where owner = :owner and state <> 'intent'
    and (:status = '' or state = :status or (:status = 'UNKNOWN' and state = 'sending'))
    and (:search = '' or words like :pattern escape '\\')
"""
_PAGE = f"""
    select * {_LISTED}
    and (created_at < :before or (created_at = :before and id < :id))
    order by created_at desc, id desc limit :limit
"""  # fixed text of this module
_TIMES = """
    select took from song where owner = :owner and model = :model and tracks = :tracks
    and took is not null order by created_at desc limit 20
"""
# A lease further ahead than its own length was written by a clock that ran ahead, and is none.
_LIVING = "until > :now and until <= :now + seconds"
_UNFINISHED = "state in ('intent', 'sending', 'QUEUED', 'PROCESSING')"
_UNSAVED = "state = 'COMPLETED' and saving = 'wanted'"
_ORPHANED = f"worker not in (select id from worker where {_LIVING})"  # noqa: S608  # fixed text
_OPEN = f"select * from song where owner = :owner and {_UNFINISHED} and {_ORPHANED}"  # noqa: S608  # as above
_OPEN_UNSAVED = f"select * from song where owner = :owner and {_UNSAVED} and {_ORPHANED}"  # noqa: S608  # as above
_BEREAVED = f"select distinct owner from song where {_UNFINISHED} and {_ORPHANED}"  # noqa: S608  # as above
_BEREAVED_UNSAVED = f"select distinct owner from song where {_UNSAVED} and {_ORPHANED}"  # noqa: S608  # as above
_RUNNING = """
    select id, version from song where state in ('QUEUED', 'PROCESSING') and worker = :worker
"""
_EXPIRY = f"select min(until) as until from worker where {_LIVING} and id <> :id"  # noqa: S608  # as above
_ALIVE = f"select id from worker where {_LIVING}"  # noqa: S608  # as above


@dataclass(frozen=True, slots=True)
class Page:
    """Songs newest first; `cursor` continues after them, `""` at the end; `total` counts all."""

    songs: tuple[Song, ...]
    cursor: str
    total: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """The operations, on whichever engine `driver` speaks to. All raise LedgerDown.

    A commit whose outcome is in doubt is looked into once, and made up for where it had no
    effect. `InDoubt` is raised only when that failed as well: most often the database is gone.
    """

    driver: Driver

    async def reserve(self, song: Song, *, limit: int, reuse: bool, lease: float) -> Song:
        """Write the intent, or return the song that already answers this request.

        One transaction, so that of any number of identical calls in any number of processes one
        writes. `limit` is in tracks per rolling 24 hours, 0 for none; `lease` is for how many
        seconds the song's worker counts as alive. With `reuse=False` an earlier song never answers.

        Raises:
            LimitReached: The tracks would exceed the limit; nothing is written.
            InDoubt: The intent may have been written; forget it.
        """
        work = partial(_reserve, song, limit, reuse, lease)
        return await self._write(work, partial(_reserve_again, song, work))

    async def find(self, owner: Owner, handle: str) -> Song | None:
        """The owner's song of that gateway id or local handle."""
        params = {"owner": owner, "handle": handle}
        rows = await self.driver.read(lambda tx: tx.all(_BY_HANDLE, params))
        return to_song(rows[0]) if rows else None

    async def change(self, owner: Owner, handle: str, fact: Callable[[Song], Song]) -> Song | None:
        """Apply `fact` to the song as it is now and return the result; None if it is gone."""
        return await self._write(
            partial(_change, owner, handle, fact, None), partial(_change, owner, handle, fact)
        )

    async def adopt(self, song: Song) -> Song:
        """Write a song that the gateway knew and the ledger did not, unless it does by now."""
        return await self._write(partial(_adopt, song))

    async def forget(self, owner: Owner, song_id: SongId) -> None:
        """Drop a song that was provably never submitted."""
        await self._write(partial(_forget, owner, song_id))

    async def page(
        self, owner: Owner, *, limit: int, status: str = "", search: str = "", cursor: str = ""
    ) -> Page:
        """The owner's songs, newest first.

        Raises:
            BadInput: The cursor is none that an earlier page gave.
        """
        before, after_id = _position(cursor)
        # SQLite ends a pattern at NUL, and PostgreSQL has none; no song has one either.
        literal = search.casefold().replace("\0", "\ufffd")
        escaped = literal.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        params = {
            "owner": owner,
            "status": status,
            "search": search,
            "pattern": f"%{escaped}%",
            "before": before,
            "id": after_id,
            "limit": limit + 1,
        }
        rows, total = await self.driver.read(lambda tx: _page(tx, params))
        songs = tuple(to_song(row) for row in rows[:limit])
        more = len(rows) > limit
        return Page(songs, _cursor(songs[-1]) if more else "", total)

    async def times(self, song: Song) -> tuple[float, ...]:
        """Seconds that the owner's last songs of this model and number of tracks took."""
        params = {"owner": song.owner, "model": song.model, "tracks": song.tracks}
        rows = await self.driver.read(lambda tx: tx.all(_TIMES, params))
        return tuple(float(row["took"]) for row in rows)

    async def running(self, worker: str) -> tuple[tuple[SongId, int], ...]:
        """The versions of the running songs that a worker looks after."""
        rows = await self.driver.read(lambda tx: tx.all(_RUNNING, {"worker": worker}))
        return tuple((SongId(row["id"]), int(row["version"])) for row in rows)

    async def beat(self, worker: str, now: float, lease: float) -> None:
        """Say that `worker` looks after its songs for `lease` seconds from now on."""
        await self._write(partial(_beat, worker, now, lease))

    async def retire(self, worker: str) -> None:
        """Say that `worker` is gone and its songs are anyone's."""
        sql = "delete from worker where id = :id"
        await self._write(lambda tx: tx.run(sql, {"id": worker}))

    async def bereaved(self, now: float, *, unsaved: bool) -> tuple[Owner, ...]:
        """Whose songs have a dead worker; their names only, to see who can be helped.

        The songs are those that have not ended or, where `unsaved`, those whose files are missing.
        """
        sql = _BEREAVED_UNSAVED if unsaved else _BEREAVED
        rows = await self.driver.read(lambda tx: tx.all(sql, {"now": now}))
        return tuple(Owner(row["owner"]) for row in rows)

    async def expiry(self, worker: str, now: float) -> float:
        """When the first lease of the other workers runs out; infinite where there is none."""
        rows = await self.driver.read(lambda tx: tx.all(_EXPIRY, {"id": worker, "now": now}))
        until = rows[0]["until"]
        return math.inf if until is None else float(until)

    async def claim(
        self, owners: Sequence[Owner], worker: str, now: float, lease: float, *, unsaved: bool
    ) -> tuple[Song, ...]:
        """Take over the owners' songs whose worker is dead, and return those still open.

        The songs are those of `bereaved`.

        What was never sent is dropped, and what may have been becomes unknown, in the same
        transaction: a process that only seemed dead finds that it may not send any more.
        """
        orphans = _Orphans(_OPEN_UNSAVED if unsaved else _OPEN, tuple(owners), worker, now, lease)
        return await self._write(partial(_take, orphans), partial(_take_again, orphans))

    def changes(self, wanted: Callable[[], Awaitable[None]]) -> AsyncGenerator[SongId | None, None]:
        """For ever: hints that a song changed, None for any song; see `Driver.changes`."""
        return self.driver.changes(wanted)

    async def close(self) -> None:
        """Let go of the database."""
        await self.driver.close()

    async def _write(
        self,
        work: Callable[[Transaction], T],
        again: Callable[[T, Transaction], T] | None = None,
    ) -> T:
        """Run `work`; where nobody knows if it took effect, `again` with what it had returned.

        Without `again` the work is run a second time, which must then make no difference.
        """
        try:
            return await self.driver.write(work)
        except InDoubt as doubt:
            second = partial(again, cast("T", doubt.result)) if again else work
            try:
                return await self.driver.write(second)
            except LedgerDown as down:
                raise InDoubt(down.cause, doubt.result) from down


def opened(path: Path | str, database_url: str = "") -> Ledger:
    """The ledger at `database_url`, else in the file at `path`. Nothing is touched yet.

    A text as `path` says why there is none: a ledger that tells everyone so.

    Raises:
        SettingsError: The URL cannot be used, or its driver is not installed.
    """
    if not database_url:
        from acestep_mcp.ledger.sqlite import SqliteDriver  # noqa: PLC0415  # one engine per process

        return Ledger(SqliteDriver(path) if isinstance(path, Path) else Nowhere(path))
    try:
        from acestep_mcp.ledger.postgres import PostgresDriver  # noqa: PLC0415  # an extra
    except ImportError:
        raise SettingsError(
            "ACESTEP_DATABASE_URL needs the PostgreSQL driver: pip install 'acestep-mcp[postgres]'"
        ) from None
    return Ledger(PostgresDriver(database_url))


def _reserve(song: Song, limit: int, reuse: bool, lease: float, tx: Transaction) -> Song:  # noqa: FBT001  # bound by keyword above
    tx.exclusive(song.owner)
    now = song.created_at
    if reuse:
        same = {
            "owner": song.owner,
            "fingerprint": song.fingerprint,
            "fresh": now - UNKNOWN_WINDOW,
        }
        for row in tx.all(_SAME, same):
            return to_song(row)
    used = int(tx.all(_USED, {"owner": song.owner, "since": now - DAY})[0]["used"])
    if limit and used + song.tracks > limit:
        raise LimitReached(limit=limit, used=used, asked=song.tracks)
    _beat(song.worker, now, lease, tx)
    tx.run(_INSERT, to_row(song))
    return song


def _reserve_again(
    song: Song, work: Callable[[Transaction], Song], _: Song, tx: Transaction
) -> Song:
    # A first attempt that is still at work holds this lock until it has ended one way or another.
    tx.exclusive(song.owner)
    return _now(song, tx) or work(tx)


def _now(song: Song, tx: Transaction) -> Song | None:
    """The song as the ledger has it."""
    rows = tx.all(_BY_HANDLE, {"owner": song.owner, "handle": song.id})
    return to_song(rows[0]) if rows else None


def _change(
    owner: Owner, handle: str, fact: Callable[[Song], Song], wrote: Song | None, tx: Transaction
) -> Song | None:
    """`wrote` is what an attempt in doubt wanted to write: found there, it took effect."""
    while rows := tx.all(_BY_HANDLE, {"owner": owner, "handle": handle}):
        before = to_song(rows[0])
        if before == wrote:
            return before
        after = fact(before)
        if after is before:
            return after
        after = replace(after, version=before.version + 1)
        if after.request_id != before.request_id:
            # Somebody asked for it by the gateway's id before the gateway's reply was here.
            tx.exclusive(owner)  # against one who is about to adopt it
            tx.run(_ADOPTED_TWIN, to_row(after))
        if _swapped(tx, after):
            return after
    return None


def _swapped(tx: Transaction, after: Song) -> bool:
    """Compare-and-set: False when the song is no longer the version before this one."""
    swapped = tx.run(_UPDATE, to_row(after)) == 1
    if swapped:
        tx.changed(after.id)
    return swapped


def _forget(owner: Owner, song_id: SongId, tx: Transaction) -> None:
    if tx.run(_FORGET, {"id": song_id, "owner": owner}):
        tx.changed(song_id)


def _adopt(song: Song, tx: Transaction) -> Song:
    tx.exclusive(song.owner)
    rows = tx.all(_BY_HANDLE, {"owner": song.owner, "handle": song.handle})
    if rows:
        return to_song(rows[0])
    tx.run(_INSERT, to_row(song))
    return song


def _beat(worker: str, now: float, lease: float, tx: Transaction) -> None:
    tx.run(
        "insert into worker (id, until, seconds) values (:id, :until, :seconds) "
        "on conflict (id) do update set until = excluded.until, seconds = excluded.seconds",
        {"id": worker, "until": now + lease, "seconds": lease},
    )


@dataclass(frozen=True, slots=True)
class _Orphans:
    """Which songs `worker` takes over: those that `select` finds for each of the owners."""

    select: str
    owners: tuple[Owner, ...]
    worker: str
    now: float
    lease: float


def _take(orphans: _Orphans, tx: Transaction) -> tuple[Song, ...]:
    worker, now = orphans.worker, orphans.now
    params = [{"owner": owner, "now": now} for owner in orphans.owners]
    rows = [row for each in params for row in tx.seize(orphans.select, each)]
    # Looked up again: another claim may have ended since the select saw who was alive.
    alive = {row["id"] for row in tx.all(_ALIVE, {"now": now})}
    _beat(worker, now, orphans.lease, tx)
    taken = []
    for before in (to_song(row) for row in rows if row["worker"] not in alive):
        after = orphaned(before, now, worker)
        if after is None:
            _forget(before.owner, before.id, tx)
        elif _swapped(tx, after := replace(after, version=before.version + 1)):
            taken.append(after)
    return tuple(song for song in taken if song.state != "UNKNOWN")


def _take_again(orphans: _Orphans, taken: tuple[Song, ...], tx: Transaction) -> tuple[Song, ...]:
    # Waits for an attempt that is still at work.
    _beat(orphans.worker, orphans.now, orphans.lease, tx)
    kept = (song for song in taken if _now(song, tx) == song)
    return (*kept, *_take(orphans, tx))


def _page(tx: Transaction, params: dict[str, object]) -> tuple[list[Row], int]:
    total = tx.all(f"select count(*) as total {_LISTED}", params)[0]["total"]  # fixed text
    return tx.all(_PAGE, params), int(total)


def _cursor(song: Song) -> str:
    return f"{song.created_at!r}/{song.id}"


def _position(cursor: str) -> tuple[float, str]:
    if not cursor:
        return float("inf"), ""
    before, _, song_id = cursor.partition("/")
    try:
        return float(before), song_id
    except ValueError:
        raise BadInput(
            "cursor", "use next_cursor of the previous answer, or leave it out"
        ) from None
