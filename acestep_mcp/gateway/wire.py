"""The gateway's JSON, read tolerantly and made safe to keep.

The API document's samples disagree with each other and with its tables: timestamps with and
without a zone, `media_url` as a list or a string, ids that only look like UUIDs. Unknown fields
are ignored, unknown states count as still running, and text is cleaned before it goes further.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from acestep_mcp.domain.song import Observation, RequestId, State
from acestep_mcp.domain.text import clean

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:~-]{0,199}")
_URL = re.compile(r"https?://[!-~]{1,2000}")

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
    "FAILED": "FAILED",
    "ERROR": "ERROR",
}


def request_id(value: object) -> RequestId | None:
    """The id, if it is one: opaque, but printable and usable in a path."""
    text = value.strip() if isinstance(value, str) else ""
    return RequestId(text) if _REQUEST_ID.fullmatch(text) else None


def parsed(body: bytes) -> Mapping[str, Any] | None:
    """The body as a JSON object, or None where it is anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def said(body: bytes, limit: int = 200) -> str:
    """What an error body says, cleaned: `message`, else `error`, else plain text; never HTML."""
    found = parsed(body)
    if found is not None:
        texts = (clean(found.get(name), limit) for name in ("message", "error", "detail"))
        return next((text for text in texts if text), "")
    text = clean(body[: 4 * limit].decode("utf-8", "replace"), limit)
    return "" if text.startswith(("<", "{", "[")) else text


def observation(body: bytes, asked: RequestId) -> Observation | None:
    """What a status reply or a callback says; None where it is not about a song at all."""
    found = parsed(body)
    if found is None or not isinstance(found.get("status"), str):
        return None
    output = found.get("output")
    output = output if isinstance(output, dict) else {}
    return Observation(
        request_id=asked,
        state=_STATES.get(found["status"].strip().upper(), "QUEUED"),
        model=clean(found.get("model_id"), 60),
        media_urls=_urls(output.get("media_url")),
        media_type=clean(output.get("media_type"), 80),
        error=clean(found.get("error"), 300),
        created_at=timestamp(found.get("created_at")),
        completed_at=timestamp(found.get("completed_at")),
    )


def timestamp(value: object) -> float | None:
    """Seconds since the epoch from ISO 8601 or "YYYY-MM-DD HH:MM:SS"; no zone means UTC."""
    try:
        moment = datetime.fromisoformat(value.strip() if isinstance(value, str) else "")
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.timestamp()
    except (ValueError, OverflowError):
        return None


def _urls(value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    texts = (item.strip() for item in listed[:16] if isinstance(item, str))
    return tuple(text for text in texts if _URL.fullmatch(text))
