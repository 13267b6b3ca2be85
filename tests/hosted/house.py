"""A hosted server behind a real socket, the gateway behind it, and callers of every kind."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
import uvicorn
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from acestep_mcp import settings
from acestep_mcp.hosted import http, options
from acestep_mcp.sandbox import Sandbox
from tests.house import KEY, environment, gateway

KEY_HEADER = "Ocp-Apim-Subscription-Key"
SECRET = "0123456789abcdef0123456789abcdef"


@asynccontextmanager
async def listening(app: Any, port: int = 0) -> AsyncIterator[str]:
    """The app behind a real socket; its base URL."""
    config = uvicorn.Config(
        app, port=port, log_level="warning", ws="none", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve)
        while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
            await anyio.sleep(0.01)  # as above
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        server.should_exit = True


@dataclass
class Hosted:
    """A hosted server and the gateway behind it."""

    sandbox: Sandbox
    url: str

    @asynccontextmanager
    async def caller(
        self, mode: Any = "auto", extensions: Any = (), **headers: str
    ) -> AsyncIterator[Client]:
        """An MCP client that sends these headers."""
        async with httpx2.AsyncClient(headers=headers, timeout=30) as web:
            transport = streamable_http_client(f"{self.url}/mcp", http_client=web)
            async with Client(transport, mode=mode, extensions=extensions) as client:
                yield client


@asynccontextmanager
async def hosted(
    folder: Path, port: int = 0, /, *, own_key: str = "", **env: str
) -> AsyncIterator[Hosted]:
    """A server on a gateway of its own; the songs move only when the test moves them."""
    async with gateway() as sandbox:
        app = application(sandbox.base_url, folder, PIXAZO_API_KEY=own_key, **env)
        async with listening(app, port) as url:
            yield Hosted(sandbox, url)


def application(gateway_url: str, folder: Path, host: str = "127.0.0.1", /, **env: str) -> Any:
    """What `acestep-mcp http` serves in this environment."""
    environ = {
        **environment(gateway_url, folder, ACESTEP_SECRET=SECRET),
        **env,
    }
    found = settings.read(environ, save="off")
    return http.build(found, options.read(found.data_dir, environ), host)


@asynccontextmanager
async def called_back(folder: Path, **env: str) -> AsyncIterator[tuple[Hosted, Client]]:
    """A hosted server whose public URL is its own address, so that callbacks really arrive."""
    port = await free_port()
    public = f"http://127.0.0.1:{port}"
    terms = {"ACESTEP_PUBLIC_URL": public, "ACESTEP_POLL_INTERVAL": "60", **env}
    async with (
        hosted(folder, port, own_key=KEY, **terms) as host,
        host.caller() as client,
    ):
        yield host, client


async def free_port() -> int:
    """A port on loopback that nobody uses."""
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        return int(listener.extra(anyio.abc.SocketAttribute.local_port))  # noqa: S610  # anyio's, not Django's


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    """The answer of a tool."""
    with anyio.fail_after(20):
        return await client.call_tool(tool, arguments)
