"""What a client's configuration says of our server, in the client's own shape and notation."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from acestep_mcp.install.clients import Client
from acestep_mcp.install.project import KEY, NAME, SERVER

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Launch:
    """How the server is started: `env` holds what the client is to add to its environment."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)


UVX = Launch("uvx", (NAME,))
"""How a machine that has nothing of ours yet starts the server."""


def entry(client: Client, launch: Launch) -> Entry:
    """The entry that starts the server, without a word of the key but what `launch` says."""
    if client.format == "yaml":
        envs = {"envs": dict(launch.env)} if launch.env else {}
        return {**client.entry, "cmd": launch.command, "args": [*launch.args], **envs}
    env = {"env": dict(launch.env)} if launch.env else {}
    started = {"command": launch.command, "args": [*launch.args], **env}
    if client.format == "toml":
        return {**started, **client.entry}
    return {**client.entry, **started}


def published(client: Client) -> Entry:
    """The entry for whoever reads about us: `uvx`, and the key in the client's notation."""
    by_name = {":inherited": "env_vars", ":keyring": "env_keys"}
    if client.key in by_name:
        return {**entry(client, UVX), by_name[client.key]: [KEY]}
    env = {KEY: client.key} if client.key else {}
    return entry(client, Launch(UVX.command, UVX.args, env))


def document(client: Client, server: Entry) -> dict[str, Any]:
    """A whole configuration with one server in it."""
    return {client.section: {SERVER: server}}


def snippet(client: Client, server: Entry) -> str:
    """The same as text, ending in a newline."""
    if client.format == "toml":
        lines = [f"{name} = {_toml(value)}" for name, value in server.items()]
        return "\n".join([f"[{client.section}.{SERVER}]", *lines, ""])
    if client.format == "yaml":
        lines = [f"    {name}: {json.dumps(value)}" for name, value in server.items()]
        return "\n".join([f"{client.section}:", f"  {SERVER}:", *lines, ""])
    return in_json(document(client, server))


def in_json(content: object) -> str:
    """JSON for people: two spaces, letters as they are, a newline at the end."""
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _toml(value: object) -> str:
    """A string, number, list or flat table; JSON's spelling of the first three is TOML's too."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
