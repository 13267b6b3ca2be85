"""Every manifest is started as its client would, to a handshake and a song that has the key."""

import io
import os
import sys
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from acestep_mcp.sandbox import Sandbox
from publish import bundle
from tests.house import KEY, SONG, environment, gateway
from tests.install import launching
from tests.install.launching import Launcher, Start, User
from tests.install.packages import UV, built_wheel

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.install,
    pytest.mark.skipif(sys.platform == "win32", reason="starts POSIX scripts"),
]
SYSTEM = "/usr/bin:/bin"
NAME = "PIXAZO_API_KEY"
LAUNCHERS: dict[str, Launcher] = {
    "claude-desktop.json": launching.claude_desktop,
    "claude-code/project.mcp.json": launching.claude_code,
    "claude-code/.mcp.json": launching.claude_code_plugin,
    "vscode.json": launching.vscode,
    "cursor.json": launching.cursor,
    "codex.toml": launching.codex,
    "gemini-cli": launching.gemini_cli,
    "server.json": launching.registry,
    **{
        f"README {name}": launching.documented(name)
        for name in ("windsurf", "lm-studio", "zed", "goose")
    },
    **{
        f"link {name}": launching.linked(name)
        for name in ("vscode", "cursor", "cursor-web", "lm-studio", "goose")
    },
}
ONLY_FILE = {"claude-desktop.json", "README lm-studio", "README zed", "link lm-studio"}
"""They have no notation for a key, so nothing but the file can bring it."""
FROM_SHELL = {
    "claude-code/project.mcp.json",
    "cursor.json",
    "codex.toml",
    "README windsurf",
    "link cursor",
    "link cursor-web",
}
"""They take the key from the shell's environment; all others ask for it."""
TYPED = {"pixazo-api-key": KEY, "api_key": KEY, "Pixazo API key": KEY, NAME: KEY}


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH whose `uvx` starts the server of this environment, and minds what it is asked."""
    script = Path(sys.executable).with_name("acestep-mcp")
    uvx = tmp_path / "bin" / "uvx"
    uvx.parent.mkdir()
    uvx.write_text(f'#!/bin/sh\ntest "$*" = acestep-mcp && exec "{script}"\nexit 9\n')
    uvx.chmod(0o755)
    return f"{uvx.parent}:{SYSTEM}"


@asynccontextmanager
async def served(start: Start, sandbox: Sandbox, folder: Path) -> AsyncIterator[Client]:
    """A client connected to what was started; beside the manifest's, only our test's variables."""
    ours = environment(sandbox.base_url, folder)
    del ours[NAME]
    env = {**start.env, **ours, **{k: v for k, v in start.env.items() if k in ours}}
    server = StdioServerParameters(
        command=start.command, args=[*start.args], env=env, cwd=env["HOME"]
    )
    async with Client(server) as client:
        yield client


async def keys_seen(start: Start, folder: Path) -> list[str]:
    """Start it, order a song, and see with which key the order came."""
    with anyio.fail_after(120):
        async with gateway() as sandbox, served(start, sandbox, folder) as client:
            assert len((await client.list_tools()).tools) == 3
            answer = await client.call_tool("generate_song", {**SONG, "wait": 0})
            assert answer.structured_content is not None
            keys = [each.headers["ocp-apim-subscription-key"] for each in sandbox.submissions]
    assert not answer.is_error, answer
    return keys


def user(folder: Path, path: str, typed: Mapping[str, str], **environ: str) -> User:
    return User({"HOME": str(folder), "PATH": path, **environ}, typed)


@pytest.mark.parametrize("name", LAUNCHERS)
async def test_the_key_arrives_the_way_the_client_hands_it_over(
    name: str, tmp_path: Path, path: str
) -> None:
    if name in ONLY_FILE:
        (tmp_path / ".pixazo").mkdir()
        (tmp_path / ".pixazo" / "api-key").write_text(f"{KEY}\n")
        who = user(tmp_path, path, {})
    elif name in FROM_SHELL:
        who = user(tmp_path, path, {}, **{NAME: KEY})
    else:
        who = user(tmp_path, path, TYPED)

    assert await keys_seen(LAUNCHERS[name](who), tmp_path) == [KEY]


@pytest.mark.parametrize(
    "name", ["claude-code/project.mcp.json", "claude-code/.mcp.json", "cursor.json", "gemini-cli"]
)
async def test_where_nothing_fills_the_placeholder_the_key_file_serves(
    name: str, tmp_path: Path, path: str
) -> None:
    (tmp_path / ".pixazo").mkdir()
    (tmp_path / ".pixazo" / "api-key").write_text(KEY)
    start = LAUNCHERS[name](user(tmp_path, path, {}))

    assert start.env.get(NAME, "") == ""
    assert await keys_seen(start, tmp_path) == [KEY]


def test_a_manifest_that_starts_something_else_would_be_noticed(tmp_path: Path, path: str) -> None:
    start = LAUNCHERS["cursor.json"](user(tmp_path, path, {}))
    wrong = Start(start.command, ("acestep",), start.env)

    async def attempt() -> Any:
        return await keys_seen(wrong, tmp_path)

    with pytest.raises(Exception, match=r".") as caught:
        anyio.run(attempt)
    assert not isinstance(caught.value, AssertionError)


def real(tmp_path: Path) -> dict[str, str]:
    """What the real `uv` needs besides: a place for its cache, and the machine's certificates."""
    kept = {name: os.environ[name] for name in ("SSL_CERT_FILE",) if name in os.environ}
    return {**kept, "UV_FIND_LINKS": str(built_wheel(tmp_path)), "UV_PYTHON": sys.executable}


async def test_the_real_uvx_starts_the_package_once_it_can_be_found(tmp_path: Path) -> None:
    who = user(tmp_path, f"{Path(UV).parent}:{SYSTEM}", {}, **{NAME: KEY})
    start = launching.cursor(who)
    started = Start(start.command, start.args, {**start.env, **real(tmp_path)})

    assert (start.command, start.args) == ("uvx", ("acestep-mcp",))
    assert await keys_seen(started, tmp_path) == [KEY]


async def test_the_unpacked_bundle_starts_by_uv_and_its_settings_arrive(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    with zipfile.ZipFile(io.BytesIO(bundle.build())) as archive:
        archive.extractall(folder)
    who = user(tmp_path, f"{Path(UV).parent}:{SYSTEM}", {"api_key": KEY})
    start = launching.bundle(folder)(who)
    started = Start(start.command, start.args, {**start.env, **real(tmp_path)})

    assert start.env["ACESTEP_OUTPUT_DIR"] == "${HOME}/Music/ACE-Step"
    assert await keys_seen(started, tmp_path) == [KEY]


async def test_the_bundles_file_entry_starts_the_same_server(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    with zipfile.ZipFile(io.BytesIO(bundle.build())) as archive:
        archive.extractall(folder)
    env = {**os.environ, "HOME": str(tmp_path), NAME: KEY}
    start = Start(sys.executable, (str(folder / "server" / "main.py"),), env)

    assert await keys_seen(start, tmp_path) == [KEY]
