"""Disks that can be filled, emptied and written for nobody, under a real server process.

Two real ones, neither of which needs privileges: a tmpfs in a mount namespace of the server's
own, which ends with it, and a limit on the size of the server's files, which can be changed while
it runs. Neither lets root write what others could not.
"""

import json
import resource
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import anyio
import pytest

from acestep_mcp.sandbox import Sandbox
from tests.house import environment
from tests.peer import HANDSHAKE, Peer

_SPACE = ["unshare", "--user", "--map-root-user", "--mount"]
_TMPFS = 'mount -t tmpfs -o size=256k tmpfs "$0" && exec "$@"'
_ROWS = """
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=30)
print(json.dumps(db.execute("select state, request_id from song order by created_at").fetchall()))
"""
_READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'


class Disk(Protocol):
    """Where a folder of the server lies."""

    def command(self, folder: Path) -> list[str]:
        """What the server's command begins with."""

    def inside(self, peer: Peer, folder: Path) -> Path:
        """The folder as the server sees it."""

    def entered(self, peer: Peer) -> list[str]:
        """What a command begins with that sees what the server sees."""

    def fill(self, peer: Peer, folder: Path) -> None:
        """Leave room for nothing."""

    def free(self, peer: Peer, folder: Path) -> None:
        """Leave room again."""


class Tmpfs:
    """A quarter of a megabyte."""

    def command(self, folder: Path) -> list[str]:
        return spaced(_TMPFS, folder)

    def inside(self, peer: Peer, folder: Path) -> Path:
        return Path(f"/proc/{peer.process.pid}/root{folder}")

    def entered(self, peer: Peer) -> list[str]:
        target = ["--target", str(peer.process.pid)]
        return ["nsenter", *target, "--user", "--preserve-credentials", "--mount"]

    def fill(self, peer: Peer, folder: Path) -> None:
        with (self.inside(peer, folder) / "filler").open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * 4096):
                    pass
            except OSError:
                return

    def free(self, peer: Peer, folder: Path) -> None:
        (self.inside(peer, folder) / "filler").unlink()


class Limit:
    """No file of the server's may grow: RLIMIT_FSIZE, set from outside."""

    def command(self, _folder: Path) -> list[str]:
        return []

    def inside(self, _peer: Peer, folder: Path) -> Path:
        return folder

    def entered(self, _peer: Peer) -> list[str]:
        return []

    def fill(self, peer: Peer, _folder: Path) -> None:
        self._allow(peer, 0)

    def free(self, peer: Peer, _folder: Path) -> None:
        self._allow(peer, resource.RLIM_INFINITY)

    def _allow(self, peer: Peer, size: int) -> None:
        limit = (size, resource.RLIM_INFINITY)
        resource.prlimit(peer.process.pid, resource.RLIMIT_FSIZE, limit)


def read_only(folder: Path) -> list[str]:
    """What a command begins with whose server may only read `folder`."""
    return spaced(_READ_ONLY, folder)


def spaced(script: str, folder: Path) -> list[str]:
    """Run `script` on the folder in a mount namespace of its own, or skip the test."""
    if shutil.which("unshare") is None or not _permitted():
        pytest.skip("this machine lets no ordinary user make a mount namespace (unshare -Urm)")
    folder.mkdir(parents=True, exist_ok=True)
    return [*_SPACE, "sh", "-c", script, str(folder)]


def _permitted() -> bool:
    return subprocess.run([*_SPACE, "true"], capture_output=True, check=False).returncode == 0


@asynccontextmanager
async def started(
    sandbox: Sandbox, folder: Path, prefix: list[str], **env: str
) -> AsyncIterator[Peer]:
    """The server as a process, started with `prefix`, and initialized."""
    command = [*prefix, sys.executable, "-m", "acestep_mcp"]
    environ = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    environ |= environment(sandbox.base_url, folder, **env)
    async with await anyio.open_process(command, env=environ, stderr=None) as process:
        try:
            peer = Peer(process)
            await peer.ask(1, "initialize", **HANDSHAKE)
            await peer.send(method="notifications/initialized")
            yield peer
        finally:
            process.kill()


async def tool(peer: Peer, number: int, name: str, **arguments: Any) -> dict[str, Any]:
    """The whole result of a tool call, errors included."""
    reply = await peer.ask(number, "tools/call", name=name, arguments=arguments)
    return dict(reply["result"])


def rows(disk: Disk, peer: Peer, data: Path) -> list[list[str]]:
    """State and gateway id of every song in the ledger, read where the server has it."""
    command = [*disk.entered(peer), sys.executable, "-c", _ROWS, str(data / "ledger.sqlite3")]
    return list(json.loads(subprocess.check_output(command)))
