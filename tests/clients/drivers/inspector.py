"""MCP Inspector's command line: its strict check of the schemas, then a song."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

from tests.clients.drivers.common import ARGS, COMMAND, ENV, ORDER, one_song, urls

PROGRAM = Path("node_modules/.bin/inspector").absolute()
ABOUT = Path("node_modules/@modelcontextprotocol/inspector/package.json")


def inspect(*wanted: str) -> Any:
    """Run it once; it starts a server of its own each time."""
    env = [part for name, value in ENV.items() for part in ("-e", f"{name}={value}")]
    era = ["--cli", "--protocol-era", ORDER["mode"], "--format", "json"]
    command = [str(PROGRAM), *era, *env, *wanted, "--", COMMAND, *ARGS]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise SystemExit(f"exit status {done.returncode}: {done.stderr.strip()[-600:]}")
    return json.loads(done.stdout)


async def call(name: str, arguments: dict[str, Any]) -> Any:
    pairs = [f"{key}={value}" for key, value in arguments.items()]
    given = ["--tool-name", name, *(part for pair in pairs for part in ("--tool-arg", pair))]
    return inspect("--method", "tools/call", *given)


listed = inspect("--method", "tools/list", "--strict")
tools = [tool["name"] for tool in listed.get("result", listed)["tools"]]
done = asyncio.run(one_song(call))
release = json.loads(ABOUT.read_text(encoding="utf-8"))["version"]
print(json.dumps({"tools": sorted(tools), "urls": urls(done), "versions": {"inspector": release}}))
