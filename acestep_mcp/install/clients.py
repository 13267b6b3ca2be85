"""The table of clients. To add a client, add a row; manifests, `install` and `doctor` follow.

Facts are from the clients' documentation and source, or were seen to be so with the client
itself; a number that nobody could confirm is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Platform = Literal["linux", "darwin", "win32"]
Format = Literal["json", "toml", "yaml"]
Locations = Mapping[Platform, tuple[str, ...]]
"""Per platform, where the configuration may be, the likelier place first. `{NAME}` is a variable
of the environment, `{home}` the home directory, `*` matches within one folder's name; a place
whose variable is unset does not exist."""

PLATFORMS: tuple[Platform, ...] = ("linux", "darwin", "win32")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A client's own command line, that can add a server better than we can.

    Within `add`, `{name}` and `{json}` are filled in, and an element `{command}` or `{env}`
    becomes as many arguments as there are; each variable is `env` followed by `NAME=value`.
    """

    name: str
    add: tuple[str, ...]
    env: str = ""
    platforms: tuple[Platform, ...] = PLATFORMS


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One client: where its configuration lies, what shape it has, how it treats a server.

    Attributes:
        name: As in `acestep-mcp install NAME`.
        section: The object of the configuration that holds the servers, each under its name.
        entry: What an entry needs besides command, args and env.
        key: How a manifest hands over the key, as the value of its variable; `""` where only
            the key file serves, because the client has no placeholders and a key in plain text
            has no place in a file.
        desktop: Started from a desktop, with a short PATH and without the shell's variables.
        start: Seconds it gives the server to start, by default.
        call: Seconds it gives one tool call, by default.
    """

    name: str
    title: str
    format: Format = "json"
    locations: Locations
    section: str = "mcpServers"
    entry: Mapping[str, object] = field(default_factory=dict)
    key: str = ""
    program: Program | None = None
    desktop: bool = True
    start: int | None = None
    call: int | None = None


def everywhere(*places: str) -> Locations:
    """The same places on each platform."""
    return dict.fromkeys(PLATFORMS, places)


CLAUDE_DESKTOP = Client(
    name="claude-desktop",
    title="Claude Desktop",
    locations={
        "linux": ("{XDG_CONFIG_HOME}/Claude/claude_desktop_config.json",),
        "darwin": ("{home}/Library/Application Support/Claude/claude_desktop_config.json",),
        "win32": (  # the store's edition sees its own copy of the roaming folder
            "{LOCALAPPDATA}/Packages/Claude_*/LocalCache/Roaming/Claude/claude_desktop_config.json",
            "{APPDATA}/Claude/claude_desktop_config.json",
        ),
    },
    call=60,
)
CLAUDE_CODE = Client(
    name="claude-code",
    title="Claude Code",
    locations=everywhere("{CLAUDE_CONFIG_DIR}/.claude.json", "{home}/.claude.json"),
    entry={"type": "stdio"},
    key="${PIXAZO_API_KEY:-}",
    program=Program(
        name="claude",
        add=("mcp", "add", "--scope", "user", "{name}", "{env}", "--", "{command}"),
        env="-e",
    ),
    desktop=False,
    start=30,
)
VSCODE = Client(
    name="vscode",
    title="VS Code",
    locations={
        "linux": ("{XDG_CONFIG_HOME}/Code/User/mcp.json",),
        "darwin": ("{home}/Library/Application Support/Code/User/mcp.json",),
        "win32": ("{APPDATA}/Code/User/mcp.json",),
    },
    section="servers",
    entry={"type": "stdio"},
    key="${input:pixazo-api-key}",
    program=Program(
        name="code",
        add=("--add-mcp", "{json}"),
        platforms=("linux", "darwin"),  # on Windows it is a batch file, which eats JSON's quotes
    ),
)
CURSOR = Client(
    name="cursor",
    title="Cursor",
    locations=everywhere("{home}/.cursor/mcp.json"),
    key="${env:PIXAZO_API_KEY}",
    call=60,
)
CODEX = Client(
    name="codex",
    title="Codex",
    format="toml",
    locations=everywhere("{CODEX_HOME}/config.toml", "{home}/.codex/config.toml"),
    section="mcp_servers",
    entry={"startup_timeout_sec": 60, "tool_timeout_sec": 120},
    key=":inherited",  # `env_vars` names the variables that it passes on
    program=Program(
        name="codex",
        add=("mcp", "add", "{name}", "{env}", "--", "{command}"),
        env="--env",
    ),
    desktop=False,
    start=10,
    call=60,
)
GEMINI_CLI = Client(
    name="gemini-cli",
    title="Gemini CLI",
    locations=everywhere("{home}/.gemini/settings.json"),
    key="$PIXAZO_API_KEY",
    program=Program(
        name="gemini",
        add=("mcp", "add", "--scope", "user", "{name}", "{command}", "{env}"),
        env="-e",
    ),
    desktop=False,
    call=600,
)
WINDSURF = Client(
    name="windsurf",
    title="Windsurf",
    locations=everywhere("{home}/.codeium/windsurf/mcp_config.json"),
    key="${env:PIXAZO_API_KEY}",
)
LM_STUDIO = Client(
    name="lm-studio",
    title="LM Studio",
    locations=everywhere("{home}/.lmstudio/mcp.json", "{home}/.cache/lm-studio/mcp.json"),
)
ZED = Client(
    name="zed",
    title="Zed",
    locations={
        "linux": ("{XDG_CONFIG_HOME}/zed/settings.json",),
        "darwin": ("{home}/.config/zed/settings.json",),
        "win32": ("{APPDATA}/Zed/settings.json",),
    },
    section="context_servers",
    call=60,
)
GOOSE = Client(
    name="goose",
    title="Goose",
    format="yaml",
    locations={
        "linux": ("{XDG_CONFIG_HOME}/goose/config.yaml",),
        "darwin": ("{home}/.config/goose/config.yaml",),
        "win32": ("{APPDATA}/Block/goose/config/config.yaml",),
    },
    section="extensions",
    entry={"name": "acestep", "type": "stdio", "enabled": True, "timeout": 300},
    key=":keyring",  # `env_keys` names the variables whose values it keeps in the keyring
    call=300,
)

CLIENTS: tuple[Client, ...] = (
    CLAUDE_DESKTOP,
    CLAUDE_CODE,
    VSCODE,
    CURSOR,
    CODEX,
    GEMINI_CLI,
    WINDSURF,
    LM_STUDIO,
    ZED,
    GOOSE,
)
BY_NAME = {client.name: client for client in CLIENTS}
