"""What goes in and out of the sandbox: a request that was read, and replies in JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from starlette.responses import Response

Kind = Literal["submit", "status", "media", "other"]
"""What a request is for; faults and waiting are sorted by it."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that was read to its end. Header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def kind(self) -> Kind:
        """What the request is for."""
        return kind_of(self.method, self.path)

    def json(self) -> Any:  # noqa: ANN401  # as free as JSON is; tests index into it
        """The body as JSON; raises ValueError when it is none."""
        return json.loads(self.body)


def kind_of(method: str, path: str) -> Kind:
    """Sorts a request by its first line alone."""
    if method == "POST" and path.endswith("/generate"):
        return "submit"
    if path.startswith("/v2/requests/status/"):
        return "status"
    return "media" if path.startswith("/media/") else "other"


def in_json(status: int, content: object, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON reply."""
    return Response(json.dumps(content), status, headers, "application/json; charset=utf-8")


def refusal(
    status: int, error: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The gateway's error shape: a short error and a sentence."""
    return in_json(status, {"error": error, "message": message}, headers)
