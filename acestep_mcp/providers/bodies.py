"""What is sent to an API and what comes back, as plain values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request of an API: with a JSON body, or with a form that may carry files, or without.

    `files` are a name, the bytes and a media type each, by the field that they stand in.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = None
    form: Mapping[str, str] | None = None
    files: Mapping[str, tuple[str, bytes, str]] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete reply; `body` is None where it was longer than any documented one, or encoded."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


def parsed(body: bytes) -> Mapping[str, Any] | None:
    """The body as a JSON object, or None where it is anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
