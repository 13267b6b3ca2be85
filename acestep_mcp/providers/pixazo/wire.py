"""The gateway's JSON, read tolerantly and made safe to keep.

The API document's samples disagree with each other and with its tables: timestamps with and
without a zone, `media_url` as a list or a string, ids that only look like UUIDs. Unknown fields
are ignored, unknown states count as still running, and text is cleaned before it goes further.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from acestep_mcp.domain.song import LOCAL, Observation, RequestId, State
from acestep_mcp.domain.text import clean
from acestep_mcp.providers import links
from acestep_mcp.providers.bodies import parsed

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:~-]{0,199}")
_MADE_HERE = re.compile(f"{LOCAL}[0-9a-f]{{16}}")
_MODEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
_TYPE = re.compile(r"[a-z]{1,20}/[A-Za-z0-9.+-]{1,60}")
_YEAR_10000 = 253_402_300_800.0
_WORD = re.compile(r"[^A-Z]+")

# The documented five, and the words that other endpoints of this gateway use for them.
_STATES: Mapping[str, State] = {
    "QUEUED": "QUEUED",
    "PENDING": "QUEUED",
    "PROCESSING": "PROCESSING",
    "RUNNING": "PROCESSING",
    "COMPLETED": "COMPLETED",
    "SUCCEEDED": "COMPLETED",
    "SUCCESS": "COMPLETED",
    "DONE": "COMPLETED",
    "READY": "COMPLETED",
    "FINISHED": "COMPLETED",
    "FAILED": "FAILED",
    "ERROR": "ERROR",
}
_ENDINGS = re.compile(
    "FAIL|ERROR|CANCEL|ABORT|REJECT|EXPIRE|TIMEOUT|TIMED_OUT|TERMINATE|KILL|DENIED|DELETE|INVALID"
    "|STOPPED|DISCARD|CRASH|BLOCKED|REVOKED|SKIPPED|NOT_FOUND|LOST|DEAD"
)
"""Undocumented words by which queues say that nothing more will come of a job."""


def request_id(value: object) -> RequestId | None:
    """The id, if it is one: opaque, but printable, usable in a path, and none that is made here.

    Songs are looked up by either kind of id, so one that looks like ours could be another order's.
    """
    text = value.strip() if isinstance(value, str) else ""
    usable = _REQUEST_ID.fullmatch(text) and not _MADE_HERE.fullmatch(text)
    return RequestId(text) if usable else None


def said(body: bytes, limit: int = 200) -> str:
    """What an error body says, cleaned: `message`, else `error`, else plain text; never HTML."""
    found = parsed(body)
    if found is not None:
        texts = (clean(found.get(name), limit) for name in ("message", "error", "detail"))
        return next((text for text in texts if text), "")
    text = clean(body[: 4 * limit].decode("utf-8", "replace"), limit)
    return "" if text.startswith(("<", "{", "[")) else text


def observation(body: bytes, asked: RequestId, origin: str = "") -> Observation | None:
    """What a status reply says about the song that was asked about; None where it says nothing.

    A reply that names another song was meant for somebody else, however it came here. Media URLs
    without a host are completed by `origin`.
    """
    found = parsed(body)
    if found is None or not isinstance(found.get("status"), str):
        return None
    if found.get("request_id") not in (None, "") and request_id(found["request_id"]) != asked:
        return None
    output = found.get("output")
    urls, texts = links.found(output, origin)
    fields = output if isinstance(output, dict) else {}
    word = _WORD.sub("_", found["status"].upper()).strip("_")
    error = clean(found.get("error"), 300)
    presumed = word not in _STATES and _ENDINGS.search(word) is not None
    if presumed:
        error = clean(": ".join(filter(None, (found["status"], error))), 300)
    state = "ERROR" if presumed else _STATES.get(word, "QUEUED")
    return Observation(
        request_id=asked,
        state=state,
        presumed=presumed,
        # An id begins with the name of the model, in all that the document shows.
        model=_fitting(_MODEL, found.get("model_id")) or asked.partition("_")[0],
        media_urls=urls,
        warnings=tuple(map(_no_url, texts)) if state == "COMPLETED" else (),
        media_type=_fitting(_TYPE, fields.get("media_type")),
        error=error,
        created_at=timestamp(found.get("created_at")),
        completed_at=timestamp(found.get("completed_at")),
    )


def timestamp(value: object) -> float | None:
    """Seconds since the epoch from ISO 8601 or "YYYY-MM-DD HH:MM:SS"; no zone means UTC."""
    try:
        moment = datetime.fromisoformat(value.strip() if isinstance(value, str) else "")
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = aware.timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds < _YEAR_10000 else None


def _fitting(shape: re.Pattern[str], value: object) -> str:
    """The text if it has the shape of what it should be; it is shown without quotation marks."""
    text = value.strip() if isinstance(value, str) else ""
    return text if shape.fullmatch(text) else ""


def _no_url(text: str) -> str:
    """What the gateway gave in place of a media URL, marked as its words."""
    marked = text.replace("“", "'").replace("”", "'")
    return f"The gateway gave something else than a media URL for a track: “{marked}”."
