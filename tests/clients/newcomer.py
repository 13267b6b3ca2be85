"""From the README to the first song, timed: `python -m tests.clients.newcomer`.

For each client with a command line, at an empty home: the tool is installed, the demonstration
plays, the client is configured and says so itself, and what stands in its configuration is started
as it would start it and makes a song in the sandbox. Which song to make is said by no model here.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from acestep_mcp.sandbox import Profile, Sandbox
from tests.clients import environments
from tests.clients.environments import ROOT, UV
from tests.clients.subjects import PROGRAMS, Subject
from tests.house import SONG, environment

LIMIT = 120
"""Seconds that it may take."""
Entry = dict[str, Any]


def main() -> int:
    """Time each; 1 where one fails or takes too long."""
    print("| client | install | demo | configure | first song | whole |\n|---|---|---|---|---|---|")
    good = [_timed(*each) for each in CLIENTS]
    return 0 if all(good) else 1


def _claude(home: Path) -> Entry:
    found: Entry = json.loads((home / ".claude.json").read_text())["mcpServers"]["acestep"]
    return found


def _codex(home: Path) -> Entry:
    content = (home / ".codex" / "config.toml").read_text(encoding="utf-8")
    found: Entry = tomllib.loads(content)["mcp_servers"]["acestep"]
    return found


def _gemini(home: Path) -> Entry:
    content = json.loads((home / ".gemini" / "settings.json").read_text())
    found: Entry = content["mcpServers"]["acestep"]
    return found


Read = Callable[[Path], Entry]
CLIENTS: tuple[tuple[str, str, tuple[str, ...], Read], ...] = (
    ("claude-code", "claude_code", ("claude", "mcp", "list"), _claude),
    ("codex", "codex", ("codex", "mcp", "list"), _codex),
    ("gemini-cli", "gemini_cli", ("gemini", "mcp", "list"), _gemini),
)


def _timed(client: str, package: str, asks: tuple[str, ...], entry: Read) -> bool:
    subject = Subject(name="", title="", kind="node", packages=(PROGRAMS[package],), driver="")
    try:
        programs = environments.folder(subject) / "node_modules" / ".bin"
        with tempfile.TemporaryDirectory() as home:
            steps = _walked(client, asks, entry, programs, Path(home))
    except (AssertionError, environments.Unmade, subprocess.TimeoutExpired) as error:
        print(f"| {client} | {' '.join(f'{type(error).__name__}: {error}'.split())} |", flush=True)
        return False
    row = " | ".join(f"{seconds:.1f} s" for seconds in (*steps, sum(steps)))
    print(f"| {client} | {row} |", flush=True)
    return sum(steps) <= LIMIT


def _walked(
    client: str, asks: tuple[str, ...], entry: Read, programs: Path, home: Path
) -> list[float]:
    folders = (str(home / ".local" / "bin"), str(programs), os.environ["PATH"])
    env = {**os.environ, "HOME": str(home), "PATH": os.pathsep.join(folders)}
    for name in [each for each in env if each.startswith(("PIXAZO", "ACESTEP", "XDG", "UV_"))]:
        del env[name]

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=home, env=env, capture_output=True, text=True, timeout=LIMIT, check=False
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"{' '.join(command)}: {said[-400:]}"
        return said

    def configure() -> None:
        run("acestep-mcp", "install", client)
        assert "acestep" in run(*asks)

    def song() -> None:
        found = entry(home)
        assert shutil.which(found["command"], path=env["PATH"])
        anyio.run(_song, found, home)

    steps = []
    for step in (
        lambda: run(UV, "--system-certs", "tool", "install", "--quiet", str(ROOT)),
        lambda: run("acestep-mcp", "demo"),
        configure,
        song,
    ):
        began = time.monotonic()
        step()
        steps.append(time.monotonic() - began)
    return steps


async def _song(entry: Entry, home: Path) -> None:
    async with Sandbox(profile=Profile(1, 3)).serving() as base_url:
        env = environment(base_url, home, HOME=str(home), ACESTEP_SAVE="on")
        server = StdioServerParameters(
            command=entry["command"], args=entry.get("args") or [], env=env
        )
        with anyio.fail_after(60):
            async with Client(server) as mcp:
                made = await mcp.call_tool("generate_song", {**SONG, "wait": 30})
        song = made.structured_content or {}
        assert song.get("status") == "COMPLETED", song
        assert all(Path(file).exists() for file in song["files"])
        assert song["files"]


if __name__ == "__main__":
    sys.exit(main())
