"""The server as clients start it: a process that speaks JSON-RPC on stdin and stdout."""

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import UNIXSocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from acestep_mcp.sandbox import hold
from acestep_mcp.sandbox.jobs import Profile
from tests.envelopes import WRONG, written
from tests.house import SONG, environment, gateway, served, shown
from tests.peer import GREETING, HANDSHAKE, MODERN, called, line, piped, started

pytestmark = pytest.mark.anyio

GUIDE = {"uri": "acestep://guide"}


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
    quick = Profile(queued=0.0, processing=0.1)
    async with gateway(quick) as sandbox, started(sandbox, tmp_path) as peer:
        hello = await peer.ask(1, "initialize", **{**HANDSHAKE, "protocolVersion": "2024-11-05"})
        await peer.send(method="notifications/initialized")
        song = await peer.call(2, "generate_song", **SONG, wait=0)
        arguments = {"request_id": song["request_id"], "wait": 10}
        reply = await peer.ask(3, "tools/call", name="get_status", arguments=arguments)

        assert hello["result"]["protocolVersion"] == "2024-11-05"
        assert [part["type"] for part in reply["result"]["content"]] == ["text"]
        assert "COMPLETED" in reply["result"]["content"][0]["text"]


@pytest.mark.attack
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


async def test_what_was_asked_before_stdin_closed_is_answered_before_the_server_exits(
    tmp_path: Path,
) -> None:
    async with gateway() as sandbox:
        answers = await piped(
            sandbox,
            tmp_path,
            *GREETING,
            called(1, "list_outputs"),
            called(2, "generate_song", **SONG, wait=50),
            called(3, "generate_song", **SONG, title="Twice the same", wait=50),
            called(4, "get_status", request_id="ace-step-xl_nobody", wait=50).rstrip(b"\n"),
        )
        replies = {answer["id"]: answer["result"] for answer in answers}
        song = replies[2]["structuredContent"]

        assert [*sorted(replies)] == [0, 1, 2, 3, 4]
        assert replies[1]["structuredContent"]["total"] in (0, 1)
        assert song["status"] == "QUEUED"
        assert song["request_id"] in sandbox.jobs
        assert replies[3]["structuredContent"]["request_id"] == song["request_id"]
        assert replies[4]["isError"]
        assert len(sandbox.submissions) == 1


@pytest.mark.attack
async def test_a_gateway_that_does_not_answer_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with gateway() as sandbox:
        held = hold()
        sandbox.faults.add("submit", held)
        call = called(1, "generate_song", **SONG, wait=50)
        _, answer = await piped(sandbox, tmp_path, *GREETING, call)
        held.release()
        song = answer["result"]["structuredContent"]

        assert song["request_id"].startswith("local-")
        assert song["status"] == "UNKNOWN"


async def test_a_call_given_up_before_the_end_is_not_waited_for(tmp_path: Path) -> None:
    async with gateway() as sandbox:
        given_up = line(method="notifications/cancelled", params={"requestId": "1"})
        call = called(1, "generate_song", **SONG, wait=50)
        (greeted,) = await piped(sandbox, tmp_path, *GREETING, call, given_up)

        assert greeted["id"] == 0


@pytest.mark.parametrize("read", [0, 1], ids=["nothing", "the greeting"])
async def test_a_client_that_stops_reading_ends_the_server_without_a_traceback(
    tmp_path: Path, read: int
) -> None:
    async with gateway() as sandbox:
        ours, theirs = os.pipe()
        command = [sys.executable, "-m", "acestep_mcp"]
        environ = environment(sandbox.base_url, tmp_path)
        async with await anyio.open_process(command, stdout=theirs, env=environ) as process:
            os.close(theirs)
            assert process.stdin is not None
            assert process.stderr is not None
            if read:
                await process.stdin.send(GREETING[0])
                await anyio.to_thread.run_sync(os.read, ours, 65536)
            os.close(ours)
            await process.stdin.send(b"".join((*GREETING, called(1, "list_outputs"))))
            with anyio.fail_after(10):
                said = b"".join([piece async for piece in process.stderr])
                assert await process.wait() == 0  # although stdin is still open

    assert said == b""


async def test_what_is_no_request_is_answered_with_what_is_wrong_and_the_rest_is_served(
    tmp_path: Path,
) -> None:
    async with gateway() as sandbox, started(sandbox, tmp_path) as peer:
        assert peer.process.stdin is not None
        await peer.greet()
        for what, (message, code, call) in WRONG.items():
            await peer.process.stdin.send(written(what, message) + b"\n")
            with anyio.fail_after(10):
                answer = json.loads(await peer._line())

            assert answer["error"]["code"] == code, what
            assert answer["id"] == call, what
            assert 20 <= len(answer["error"]["message"]) <= 120, what
        assert (await peer.call(9, "list_outputs"))["total"] == 0


NO_CALLS: list[Any] = [[], {}, None, True, 1.5, "nobody", "9" * 5000]


async def test_nobody_is_told_what_is_wrong_with_a_notification_or_an_answer(
    tmp_path: Path,
) -> None:
    async with gateway() as sandbox:
        answers = await piped(
            sandbox,
            tmp_path,
            *GREETING,
            line(method="notifications/initialized", params=[]),
            line(method="notifications/unheard-of"),
            line(method="tools/call", params={"name": "generate_song", "arguments": SONG}),
            line(id=4, result=5),
            line(id=4, error="no"),
            b"\n",
            b"  \r\n",
            *(
                line(method="notifications/cancelled", params={"requestId": call})
                for call in NO_CALLS
            ),
            line(method="notifications/cancelled"),
            called(1, "list_outputs"),
        )

        assert [answer["id"] for answer in answers] == [0, 1]
        assert sandbox.submissions == []


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-"])
@pytest.mark.parametrize("first", ["the front", "the server"])
async def test_without_a_client_it_ends_at_once(tmp_path: Path, first: str, closed: str) -> None:
    async with gateway() as sandbox:
        if first == "the server":
            async with served(sandbox, tmp_path) as home:
                await home.generate()  # to be followed, so that there is no front
        command = f"printf '%s' \"$0\" | {sys.executable} -m acestep_mcp {closed}"
        greeting = b"".join((*GREETING, called(1, "list_outputs"))).decode()
        environ = environment(sandbox.base_url, tmp_path, PATH=os.environ["PATH"])
        with anyio.fail_after(10):
            done = await anyio.run_process(["sh", "-c", command, greeting], env=environ)

        assert (done.stdout, done.stderr) == (b"", b"")


@pytest.mark.parametrize("first", ["the front", "the server"])
async def test_a_mark_before_the_first_line_and_windows_line_ends_are_no_matter(
    tmp_path: Path, first: str
) -> None:
    async with gateway() as sandbox:
        if first == "the server":
            async with served(sandbox, tmp_path) as home:
                await home.generate()  # to be followed, so that there is no front
        lines = [each.rstrip(b"\n") + b"\r\n" for each in (*GREETING, called(1, "list_outputs"))]
        answers = await piped(sandbox, tmp_path, b"\xef\xbb\xbf", *lines)

        assert [answer["id"] for answer in answers] == [0, 1]
        assert all("result" in answer for answer in answers)


async def test_ends_that_do_not_block_are_waited_for(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)  # as a parent may leave an end that it shares
    async with gateway() as sandbox, await UNIXSocketStream.from_socket(ours) as end:
        environ = environment(sandbox.base_url, tmp_path)
        command = [sys.executable, "-m", "acestep_mcp"]
        process = await anyio.open_process(
            command, stdin=theirs.fileno(), stdout=theirs.fileno(), env=environ
        )
        theirs.close()
        lines = BufferedByteReceiveStream(end)
        with anyio.fail_after(20):
            for sent in (*GREETING, line(id=1, method="tools/list"), called(2, "list_outputs")):
                await end.send(sent)
                if b'"id"' in sent:
                    assert "result" in json.loads(await lines.receive_until(b"\n", 1 << 20))
            # More than fits, and nobody reads before all of it was asked.
            await end.send(
                b"".join(line(id=n, method="resources/read", params=GUIDE) for n in range(60))
            )
            read = [json.loads(await lines.receive_until(b"\n", 1 << 20)) for _ in range(60)]
            await end.send_eof()
            assert await process.wait() == 0

        assert sorted(answer["id"] for answer in read) == [*range(60)]
        assert all("result" in answer for answer in read)
