"""The memory of every song: what was asked, what may have been paid for, how it ended.

The ledger is the only truth; poll answers and callbacks are hints that lead to a change here.
Each operation names the owner whose songs it may see. Every change is a compare-and-set on the
song's version, so two processes that saw the same song cannot both act on it.
"""

import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

from acestep_mcp.domain.errors import BadInput, LedgerDown, LimitReached
from acestep_mcp.domain.song import CHARGED, LISTED, Owner, Song, SongId, orphaned, unknown
from acestep_mcp.ledger import search as searching
from acestep_mcp.ledger import statements as sql
from acestep_mcp.ledger.driver import Driver, InDoubt, Params, Row, Transaction
from acestep_mcp.ledger.nowhere import Nowhere
from acestep_mcp.ledger.rows import to_row, to_song
from acestep_mcp.ledger.schema import LONG, SHORT
from acestep_mcp.settings import SettingsError

__all__ = ["WINDOW", "Bought", "InDoubt", "Ledger", "Page", "opened"]

T = TypeVar("T")
Ago = Callable[[float], float]
DAY = 86_400.0
_AHEAD = 10**9
"""Seconds for which songs from the future count: that somebody's clock may have been ahead."""
WINDOW = 600.0
"""Seconds for which a song still answers for an identical request: one of unknown outcome since it
was sent, and one that was made since its end was told."""

LONG_DEAD = DAY
"""Seconds after which the row of a worker is of no use, whichever clock was wrong."""
_MOST_TAKEN = 500
"""Songs per claim; the next one takes the rest, and nobody else has to wait meanwhile."""
_MOST_INDEXED, _BATCHES = 100, 4
"""Songs of an older version that are indexed in one transaction, and how many of these in a go."""
_TOP = (math.inf, "")
_NAMESAKE = "the gateway answered with the id of another order"
# What was sent and not answered may have been paid for, so it is shown as what it is: unknown.
# An `intent` is in no list: nothing was sent, so there is no song yet.
_SHOWN = {"": (), "UNKNOWN": ("UNKNOWN", "sending"), "intent": ("",)}


@dataclass(frozen=True, slots=True)
class Page:
    """Songs newest first; `cursor` continues after them, `""` at the end; `total` counts all.

    A search looks at so many songs in one go: the `cursor` of an empty page leads to the others,
    and where `exact` is False there are `total` at least.
    """

    songs: tuple[Song, ...]
    cursor: str
    total: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Bought:
    """Tracks that were accepted, that may have been, and that count towards today's limit."""

    tracks: int
    unknown: int
    today: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """The operations, on whichever engine `driver` speaks to. All raise LedgerDown.

    A commit whose outcome is in doubt is looked into once, and made up for where it had no
    effect. `InDoubt` is raised only when that failed as well: most often the database is gone.
    """

    driver: Driver

    async def reserve(
        self, song: Song, *, limit: int, reuse: bool, lease: float, ago: Ago | None = None
    ) -> Song:
        """Write the intent, or return the song that already answers this request.

        One transaction, so that of any number of identical calls in any number of processes one
        writes. `limit` is in tracks per rolling 24 hours, 0 for none; `lease` is for how many
        seconds the song's worker counts as alive. `ago` tells the time of so many seconds ago; it
        is asked when the lock is held, because the clock may have been set while that took. With
        `reuse=False` an earlier song never answers.

        Raises:
            LimitReached: The tracks would exceed the limit; nothing is written.
            InDoubt: The intent may have been written; forget it.
        """
        work = partial(_reserve, song, limit, reuse, lease, ago)
        return await self._write(work, partial(_reserve_again, song, work))

    async def earlier(
        self, song: Song, *, limit: int, reuse: bool, ago: Ago | None = None
    ) -> Song | None:
        """The song that already answers this request, as `reserve` would find it.

        Raises:
            LimitReached: There is none, and its tracks would exceed the limit.
        """
        return await self.driver.read(partial(_earlier, song, limit, ago, reuse=reuse))

    async def find(self, owner: Owner, handle: str) -> Song | None:
        """The owner's song of that gateway id or local handle."""
        params = {"owner": owner, "handle": handle}
        rows = await self.driver.read(lambda tx: tx.all(sql.BY_HANDLE, params))
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
        """The owner's songs, newest first; `search` is taken word by word, as `words` says.

        Raises:
            BadInput: The cursor is none that an earlier page gave.
        """
        after = _position(cursor)
        if not search:
            return await self.driver.read(partial(_page, owner, status, after, limit))
        complete = await self._catch_up(owner)
        page = await self.driver.read(partial(_found, owner, search, status, after, limit))
        return page if complete else replace(page, exact=False)

    async def bought(self, owner: Owner, now: float) -> Bought:
        """What the owner has spent, in tracks."""
        return await self.driver.read(partial(_bought, owner, now))

    async def times(self, song: Song) -> tuple[float, ...]:
        """Seconds that the owner's last songs of this model and number of tracks took."""
        params = {"owner": song.owner, "model": song.model, "tracks": song.tracks}
        rows = await self.driver.read(lambda tx: tx.all(sql.TIMES, params))
        return tuple(float(row["took"]) for row in rows)

    async def running(self, worker: str) -> tuple[tuple[SongId, int], ...]:
        """The versions of the running songs that a worker looks after."""
        rows = await self.driver.read(lambda tx: tx.all(sql.RUNNING_OF_WORKER, {"worker": worker}))
        return tuple((SongId(row["id"]), int(row["version"])) for row in rows)

    async def beat(self, worker: str, now: float, lease: float) -> None:
        """Say that `worker` looks after its songs for `lease` seconds from now on."""
        await self._write(partial(_beat, worker, now, lease))

    async def retire(self, worker: str) -> None:
        """Say that `worker` is gone and its songs are anyone's."""
        await self._write(lambda tx: tx.run(sql.RETIRE, {"id": worker}))

    async def bereaved(self, now: float, *, unsaved: bool) -> tuple[Owner, ...]:
        """Whose songs have a dead worker; their names only, to see who can be helped.

        The songs are those that have not ended or, where `unsaved`, those whose files are missing.
        Whoever asks also clears away what nobody else does.
        """
        pairs = sql.BEREAVED_UNSAVED if unsaved else sql.BEREAVED
        rows, dead = await self.driver.read(partial(_left_behind, pairs, now))
        if dead:
            await self._write(partial(_bury, now))
        if not unsaved:
            await self._catch_up()
        return tuple(dict.fromkeys(Owner(row["owner"]) for row in rows))

    async def expiry(self, worker: str, now: float) -> float:
        """When the first lease of the other workers runs out; infinite where there is none."""
        rows = await self.driver.read(lambda tx: tx.all(sql.EXPIRY, {"id": worker, "now": now}))
        return float(rows[0]["until"]) if rows else math.inf

    async def claim(  # what a heir has to say of itself
        self,
        owners: Sequence[Owner],
        worker: str,
        now: float,
        lease: float,
        *,
        unsaved: bool,
        askable: Collection[tuple[Owner, str]] | None = None,
    ) -> tuple[Song, ...]:
        """Take over the owners' songs whose worker is dead, and return those still open.

        The songs are those of `bereaved`; where they are many, it takes more than one claim. Left
        alone are those about which somebody has still to be asked, be it for media URLs, and whose
        owner and provider are not `askable`; None: all are.

        What was never sent is dropped, and what may have been becomes unknown, in the same
        transaction: a process that only seemed dead finds that it may not send any more.
        """
        orphans = _Orphans(frozenset(owners), askable, worker, now, lease, unsaved)
        return await self._write(partial(_take, orphans), partial(_take_again, orphans))

    def changes(self, wanted: Callable[[], Awaitable[None]]) -> AsyncGenerator[SongId | None, None]:
        """For ever: hints that a song changed, None for any song; see `Driver.changes`."""
        return self.driver.changes(wanted)

    async def close(self) -> None:
        """Let go of the database."""
        await self.driver.close()

    async def _catch_up(self, owner: Owner | None = None) -> bool:
        """Index some of the songs that an older version wrote; False where there are more."""
        for _ in range(_BATCHES):
            if await self.driver.read(partial(_is_indexed, owner)):
                return True
            try:
                await self._write(partial(_index, owner))
            except LedgerDown:
                return False  # what can be read is to be shown all the same
        return await self.driver.read(partial(_is_indexed, owner))

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


def _reserve(
    song: Song,
    limit: int,
    reuse: bool,  # noqa: FBT001  # as above
    lease: float,
    ago: Ago | None,
    tx: Transaction,
) -> Song:
    tx.exclusive(song.owner)
    if earlier := _earlier(song, limit, ago, tx, reuse=reuse):
        return earlier
    _beat(song.worker, song.created_at, lease, tx)
    _insert(tx, song)
    return song


def _earlier(
    song: Song, limit: int, ago: Ago | None, tx: Transaction, *, reuse: bool
) -> Song | None:
    now = song.created_at
    if reuse:
        same = {
            "owner": song.owner,
            "fingerprint": song.fingerprint,
            "exact": song.exact,
            "fresh": ago(WINDOW) if ago else now - WINDOW,
        }
        for row in tx.all(sql.SAME, same):
            return to_song(row)
    if limit and (used := _used(tx, song.owner, now)) + song.tracks > limit:
        raise LimitReached(limit=limit, used=used, asked=song.tracks)
    return None


def _used(tx: Transaction, owner: Owner, now: float) -> int:
    """Tracks ordered in the 24 hours before now, to the second.

    The whole spans are summed up already, long ones and then short ones; of the short span that
    began more than a day ago the songs themselves are counted.
    """
    since = now - DAY
    long_at, short_at = math.floor(since / LONG), math.floor(since / SHORT)
    params = {
        "owner": owner,
        "long": LONG,
        "long_at": long_at,
        "long_end": long_at + _AHEAD // LONG,
        "short": SHORT,
        "short_at": short_at,
        "short_end": (long_at + 1) * (LONG // SHORT) - 1,
        "since": since,
        "edge": float((short_at + 1) * SHORT),
    }
    return int(tx.all(sql.USED, params)[0]["used"])


def _bought(owner: Owner, now: float, tx: Transaction) -> Bought:
    tracks = {row["state"]: int(row["tracks"]) for row in tx.all(sql.COUNTS, {"owner": owner})}
    return Bought(
        tracks=sum(tracks.get(state, 0) for state in CHARGED),
        unknown=sum(tracks.get(state, 0) for state in _SHOWN["UNKNOWN"]),
        today=_used(tx, owner, now),
    )


def _insert(tx: Transaction, song: Song) -> None:
    text = searching.found_by(song)
    tx.run(sql.INSERT, to_row(song, text))
    searching.enter(tx, song, text)


def _reserve_again(
    song: Song, work: Callable[[Transaction], Song], _: Song, tx: Transaction
) -> Song:
    # A first attempt that is still at work holds this lock until it has ended one way or another.
    tx.exclusive(song.owner)
    return _now(song, tx) or work(tx)


def _now(song: Song, tx: Transaction) -> Song | None:
    """The song as the ledger has it."""
    rows = tx.all(sql.BY_ID, {"owner": song.owner, "id": song.id})
    return to_song(rows[0]) if rows else None


def _change(
    owner: Owner, handle: str, fact: Callable[[Song], Song], wrote: Song | None, tx: Transaction
) -> Song | None:
    """`wrote` is what an attempt in doubt wanted to write: found there, it took effect."""
    while rows := tx.all(sql.BY_HANDLE, {"owner": owner, "handle": handle}):
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
            # Nor may two orders have one id, be they two customers': each would be told of one song
            # what is the other's.
            tx.exclusive(Owner(f"id {after.request_id}"))
            if tx.all(sql.NAMESAKE, to_row(after)):
                fact = partial(unknown, now=after.updated_at, why=_NAMESAKE)
                continue
            while twins := tx.all(sql.ADOPTED_TWIN, to_row(after)):
                _delete(tx, twins[0])
        if _swapped(tx, before, rows[0]["found_by"], after):
            return after
    return None


def _swapped(tx: Transaction, before: Song, known: str, after: Song) -> bool:
    """Compare-and-set: False when the song is no longer the version before this one."""
    text = searching.found_by(after, before, known)
    swapped = tx.run(sql.UPDATE, to_row(after, text)) == 1
    if swapped:
        searching.enter(tx, after, text, known)
        tx.changed(after.id)
    return swapped


def _delete(tx: Transaction, row: Row) -> None:
    song = to_song(row)
    if tx.run(sql.DELETE, to_row(song)):
        searching.erase(tx, song, row["found_by"])
        tx.changed(song.id)


def _forget(owner: Owner, song_id: SongId, tx: Transaction) -> None:
    while rows := tx.all(sql.BY_ID, {"id": song_id, "owner": owner}):
        if rows[0]["request_id"] is not None:
            return
        _delete(tx, rows[0])


def _adopt(song: Song, tx: Transaction) -> Song:
    tx.exclusive(song.owner)
    rows = tx.all(sql.BY_HANDLE, {"owner": song.owner, "handle": song.handle})
    if rows:
        return to_song(rows[0])
    _insert(tx, song)
    return song


def _beat(worker: str, now: float, lease: float, tx: Transaction) -> None:
    tx.run(sql.BEAT, {"id": worker, "until": now + lease, "seconds": lease})


def _left_behind(pairs: str, now: float, tx: Transaction) -> tuple[list[Row], bool]:
    """Dead workers with the owners of their songs; True where a worker is dead for long."""
    return tx.all(pairs, {"now": now}), bool(tx.all(sql.LONG_DEAD, _long_dead(now, 1)))


def _bury(now: float, tx: Transaction) -> None:
    """Drop the rows of workers that are dead for long, some at a time.

    It may only seem so, to a clock that is wrong: whoever lives is there again with the next beat.
    """
    for row in tx.all(sql.LONG_DEAD, _long_dead(now, 100)):
        tx.run(sql.RETIRE, {"id": row["id"]})


def _long_dead(now: float, limit: int) -> Params:
    return {"past": now - LONG_DEAD, "future": now + LONG_DEAD, "limit": limit}


def _unindexed(owner: Owner | None) -> tuple[str, Params]:
    if owner is None:
        return sql.NEXT_UNINDEXED, {"limit": _MOST_INDEXED}
    return sql.NEXT_UNINDEXED_OF_OWNER, {"owner": owner, "limit": _MOST_INDEXED}


def _is_indexed(owner: Owner | None, tx: Transaction) -> bool:
    statement, params = _unindexed(owner)
    return not tx.all(statement, {**params, "limit": 1})


def _index(owner: Owner | None, tx: Transaction) -> None:
    rows = tx.seize(*_unindexed(owner))
    searching.catch_up(tx, rows, map(to_song, rows))


@dataclass(frozen=True, slots=True)
class _Orphans:
    """Which songs `worker` takes over."""

    owners: frozenset[Owner]
    askable: Collection[tuple[Owner, str]] | None
    worker: str
    now: float
    lease: float
    unsaved: bool


def _take(orphans: _Orphans, tx: Transaction) -> tuple[Song, ...]:
    worker, now = orphans.worker, orphans.now
    # Looked up after the songs: another claim may have ended since the select saw who was alive.
    rows = _orphaned(orphans, tx)
    alive = {row["id"] for row in tx.all(sql.ALIVE, {"now": now})}
    _beat(worker, now, orphans.lease, tx)
    taken = []
    for row in rows:
        if row["worker"] in alive:
            continue
        before = to_song(row)
        known = orphans.askable is None or (before.owner, before.provider) in orphans.askable
        if not known and not before.media_urls:
            continue
        after = orphaned(before, now, worker)
        if after is None:
            _forget(before.owner, before.id, tx)
        else:
            after = replace(after, version=before.version + 1)
            if _swapped(tx, before, row["found_by"], after):
                taken.append(after)
    return tuple(song for song in taken if song.state != "UNKNOWN")


def _orphaned(orphans: _Orphans, tx: Transaction) -> list[Row]:
    pairs = sql.BEREAVED_UNSAVED if orphans.unsaved else sql.BEREAVED
    left = sql.LEFT_UNSAVED if orphans.unsaved else sql.LEFT
    rows: list[Row] = []
    for pair in tx.all(pairs, {"now": orphans.now}):
        if pair["owner"] in orphans.owners and len(rows) < _MOST_TAKEN:
            few = {"worker": pair["worker"], "owner": pair["owner"]}
            rows += tx.seize(left, {**few, "limit": _MOST_TAKEN - len(rows)})
    return rows


def _take_again(orphans: _Orphans, taken: tuple[Song, ...], tx: Transaction) -> tuple[Song, ...]:
    # Waits for an attempt that is still at work.
    _beat(orphans.worker, orphans.now, orphans.lease, tx)
    kept = (song for song in taken if _now(song, tx) == song)
    return (*kept, *_take(orphans, tx))


def _page(owner: Owner, status: str, after: tuple[float, str], limit: int, tx: Transaction) -> Page:
    songs = {row["state"]: int(row["songs"]) for row in tx.all(sql.COUNTS, {"owner": owner})}
    states = _SHOWN.get(status, (status,))
    total = sum(songs.get(state, 0) for state in states or LISTED)
    place = {"owner": owner, "before": after[0], "id": after[1], "limit": limit + 1}
    if states:
        state, other = (*states, "")[:2]
        rows = tx.all(sql.PAGE_OF_STATE, {**place, "state": state, "other": other})
    else:
        rows = tx.all(sql.PAGE, place)
    page = tuple(to_song(row) for row in rows[:limit])
    more = len(rows) > limit
    return Page(page, _cursor((page[-1].created_at, page[-1].id)) if more else "", total)


def _found(
    owner: Owner, search: str, status: str, after: tuple[float, str], limit: int, tx: Transaction
) -> Page:
    states = _SHOWN.get(status, (status,))
    found = searching.found(tx, owner, search, states, after, limit)
    rows = searching.several(tx, owner, found.places)
    cursor = _cursor(found.end) if found.goes_on else ""
    return Page(tuple(map(to_song, rows)), cursor, found.total, found.exact)


def _cursor(place: tuple[float, str]) -> str:
    return f"{place[0]!r}/{place[1]}"


def _position(cursor: str) -> tuple[float, str]:
    if not cursor:
        return _TOP
    before, _, song_id = cursor.partition("/")
    try:
        return float(before), song_id
    except ValueError:
        raise BadInput(
            "cursor", "use next_cursor of the previous answer, or leave it out"
        ) from None
