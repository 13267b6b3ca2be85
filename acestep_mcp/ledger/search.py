"""Finding songs by their words, with bounded work however many songs there are.

The term that the fewest songs have names the candidates; their documents decide. Where even that
one is too frequent, or begins too many words, the owner's newest songs are the candidates. Either
way at most `EXAMINED` are looked at in one go, and the page goes on after them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from acestep_mcp.domain.song import Owner, Song
from acestep_mcp.ledger import statements as sql
from acestep_mcp.ledger.driver import Row, Transaction
from acestep_mcp.ledger.words import Term, document, indexed, terms

EXAMINED = 300
"""Candidates of one search, and up to where its total is exact."""
_VARIANTS = 32
"""Different words with one beginning; of more, the beginning says too little."""
_LAST = "\U0010ffff"
T = TypeVar("T")
Place = tuple[float, str]
"""Where a song stands in a list: when it was ordered, and its id."""


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search: `goes_on` after `end`; `total` songs at least, or just so many."""

    places: tuple[Place, ...]
    end: Place
    goes_on: bool
    total: int
    exact: bool


def found_by(song: Song, before: Song | None = None, known: str = "") -> str:
    """The document to keep with a song; `known` is the one it had `before`.

    It has one from the moment it is listed.
    """
    if song.state == "intent" or (known and before and _names(before) == _names(song)):
        return known
    return document(song)


def _names(song: Song) -> tuple[object, ...]:
    return song.title, song.payload, song.request_id, song.files


def enter(tx: Transaction, song: Song, text: str, known: str = "") -> None:
    """Put a song into the index, of whose document `known` is there already.

    Only after the song itself is written: who holds its row is the only one who indexes it.
    """
    if text != known:
        _each(tx, sql.WORDS, song, indexed(text) - indexed(known))


def erase(tx: Transaction, song: Song, text: str) -> None:
    """Take a song that is deleted out of the index."""
    _each(tx, sql.NOT_WORDS, song, indexed(text))


def _each(tx: Transaction, statement: str, song: Song, words: Iterable[str]) -> None:
    for some in _filled(sorted(words), "word"):
        tx.run(
            statement,
            {"owner": song.owner, "created_at": song.created_at, "song": song.id, **some},
        )


def _filled(values: Sequence[T], name: str) -> Iterator[dict[str, T]]:
    """The values as parameters, as many at a time as a statement has places."""
    for first in range(0, len(values), sql.PLACES):
        some = values[first : first + sql.PLACES]
        padded = [*some, *[some[-1]] * (sql.PLACES - len(some))]
        yield {f"{name}_{at}": value for at, value in enumerate(padded)}


def catch_up(tx: Transaction, rows: Iterable[Row], songs: Iterable[Song]) -> None:
    """Index songs that an older version wrote."""
    for row, song in zip(rows, songs, strict=True):
        text = document(song)
        if tx.run(sql.INDEXED, {"id": row["id"], "found_by": text}):
            enter(tx, song, text)


def found(
    tx: Transaction, owner: Owner, search: str, states: Sequence[str], after: Place, limit: int
) -> Found:
    """The songs after a place that satisfy every term, newest first."""
    asked = terms(search)
    look = _Look(tx, owner, asked, tuple(states))
    top = (float("inf"), "")
    first, exact = look.examine(top)
    total = sum(matches for _, matches in first)
    candidates = first
    if after != top:
        candidates = [each for each in first if each[0] < after]
        if not exact:
            candidates, _ = look.examine(after)
    more_to_examine = len(candidates) == EXAMINED
    matching = [place for place, matches in candidates if matches]
    page = matching[:limit]
    if len(matching) > limit:
        end, goes_on = page[-1], True
    else:
        end, goes_on = (candidates[-1][0] if candidates else after), more_to_examine
    return Found(tuple(page), end, goes_on, total, exact)


@dataclass(frozen=True, slots=True)
class _Look:
    tx: Transaction
    owner: Owner
    asked: tuple[Term, ...]
    states: tuple[str, ...]

    def examine(self, after: Place) -> tuple[list[tuple[Place, bool]], bool]:
        """The next candidates, newest first, and whether each matches; True where that is all."""
        if not self.asked:
            return [], True
        words = self._rarest()
        if words is None:
            candidates = self._newest(after)
        else:
            places = self._places(words, after)
            known = self._documents(places)
            candidates = [(place, known.get(place[1], "")) for place in places]
        judged = [
            (place, bool(text) and all(term.holds(text) for term in self.asked))
            for place, text in candidates
        ]
        return judged, len(judged) < EXAMINED

    def _rarest(self) -> list[str] | None:
        """The words of the term that fewest songs have; None where walking is as good."""
        best: tuple[int, list[str] | None] = (EXAMINED, None)
        for term in self.asked:
            spans = [{"first": each, "last": each + _LAST} for each in term.prefixes]
            songs = sum(self._count(sql.FREQUENCY, span, EXAMINED) for span in spans)
            words: dict[str, None] = {}
            for span in spans:
                rows = self._all(sql.VOCABULARY, limit=_VARIANTS + 1, **span)
                words |= dict.fromkeys(row["word"] for row in rows)
            if len(words) <= _VARIANTS and (songs < best[0] or best[1] is None):
                best = songs, list(words)
        return best[1]

    def _places(self, words: list[str], after: Place) -> list[Place]:
        """The newest songs with any of the words."""
        before, song = after
        places = {
            (float(row["created_at"]), str(row["id"]))
            for word in words
            for row in self._all(sql.HAVING_WORD, word=word, before=before, id=song, limit=EXAMINED)
        }
        return sorted(places, reverse=True)[:EXAMINED]

    def _documents(self, places: list[Place]) -> dict[str, str]:
        rows = (row for some in _at(places) for row in self._all(sql.DOCUMENTS, **some))
        states = self.states
        return {
            row["id"]: row["found_by"]
            for row in rows
            if row["state"] != "intent" and (not states or row["state"] in states)
        }

    def _newest(self, after: Place) -> list[tuple[Place, str]]:
        place = {"before": after[0], "id": after[1], "limit": EXAMINED}
        if self.states:
            state, other = (*self.states, "")[:2]
            rows = self._all(sql.WALK_OF_STATE, state=state, other=other, **place)
        else:
            rows = self._all(sql.WALK, **place)
        return [((float(row["created_at"]), str(row["id"])), row["found_by"]) for row in rows]

    def _count(self, statement: str, span: dict[str, str], limit: int) -> int:
        return int(self._all(statement, limit=limit, **span)[0]["songs"])

    def _all(self, statement: str, **params: Any) -> list[Row]:  # noqa: ANN401  # as the statement wants
        return self.tx.all(statement, {"owner": self.owner, **params})


def several(tx: Transaction, owner: Owner, places: Sequence[Place]) -> list[Row]:
    """The songs at these places, in this order."""
    rows = {
        row["id"]: row
        for some in _at(places)
        for row in tx.all(sql.SEVERAL, {"owner": owner, **some})
    }
    return [rows[song] for _, song in places if song in rows]


def _at(places: Sequence[Place]) -> Iterator[dict[str, Any]]:
    """As parameters, so many at a time as a statement has places for."""
    moments = _filled([moment for moment, _ in places], "at")
    for times, ids in zip(moments, _filled([song for _, song in places], "id"), strict=True):
        yield {**times, **ids}
