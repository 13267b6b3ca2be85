"""How a server ends: told to, in the middle of its work, or not told at all."""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest

from acestep_mcp.sandbox import Sandbox, hold
from tests.hosted.house import call
from tests.hosted.process import Running, running
from tests.house import environment, gateway, shown

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.attack,
    pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM there"),
]

WAITING = {"auto": "one", "legacy": "two"}
SENDING = {"auto": "three", "legacy": "four"}


async def orders(host: Running, mode: str, prompt: str, heard: dict[str, Any]) -> None:
    """Order a song and wait for it; `heard` has what the client made of it."""
    heard[prompt] = "nothing"
    with suppress(Exception):  # whatever a client makes of a connection that is cut
        async with host.caller(mode) as client:
            await client.list_tools()  # or it would ask for them after the answer
            order = {"prompt": prompt, "title": prompt, "wait": 30}
            heard[prompt] = shown(await call(client, "generate_song", **order))


async def in_the_middle(host: Running, sign: signal.Signals) -> tuple[dict[str, Any], float]:
    """End it while two calls wait for songs and two are being submitted; what the four heard."""
    heard: dict[str, Any] = {}
    sandbox = host.sandbox
    async with anyio.create_task_group() as tasks:
        with anyio.fail_after(20):
            for mode, prompt in WAITING.items():
                tasks.start_soon(orders, host, mode, prompt, heard)
            while len(sandbox.jobs) < len(WAITING):
                await sandbox.changed()
            sandbox.faults.add("submit", hold(), times=len(SENDING))
            for mode, prompt in SENDING.items():
                tasks.start_soon(orders, host, mode, prompt, heard)
            await sandbox.arrived("submit", len(WAITING) + len(SENDING))
        lasted = await host.end(sign)
    return heard, lasted


async def found_by_the_next(sandbox: Sandbox, folder: Path) -> dict[str, str]:
    """The songs that the next server has, by what was asked for, once all that can be is done."""
    async with running(sandbox, folder) as host, host.caller() as client:
        with anyio.fail_after(20):
            while True:
                songs = shown(await call(client, "list_outputs"))["songs"]
                running_on = [each["request_id"] for each in songs if each["status"] == "QUEUED"]
                if not running_on:
                    break
                await call(client, "get_status", request_id=running_on[0], wait=20)
        assert await host.end() <= 3
    return {each["title"]: each["status"] for each in songs}


@pytest.mark.parametrize(
    "sign",
    [
        signal.SIGTERM,
        # Only in full size: the next server has to wait until the dead one's lease runs out.
        pytest.param(signal.SIGKILL, marks=pytest.mark.hosted),
    ],
    ids=lambda sign: sign.name,
)
async def test_a_server_that_ends_keeps_every_song_and_the_next_one_follows_it(
    tmp_path: Path, sign: signal.Signals
) -> None:
    async with gateway() as sandbox:
        async with running(sandbox, tmp_path) as host:
            heard, lasted = await in_the_middle(host, sign)
            code = host.process.returncode
        for name in sandbox.jobs:
            sandbox.complete(name)
        songs = await found_by_the_next(sandbox, tmp_path)

        if sign == signal.SIGTERM:
            answered = {prompt: heard[prompt]["status"] for prompt in ("one", "three")}
            assert answered == {"one": "QUEUED", "three": "UNKNOWN"}
        assert len(heard) == 4
        assert lasted <= 3
        assert code == -sign
        assert songs == {
            **dict.fromkeys(WAITING.values(), "COMPLETED"),
            **dict.fromkeys(SENDING.values(), "UNKNOWN"),
        }
        assert len(sandbox.submissions) == 4  # and none of them was sent again


async def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path) -> None:
    async with gateway() as sandbox, await anyio.create_tcp_listener(local_host="127.0.0.1") as one:
        taken = one.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610  # anyio's, not Django's
        command = [sys.executable, "-m", "acestep_mcp", "http", "--port", str(taken)]
        told = environment(sandbox.base_url, tmp_path)
        done = await anyio.run_process(command, check=False, env={**os.environ, **told})

    assert done.returncode != 0
    assert b"address already in use" in done.stderr
    assert done.stderr.count(b"\n") == 1
