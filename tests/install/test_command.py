"""`acestep-mcp install`, run as a person runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from acestep_mcp.commands import parser
from acestep_mcp.commands.install import key_environment
from acestep_mcp.install.clients import CLIENTS

KEY = "very-secret-key-1234567890"
SCRIPT = str(Path(sys.executable).with_name("acestep-mcp"))
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="starts POSIX scripts")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".pixazo").mkdir()
    (tmp_path / ".pixazo" / "api-key").write_text(KEY)
    return tmp_path


def run(home: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "acestep_mcp", "install", *arguments],
        capture_output=True,
        encoding="utf-8",
        env={"HOME": str(home), "PATH": str(home / "bin"), **env},
        timeout=60,
        check=False,
    )


def tree(home: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def program(home: Path, name: str, status: int = 0) -> Path:
    """A client's command line that writes down what it was asked."""
    path = home / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{home}/asked"\nexit {status}\n')
    path.chmod(0o755)
    return home / "asked"


def test_the_second_run_says_that_there_is_nothing_to_do(home: Path) -> None:
    first = run(home, "cursor")
    written = tree(home)
    second = run(home, "cursor")

    config = home / ".cursor" / "mcp.json"
    assert json.loads(config.read_text())["mcpServers"]["acestep"]["command"] == SCRIPT
    assert first.stdout == f"Wrote {config}. Restart Cursor if it is running.\n"
    assert second.stdout == f"Nothing to do: {config} has it already.\n"
    assert (first.returncode, second.returncode) == (0, 0)
    assert tree(home) == written


def test_a_dry_run_shows_the_difference_and_writes_nothing(home: Path) -> None:
    config = home / ".cursor" / "mcp.json"
    config.parent.mkdir()
    config.write_text('{\n  "mcpServers": {\n    "x": {}\n  }\n}\n')
    before = tree(home)
    done = run(home, "cursor", "--dry-run")

    assert done.returncode == 0
    assert f"--- {config}\n+++ {config}\n" in done.stdout
    assert f'+      "command": "{SCRIPT}",\n' in done.stdout
    assert '-    "x": {}\n+    "x": {},\n' in done.stdout
    assert tree(home) == before


def test_a_clients_own_command_line_is_run_and_a_dry_run_only_shows_it(home: Path) -> None:
    asked = program(home, "claude")
    dry = run(home, "claude-code", "--dry-run")
    assert not asked.exists()
    wet = run(home, "claude-code")

    arguments = f"mcp add --scope user acestep -- {SCRIPT}"
    assert dry.stdout == f"Would run:\n{home}/bin/claude {arguments}\n"
    assert asked.read_text().split() == arguments.split()
    assert wet.returncode == 0


def test_where_the_clients_command_line_fails_so_do_we(home: Path) -> None:
    program(home, "codex", status=3)
    done = run(home, "codex")

    assert done.returncode == 1
    assert done.stderr == "acestep-mcp: codex failed with exit status 3\n"


def test_comments_are_not_destroyed_but_the_text_to_paste_is_shown(home: Path) -> None:
    config = home / ".config" / "zed" / "settings.json"
    config.parent.mkdir(parents=True)
    config.write_text('{\n  // mine\n  "theme": "One Dark"\n}\n')
    before = tree(home)
    done = run(home, "zed")

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "is not plain JSON" in done.stderr
    assert json.loads(done.stdout)["context_servers"]["acestep"]["command"] == SCRIPT
    assert tree(home) == before


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("cursro", "did you mean cursor?"),
        ("claude", "did you mean claude-code?"),
        ("emacs", "say "),
    ],
)
def test_an_unknown_client_is_one_line_and_exit_2(typed: str, hint: str, home: Path) -> None:
    done = run(home, typed)

    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert hint in done.stderr


def test_help_names_every_client_of_the_table() -> None:
    named = parser.CLIENTS.replace(" or ", ", ").split(", ")

    assert named == [client.name for client in CLIENTS]


def test_the_key_in_a_file_is_in_no_configuration_and_no_output(home: Path) -> None:
    for client in CLIENTS:
        done = run(home, client.name, PIXAZO_API_KEY=KEY)
        assert KEY not in done.stdout + done.stderr
        assert "No key" not in done.stdout
        assert "The key" not in done.stdout, "there is nothing to be said of it"
    (home / ".pixazo" / "api-key").unlink()

    assert all(KEY.encode() not in content for content in tree(home).values())


def test_a_key_that_only_the_shell_has_is_not_written_but_the_line_that_keeps_it_is_shown(
    tmp_path: Path,
) -> None:
    done = run(tmp_path, "cursor", PIXAZO_API_KEY=KEY, PATH=os.environ["PATH"])
    line = done.stdout.splitlines()[-1]
    assert KEY not in done.stdout + (tmp_path / ".cursor" / "mcp.json").read_text()
    subprocess.run(
        ["/bin/sh", "-c", line],
        env={"HOME": str(tmp_path), "PIXAZO_API_KEY": KEY, "PATH": os.environ["PATH"]},
        check=True,
    )

    kept = tmp_path / ".pixazo" / "api-key"
    assert kept.read_text().strip() == KEY
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert len(run(tmp_path, "cursor", PIXAZO_API_KEY=KEY).stdout.splitlines()) == 1


def test_without_any_key_the_way_to_one_is_shown(tmp_path: Path) -> None:
    done = run(tmp_path, "lm-studio")

    assert done.returncode == 0
    assert "No key yet: get one at https://" in done.stdout


def test_a_key_file_elsewhere_is_named_and_a_key_is_written_only_where_no_file_can_be(
    tmp_path: Path,
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(KEY)
    environ = {"HOME": str(tmp_path)}
    filed = {**environ, "PIXAZO_API_KEY": "other", "PIXAZO_API_KEY_FILE": str(elsewhere)}
    bare = {**environ, "PIXAZO_API_KEY": KEY}

    assert key_environment(filed, tmp_path) == {"PIXAZO_API_KEY_FILE": str(elsewhere)}
    assert key_environment(bare, tmp_path) == {}
    assert key_environment(bare, tmp_path / "no such home") == {"PIXAZO_API_KEY": KEY}
    assert key_environment(environ, tmp_path) == {}


OWN = "http://127.0.0.1:8001"


def test_who_has_only_a_server_of_their_own_gets_an_entry_that_knows_it_and_no_word_of_a_paid_key(
    tmp_path: Path,
) -> None:
    done = run(tmp_path, "cursor", ACESTEP_SERVER_URL=f"{OWN}/")
    entry = json.loads((tmp_path / ".cursor" / "mcp.json").read_text())["mcpServers"]["acestep"]

    assert entry["env"] == {"ACESTEP_SERVER_URL": OWN}
    assert "key" not in done.stdout.lower()
    assert run(tmp_path, "cursor", ACESTEP_SERVER_URL=OWN).stdout.startswith("Nothing to do")


def test_an_entry_from_before_the_server_is_completed(home: Path) -> None:
    run(home, "cursor")
    again = run(home, "cursor", ACESTEP_SERVER_URL=OWN, ACESTEP_MODEL="self-hosted")
    entry = json.loads((home / ".cursor" / "mcp.json").read_text())["mcpServers"]["acestep"]

    assert again.stdout.startswith("Wrote ")
    assert entry["env"] == {"ACESTEP_SERVER_URL": OWN, "ACESTEP_MODEL": "self-hosted"}


@pytest.mark.parametrize("client", [each.name for each in CLIENTS])
def test_every_client_is_told_of_the_server_and_none_of_its_key(
    tmp_path: Path, client: str
) -> None:
    found = {"ACESTEP_SERVER_URL": OWN, "ACESTEP_SERVER_KEY": KEY}
    done = run(tmp_path, client, "--dry-run", **found)

    assert OWN in done.stdout
    assert KEY not in done.stdout + done.stderr
    assert done.returncode == 1 or "name that in ACESTEP_SERVER_KEY_FILE" in done.stdout


def test_a_servers_key_in_a_file_is_named_and_an_unusable_one_is_said(tmp_path: Path) -> None:
    file = tmp_path / "server.key"
    file.write_text(KEY)
    named = {"ACESTEP_SERVER_URL": OWN, "ACESTEP_SERVER_KEY_FILE": str(file)}
    good = run(tmp_path, "cursor", **named)
    entry = json.loads((tmp_path / ".cursor" / "mcp.json").read_text())["mcpServers"]["acestep"]
    bad = run(tmp_path, "cursor", **{**named, "ACESTEP_SERVER_KEY_FILE": str(tmp_path / "none")})

    assert entry["env"] == named
    assert "server's key" not in good.stdout
    assert "The server's key cannot be used: ACESTEP_SERVER_KEY_FILE (" in bad.stdout


def test_a_server_that_is_misspelt_is_one_line_and_nothing_is_written(tmp_path: Path) -> None:
    done = run(tmp_path, "cursor", ACESTEP_SERVER_URL="8001")

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "ACESTEP_SERVER_URL='8001' is not usable" in done.stderr
    assert tree(tmp_path) == {}


def test_a_dry_run_shows_no_key_that_stands_in_the_configuration_already(home: Path) -> None:
    config = home / ".cursor" / "mcp.json"
    config.parent.mkdir()
    written = {"PIXAZO_API_KEY": 'wr"itten-1', "ACESTEP_SERVER_KEY": "written-2", "OTHER": "shown"}
    entry = {"command": "old", "env": written}
    config.write_text(json.dumps({"mcpServers": {"acestep": entry}}, indent=2))
    said = run(home, "cursor", "--dry-run", ACESTEP_SERVER_URL=OWN).stdout

    assert "itten-" not in said
    assert "shown" in said
    assert OWN in said


def test_a_servers_key_in_a_file_serves_the_client_although_this_shell_has_one_too(
    tmp_path: Path,
) -> None:
    file = tmp_path / "server.key"
    file.write_text(KEY)
    named = {"ACESTEP_SERVER_URL": OWN, "ACESTEP_SERVER_KEY_FILE": str(file)}
    done = run(tmp_path, "cursor", **named, ACESTEP_SERVER_KEY="another")
    entry = json.loads((tmp_path / ".cursor" / "mcp.json").read_text())["mcpServers"]["acestep"]

    assert entry["env"] == named
    assert "server's key" not in done.stdout
