"""Configurations as they are found: whatever is not understood stays untouched."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from acestep_mcp.install.clients import BY_NAME, CLIENTS
from acestep_mcp.install.entries import Launch
from acestep_mcp.install.installed import installed
from acestep_mcp.install.places import Machine, configuration
from acestep_mcp.install.plan import Edit, Paste, Plan, plan
from tests.install.test_command import home, run, tree

__all__ = ["home"]

LAUNCH = Launch("/opt/bin/acestep-mcp", ("--from", "x"), {"PIXAZO_API_KEY_FILE": "/k"})
RIGHT: dict[str, Any] = {"command": "/opt/bin/acestep-mcp", "args": ["--from", "x"]}
ENTRIES: dict[str, Any] = {
    "env is a list": {**RIGHT, "env": ["PIXAZO_API_KEY=x"]},
    "env is a text": {**RIGHT, "env": "PIXAZO_API_KEY=x"},
    "env is a number": {**RIGHT, "env": 5},
    "args is a number": {**RIGHT, "args": 5},
    "args is a text": {**RIGHT, "args": "--from x"},
    "args is an object": {**RIGHT, "args": {"0": "--from"}},
    "args is true": {**RIGHT, "args": True},
    "command is a list": {"command": ["/opt/bin/acestep-mcp"]},
    "command is an object": {"command": {"path": "/opt/bin/acestep-mcp", "args": []}},
    "command is a number": {"command": 5},
    "a text": "/opt/bin/acestep-mcp",
    "a list": ["/opt/bin/acestep-mcp"],
    "a number": 5,
    "true": True,
    "remote": {"type": "http", "url": "https://example.org/mcp"},
}
FILES: dict[str, bytes] = {
    "a list": b"[]",
    "a text": b'"mcpServers"',
    "null": b"null",
    "a comment": b'{\n  // mine\n  "SECTION": {}\n}',
    "a trailing comma": b'{"SECTION": {},}',
    "single quotes": b"{'SECTION': {}}",
    "half of it": b'{"SECTION": {',
    "two of them": b'{"SECTION": {}}{}',
    "servers that are null": b'{"SECTION": null}',
    "servers that are a list": b'{"SECTION": [{"name": "acestep"}]}',
    "servers that are a text": b'{"SECTION": "none"}',
    "UTF-16": '{"SECTION": {}}'.encode("utf-16"),
    "UTF-16 without a mark": '{"SECTION": {}}'.encode("utf-16-le"),
    "Latin-1": '{"SECTION": {}, "name": "café"}'.encode("latin-1"),
    "binary": bytes(range(256)),
    "no end of depth": b'{"SECTION": ' + b"[" * 100_000,
    "no end of digits": b'{"SECTION": {}, "n": ' + b"1" * 5000 + b"}",
    "half a character in our entry": b'{"SECTION": {"acestep": {"note": "\\ud83d"}}}',
}


def decided(name: str, machine: Machine, *, on_path: bool = False) -> Plan:
    return plan(BY_NAME[name], LAUNCH, machine, lambda each: f"/p/{each}" if on_path else None)


def put(name: str, machine: Machine, content: bytes) -> Path:
    path = configuration(BY_NAME[name], machine)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.replace(b"SECTION", BY_NAME[name].section.encode()))
    return path


def judged(name: str, machine: Machine, *, on_path: bool = False) -> None:
    """It is left to its owner, with what to paste, and `doctor` can look at it as well."""
    planned = decided(name, machine, on_path=on_path)

    assert isinstance(planned, Paste)
    assert 5 <= len(planned.why) <= 200
    assert "\n" not in planned.why
    section = json.loads(planned.text)[BY_NAME[name].section]
    assert section["acestep"]["command"] == LAUNCH.command
    assert [seen.client.name for seen in installed(machine)] == [name]


@pytest.mark.parametrize("name", [each.name for each in CLIENTS if each.format == "json"])
def test_an_entry_that_is_put_in_an_unknown_way_is_left_to_its_owner(
    name: str, machine: Machine
) -> None:
    section = BY_NAME[name].section
    for entry in ENTRIES.values():
        text = json.dumps({section: {"other": {}, "acestep": entry}})
        put(name, machine, text.encode())
        judged(name, machine)
        judged(name, machine, on_path=True)  # its own command line would write over it


@pytest.mark.parametrize("name", [each.name for each in CLIENTS if each.format == "json"])
def test_a_file_that_is_no_plain_json_is_left_to_its_owner(name: str, machine: Machine) -> None:
    for content in FILES.values():
        put(name, machine, content)
        judged(name, machine)


@pytest.mark.parametrize("name", ["codex", "goose"])
def test_other_formats_are_looked_at_as_carefully(name: str, machine: Machine) -> None:
    odd = [
        b"SECTION = 3\n",
        b"[SECTION]\nacestep = 5\n",
        b"[[SECTION]]\n",
        b"SECTION:\n  acestep: 5\n",
    ]
    odd += [b"SECTION:\n  acestep:\n    args: " + b"[" * 100_000, *FILES.values()]
    for content in odd:
        put(name, machine, content)
        planned = decided(name, machine)

        assert isinstance(planned, Paste)
        assert LAUNCH.command in planned.text
        assert [seen.client.name for seen in installed(machine)] == [name]


@pytest.mark.parametrize("what", ["folder", "pipe", "loop", "closed folder", "long name"])
def test_a_place_that_holds_no_file_is_said_to_hold_none(what: str, machine: Machine) -> None:
    path = configuration(BY_NAME["cursor"], machine)
    path.parent.mkdir(parents=True)
    match what:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "loop":
            path.symlink_to(path)
        case "closed folder":
            if os.geteuid() == 0:
                pytest.skip("nothing is closed to root")
            path.parent.chmod(0)
        case "long name":
            machine = Machine(machine.platform, machine.home / ("x" * 300), {})
    try:
        planned = decided("cursor", machine)
        seen = [*installed(machine)]
    finally:
        path.parent.chmod(0o700)

    assert isinstance(planned, Paste)
    assert planned.why.startswith("cannot be read (")
    assert all(each.trouble for each in seen)


def test_what_is_only_unusual_is_edited(machine: Machine) -> None:
    for content in (
        b"",
        b"\xef\xbb\xbf{}",
        b" \r\n{}\r\n",
        b'{"SECTION": {"acestep": {"env": null}}}',
    ):
        put("cursor", machine, content)
        planned = decided("cursor", machine)

        assert isinstance(planned, Edit)
        assert planned.content.startswith(b"\xef\xbb\xbf") is content.startswith(b"\xef\xbb\xbf")
        server = json.loads(planned.content.decode("utf-8-sig"))["mcpServers"]["acestep"]
        assert server == {**RIGHT, "env": dict(LAUNCH.env)}


@pytest.mark.parametrize("entry", ["env is a list", "args is a number"])
def test_the_command_shows_what_to_paste_and_touches_nothing(home: Path, entry: str) -> None:
    config = home / ".cursor" / "mcp.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"mcpServers": {"acestep": ENTRIES[entry]}}))
    before = tree(home)
    done = run(home, "cursor")

    assert done.returncode == 1
    assert done.stderr.startswith(f"acestep-mcp: {config} has an entry acestep with something ")
    assert len(done.stderr.splitlines()) == 1
    assert json.loads(done.stdout)["mcpServers"]["acestep"]["command"]
    assert tree(home) == before
