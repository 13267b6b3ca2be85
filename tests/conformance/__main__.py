"""`make conformance`: the official MCP conformance suite against this server over HTTP.

The suite comes from its npm package when this runs and needs npm. Many of its scenarios call
tools, prompts and resources of a reference server (`test_…`), which no other server has; those
are named here with the few others that do not apply, and everything else has to pass.
"""

import logging
import re
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import uvicorn

from acestep_mcp import settings
from acestep_mcp.hosted import http, options
from acestep_mcp.sandbox import Profile, Sandbox

SUITE = "@modelcontextprotocol/conformance@0.2.0-alpha.12"
NODE = "node@22"  # the suite needs functions that Node 20 does not have
VERSIONS = ("2025-06-18", "2025-11-25", "2026-07-28")

# Each needs a tool, prompt or resource of the reference server.
_FIXTURES = [
    "prompts-get-simple",
    "prompts-get-with-args",
    "prompts-get-embedded-resource",
    "prompts-get-with-image",
    "resources-read-text",
    "resources-read-binary",
    "resources-templates-read",
    "tools-call-image",
    "tools-call-audio",
    "tools-call-embedded-resource",
    "tools-call-mixed-content",
    "tools-call-with-progress",
    "tools-call-with-logging",
    "tools-call-sampling",
    "tools-call-elicitation",
    "elicitation-sep1034-defaults",
    "elicitation-sep1330-enums",
    "json-schema-2020-12",
    "server-sse-polling",
    "http-custom-header-server-validation",
    "server-stateless",
    "input-required-result-basic-elicitation",
    "input-required-result-basic-sampling",
    "input-required-result-basic-list-roots",
    "input-required-result-request-state",
    "input-required-result-multiple-input-requests",
    "input-required-result-multi-round",
    "input-required-result-non-tool-request",
    "input-required-result-result-type",
    "input-required-result-tampered-state",
    "input-required-result-capability-check",
]
# Each needs something this server does not offer and does not claim: log messages to the client
# (deprecated by the protocol) and subscriptions to resources.
_NOT_OFFERED = ("logging-set-level", "resources-subscribe", "resources-unsubscribe")
EXPECTED = frozenset((*_FIXTURES, *_NOT_OFFERED))


@asynccontextmanager
async def _served(folder: Path) -> AsyncIterator[str]:
    sandbox = Sandbox(profile=Profile.quick(), speed=4)
    async with sandbox.serving() as gateway, anyio.create_task_group() as tasks:
        environ = {
            "PIXAZO_API_KEY": sandbox.key,
            "ACESTEP_BASE_URL": gateway,
            "ACESTEP_DATA_DIR": str(folder),
        }
        found = settings.read(environ, save="off")
        app = http.build(found, options.read(folder, environ), "127.0.0.1")
        config = uvicorn.Config(app, port=0, log_level="critical", ws="none")
        server = uvicorn.Server(config)
        tasks.start_soon(server.serve)
        while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
            await anyio.sleep(0.05)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://localhost:{port}/mcp"
        server.should_exit = True


def _installed(folder: Path) -> list[str]:
    """The suite's command, from the npm packages."""
    subprocess.run(["npm", "install", "--silent", "--prefix", str(folder), NODE, SUITE], check=True)
    modules = folder / "node_modules"
    suite = modules / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    return [str(modules / ".bin" / "node"), str(suite)]


async def _failures(suite: list[str], url: str, version: str) -> tuple[set[str], str]:
    """The scenarios with a failure, and the suite's own total."""
    asked = ["server", "--url", url, "--suite", "all", "--spec-version", version]
    done = await anyio.run_process([*suite, *asked], check=False, stderr=subprocess.STDOUT)
    text = done.stdout.decode("utf-8", "replace")
    total = re.search(r"Total: .*", text)
    if total is None:
        sys.exit(f"the suite did not finish for {version}:\n{text[-2000:]}")
    return set(re.findall(r"^✗ ([\w-]+):", text, re.MULTILINE)), total[0]


async def main() -> int:
    """Run every version; 1 where anything fails that should pass."""
    logging.disable(logging.CRITICAL)  # the suite provokes errors by the hundred
    wrong = 0
    with tempfile.TemporaryDirectory() as tools, tempfile.TemporaryDirectory() as data:
        suite = await anyio.to_thread.run_sync(_installed, Path(tools))
        async with _served(Path(data)) as url:
            for version in VERSIONS:
                failed, total = await _failures(suite, url, version)
                surprises = sorted(failed - EXPECTED)
                print(f"{version}: {total}; {len(failed)} scenarios do not apply", flush=True)
                for name in surprises:
                    print(f"  FAILED {name}", flush=True)
                wrong += len(surprises)
    print(f"{len(VERSIONS)} passed, 0 failed" if not wrong else f"0 passed, {wrong} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(anyio.run(main))
