"""Songs as rows and back."""

import json
from dataclasses import asdict, fields
from typing import Any

from acestep_mcp.domain.song import Song
from acestep_mcp.domain.track import Track
from acestep_mcp.ledger.driver import Row

_JSON = {"payload"}
_LISTS = {"media_urls", "files", "warnings", "file_warnings"}
_FLAGS = {"charged", "delivered", "presumed"}
FIELDS = tuple(f.name for f in fields(Song))


def to_row(song: Song, found_by: str = "") -> dict[str, Any]:
    """The song as statement parameters, one per column; `found_by` is its document, if written."""
    row: dict[str, Any] = {name: getattr(song, name) for name in FIELDS}
    for name in _JSON | _LISTS:
        row[name] = json.dumps(row[name], ensure_ascii=False)
    row["sound"] = json.dumps([asdict(track) for track in song.sound])
    flags = {name: int(row[name]) for name in _FLAGS}
    return {**row, **flags, "found_by": found_by}


def to_song(row: Row) -> Song:
    """The song a row holds."""
    values = {name: row[name] for name in FIELDS}
    values["payload"] = json.loads(values["payload"])
    for name in _LISTS:
        values[name] = tuple(json.loads(values[name]))
    values["sound"] = tuple(_track(each) for each in json.loads(values["sound"]))
    return Song(**{**values, **{name: bool(values[name]) for name in _FLAGS}})


def _track(found: dict[str, Any]) -> Track:
    lists = {name: tuple(found.get(name, ())) for name in ("peaks", "also")}
    silences = tuple((begin, end) for begin, end in found.get("silences", ()))
    return Track(**{**found, **lists, "silences": silences})
