"""Starts the real server, in an environment of its own."""

import json
import os
import socket
import subprocess
import sys
import urllib.request
import venv
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio

HERE = Path(__file__).parent
HOME = Path(sys.prefix) / "own-server"
"""Its environment: the server's HTTP layer is pinned to versions that are not this project's."""
PACKAGE = "ace-step15-fork==20260212"
"""Upstream's launch server, byte for byte, without the forty packages of its models."""
CHECKOUT = os.environ.get("ACE_STEP_CHECKOUT", "")
"""A clone of ace-step/ACE-Step-1.5 to run instead."""


def installed() -> None:
    """Make the environment, unless it is there."""
    ready = HOME / ".ready"
    if ready.exists():
        return
    venv.create(HOME, with_pip=True)
    pip = [str(HOME / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--requirement", str(HERE / "requirements.txt")], check=True)
    subprocess.run([*pip, "--no-deps", PACKAGE], check=True)
    ready.touch()


class Own:
    """A running server. `root` keeps what a restart finds again."""

    def __init__(self, root: Path, port: int, *options: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.root = root
        self.uploads = root / "uploads"
        self._options = options
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self, *options: str) -> None:
        """Start it, and wait until it answers."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._process = await anyio.to_thread.run_sync(self._launched, options)
        with anyio.fail_after(60):
            while not await anyio.to_thread.run_sync(self._answers):  # a program of its own
                assert self._process.poll() is None, self.log()
                await anyio.sleep(0.05)

    def _launched(self, options: tuple[str, ...]) -> subprocess.Popen[bytes]:
        command = [str(HOME / "bin" / "python"), str(HERE / "server.py"), "--root", str(self.root)]
        command += ["--port", str(self._port), *self._options, *options]
        command += ["--checkout", CHECKOUT] if CHECKOUT else []
        uploads = {**os.environ, "TMPDIR": str(self.uploads)}
        self.uploads.mkdir(parents=True, exist_ok=True)
        with (self.root / "log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, env=uploads)

    def stop(self) -> None:
        """End it at once, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def log(self) -> str:
        """What it and its renderer have said."""
        return (self.root / "log").read_text(encoding="utf-8", errors="replace")

    def rendered(self) -> list[str]:
        """A line for each song that reached the renderer, with what it was given."""
        return [line for line in self.log().splitlines() if "[stand-in] rendered" in line]

    def jobs(self) -> dict[str, Any]:
        """How many songs it has in which state."""
        with urllib.request.urlopen(f"{self.url}/v1/stats", timeout=5) as reply:  # noqa: S310  # loopback
            return dict(json.load(reply)["data"]["jobs"])

    async def until(self, state: str) -> None:
        """Wait until a song of it is in that state."""
        with anyio.fail_after(15):
            while not self.jobs()[state]:  # noqa: ASYNC110  # likewise
                await anyio.sleep(0.05)

    def _answers(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{self.url}/health", timeout=2):  # noqa: S310  # loopback
            return True
        return False


@asynccontextmanager
async def own_server(root: Path, *options: str, start: bool = True) -> AsyncIterator[Own]:
    """A server on a free port of this machine; songs take a tenth of a second."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Own(root, port, "--seconds", "0.1", *options)
    try:
        if start:
            await server.start()
        yield server
    finally:
        server.stop()


if __name__ == "__main__":
    installed()
