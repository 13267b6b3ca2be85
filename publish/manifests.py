"""The files of `manifests/`, all generated: what loads this server, and what runs it."""

from collections.abc import Sequence
from typing import Any

from acestep_mcp import settings
from acestep_mcp.install.clients import (
    CLAUDE_CODE,
    CLAUDE_DESKTOP,
    CODEX,
    CURSOR,
    GEMINI_CLI,
    VSCODE,
    Client,
)
from acestep_mcp.install.entries import (
    UVX,
    Entry,
    Launch,
    document,
    entry,
    in_json,
    published,
    snippet,
)
from acestep_mcp.install.project import KEY, KEY_FILE, NAME, SERVER
from acestep_mcp.surface import skills
from publish.links import KEY_INPUT, install_links
from publish.project import (
    AUTHOR,
    KEYWORDS,
    OUTPUT,
    OUTPUT_DEFAULT,
    REGISTRY_NAME,
    RELEASE,
    REPOSITORY,
    SUMMARY,
    TITLE,
)

_KEY_TITLE = "Pixazo API key"
_KEY_HELP = f"Subscription key; get one at {settings.KEY_PAGE}"
_AGENT_PLUGINS = "https://agent-plugins.org/schemas/1.0.0"
_PLUGIN_README = f"""\
# {TITLE} for Claude Code

{SUMMARY} The server is `{NAME}`, started by `uvx`; the skill says how to write songs that come out
well. Without a key in the plugin's settings, the key file `{KEY_FILE}` serves. {REPOSITORY}
"""
_REGISTRY_VARIABLES = (KEY, OUTPUT, "ACESTEP_DAILY_LIMIT")


def files(tools: Sequence[tuple[str, str]]) -> dict[str, bytes]:
    """Every generated file by its path from the root.

    `tools` are name and description of each, as the server lists them.
    """
    claude_code = "manifests/claude-code"
    texts = {
        "manifests/mcpb/manifest.json": in_json(bundle(tools)),
        "manifests/server.json": in_json(registry()),
        "manifests/claude-desktop.json": snippet(CLAUDE_DESKTOP, published(CLAUDE_DESKTOP)),
        f"{claude_code}/.mcp.json": in_json(document(CLAUDE_CODE, _plugin_server())),
        f"{claude_code}/.claude-plugin/plugin.json": in_json(plugin()),
        f"{claude_code}/project.mcp.json": snippet(CLAUDE_CODE, published(CLAUDE_CODE)),
        f"{claude_code}/README.md": _PLUGIN_README,
        f"{claude_code}/skills/{skills.NAME}/SKILL.md": skills.text(),
        ".claude-plugin/marketplace.json": in_json(marketplace("./manifests/claude-code")),
        ".github/plugin/marketplace.json": in_json(marketplace("./")),
        ".agents/plugins/marketplace.json": in_json(codex_marketplace()),
        "plugin.json": in_json(agent_plugin()),
        "mcp.json": in_json(agent_servers()),
        f"skills/{skills.NAME}/SKILL.md": skills.text(),
        "manifests/vscode.json": in_json({"inputs": [KEY_INPUT], **_of(VSCODE)}),
        "manifests/cursor.json": in_json(_of(CURSOR)),
        "manifests/codex.toml": snippet(CODEX, published(CODEX)),
        "gemini-extension.json": in_json(extension()),
        "manifests/install-links.json": in_json(install_links()),
    }
    return {path: text.encode() for path, text in texts.items()}


def bundle(tools: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The manifest of the MCPB bundle, for Claude Desktop."""
    return {
        "manifest_version": "0.4",
        "name": NAME,
        "display_name": TITLE,
        "version": RELEASE,
        "description": SUMMARY,
        "author": {"name": AUTHOR},
        "repository": {"type": "git", "url": REPOSITORY},
        "license": "MIT",
        "keywords": list(KEYWORDS),
        "icon": "icon.png",
        "server": {
            "type": "uv",
            "entry_point": "server/main.py",
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--frozen", "--no-dev", "--directory", "${__dirname}", NAME],
                "env": {KEY: "${user_config.api_key}", OUTPUT: "${user_config.output_dir}"},
            },
        },
        "tools": [{"name": name, "description": text} for name, text in tools],
        "user_config": {
            "api_key": _secret(required=True),
            "output_dir": {
                "type": "directory",
                "title": "Folder for songs",
                "description": "Where finished songs are saved",
                "default": f"${{HOME}}/{OUTPUT_DEFAULT}",
                "required": False,
            },
        },
        "compatibility": {
            "platforms": ["darwin", "win32", "linux"],
            "runtimes": {"python": ">=3.11"},
        },
    }


def registry() -> dict[str, Any]:
    """The entry of the MCP registry."""
    return {
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
        "name": REGISTRY_NAME,
        "title": TITLE,
        "description": SUMMARY,
        "version": RELEASE,
        "repository": {"url": REPOSITORY, "source": "github"},
        "packages": [
            {
                "registryType": "pypi",
                "identifier": NAME,
                "version": RELEASE,
                "runtimeHint": UVX.command,
                "transport": {"type": "stdio"},
                "environmentVariables": [_variable(name) for name in _REGISTRY_VARIABLES],
            }
        ],
    }


def plugin() -> dict[str, Any]:
    """The plugin for Claude Code; its server stands in `.mcp.json` beside it."""
    return {
        "name": SERVER,
        "version": RELEASE,
        "description": SUMMARY,
        "author": {"name": AUTHOR},
        "license": "MIT",
        "keywords": list(KEYWORDS),
        "userConfig": {"api_key": _secret(required=False)},
    }


def agent_plugin() -> dict[str, Any]:
    """The Agent Plugin at the root: what its clients read; the key comes from the key file."""
    return {
        "$schema": f"{_AGENT_PLUGINS}/plugin.schema.json",
        "name": NAME,
        "version": RELEASE,
        "description": SUMMARY,
        "author": {"name": AUTHOR},
        "homepage": REPOSITORY,
        "repository": REPOSITORY,
        "license": "MIT",
        "keywords": list(KEYWORDS),
    }


def agent_servers() -> dict[str, Any]:
    """Its server; no variable stands there, because its format has no place for a secret."""
    server = {"type": "stdio", "command": UVX.command, "args": list(UVX.args)}
    return {"$schema": f"{_AGENT_PLUGINS}/mcp.schema.json", "mcpServers": {SERVER: server}}


def codex_marketplace() -> dict[str, Any]:
    """The list by which Codex finds the plugin."""
    plugin = {
        "name": NAME,
        "source": {"source": "local", "path": "./"},
        "policy": {"installation": "AVAILABLE", "authentication": "ON_INSTALL"},
        "category": "Creativity",
    }
    return {"name": NAME, "interface": {"displayName": TITLE}, "plugins": [plugin]}


def marketplace(source: str) -> dict[str, Any]:
    """The list by which Claude Code and Copilot find the plugin, each at a place of its own."""
    return {
        "name": NAME,
        "owner": {"name": AUTHOR},
        "metadata": {"description": SUMMARY},
        "plugins": [{"name": SERVER, "source": source, "description": SUMMARY}],
    }


def extension() -> dict[str, Any]:
    """The extension for Gemini CLI."""
    setting = {"name": _KEY_TITLE, "description": _KEY_HELP, "envVar": KEY, "sensitive": True}
    return {
        "name": NAME,
        "version": RELEASE,
        "description": SUMMARY,
        **_of(GEMINI_CLI),
        "settings": [setting],
    }


def _of(client: Client) -> dict[str, Any]:
    return document(client, published(client))


def _plugin_server() -> Entry:
    return entry(CLAUDE_CODE, Launch(UVX.command, UVX.args, {KEY: "${user_config.api_key}"}))


def _secret(*, required: bool) -> dict[str, Any]:
    """A setting for the key; where it may stay empty, the key file serves."""
    return {
        "type": "string",
        "title": _KEY_TITLE,
        "description": _KEY_HELP,
        "sensitive": True,
        "required": required,
    }


def _variable(name: str) -> dict[str, Any]:
    """A variable for the registry, described as the README describes it."""
    row = next(each for each in settings.VARIABLES if each.name == name)
    described = {"name": name, "description": row.says.replace("`", "")}
    if name == KEY:
        return {**described, "isRequired": True, "isSecret": True}
    kind = {"format": "filepath"} if name == OUTPUT else {"format": "number"}
    return {**described, **kind, "default": row.usual.strip("`")}
