"""The servers of the compose file, as processes of this machine on a database of ours."""

import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.abc

from acestep_mcp.sandbox import Sandbox
from tests.hosted.house import free_port
from tests.install import containers
from tests.install.containers import Start
from tests.ledger.server import PostgreSQL

_WITHIN = 60.0  # seconds to get ready
_LOOK = 0.3  # seconds between looks: it tells nobody but its probes


@dataclass(frozen=True, slots=True)
class Running:
    """One server, started as its container would start it."""

    url: str
    process: anyio.abc.Process
    start: Start

    async def health(self) -> tuple[bool, bool]:
        """Whether it is alive, and ready, as its own probes see it."""
        return await _succeeds(self.start.alive), await _succeeds(self.start.ready)


@asynccontextmanager
async def composed(sandbox: Sandbox, database: PostgreSQL) -> AsyncIterator[tuple[Running, ...]]:
    """Two servers that are ready. Their database's name leads to ours, their gateway is ours."""
    ports = [await free_port() for _ in range(2)]
    given = {
        **containers.documented(),
        containers.PASSWORD: database.password,
        "ACESTEP_PUBLIC_URL": f"http://127.0.0.1:{ports[0]}",
        "ACESTEP_ALLOWED_HOSTS": "127.0.0.1",
        "ACESTEP_BASE_URL": sandbox.base_url,
        "ACESTEP_POLL_INTERVAL": "0.1",
    }
    start = _with_database(containers.server(given), database)
    async with _running(start, ports[0]) as one, _running(start, ports[1]) as two:
        with anyio.fail_after(_WITHIN):
            for each in (one, two):
                while await each.health() != (True, True):  # noqa: ASYNC110  # another process
                    await anyio.sleep(_LOOK)
        yield one, two


@asynccontextmanager
async def _running(start: Start, port: int) -> AsyncIterator[Running]:
    own = _on(start, port)
    program = str(Path(sys.executable).with_name(own.command[0]))
    process = await anyio.open_process(
        [program, *own.command[1:]], env=_bare(own.env), cwd="/", stdout=None, stderr=None
    )
    try:
        yield Running(f"http://127.0.0.1:{port}", process, own)
    finally:
        with anyio.CancelScope(shield=True):
            if process.returncode is None:
                process.kill()
            await process.aclose()


def _with_database(start: Start, database: PostgreSQL) -> Start:
    url = start.env["ACESTEP_DATABASE_URL"]
    here = url.replace("@database/acestep", f"@127.0.0.1:{database.port}/postgres")
    return Start(
        start.command, {**start.env, "ACESTEP_DATABASE_URL": here}, start.alive, start.ready
    )


def _on(start: Start, port: int) -> Start:
    """Every container has a port 8000 of its own; this machine has one."""

    def moved(command: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(word.replace(str(containers.PORT), str(port)) for word in command)

    return Start(moved(start.command), start.env, moved(start.alive), moved(start.ready))


async def _succeeds(probe: tuple[str, ...]) -> bool:
    command = [sys.executable, *probe[1:]]
    done = await anyio.run_process(command, check=False, env=_bare({}))
    return done.returncode == 0


def _bare(env: Mapping[str, str]) -> dict[str, str]:
    """A container's environment: nothing of this machine's, and no home."""
    return {"PATH": os.defpath, "HOME": "/nonexistent", **env}
