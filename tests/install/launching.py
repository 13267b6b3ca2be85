"""What each client starts, given a manifest: its placeholders filled in as that client fills them.

The rules were seen with the clients themselves, where they run here (Claude Code, Codex, Gemini
CLI, and Anthropic's own resolver of bundles), and are from their documentation elsewhere.
"""

import base64
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from acestep_mcp.install.clients import BY_NAME
from acestep_mcp.install.entries import published, snippet
from acestep_mcp.install.installed import servers
from tests.install.generated import ROOT

KEY = "PIXAZO_API_KEY"
PASSED_ON = ("HOME", "PATH", "LANG", "USER")
"""What clients that filter the environment let through."""


@dataclass(frozen=True, slots=True)
class User:
    """The one who starts the client: the shell's variables, and what was typed when asked."""

    environ: Mapping[str, str]
    typed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Start:
    """A process as the client makes it; `env` is all that it gets."""

    command: str
    args: tuple[str, ...]
    env: dict[str, str]


Launcher = Callable[[User], Start]


def claude_desktop(user: User) -> Start:
    """It fills in nothing and passes on next to nothing."""
    return _started(_read("claude-desktop.json", "mcpServers"), _few(user), _as_it_is)


def claude_code(user: User) -> Start:
    """`${VAR}` and `${VAR:-default}`; everything is passed on."""

    def fill(text: str) -> str:
        pattern = r"\$\{(\w+)(?::-([^}]*))?\}"
        return re.sub(pattern, lambda found: user.environ.get(found[1], found[2] or ""), text)

    return _started(_read("claude-code/project.mcp.json", "mcpServers"), user.environ, fill)


def claude_code_plugin(user: User) -> Start:
    """The plugin's settings; one that is not set is empty."""
    entry = _read("claude-code/.mcp.json", "mcpServers")
    return _started(entry, user.environ, _settings(user, unset=""))


def vscode(user: User) -> Start:
    """What was typed into its input boxes; everything is passed on."""
    inputs = {each["id"] for each in _manifest("vscode.json")["inputs"]}
    entry = _read("vscode.json", "servers")
    return _started(entry, user.environ, lambda text: _inputs(text, inputs, user))


def cursor(user: User) -> Start:
    """`${env:VAR}`."""
    return _started(_read("cursor.json", "mcpServers"), _few(user), _environment(user))


def codex(user: User) -> Start:
    """A few variables, and those that are named."""
    text = (ROOT / "manifests" / "codex.toml").read_text(encoding="utf-8")
    entry = tomllib.loads(text)["mcp_servers"]["acestep"]
    named = {name: user.environ[name] for name in entry["env_vars"] if name in user.environ}
    return Start(entry["command"], (*entry["args"],), {**_few(user), **named})


def gemini_cli(user: User) -> Start:
    """`$VAR`, from its settings too; whatever looks like a secret is not passed on."""
    extension = _manifest("../gemini-extension.json")
    stored = {each["envVar"]: user.typed.get(each["name"], "") for each in extension["settings"]}
    known = {**user.environ, **{name: value for name, value in stored.items() if value}}
    passed = {name: value for name, value in user.environ.items() if "KEY" not in name}

    def fill(text: str) -> str:
        return re.sub(r"\$(\w+)", lambda found: known.get(found[1], ""), text)

    return _started(extension["mcpServers"]["acestep"], passed, fill)


def registry(user: User) -> Start:
    """`runtimeHint` and identifier; what is required was asked, the rest has its default."""
    (package,) = _manifest("server.json")["packages"]
    asked = {
        each["name"]: user.typed.get(each["name"], each.get("default", ""))
        for each in package["environmentVariables"]
    }
    return Start(package["runtimeHint"], (package["identifier"],), {**_few(user), **asked})


def bundle(folder: Path) -> Launcher:
    """Claude Desktop with an unpacked bundle: `${__dirname}` and the settings.

    A setting nobody made is its default, in which nothing is filled in; without a default the
    placeholder stays.
    """

    def start(user: User) -> Start:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        defaults = {
            name: each["default"]
            for name, each in manifest["user_config"].items()
            if "default" in each
        }
        fill = _settings(User({}, {**defaults, **user.typed}), unset=None)
        config = manifest["server"]["mcp_config"]
        return _started(
            config, _few(user), lambda text: fill(text.replace("${__dirname}", str(folder)))
        )

    return start


def documented(name: str) -> Launcher:
    """A client that the README tells what to paste: read back as `doctor` reads it."""
    client = BY_NAME[name]

    def start(user: User) -> Start:
        home = Path(user.environ["HOME"])
        file = home / f"pasted-{name}"
        file.write_text(snippet(client, published(client)), encoding="utf-8")
        entry = servers(client, file)["acestep"]
        kept = {KEY: user.typed[KEY]} if entry.get("env_keys") == [KEY] else {}
        command = {"command": entry.get("cmd", entry.get("command")), **entry}
        return _started(command, {**_few(user), **kept}, _environment(user))

    return start


def linked(name: str) -> Launcher:
    """A client that was sent to one of the links."""

    def start(user: User) -> Start:
        parts = urlsplit(_manifest("install-links.json")[name])
        query = parse_qs(parts.query)
        if parts.scheme == "goose":
            return _goose(parse_qsl(parts.query), user)
        if "inputs" in query:
            ids = {each["id"] for each in json.loads(query["inputs"][0])}
            entry = json.loads(query["config"][0])
            return _started(entry, user.environ, lambda text: _inputs(text, ids, user))
        entry = json.loads(base64.b64decode(query["config"][0]))
        return _started(entry, _few(user), _environment(user))

    return start


def _goose(query: list[tuple[str, str]], user: User) -> Start:
    asked = [value.partition("=")[0] for name, value in query if name == "env"]
    command = next(value for name, value in query if name == "cmd")
    args = tuple(value for name, value in query if name == "arg")
    return Start(command, args, {**_few(user), **{name: user.typed[name] for name in asked}})


def _started(entry: dict[str, Any], base: Mapping[str, str], fill: Callable[[str], str]) -> Start:
    env = {name: fill(value) for name, value in (entry.get("env") or {}).items()}
    args = tuple(fill(each) for each in entry.get("args") or ())
    return Start(entry["command"], args, {**base, **env})


def _manifest(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "manifests" / name).read_text(encoding="utf-8"))
    return found


def _read(name: str, section: str) -> dict[str, Any]:
    found: dict[str, Any] = _manifest(name)[section]["acestep"]
    return found


def _few(user: User) -> dict[str, str]:
    return {name: user.environ[name] for name in PASSED_ON if name in user.environ}


def _as_it_is(text: str) -> str:
    return text


def _environment(user: User) -> Callable[[str], str]:
    def fill(text: str) -> str:
        return re.sub(r"\$\{env:(\w+)\}", lambda found: user.environ.get(found[1], ""), text)

    return fill


def _settings(user: User, unset: str | None) -> Callable[[str], str]:
    def fill(text: str) -> str:
        pattern = r"\$\{user_config\.(\w+)\}"
        rest = (lambda found: found[0]) if unset is None else (lambda _: unset)
        return re.sub(pattern, lambda found: user.typed.get(found[1]) or rest(found), text)

    return fill


def _inputs(text: str, known: set[str], user: User) -> str:
    found = re.fullmatch(r"\$\{input:([\w-]+)\}", text)
    if found is None:
        return text
    assert found[1] in known, "an input that is not declared"
    return user.typed[found[1]]
