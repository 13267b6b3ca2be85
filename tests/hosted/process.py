"""`acestep-mcp http` as a process of its own, as it is run."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import Process

from acestep_mcp.sandbox import Sandbox
from tests.hosted.house import SECRET, Hosted
from tests.house import environment

_SAYS = re.compile(rb"acestep-mcp serves MCP at (http://\S+)/mcp\n")


@dataclass
class Running(Hosted):
    """A server process and the gateway behind it; `said` is all it wrote on stdout and stderr."""

    process: Process
    said: bytearray = field(default_factory=bytearray)
    _ready: anyio.Event = field(default_factory=anyio.Event)

    async def listen(self) -> None:
        """Keep what the process says, which would stop it if nobody read it."""
        assert self.process.stdout is not None
        async for piece in self.process.stdout:
            self.said += piece
            if not self.url and (found := _SAYS.search(self.said)):
                self.url = found[1].decode()
                self._ready.set()
        self._ready.set()

    async def ready(self) -> None:
        """Return once it serves."""
        with anyio.fail_after(20):
            await self._ready.wait()
        assert self.url, self.said.decode()

    async def end(self, sign: signal.Signals = signal.SIGTERM) -> float:
        """Send it a signal; the seconds until it had ended."""
        began = anyio.current_time()
        self.process.send_signal(sign)
        with anyio.fail_after(20):
            await self.process.wait()
        return anyio.current_time() - began


@asynccontextmanager
async def running(
    sandbox: Sandbox, folder: Path, port: int = 0, /, **env: str
) -> AsyncIterator[Running]:
    """A server process on that gateway and folder, killed at the end if it still lives."""
    told: dict[str, Any] = environment(sandbox.base_url, folder, ACESTEP_SECRET=SECRET)
    async with await anyio.open_process(
        [sys.executable, "-m", "acestep_mcp", "http", "--port", str(port)],
        env={**os.environ, **told, **env},
        stderr=subprocess.STDOUT,
    ) as process:
        host = Running(sandbox, "", process)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(host.listen)
            try:
                await host.ready()
                yield host
            finally:
                if process.returncode is None:
                    process.kill()
