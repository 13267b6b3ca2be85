"""One `acestep-mcp http` process, that can be killed and replaced."""

import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import anyio
import anyio.abc
import httpx

START_SECONDS = 60.0


class Replica:
    """A server on a port of its own. `log` is where it says what it has to say."""

    def __init__(self, port: int, environ: Mapping[str, str], log: Path) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._environ = environ
        self._log = log
        self._process: anyio.abc.Process | None = None

    async def start(self) -> None:
        """Start it, and return once it is ready to work."""
        command = [sys.executable, "-m", "acestep_mcp", "http", "--port", str(self.port)]
        with self._log.open("a") as log:
            self._process = await anyio.open_process(
                command, env=self._environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as web:
            with anyio.fail_after(START_SECONDS):
                while not await _ready(web):  # noqa: ASYNC110  # another process
                    await anyio.sleep(0.05)  # it tells nobody when it listens

    async def kill(self) -> None:
        """SIGKILL, if it runs."""
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            await process.wait()

    def signal(self, sign: signal.Signals) -> None:
        """SIGSTOP, or SIGCONT."""
        assert self._process is not None, "it does not run"
        self._process.send_signal(sign)

    @property
    def memory(self) -> float:
        """MiB resident."""
        assert self._process is not None, "it does not run"
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def _ready(web: httpx.AsyncClient) -> bool:
    try:
        return (await web.get("/health?ready")).is_success
    except httpx.TransportError:
        return False
