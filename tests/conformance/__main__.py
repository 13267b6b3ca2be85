"""`make conformance`: the official MCP conformance suite against this server over HTTP.

The suite comes from its npm package when this runs and needs npm. Every protocol version that it
offers is run (2025-03-26 has one scenario, about sessions, which the suite skips where there are
none), and the scenarios of extensions; what does not apply is in `exceptions`.
"""

import logging
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import uvicorn

from acestep_mcp import server, settings
from acestep_mcp.hosted import http, options
from acestep_mcp.sandbox import Profile, Sandbox
from tests.conformance import songs
from tests.conformance.exceptions import EXCEPTIONS, excepted, objections
from tests.conformance.suite import EXTENSION, Findings, Suite

TASKS = "tasks-"
_ASKING = "tasks-mrtr-composition"
"""The scenario in which a question comes before the task: here, whether to pay."""


@asynccontextmanager
async def _listening(app: Any) -> AsyncIterator[str]:
    config = uvicorn.Config(app, port=0, log_level="critical", ws="none")
    web = uvicorn.Server(config)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(web.serve)
        while not web.started:  # noqa: ASYNC110  # uvicorn has no event for it
            await anyio.sleep(0.05)
        port = web.servers[0].sockets[0].getsockname()[1]
        yield f"http://localhost:{port}/mcp"
        web.should_exit = True


@asynccontextmanager
async def _working(**more: str) -> AsyncIterator[tuple[Sandbox, dict[str, str]]]:
    """A gateway, and the environment of a server that works with it in a folder of its own."""
    sandbox = Sandbox(profile=Profile.quick(), speed=4)
    async with sandbox.serving() as gateway, anyio.TemporaryDirectory() as folder:
        yield (
            sandbox,
            {
                "PIXAZO_API_KEY": sandbox.key,
                "ACESTEP_BASE_URL": gateway,
                "ACESTEP_DATA_DIR": folder,
                "ACESTEP_POLL_INTERVAL": "0.1",
                "ACESTEP_SAVE": "off",
                **more,
            },
        )


@asynccontextmanager
async def _hosted() -> AsyncIterator[str]:
    """The server as it is hosted."""
    async with _working() as (_, environ):
        found = settings.read(environ)
        app = http.build(found, options.read(found.data_dir, environ), "127.0.0.1")
        async with _listening(app) as url:
            yield url


@asynccontextmanager
async def _reference(scenario: str) -> AsyncIterator[str]:
    """The server as the reference server of the tasks scenarios."""
    confirm = "on" if scenario == _ASKING else "off"
    async with _working(ACESTEP_CONFIRM=confirm) as (sandbox, environ):
        app = server.build(settings.read(environ))
        songs.play(app.mcp, sandbox)
        web = app.mcp.streamable_http_app(stateless_http=True)
        async with app.running(), _listening(web) as url:
            yield url


async def _versions(suite: Suite, offered: Mapping[str, frozenset[str]]) -> dict[str, Findings]:
    async with _hosted() as url:
        return {
            version: await suite.version(url, version, scenarios)
            for version, scenarios in offered.items()
            if version != EXTENSION
        }


async def _extensions(suite: Suite, scenarios: frozenset[str]) -> Findings:
    """Of all extensions: the suite finds out by itself which of them a server does not claim."""
    found = Findings(frozenset(), frozenset())
    for name in sorted(scenarios):
        async with _reference(name) if name.startswith(TASKS) else _hosted() as url:
            found |= await suite.scenario(url, name)
    return found


def _told(found: Mapping[str, Findings]) -> int:
    """Print what came of it; how many objections there are."""
    known = excepted()
    for version, each in found.items():
        failed, apart = len(each.failed - known), len(each.failed & known)
        print(f"{version}: {len(each.passed)} passed, {failed} failed, {apart} do not apply")
    for reason, names in EXCEPTIONS.items():
        print(f"  {len(names)} where the suite {reason}")
    wrong = list(objections(found))
    print(*wrong, f"{0 if wrong else len(found)} passed, {len(wrong)} failed", sep="\n")
    return len(wrong)


async def main() -> int:
    """Run everything; 1 where anything fails that should pass, or passes that should not."""
    logging.disable(logging.CRITICAL)  # the suite provokes errors by the hundred
    with tempfile.TemporaryDirectory() as tools:
        suite = await anyio.to_thread.run_sync(Suite.installed, Path(tools))
        offered = await suite.offered()
        found = await _versions(suite, offered)
        found["extensions"] = await _extensions(suite, offered[EXTENSION])
    return 1 if _told(found) else 0


if __name__ == "__main__":
    sys.exit(anyio.run(main))
