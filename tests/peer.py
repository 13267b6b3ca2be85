"""A client that speaks to a server's process line by line."""

import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream

from acestep_mcp.sandbox import Sandbox
from tests.house import environment

HANDSHAKE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}
MODERN = {
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    }
}


GREETING = (
    b'{"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": '
    + json.dumps(HANDSHAKE).encode()
    + b"}\n",
    b'{"jsonrpc": "2.0", "method": "notifications/initialized"}\n',
)
"""How a connection begins, as it is written."""


class Peer:
    """A client that sees every line."""

    def __init__(self, process: Process) -> None:
        assert process.stdout is not None
        self.process = process
        self.lines: list[str] = []
        self._text = TextReceiveStream(process.stdout)
        self._rest = ""

    async def send(self, **message: Any) -> None:
        assert self.process.stdin is not None
        await self.process.stdin.send(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    async def answer(self, number: int) -> dict[str, Any]:
        """Read until the reply to request `number`."""
        with anyio.fail_after(20):
            while True:
                message = await self.message()
                if message.get("id") == number:
                    return message

    async def message(self) -> dict[str, Any]:
        """The next message, whatever it is."""
        return dict(json.loads(await self._line()))

    async def greet(self) -> None:
        """The handshake, as request 1."""
        await self.ask(1, "initialize", **HANDSHAKE)
        await self.send(method="notifications/initialized")

    async def ask(self, number: int, method: str, **params: Any) -> dict[str, Any]:
        await self.send(id=number, method=method, params=params)
        return await self.answer(number)

    async def call(self, number: int, tool: str, **arguments: Any) -> dict[str, Any]:
        reply = await self.ask(number, "tools/call", name=tool, arguments=arguments)
        assert "structuredContent" in reply["result"], reply
        return dict(reply["result"]["structuredContent"])

    async def _line(self) -> str:
        """The next line from the server, kept in `lines`."""
        while "\n" not in self._rest:
            self._rest += await self._text.receive()
        line, self._rest = self._rest.split("\n", 1)
        self.lines.append(line)
        return line


async def piped(sandbox: Sandbox, folder: Path, *lines: bytes, **env: str) -> list[dict[str, Any]]:
    """What the server's process answers to these lines, after which stdin is closed.

    It ends in order within 5 s of the end, having said nothing on stderr.
    """
    command = [sys.executable, "-m", "acestep_mcp"]
    environ = environment(sandbox.base_url, folder, **env)
    with anyio.fail_after(10):  # 5 s, and the loading of the server on a busy machine
        done = await anyio.run_process(command, input=b"".join(lines), env=environ)
    assert done.stderr == b""
    return [json.loads(line) for line in done.stdout.splitlines()]


def line(*, end: bytes = b"\n", **message: Any) -> bytes:
    """A message as it is written."""
    return json.dumps({"jsonrpc": "2.0", **message}).encode() + end


def called(number: int, tool: str, **arguments: Any) -> bytes:
    """A tool call as it is written."""
    return line(id=number, method="tools/call", params={"name": tool, "arguments": arguments})


@asynccontextmanager
async def started(
    sandbox: Sandbox, folder: Path, *options: str, stderr: int | None = None, **env: str
) -> AsyncIterator[Peer]:
    """The server's process, started by an interpreter with these options."""
    command = (sys.executable, *options, "-m", "acestep_mcp")
    async with running(command, environment(sandbox.base_url, folder, **env), stderr) as peer:
        yield peer


@asynccontextmanager
async def running(
    command: Sequence[str], environ: Mapping[str, str], stderr: int | None = None
) -> AsyncIterator[Peer]:
    """A server's process, killed at the end if it still lives."""
    async with await anyio.open_process(command, env=environ, stderr=stderr) as process:
        try:
            yield Peer(process)
        finally:
            if process.returncode is None:
                process.kill()
