"""What the clients of this machine have configured for our server, and whether they can start it.

Reads only, and more forgivingly than it would write: comments and trailing commas are passed over.
"""

import json
import re
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acestep_mcp.install import write
from acestep_mcp.install.clients import CLIENTS, Client, Platform
from acestep_mcp.install.entries import Entry
from acestep_mcp.install.places import Machine, configuration, is_installed

_SHORT_PATH: dict[Platform, str] = {
    "linux": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "darwin": "/usr/bin:/bin:/usr/sbin:/sbin",
}
"""What a program started from the desktop finds as its PATH. Windows has one for all."""
_TOKENS = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])', re.DOTALL)


class UnreadableConfiguration(Exception):
    """Why the configuration tells nothing, as the rest of a sentence about it."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A client that is on this machine. `entry` is None where it does not know our server.

    `trouble` says why its configuration could not be read.
    """

    client: Client
    path: Path
    entry: Entry | None = None
    trouble: str = ""


def installed(machine: Machine) -> Iterator[Installed]:
    """Every client of the table that has been on this machine."""
    for client in CLIENTS:
        if seen := looked_at(client, machine):
            yield seen


def looked_at(client: Client, machine: Machine) -> Installed | None:
    """The client, if it has been on this machine."""
    if not is_installed(client, machine):
        return None
    return _look(client, configuration(client, machine))


def resolved(command: str, client: Client, machine: Machine) -> str | None:
    """The program that the client would start, found as it would find it."""
    path = _SHORT_PATH.get(machine.platform) if client.desktop else None
    try:
        return shutil.which(command, path=path or machine.environ.get("PATH"))
    except (OSError, ValueError):  # what no file can be called
        return None


def servers(client: Client, path: Path) -> dict[str, Any]:
    """What a configuration has for servers, by name; nothing where there is no file.

    Raises:
        UnreadableConfiguration: It is not what the client writes.
    """
    try:
        content = write.read(path).content or b""
        found = _parsed(client, content.decode("utf-8-sig")).get(client.section, {})
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UnreadableConfiguration(f"cannot be read: {reason}") from None
    if not isinstance(found, dict):
        raise UnreadableConfiguration(f"has no table as its {client.section}")
    return found


def _look(client: Client, path: Path) -> Installed:
    try:
        found = servers(client, path)
    except UnreadableConfiguration as trouble:
        return Installed(client, path, trouble=str(trouble))
    entries = {name: each for name, each in found.items() if isinstance(each, dict)}
    ours = (each for name, each in entries.items() if _is_ours(name, each))
    return Installed(client, path, next(ours, None))


def _is_ours(name: str, server: Entry) -> bool:
    parts = (name, server.get("command"), server.get("args"))
    return any("acestep" in str(part) for part in parts)


def _parsed(client: Client, text: str) -> dict[str, Any]:
    if client.format == "toml":
        return tomllib.loads(text)
    if client.format == "yaml":
        return {client.section: dict(_blocks(text, client.section))}
    root = json.loads(_plain(text) if text.strip() else "{}")
    if not isinstance(root, dict):
        raise ValueError("no object")  # noqa: TRY004  # what the text says, not what we were given
    return root


def _plain(text: str) -> str:
    """The text without comments and trailing commas."""
    bare = _TOKENS.sub(lambda found: found[1] or " ", text)
    return _TRAILING.sub(lambda found: found[1] or "", bare)


def _blocks(text: str, section: str) -> Iterator[tuple[str, Entry]]:
    """The blocks two deep in a section of YAML as Goose writes it: just their plain values."""
    inside, name, block = False, "", dict[str, Any]()
    for line in text.splitlines():
        if line[:1].strip():
            inside = line.startswith(f"{section}:")
        elif inside and re.match(r"  \S", line):
            name, block = line.strip().rstrip(":"), {}
            yield name, block
        elif inside and (found := re.match(r"    (\w+): *(\S.*)$", line)):
            block[found[1]] = _scalar(found[2])


def _scalar(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text.strip("'\"")
