"""The command-line clients themselves: `python -m tests.clients.programs`.

`acestep-mcp install` is run against them, they read our manifests with their own validators, and
they connect. They are large, so this stands apart from the frameworks.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from publish import bundle
from tests.clients import environments
from tests.clients.environments import ROOT
from tests.clients.subjects import PROGRAMS, Subject

_SCRIPT = Path(sys.executable).with_name("acestep-mcp")
_KEY = "key-of-the-plugin"


class Desk:
    """A home, and a PATH with one client's programs and a `uvx` that starts these sources."""

    def __init__(self, home: Path, *packages: str) -> None:
        subject = Subject(name="", title="", kind="node", packages=packages, driver="")
        programs = environments.folder(subject) / "node_modules" / ".bin"
        self.home = home
        self._uvx(home / "bin")
        path = f"{programs}:{home / 'bin'}:{os.environ['PATH']}"
        self._env = {"HOME": str(home), "PATH": path}

    def run(self, *arguments: str) -> str:
        """Run a program to its good end; what it said."""
        done = subprocess.run(
            arguments,
            cwd=self.home,
            env=self._env,
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=120,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"{' '.join(arguments)}: {said[-400:]}"
        return said

    def install(self, client: str) -> None:
        """Install twice: the second time there is nothing to do."""
        self.run(str(_SCRIPT), "install", client)
        assert "Nothing to do" in self.run(str(_SCRIPT), "install", client)

    def _uvx(self, folder: Path) -> None:
        folder.mkdir()
        told = f'printf %s "$PIXAZO_API_KEY" > "{self.home}/key"'
        (folder / "uvx").write_text(f'#!/bin/sh\n{told}\nexec "{_SCRIPT}"\n')
        (folder / "uvx").chmod(0o755)


def claude_code(home: Path) -> str:
    desk = Desk(home, PROGRAMS["claude_code"])
    desk.install("claude-code")
    assert "Connected" in desk.run("claude", "mcp", "list")
    desk.run("claude", "mcp", "remove", "acestep")
    desk.run("claude", "plugin", "validate", str(ROOT))
    desk.run("claude", "plugin", "validate", str(ROOT / "manifests" / "claude-code"))
    desk.run("claude", "plugin", "marketplace", "add", str(ROOT))
    desk.run("claude", "plugin", "install", "acestep@acestep-mcp", "--config", f"api_key={_KEY}")
    listed = desk.run("claude", "mcp", "list")
    assert "plugin:acestep:acestep" in listed
    assert "Connected" in listed
    assert (home / "key").read_text() == _KEY
    return desk.run("claude", "--version")


def codex(home: Path) -> str:
    desk = Desk(home, PROGRAMS["codex"])
    desk.install("codex")
    assert str(_SCRIPT) in desk.run("codex", "mcp", "get", "acestep", "--json")
    manifest = (ROOT / "manifests" / "codex.toml").read_text(encoding="utf-8")
    (home / ".codex" / "config.toml").write_text(manifest)
    read = desk.run("codex", "mcp", "get", "acestep", "--json")
    found = json.loads(read[read.index("{") : read.rindex("}") + 1])
    assert found["transport"]["env_vars"] == ["PIXAZO_API_KEY"]
    assert (found["startup_timeout_sec"], found["tool_timeout_sec"]) == (60, 120)
    return desk.run("codex", "--version").splitlines()[0]


def gemini_cli(home: Path) -> str:
    desk = Desk(home, PROGRAMS["gemini_cli"])
    desk.install("gemini-cli")
    settings = json.loads((home / ".gemini" / "settings.json").read_text())
    assert settings["mcpServers"]["acestep"]["command"] == str(_SCRIPT)
    desk.run("gemini", "extensions", "validate", str(ROOT))
    return desk.run("gemini", "--version")


def mcpb(home: Path) -> str:
    desk = Desk(home, PROGRAMS["mcpb"])
    (home / "built.mcpb").write_bytes(bundle.build())
    desk.run("mcpb", "validate", str(ROOT / "manifests" / "mcpb" / "manifest.json"))
    desk.run("mcpb", "unpack", "built.mcpb", "unpacked")
    assert (home / "unpacked" / "uv.lock").read_bytes() == (ROOT / "uv.lock").read_bytes()
    assert "built.mcpb" in desk.run("mcpb", "info", "built.mcpb")
    return desk.run("mcpb", "--version")


def main() -> int:
    """Try each; 1 where one fails."""
    trials: tuple[Callable[[Path], str], ...] = (claude_code, codex, gemini_cli, mcpb)
    good = sum(map(_tried, trials))
    print(f"\n{good} passed, {len(trials) - good} failed")
    return 0 if good == len(trials) else 1


def _tried(trial: Callable[[Path], str]) -> bool:
    trouble = said = ""
    with tempfile.TemporaryDirectory() as home:
        try:
            said = trial(Path(home)).strip()
        except (AssertionError, environments.Unmade, subprocess.TimeoutExpired) as error:
            trouble = " ".join(f"{type(error).__name__}: {error}".split())
    print(f"| {trial.__name__} | {said} | {trouble or 'ok'} |", flush=True)
    return not trouble


if __name__ == "__main__":
    sys.exit(main())
