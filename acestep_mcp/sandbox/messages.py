"""What goes in and out of the sandbox: a request that was read, and the reply to it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

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


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, headers beyond Content-Length, and the body.

    `length` stands in for the body's own where none is sent, as in the answer to HEAD.
    """

    status: int
    body: bytes | memoryview = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None

    def fields(self) -> dict[str, str]:
        """The headers to send; what the reply itself declares wins."""
        length = len(self.body) if self.length is None else self.length
        own = {name.title(): value for name, value in self.headers.items()}
        return {"Content-Length": str(length)} | own


def kind_of(method: str, path: str) -> Kind:
    """Sorts a request by its first line alone."""
    if method == "POST" and path.endswith("/generate"):
        return "submit"
    if path.startswith("/v2/requests/status/"):
        return "status"
    return "media" if path.startswith("/media/") else "other"


def in_json(status: int, content: object, headers: Mapping[str, str] | None = None) -> Answer:
    """A JSON reply."""
    plain = {"Content-Type": "application/json; charset=utf-8"}
    return Answer(status, json.dumps(content).encode(), plain | dict(headers or {}))


def refusal(
    status: int, error: str, message: str, headers: Mapping[str, str] | None = None
) -> Answer:
    """The gateway's error shape: a short error and a sentence."""
    return in_json(status, {"error": error, "message": message}, headers)
