"""Putting one entry into a JSON text without touching another character of it.

The text is never parsed and written anew: that would lose the owner's indentation, number
spellings, escapes and one-line arrays. The entry is cut into the text at its place, and what
comes out must parse to what went in plus that entry, or nothing is done.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from acestep_mcp.install.entries import Entry
from acestep_mcp.install.project import SERVER

_SPACE = re.compile(r"[ \t\r\n]*")
_INDENTED = re.compile(r"\n([ \t]+)\S")
_DECODER = json.JSONDecoder()
_REMOTE = ("url", "serverUrl", "httpUrl")
_KINDS = {"command": str, "args": list, "env": dict}
"""What an entry holds that starts a program; what holds something else is nothing we know."""


class NotEditable(Exception):
    """Why the text is left alone, as the rest of a sentence about the file."""


def with_server(text: str, section: str, server: Entry) -> str:
    """The text with the server in its section; what its entry had besides stays in it.

    Raises:
        NotEditable: The text is not plain JSON, or has something else at that place.
    """
    text = text if text.strip() else "{}\n"
    root = _parsed(text)
    servers = _member(root, section)
    wanted = _merged(_member(servers, SERVER), server)
    edited = _put(text, section, wanted)
    if json.loads(edited) != {**root, section: {**servers, SERVER: wanted}}:
        raise NotEditable("is written in a way that cannot be edited safely")
    return edited


def _parsed(text: str) -> dict[str, Any]:
    try:
        root = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotEditable(f"is not plain JSON ({error})") from None
    if not isinstance(root, dict):
        raise NotEditable("does not hold a JSON object")
    return root


def _member(of: dict[str, Any], name: str) -> dict[str, Any]:
    value = of.get(name, {})
    if not isinstance(value, dict):
        raise NotEditable(f"has something else than an object as its {name}")
    return value


def _merged(present: Entry, server: Entry) -> Entry:
    """The entry that is there, changed so that it starts the server as `server` says."""
    if any(name in present for name in _REMOTE):
        raise NotEditable(f"has a remote server named {SERVER}; remove that first")
    for name, kind in _KINDS.items():
        if not isinstance(present.get(name), kind | None):
            raise NotEditable(f"has an entry {SERVER} with something strange as its {name}")
    env = {**(present.get("env") or {}), **server.get("env", {})}
    return {**present, **server, **({"env": env} if env else {})}


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Object:
    """Where an object's braces stand, and where its members' values do."""

    opened: int
    members: tuple[_Member, ...]
    closed: int

    def find(self, name: str) -> _Member | None:
        """The member that counts: of several with one name, every reader takes the last."""
        return next((each for each in reversed(self.members) if each.name == name), None)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the text is laid out; `unit` is None where it is all on one line."""

    newline: str
    unit: str | None

    def gap(self, depth: int, *, after: str = "") -> str:
        """What stands before a member at this depth."""
        if self.unit is None:
            return " " if after == "," else ""
        return self.newline + self.unit * depth

    def value(self, value: object, depth: int) -> str:
        """A value whose first line stands at this depth."""
        lines = json.dumps(value, ensure_ascii=False, indent=self.unit)
        return lines.replace("\n", self.newline + (self.unit or "") * depth)


def _put(text: str, section: str, server: Entry) -> str:
    layout = _layout(text)
    root = _object(text, _skip(text, 0))
    holder = root.find(section)
    if holder is None:
        return _insert(text, root, (section, {SERVER: server}), layout, 1)
    servers = _object(text, holder.start)
    present = servers.find(SERVER)
    if present is None:
        return _insert(text, servers, (SERVER, server), layout, 2)
    return text[: present.start] + layout.value(server, 2) + text[present.end :]


def _insert(
    text: str, into: _Object, member: tuple[str, object], layout: _Layout, depth: int
) -> str:
    name, value = member
    written = f"{json.dumps(name)}: {layout.value(value, depth)}"
    if into.members:
        at = into.members[-1].end
        return f"{text[:at]},{layout.gap(depth, after=',')}{written}{text[at:]}"
    head = text[: into.opened + 1] + layout.gap(depth)
    return head + written + layout.gap(depth - 1) + text[into.closed :]


def _layout(text: str) -> _Layout:
    newline = "\r\n" if "\r\n" in text else "\n"
    if found := _INDENTED.search(text):
        return _Layout(newline, found[1])
    one_line = "\n" not in text.strip() and text.strip() != "{}"
    return _Layout(newline, None if one_line else "  ")


def _object(text: str, opened: int) -> _Object:
    """Find the parts of the object that opens there; the text is known to be valid JSON."""
    members: list[_Member] = []
    at = _skip(text, opened + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        start = _skip(text, _skip(text, at) + 1)
        _, end = _DECODER.raw_decode(text, start)
        members.append(_Member(name, start, end))
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at
    return _Object(opened, tuple(members), at)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()
