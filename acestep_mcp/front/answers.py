"""Which messages the snapshot answers: those of exactly the shape it knows, and no others.

There are two eras. A connection that begins with `initialize` stays in the first; in the second,
each request says in its `_meta` who asks. Only the version in the answer to `initialize` differs
from client to client.
"""

import json
from pathlib import Path
from typing import Any

from acestep_mcp.settings import Settings

SNAPSHOTS = {
    surface: Path(__file__).with_name(f"{surface}.json") for surface in ("paid", "own", "either")
}
"""What is published, by who makes songs."""
VERSION, INFO, CAPABILITIES = "protocolVersion", "clientInfo", "clientCapabilities"
_META = "io.modelcontextprotocol/"
_WHO = {_META + name for name in (VERSION, INFO, CAPABILITIES)}

Json = dict[str, Any]


class Front:
    """Answers one connection, line by line, with what is true for these settings.

    `opening` is what a server must hear to go on with the connection: the request that settled
    the era, which is answered, and the notification that follows it in the first one.
    """

    def __init__(self, settings: Settings) -> None:
        snapshot = json.loads(SNAPSHOTS[settings.surface].read_bytes())
        self._versions: dict[str, list[str]] = snapshot["versions"]
        taken = snapshot["settings"]
        changed = {name for name in taken if getattr(settings, name) != taken[name]}
        self._results: dict[str, Json] = {
            era: {
                method: answer["result"]
                for method, answer in answers.items()
                if changed.isdisjoint(answer["depends"])
            }
            for era, answers in snapshot["answers"].items()
        }
        self._era = ""
        self._ready = False
        self.opening: list[bytes] = []

    def answer(self, line: bytes) -> bytes | None:
        """The line to answer with, empty where none is due; None where the server has to."""
        message = _parsed(line)
        if message is None:
            return None
        method, params = message["method"], message.get("params", {})
        if "id" not in message:
            return b"" if self._noted(method, params, line) else None
        result = self._result(method, params, line)
        if result is None:
            return None
        reply = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        return json.dumps(reply, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    def _noted(self, method: str, params: Json, line: bytes) -> bool:
        """Whether a notification needs no server to take note of it."""
        if method == "notifications/initialized" and self._era == "handshake" and not params:
            self.opening.append(line)
            self._ready = True
            return True
        return method == "notifications/cancelled"  # of a request that is answered already

    def _result(self, method: str, params: Json, line: bytes) -> Json | None:
        if method == "initialize":
            return self._greeting(params, line)
        era = self._era or "modern"
        if era == "modern":
            whole = len(params) == 1 and self._complete(params.get("_meta"))
        else:
            whole = not params and (self._ready or method == "ping")
        result = self._results[era].get(method) if whole else None
        if result is not None and not self._era and method != "server/discover":
            self._open(era, line)
        return result

    def _greeting(self, params: Json, line: bytes) -> Json | None:
        known = params.get(VERSION) in self._versions["handshake"]
        whole = params.keys() == {VERSION, INFO, "capabilities"}
        result = self._results["handshake"].get("initialize")
        if self._era or not (result and known and whole):
            return None
        if not _client(params[INFO], params["capabilities"]):
            return None
        self._open("handshake", line)
        return {**result, VERSION: params[VERSION]}

    def _complete(self, meta: object) -> bool:
        """Whether a request of the second era says who asks, and nothing else."""
        if not isinstance(meta, dict) or meta.keys() != _WHO:
            return False
        known = meta[_META + VERSION] in self._versions["modern"]
        return known and _client(meta[_META + INFO], meta[_META + CAPABILITIES])

    def _open(self, era: str, line: bytes) -> None:
        self._era = era
        self.opening.append(line)


def _parsed(line: bytes) -> Json | None:
    """A request or notification in plain form."""
    try:
        message = json.loads(line.decode())
    except (ValueError, RecursionError):
        return None
    match message:
        case {"jsonrpc": "2.0", "method": str()}:
            plain = message.keys() <= {"jsonrpc", "id", "method", "params"}
            named = type(message.get("id", 0)) in (int, str)
            whole = isinstance(message.get("params", {}), dict)
            lone = b"\\ud" in line.lower()  # half a character, perhaps, which is none
            return message if plain and named and whole and not lone else None
    return None


def _client(info: object, capabilities: object) -> bool:
    """Whether a client describes itself in the plainest form there is."""
    if not isinstance(info, dict) or not isinstance(capabilities, dict):
        return False
    named = {"name", "version"} <= info.keys() and all(isinstance(v, str) for v in info.values())
    roots = capabilities.get("roots", {})
    return (
        named
        and all(isinstance(each, dict) for each in capabilities.values())
        and all(isinstance(each, bool) for each in roots.values())
    )
