"""The server as clients start it: a process that speaks JSON-RPC on stdin and stdout."""

import json
import signal
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from acestep_mcp.sandbox import hold
from tests.house import SONG, environment, gateway, served, shown
from tests.peer import HANDSHAKE, MODERN, started

pytestmark = pytest.mark.anyio


async def test_a_client_that_discovers_and_then_initializes_is_served(tmp_path: Path) -> None:
    async with gateway() as sandbox, started(sandbox, tmp_path) as peer:
        found = await peer.ask(1, "server/discover", **MODERN)
        hello = await peer.ask(2, "initialize", **HANDSHAKE)
        await peer.send(method="notifications/initialized")
        listed = await peer.ask(3, "tools/list")

        assert "2026-07-28" in found["result"]["supportedVersions"]
        assert hello["result"]["protocolVersion"] == "2025-06-18"
        assert [tool["name"] for tool in listed["result"]["tools"]] == [
            "generate_song",
            "get_status",
            "list_outputs",
        ]


async def test_a_client_that_discovers_and_stays_modern_is_served(tmp_path: Path) -> None:
    async with gateway() as sandbox, started(sandbox, tmp_path) as peer:
        await peer.ask(1, "server/discover", **MODERN)
        await peer.ask(2, "server/discover", **MODERN)
        listed = await peer.ask(3, "tools/list", **MODERN)

        assert len(listed["result"]["tools"]) == 3
        assert listed["result"]["ttlMs"] == 300_000


async def test_the_oldest_clients_get_no_content_they_do_not_know(tmp_path: Path) -> None:
    async with gateway() as sandbox, started(sandbox, tmp_path) as peer:
        hello = await peer.ask(1, "initialize", **{**HANDSHAKE, "protocolVersion": "2024-11-05"})
        await peer.send(method="notifications/initialized")
        song = await peer.call(2, "generate_song", **SONG, wait=0)
        sandbox.complete(song["request_id"])
        arguments = {"request_id": song["request_id"], "wait": 10}
        reply = await peer.ask(3, "tools/call", name="get_status", arguments=arguments)

        assert hello["result"]["protocolVersion"] == "2024-11-05"
        assert [part["type"] for part in reply["result"]["content"]] == ["text"]
        assert "COMPLETED" in reply["result"]["content"][0]["text"]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, None], ids=str)
async def test_an_end_in_the_middle_of_a_submission_is_quick_and_loses_nothing(
    tmp_path: Path, end: signal.Signals | None
) -> None:
    async with gateway() as sandbox:
        held = hold()
        sandbox.faults.add("submit", held)
        async with started(sandbox, tmp_path) as peer:
            await peer.greet()
            call = {"name": "generate_song", "arguments": {**SONG, "wait": 30}}
            await peer.send(id=2, method="tools/call", params=call)
            await sandbox.arrived("submit")
            with anyio.fail_after(3):  # 2 s, and one for a busy machine
                if end is None:
                    assert peer.process.stdin is not None
                    await peer.process.stdin.aclose()
                else:
                    peer.process.send_signal(end)
                assert await peer.process.wait() == 0
        held.release()
        async with served(sandbox, tmp_path) as home:
            listed = shown(await home.call("list_outputs"))
            again = shown(await home.generate())

        assert [song["status"] for song in listed["songs"]] == ["UNKNOWN"]
        assert again["request_id"] == listed["songs"][0]["request_id"]
        assert len(sandbox.submissions) == 1


async def test_stdout_carries_protocol_only_and_stderr_at_most_a_line(tmp_path: Path) -> None:
    async with gateway() as sandbox:
        command = [sys.executable, "-m", "acestep_mcp"]
        environ = environment(sandbox.base_url, tmp_path, PYTHONUNBUFFERED="1")
        messages: list[dict[str, Any] | str] = [
            {"id": 1, "method": "initialize", "params": HANDSHAKE},
            {"method": "notifications/initialized"},
            "this is not JSON",
            {"id": 2, "method": "tools/call", "params": {"name": "nope", "arguments": {}}},
            {"id": 3, "method": "tools/call", "params": {"name": "list_outputs"}},
        ]
        lines = [m if isinstance(m, str) else json.dumps({"jsonrpc": "2.0", **m}) for m in messages]
        with anyio.fail_after(20):
            done = await anyio.run_process(
                command, input="\n".join(lines).encode() + b"\n", env=environ
            )

        assert {json.loads(line).get("jsonrpc") for line in done.stdout.splitlines()} == {"2.0"}
        assert len(done.stderr.splitlines()) <= 1, done.stderr


async def test_a_bad_setting_stops_the_server_with_one_line(tmp_path: Path) -> None:
    environ = {**environment("http://127.0.0.1:1", tmp_path), "ACESTEP_WAIT": "ages"}
    command = [sys.executable, "-m", "acestep_mcp"]
    done = await anyio.run_process(command, env=environ, check=False)

    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.decode() == (
        "acestep-mcp: ACESTEP_WAIT='ages' is not usable: give seconds from 0 to 50\n"
    )


async def test_lyrics_of_every_script_reach_the_gateway_from_a_c_locale(tmp_path: Path) -> None:
    lyrics = "[Verse]\n夜の海に\nالليل طويل\nпесня 🎵\n"
    async with (
        gateway() as sandbox,
        started(sandbox, tmp_path, LC_ALL="C", PYTHONIOENCODING="cp1252") as peer,
    ):
        await peer.greet()
        await peer.call(2, "generate_song", **SONG, lyrics=lyrics, wait=0)

        assert sandbox.submissions[0].json()["lyrics"] == lyrics


async def test_progress_is_sent_only_to_a_client_that_asked_for_it(tmp_path: Path) -> None:
    async with gateway() as sandbox, started(sandbox, tmp_path) as peer:
        await peer.greet()
        arguments = {**SONG, "wait": 6}
        meta = {"progressToken": "tell-me"}
        reply = await peer.ask(
            2, "tools/call", name="generate_song", arguments=arguments, _meta=meta
        )
        told = [json.loads(line) for line in peer.lines]
        progress = [m["params"] for m in told if m.get("method") == "notifications/progress"]

        assert reply["result"]["structuredContent"]["status"] == "QUEUED"
        assert [(each["progressToken"], each["progress"]) for each in progress] == [
            ("tell-me", 5.0)
        ]
