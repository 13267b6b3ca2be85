"""Several server processes on one PostgreSQL behind a proxy, and the gateway that calls it back."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from acestep_mcp.domain.song import LOCAL
from acestep_mcp.sandbox import Profile, Sandbox
from tests.hosted.house import SECRET, free_port
from tests.house import KEY, environment, gateway, shown
from tests.ledger.server import PostgreSQL, emptied
from tests.replicas.proxy import Proxy
from tests.replicas.replica import Replica


@dataclass(frozen=True, slots=True)
class Caller:
    """An MCP client of one server, or of the proxy."""

    client: Client

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer of a tool that answers with some."""
        with anyio.fail_after(60):
            return shown(await self.client.call_tool(tool, arguments))

    async def orders(self, prompt: str) -> str:
        """Order a song, and return the gateway's id of it as soon as the server has that."""
        ordered = await self.call("generate_song", prompt=prompt, wait=0)
        while (handle := str(ordered["request_id"])).startswith(LOCAL):
            ordered = await self.call("get_status", request_id=handle)
        return handle


@dataclass(frozen=True, slots=True)
class Fleet:
    """The running whole. `url` is the proxy's, where callers and callbacks come in."""

    sandbox: Sandbox
    database: PostgreSQL
    proxy: Proxy
    replicas: tuple[Replica, ...]
    url: str

    @asynccontextmanager
    async def caller(self, url: str = "", **headers: str) -> AsyncIterator[Caller]:
        """A client of the server at `url`, else of the proxy, that sends these headers."""
        async with httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as web:
            transport = streamable_http_client(f"{url or self.url}/mcp", http_client=web)
            async with Client(transport) as client:
                yield Caller(client)

    @property
    def posts(self) -> int:
        """How many paid requests the gateway has read."""
        return len(self.sandbox.submissions)


@asynccontextmanager
async def fleet(
    folder: Path, env: Mapping[str, str], *, count: int = 4, profile: Profile | None = None
) -> AsyncIterator[Fleet]:
    """`count` servers that have just started, with `env` beside what every one needs."""
    database = emptied()
    proxy = Proxy([await free_port() for _ in range(count)])
    async with gateway(profile) as sandbox, proxy.serving() as url:
        environ = {
            **environment(sandbox.base_url, folder),
            "PATH": os.defpath,
            "HOME": str(folder),
            "PIXAZO_API_KEY": KEY,
            "ACESTEP_DATABASE_URL": database.url(),
            "ACESTEP_DAILY_LIMIT": "0",
            "ACESTEP_PUBLIC_URL": url,
            "ACESTEP_SECRET": SECRET,
            **env,
        }
        replicas = tuple(
            Replica(port, environ, folder / f"replica-{port}.log") for port in proxy.backends
        )
        try:
            async with anyio.create_task_group() as starting:
                for replica in replicas:
                    starting.start_soon(replica.start)
            yield Fleet(sandbox, database, proxy, replicas, url)
        finally:
            with anyio.CancelScope(shield=True):
                for replica in replicas:
                    await replica.kill()
