"""What it takes to put our server into a client's configuration; decides, and changes nothing."""

import codecs
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from acestep_mcp.install import edit, write
from acestep_mcp.install.clients import Client, Program
from acestep_mcp.install.entries import Entry, Launch, entry, snippet
from acestep_mcp.install.installed import UnreadableConfiguration, servers
from acestep_mcp.install.places import Machine, configuration
from acestep_mcp.install.project import SERVER

Which = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Nothing:
    """It is there already."""

    path: Path


@dataclass(frozen=True, slots=True)
class Run:
    """The client's own command line does it."""

    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """The file is to hold `content`."""

    original: write.Original
    content: bytes


@dataclass(frozen=True, slots=True)
class Paste:
    """Only its owner can change the file; `why` is the rest of a sentence about it."""

    path: Path
    why: str
    text: str


Plan = Nothing | Run | Edit | Paste


def plan(client: Client, launch: Launch, machine: Machine, which: Which = shutil.which) -> Plan:
    """Say what is to be done so that the client starts the server as `launch` says."""
    path = configuration(client, machine)
    wanted = entry(client, launch)
    present = _present(client, path)
    if present is not None and starts(present, launch):
        return Nothing(path)
    program = _program(client, machine, which)
    if program is not None and client.program is not None and present is None:
        return Run((program, *_arguments(client.program, wanted, launch)))
    if client.format == "json":
        return _edit(client, path, wanted)
    why = "already has another entry for it" if present else "is not JSON, and is left to you"
    return Paste(path, why, snippet(client, wanted))


def starts(present: object, launch: Launch) -> bool:
    """Whether the entry starts what `launch` starts, with at least its environment."""
    if not isinstance(present, dict):
        return False
    env, args = present.get("env") or {}, present.get("args") or []
    same = present.get("command") == launch.command and args == [*launch.args]
    return same and isinstance(env, dict) and launch.env.items() <= env.items()


def _present(client: Client, path: Path) -> object:
    try:
        return servers(client, path).get(SERVER)
    except UnreadableConfiguration:
        return None


def _program(client: Client, machine: Machine, which: Which) -> str | None:
    known = client.program
    return which(known.name) if known and machine.platform in known.platforms else None


def _arguments(program: Program, wanted: Entry, launch: Launch) -> Iterator[str]:
    for part in program.add:
        if part == "{command}":
            yield from (launch.command, *launch.args)
        elif part == "{env}":
            for name, value in launch.env.items():
                yield from (program.env, f"{name}={value}")
        else:
            described = json.dumps({"name": SERVER, **wanted}) if part == "{json}" else part
            yield described.replace("{name}", SERVER) if part == "{name}" else described


def _edit(client: Client, path: Path, wanted: Entry) -> Plan:
    try:
        original = write.read(path)
        content = original.content or b""
        mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
        text = content.removeprefix(mark).decode()
        edited = edit.with_server(text, client.section, wanted)
        return Edit(original, mark + edited.encode())
    except UnicodeError:
        why = "is not in UTF-8"
    except edit.NotEditable as refusal:
        why = str(refusal)
    except (OSError, RuntimeError) as error:  # the latter for links that lead to one another
        why = f"cannot be read ({getattr(error, 'strerror', None) or error})"
    return Paste(path, why, snippet(client, wanted))
