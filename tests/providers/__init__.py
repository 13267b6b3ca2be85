"""Providers, each through what the engine sees of it."""

from collections.abc import Mapping
from typing import Any

import httpx

from acestep_mcp.providers import Submission
from acestep_mcp.providers.bodies import Reply
from acestep_mcp.providers.pixazo.models import XL


def song(payload: Mapping[str, Any] | None = None) -> Submission:
    """An order, as the engine hands it over."""
    fields = {"prompt": "p"} if payload is None else payload
    return Submission(model=XL.id, payload=fields)


def carried(reply: Reply) -> httpx.Response:
    """A reply as a transport hands it over; one without a body that can be read is encoded."""
    encoded = {"content-encoding": "gzip"} if reply.body is None else {}
    body = httpx.ByteStream(reply.body or b"")
    return httpx.Response(reply.status, headers={**reply.headers, **encoded}, stream=body)
