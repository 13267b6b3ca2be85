"""Starting the server as a client does, to see that it answers."""

import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import ListToolsResult

from acestep_mcp.install.entries import Launch

_SECONDS = 30.0


class Silent(Exception):
    """The server did not answer as one; says what it left on stderr, or what went wrong."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a new client learned, `seconds` after it started the process."""

    tools: tuple[str, ...]
    protocol: str
    seconds: float


async def handshake(launch: Launch, environ: Mapping[str, str] = os.environ) -> Answered:
    """Start a server that has a ledger of its own, and ask for its tools.

    Raises:
        Silent: It gave no proper answer.
    """
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "stderr").open("w+") as errors:
        apart = {"ACESTEP_DATA_DIR": folder, "ACESTEP_DATABASE_URL": "", "ACESTEP_SAVE": "off"}
        server = StdioServerParameters(
            command=launch.command, args=[*launch.args], env={**environ, **apart}
        )
        before = time.perf_counter()
        try:
            with anyio.fail_after(_SECONDS):
                async with Client(stdio_client(server, errlog=errors)) as client:
                    listed, protocol = await client.list_tools(), client.protocol_version
        except Exception as error:  # whatever went wrong, it is what was asked about
            errors.seek(0)
            said = errors.read().strip().splitlines()
            raise Silent(said[-1][:200] if said else _cause(error)) from error
        return _answered(listed, protocol, time.perf_counter() - before)


def _answered(listed: ListToolsResult, protocol: str, seconds: float) -> Answered:
    return Answered(tuple(tool.name for tool in listed.tools), protocol, seconds)


def _cause(error: Exception) -> str:
    """The error's words; of a group's, the first one's."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
