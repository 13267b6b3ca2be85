"""A whole house to test in: MCP client → server → engine → HTTP → sandbox gateway."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import anyio
from mcp.client import Client
from mcp_types import CallToolResult, TextContent

from acestep_mcp import server, settings
from acestep_mcp.clock import Clock, SystemClock
from acestep_mcp.sandbox import Profile, Sandbox

KEY = "sandbox-key"
SONG = {"prompt": "Warm folk ballad with acoustic guitar, gentle female voice"}
LYRICS = "[Verse]\nThe lamp is low, the road is long\nI hum the end of every song\n"


@dataclass
class House:
    """One server with its client, and the gateway it talks to."""

    sandbox: Sandbox
    app: server.App
    client: Client
    folder: Path

    async def call(self, tool: str, /, **arguments: Any) -> CallToolResult:
        with anyio.fail_after(20):
            return await self.client.call_tool(tool, arguments)

    async def generate(self, **arguments: Any) -> CallToolResult:
        return await self.call("generate_song", **{**SONG, "wait": 0, **arguments})

    async def status(self, request_id: str, **arguments: Any) -> CallToolResult:
        return await self.call("get_status", request_id=request_id, **arguments)

    async def finished(self, **arguments: Any) -> CallToolResult:
        """Order a song, let the gateway finish it, and wait for it."""
        ordered = shown(await self.generate(**arguments))
        self.sandbox.complete(ordered["request_id"])
        return await self.status(ordered["request_id"], wait=10)

    @property
    def posts(self) -> int:
        """How many paid requests the gateway has read."""
        return len(self.sandbox.submissions)


def environment(url: str, folder: Path, **more: str) -> dict[str, str]:
    """What a server needs to be told to work in `folder` against the gateway at `url`."""
    return {
        "PIXAZO_API_KEY": KEY,
        "ACESTEP_BASE_URL": url,
        "ACESTEP_DATA_DIR": str(folder / "data"),
        "ACESTEP_OUTPUT_DIR": str(folder / "songs"),
        "ACESTEP_POLL_INTERVAL": "0.05",
        "ACESTEP_SAVE": "off",
        **more,
    }


@asynccontextmanager
async def gateway(profile: Profile | None = None, **knobs: Any) -> AsyncIterator[Sandbox]:
    """A sandbox whose songs move only when the test moves them."""
    sandbox = Sandbox(key=KEY, profile=profile or Profile.manual(), **knobs)
    async with sandbox.serving():
        yield sandbox


@asynccontextmanager
async def served(
    sandbox: Sandbox,
    folder: Path,
    *,
    mode: Literal["auto", "legacy"] = "auto",
    client: Mapping[str, Any] | None = None,
    clock: Clock | None = None,
    **env: str,
) -> AsyncIterator[House]:
    """A server on that gateway and folder, with a client connected in memory."""
    found = settings.read(environment(sandbox.base_url, folder, **env))
    app = server.build(found, clock=clock)
    connection = Client(app.mcp, mode=mode, **(client or {}))
    async with app.running(), connection:
        yield House(sandbox, app, connection, folder)


@asynccontextmanager
async def house(folder: Path, **options: Any) -> AsyncIterator[House]:
    """A gateway and a server."""
    async with gateway() as sandbox, served(sandbox, folder, **options) as built:
        yield built


@asynccontextmanager
async def own_house(url: str, folder: Path, **options: Any) -> AsyncIterator[House]:
    """A server that has nothing but the own server at `url`, and a gateway that nobody may ask."""
    own = {
        "HOME": str(folder),
        "PIXAZO_API_KEY": "",
        "ACESTEP_SERVER_URL": url,
        "ACESTEP_POLL_INTERVAL": "1",
    }
    async with gateway() as sandbox:
        async with served(sandbox, folder, **{**own, **options}) as built:
            yield built
        assert sandbox.arrivals == [], "the paid gateway was asked"


def money(said: str) -> list[str]:
    """The words of money in a text; a song on one's own server costs time, and a question none."""
    plain = said.lower().replace("a song costs its time", "").replace("costs nothing", "")
    words = ("charge", "paid", "pay ", "price", "bought", "buy", "cost", "money")
    return [word for word in words if word in plain]


class Wall(SystemClock):
    """A machine whose wall clock can be set, and whose other clock cannot."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


class Later(Wall):
    """A machine on which time passes when the test says so."""

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


def shown(result: CallToolResult) -> dict[str, Any]:
    """The structured content of an answer that has some."""
    content: dict[str, Any] | None = result.structured_content
    assert content is not None, text(result)
    return content


def text(result: CallToolResult) -> str:
    """The text of an answer."""
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))
