"""What the real server answers a client that only asks what there is."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import anyio
from mcp.shared._context_streams import create_context_streams
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from acestep_mcp import server, settings
from acestep_mcp.settings import Surface
from acestep_mcp.surface.stdio import Incoming, serve_streams

Json = dict[str, Any]

ENVIRONMENT = {"ACESTEP_DATA_DIR": "/nowhere", "HOME": "/"}
_SERVER = {"ACESTEP_SERVER_URL": "http://127.0.0.1:8001"}
SURFACES: dict[Surface, dict[str, str]] = {
    "paid": {},
    "own": _SERVER,
    "either": {**_SERVER, "PIXAZO_API_KEY": "some-key"},
}
"""By who makes songs, the environment that sets it up."""
CHANGED = {
    "key": {"PIXAZO_API_KEY": "key"},
    "key_source": {"PIXAZO_SUBSCRIPTION_KEY": "key"},
    "key_places": {"PIXAZO_API_KEY_FILE": "/elsewhere"},
    "key_problem": {"PIXAZO_API_KEY": "no key"},
    "server_url": {"ACESTEP_SERVER_URL": "http://127.0.0.1:8002"},
    "server_key": {"ACESTEP_SERVER_KEY": "its-key"},
    "server_key_problem": {"ACESTEP_SERVER_KEY": "no key"},
    "model": {"ACESTEP_MODEL": "ace-step"},
    "base_url": {"ACESTEP_BASE_URL": "https://gateway.example"},
    "data_dir": {"ACESTEP_DATA_DIR": "/elsewhere"},
    "data_problem": {"ACESTEP_DATA_DIR": "no path"},
    "database_url": {"ACESTEP_DATABASE_URL": "postgresql://host/songs"},
    "output_dir": {"ACESTEP_OUTPUT_DIR": "/elsewhere"},
    "output_problem": {"ACESTEP_OUTPUT_DIR": "no path"},
    "save": {"ACESTEP_SAVE": "off"},
    "formats": {"ACESTEP_FORMAT": "mp3"},
    "wait": {"ACESTEP_WAIT": "20"},
    "poll_interval": {"ACESTEP_POLL_INTERVAL": "9"},
    "daily_limit": {"ACESTEP_DAILY_LIMIT": "3"},
    "price": {"ACESTEP_PRICE": "0.01 USD"},
    "confirm": {"ACESTEP_CONFIRM": "on"},
    "log_level": {"ACESTEP_LOG_LEVEL": "ERROR"},
}
"""For each setting, an environment in which it is not what it is by default."""

LISTS = (
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "skills/list",
)
INITIALIZED: Json = {"jsonrpc": "2.0", "method": "notifications/initialized"}
PLAIN: Json = {"name": "client", "version": "1"}
VERSIONS = {"handshake": [*HANDSHAKE_PROTOCOL_VERSIONS], "modern": [*MODERN_PROTOCOL_VERSIONS]}


def request(number: int, method: str, params: Json | None = None) -> Json:
    """A request; without `params` it has none."""
    given = {} if params is None else {"params": params}
    return {"jsonrpc": "2.0", "id": number, "method": method, **given}


def greeting(version: str, capabilities: Json, info: Json = PLAIN) -> Json:
    """The parameters of `initialize`."""
    return {"protocolVersion": version, "capabilities": capabilities, "clientInfo": info}


def signed(version: str, capabilities: Json, info: Json = PLAIN) -> Json:
    """The parameters of a request of the era without a handshake."""
    who = {"protocolVersion": version, "clientInfo": info, "clientCapabilities": capabilities}
    return {"_meta": {f"io.modelcontextprotocol/{name}": value for name, value in who.items()}}


def handshake(version: str, capabilities: Json) -> list[Json]:
    """A whole connection of the first era that asks for everything."""
    asked = [request(n, method) for n, method in enumerate(("ping", *LISTS), 1)]
    return [request(0, "initialize", greeting(version, capabilities)), INITIALIZED, *asked]


def modern(version: str, capabilities: Json) -> list[Json]:
    """A whole connection of the second era that asks for everything."""
    params = signed(version, capabilities)
    return [request(n, method, params) for n, method in enumerate(("server/discover", *LISTS))]


def lines(messages: Sequence[Json]) -> list[bytes]:
    """As they come on stdin."""
    return [json.dumps(message).encode() + b"\n" for message in messages]


async def replies(
    app: server.App, messages: Sequence[Json], opening: Sequence[bytes] = ()
) -> list[Json]:
    """What the real server answers on one connection, message by message."""
    send, incoming = create_context_streams[Incoming](0)
    outgoing, answers = create_context_streams[SessionMessage](0)
    found: list[Json] = []
    with anyio.fail_after(10):
        async with send, incoming, outgoing, answers, anyio.create_task_group() as tasks:
            lowlevel = app.mcp._lowlevel_server
            tasks.start_soon(serve_streams, lowlevel, incoming, outgoing, opening)
            for message, line in zip(messages, lines(messages), strict=True):
                await send.send(SessionMessage(jsonrpc_message_adapter.validate_json(line)))
                if "id" in message:
                    found.append(_plain(await answers.receive()))
            tasks.cancel_scope.cancel()
    return found


def _plain(reply: SessionMessage) -> Json:
    """As the SDK writes it."""
    text = reply.message.model_dump_json(by_alias=True, exclude_unset=True)
    return dict(json.loads(text))


def built(**environ: str) -> server.App:
    """The real server with this environment."""
    return server.build(settings.read({**ENVIRONMENT, **environ}))


def answers(**environ: str) -> dict[str, dict[str, Json]]:
    """By era and method, the results for a client of the era's last version."""
    app = built(**environ)
    found = {}
    for era, connection in (("handshake", handshake), ("modern", modern)):
        messages = connection(VERSIONS[era][-1], {})
        asked = [message["method"] for message in messages if "id" in message]
        results = [reply["result"] for reply in asyncio.run(replies(app, messages))]
        found[era] = dict(zip(asked, results, strict=True))
    return found


def snapshot(surface: Surface) -> str:
    """The committed form: the answers, and the settings that each of them depends on.

    A change that makes it another surface is not looked at: the front takes that one's answers.
    """
    base = SURFACES[surface]
    plain = answers(**base)
    varied = {
        name: answers(**{**base, **environ})
        for name, environ in CHANGED.items()
        if settings.read({**ENVIRONMENT, **base, **environ}).surface == surface
    }
    depends = {
        (era, method): [name for name in varied if varied[name][era][method] != result]
        for era, results in plain.items()
        for method, result in results.items()
    }
    taken = settings.read({**ENVIRONMENT, **base})
    content = {
        "versions": VERSIONS,
        "settings": {name: getattr(taken, name) for name in sorted(set().union(*depends.values()))},
        "answers": {
            era: {
                method: {"depends": depends[era, method], "result": result}
                for method, result in results.items()
            }
            for era, results in plain.items()
        },
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
