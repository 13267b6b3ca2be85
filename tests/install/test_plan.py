"""What is decided for a client: its own command line, an edit, a text to paste, or nothing."""

import codecs
import json
from pathlib import Path

import pytest

from acestep_mcp.install.clients import BY_NAME, CLIENTS, PLATFORMS
from acestep_mcp.install.entries import Launch
from acestep_mcp.install.places import Machine, configuration
from acestep_mcp.install.plan import Edit, Nothing, Paste, Plan, Run, plan

LAUNCH = Launch("/opt/bin/acestep-mcp")
NAMED = Launch("/opt/bin/acestep-mcp", env={"PIXAZO_API_KEY_FILE": "/k"})


def decided(name: str, machine: Machine, launch: Launch = LAUNCH, *, on_path: bool = False) -> Plan:
    return plan(BY_NAME[name], launch, machine, (lambda name: f"/p/{name}") if on_path else _none)


def _none(_: str) -> None:
    return None


def present(name: str, machine: Machine, text: str) -> Path:
    path = configuration(BY_NAME[name], machine)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("claude-code", "claude mcp add --scope user acestep -e K=v -- /opt/bin/acestep-mcp"),
        ("codex", "codex mcp add acestep --env K=v -- /opt/bin/acestep-mcp"),
        ("gemini-cli", "gemini mcp add --scope user acestep /opt/bin/acestep-mcp -e K=v"),
    ],
)
def test_a_client_with_a_command_line_is_asked_by_it(
    name: str, command: str, machine: Machine
) -> None:
    launch = Launch("/opt/bin/acestep-mcp", env={"K": "v"})

    assert decided(name, machine, launch, on_path=True) == Run(tuple(f"/p/{command}".split()))


def test_vs_code_is_handed_json_where_its_command_is_no_batch_file(machine: Machine) -> None:
    windows = Machine("win32", machine.home, {})
    planned = decided("vscode", machine, NAMED, on_path=True)

    assert isinstance(planned, Run)
    assert planned.command[:2] == ("/p/code", "--add-mcp")
    assert json.loads(planned.command[2]) == {
        "name": "acestep",
        "type": "stdio",
        "command": "/opt/bin/acestep-mcp",
        "args": [],
        "env": {"PIXAZO_API_KEY_FILE": "/k"},
    }
    assert isinstance(decided("vscode", windows, on_path=True), Edit)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_without_its_command_line_json_is_edited_and_the_rest_is_for_pasting(
    client: object, platform: str, machine: Machine
) -> None:
    chosen = next(each for each in CLIENTS if each is client)
    there = Machine(next(each for each in PLATFORMS if each == platform), machine.home, {})
    planned = plan(chosen, LAUNCH, there, _none)

    if chosen.format == "json":
        assert isinstance(planned, Edit)
        server = json.loads(planned.content)[chosen.section]["acestep"]
        assert server == {**chosen.entry, "command": "/opt/bin/acestep-mcp", "args": []}
    else:
        assert isinstance(planned, Paste)
        assert "/opt/bin/acestep-mcp" in planned.text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cursor", '{"mcpServers": {"acestep": {"command": "/opt/bin/acestep-mcp"}}}'),
        ("cursor", '\ufeff{"mcpServers": {"acestep": {"command": "/opt/bin/acestep-mcp"}}}'),
        ("zed", '{"context_servers": {"acestep": {"command": "/opt/bin/acestep-mcp",}}} // ok'),
        ("codex", '[mcp_servers.acestep]\ncommand = "/opt/bin/acestep-mcp"\nenabled = true\n'),
    ],
)
def test_where_it_is_configured_already_there_is_nothing_to_do(
    name: str, text: str, machine: Machine
) -> None:
    path = present(name, machine, text)

    assert decided(name, machine, on_path=True) == Nothing(path)


def test_a_new_variable_is_a_reason_to_edit_and_the_clients_command_line_is_not(
    machine: Machine,
) -> None:
    entry = {"command": "/opt/bin/acestep-mcp", "env": {"ACESTEP_WAIT": "10"}, "timeout": 9}
    present("claude-code", machine, json.dumps({"mcpServers": {"acestep": entry}}))
    planned = decided("claude-code", machine, NAMED, on_path=True)

    assert isinstance(planned, Edit), "its command line would refuse, or lose the timeout"
    server = json.loads(planned.content)["mcpServers"]["acestep"]
    assert server["env"] == {"ACESTEP_WAIT": "10", "PIXAZO_API_KEY_FILE": "/k"}
    assert server["timeout"] == 9


def test_a_byte_order_mark_stays(machine: Machine) -> None:
    present("cursor", machine, '\ufeff{"a": "夜"}')
    planned = decided("cursor", machine)

    assert isinstance(planned, Edit)
    assert planned.content.startswith(codecs.BOM_UTF8 + b'{"a": "\xe5\xa4\x9c"')
    assert planned.content.count(codecs.BOM_UTF8) == 1


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("zed", '{\n  // mine\n  "context_servers": {}\n}', "is not plain JSON"),
        ("cursor", '{"mcpServers": ', "is not plain JSON"),
        ("cursor", '{"mcpServers": {"acestep": {"url": "https://x.example"}}}', "remote server"),
        ("codex", '[mcp_servers.acestep]\ncommand = "uvx"\n', "another entry"),
    ],
)
def test_what_would_be_destroyed_is_left_to_its_owner_with_the_text_to_paste(
    name: str, text: str, why: str, machine: Machine
) -> None:
    path = present(name, machine, text)
    planned = decided(name, machine, on_path=name == "codex")

    assert isinstance(planned, Paste)
    assert why in planned.why
    assert planned.text.endswith("\n")
    assert path.read_text(encoding="utf-8") == text


def test_utf_16_is_left_alone(machine: Machine) -> None:
    path = present("cursor", machine, "")
    path.write_bytes('{"a": 1}'.encode("utf-16"))

    assert isinstance(decided("cursor", machine), Paste)
