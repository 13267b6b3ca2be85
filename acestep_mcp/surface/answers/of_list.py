"""The answer of a list: songs a line each, and what all of them cost."""

from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from mcp_types import CallToolResult
from pydantic import BaseModel, Field

from acestep_mcp.domain.price import Price, spent
from acestep_mcp.domain.song import Song
from acestep_mcp.domain.text import clean
from acestep_mcp.ledger import Bought, Page
from acestep_mcp.library.sidecar import instant
from acestep_mcp.surface.answers.result import result, text


class ListAnswer(BaseModel):
    """One page of songs, newest first, and what all of them cost."""

    songs: list[dict[str, Any]] = Field(
        description="Newest first; more about one of them in get_status"
    )
    next_cursor: str = ""
    total: int
    folder: str = Field("", description="Where songs are saved")
    tracks_bought: int = Field(0, description="Accepted and not ended as ERROR")
    tracks_unknown: int = Field(0, description="Sent, and nobody knows if they were accepted")
    tracks_today: int = Field(0, description="Counted towards daily_limit, in the last 24 hours")
    daily_limit: int = Field(0, description="0 = none")
    cost: str = Field("", description="Of tracks_bought, by the price that the owner gave")


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What lists and questions say of this server: where it saves, and what tracks cost."""

    folder: str = ""
    daily_limit: int = 0
    price: Price | None = None
    charges: bool = True


def songs(page: Page, newest: Page, bought: Bought, house: House, search: str) -> CallToolResult:
    """The answer of a list; `newest` has the newest song where a search found none."""
    rows = [_row(each) for each in page.songs]
    cost = house.price.of(bought.tracks) if house.price else ""
    answer = ListAnswer(
        songs=rows,
        next_cursor=page.cursor,
        total=page.total,
        folder=house.folder,
        tracks_bought=bought.tracks,
        tracks_unknown=bought.unknown,
        tracks_today=bought.today,
        daily_limit=house.daily_limit,
        cost=cost,
    )
    head = _head(page, newest, search)
    lines = filter(None, (head, *map(_line, rows), _spent(bought, house)))
    return result([text("\n".join(lines))], answer, without=frozenset() if cost else {"cost"})


def _row(song: Song) -> dict[str, Any]:
    """What tells a song apart from others of its name; where it is told by its own answer."""
    row = {
        "request_id": song.handle,
        "status": song.status,
        "title": song.title or clean(song.payload.get("prompt", ""), 40),
        "created_at": instant(song.created_at),
        "model": song.model,
        "duration": song.duration or 0,
        "seed": -1 if song.seed is None else song.seed,
        "tracks": song.tracks,
        "files": [PurePath(each).name for each in song.files],
    }
    return {**row, "based_on": song.based_on} if song.based_on else row


def _line(row: dict[str, Any]) -> str:
    """A row as a line, which says by itself what each number is."""
    said = {"duration": "{:g} s", "seed": "seed {}", "tracks": "{} takes", "based_on": "after {}"}
    usual = {"duration": 0, "seed": -1, "tracks": 1}
    parts = (
        ", ".join(value) if isinstance(value, list) else said.get(name, "{}").format(value)
        for name, value in row.items()
        if value != usual.get(name)
    )
    return " | ".join(filter(None, parts))


def _head(page: Page, newest: Page, search: str) -> str:
    exact = "" if page.exact else "at least "
    if page.songs or (page.cursor and not search):
        more = f" More: call again with cursor {page.cursor!r}." if page.cursor else ""
        said = f"{len(page.songs)} of {exact}{page.total} songs, newest first"
        return f"{said}; each line begins with the request_id.{more}"
    if page.cursor:
        return f"None of the songs looked at so far. More: call again with cursor {page.cursor!r}."
    if newest.songs and search:
        last = newest.songs[0]
        name = last.title or clean(last.payload.get("prompt", ""), 40)
        return (
            f"No song has all of these words. There are {newest.total} songs; the newest is "
            f"“{name}”, {last.status}, request_id {last.handle}. Search for one word, or leave "
            "the search out."
        )
    return f"No songs{' of that status' if newest.total else ' yet'}."


def _spent(bought: Bought, house: House) -> str:
    folder = f"Songs are saved in:\n{house.folder}" if house.folder else ""
    if not house.charges and not bought.tracks + bought.unknown:
        return folder
    limit = f" of {house.daily_limit} allowed" if house.daily_limit else ""
    said = spent(bought.tracks, bought.unknown, house.price)
    return f"{said} In the last 24 hours: {bought.today}{limit}.\n{folder}".rstrip()
