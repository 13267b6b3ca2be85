"""What is written beside a song: everything needed to make it again."""

from datetime import UTC, datetime
from typing import Any

from acestep_mcp.domain.song import Song
from acestep_mcp.library import sound


def record(song: Song) -> dict[str, Any]:
    """The song as plain JSON values; `request` is the body that was sent, seed included."""
    return {
        "request_id": song.request_id,
        "status": song.status,
        "title": song.title,
        "model": song.model,
        "request": dict(song.payload),
        "based_on": song.based_on,
        "created_at": instant(song.created_at),
        "completed_at": instant(song.completed_at),
        "media_urls": list(song.media_urls),
        "media_type": song.media_type,
        "files": list(song.files),
        "takes": sound.lines(song),
        "measured": sound.facts(song.sound),
    }


def instant(seconds: float | None) -> str:
    """Seconds since the epoch as ISO 8601 in UTC to the second; `""` where there is none."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC) if seconds is not None else None
    except (ValueError, OverflowError, OSError):  # no calendar has that day
        moment = None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""
