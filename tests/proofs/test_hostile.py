"""Text from elsewhere is data: seen, short, marked, and never fatal."""

import os
import subprocess
import sys
import unicodedata
from collections.abc import Awaitable, Callable, Iterable
from itertools import count
from pathlib import Path
from typing import Any, Literal

import anyio
import anyio.to_thread
import pytest

from acestep_mcp.library.names import suffix
from acestep_mcp.sandbox import reply
from tests.house import House, environment, gateway, house, served, shown, text
from tests.peer import MODERN, Peer, started
from tests.proofs.hostile import (
    HOSTILE,
    LONG,
    MARK,
    STRINGS,
    UNSEEN,
    VALUES,
    RawGateway,
    body,
    complaints,
    dated,
    http,
    labelled,
    raw_gateway,
    said,
    told,
)

pytestmark = [pytest.mark.anyio, pytest.mark.attack]

Era = Literal["auto", "legacy"]
Door = Callable[[House, bytes], Awaitable[Any]]
ERAS = pytest.mark.parametrize("era", ["auto", "legacy"])
FULL = pytest.mark.proof
BYTE_ORDER_MARK = b"\xff\xfe"
SIZES = pytest.mark.parametrize(
    "size", ["short", pytest.param("1 MB", marks=FULL), pytest.param("2 MB", marks=FULL)]
)
REFUSED = (400, 402, 404, 422)
SUBMITTED = (200, 202, *REFUSED, 429, 500, 503)
_number = count()


async def order(home: House, **arguments: Any) -> Any:
    """A song of its own, whatever was ordered before."""
    return await home.generate(**{"prompt": f"Song {next(_number)}", **arguments})


async def all_is_well(home: House, wrong: Callable[[Any], list[str]] = complaints) -> None:
    """The next calls work, and a song can still be made."""
    home.sandbox.faults.clear()
    listed = await home.call("list_outputs", limit=3)
    assert wrong(listed) == []
    assert not listed.is_error
    done = await home.finished(prompt=f"Song {next(_number)}")
    assert complaints(done) == []
    assert shown(done)["status"] == "COMPLETED"


@ERAS
@SIZES
async def test_nothing_the_submit_route_says_gets_out_of_its_marks(
    tmp_path: Path, era: Era, size: str
) -> None:
    wrong = {}
    async with house(tmp_path, mode=era, ACESTEP_DAILY_LIMIT="0") as home:
        for status in SUBMITTED:
            for name, content in said(STRINGS[size]):
                home.sandbox.faults.add("submit", reply(status, content))
                answer = await order(home)
                wrong[status, name] = complaints(answer)
                assert answer.is_error, (status, name)
        assert home.posts == len(SUBMITTED) * len(list(said("")))
        await all_is_well(home)
    assert {case: found for case, found in wrong.items() if found} == {}


@pytest.mark.parametrize("status", REFUSED)
async def test_what_the_gateway_says_is_quoted_without_its_tricks(
    tmp_path: Path, status: int
) -> None:
    async with house(tmp_path) as home:
        home.sandbox.faults.add("submit", reply(status, body({"message": HOSTILE})))
        answer = text(await home.generate())

        assert f"The gateway says: “{MARK}" in answer
        assert len(answer) <= 300


async def _adopted(home: House, content: bytes) -> Any:
    home.sandbox.faults.add("status", reply(200, content))
    return await home.status(f"ace-step-xl_{next(_number)}")


async def _ordered(home: House, content: bytes) -> Any:
    home.sandbox.faults.add("status", reply(200, content))
    handle = shown(await order(home))["request_id"]
    with anyio.fail_after(5):
        while not home.sandbox.polls(handle):
            await home.sandbox.changed()
    answer = await home.status(handle)
    home.sandbox.complete(handle)
    return answer


STATUS_RUNS = [
    pytest.param("auto", "short", _adopted, id="adopted"),
    *(
        pytest.param(era, size, door, marks=FULL, id=f"{era} {size} {door.__name__}")
        for era in ("auto", "legacy")
        for size in STRINGS
        for door in (_adopted, _ordered)
    ),
]


@pytest.mark.parametrize(("era", "size", "door"), STATUS_RUNS)
async def test_nothing_the_status_route_says_gets_out_of_its_marks(
    tmp_path: Path, era: Era, size: str, door: Door
) -> None:
    async with house(tmp_path, mode=era, ACESTEP_DAILY_LIMIT="0") as home:
        assert await _wrong(home, door, told(STRINGS[size])) == {}
        await all_is_well(home)


@ERAS
async def test_a_model_a_media_type_and_a_url_that_are_none_are_not_shown(
    tmp_path: Path, era: Era
) -> None:
    async with house(tmp_path, mode=era) as home:
        assert await _wrong(home, _adopted, labelled(HOSTILE)) == {}


@ERAS
async def test_no_date_the_gateway_gives_breaks_an_answer(tmp_path: Path, era: Era) -> None:
    async with house(tmp_path, mode=era) as home:
        assert await _wrong(home, _adopted, dated()) == {}
        await all_is_well(home)


async def _wrong(
    home: House, door: Door, replies: Iterable[tuple[str, bytes]]
) -> dict[str, list[str]]:
    """What is wrong with the answers about songs of which the gateway says these things."""
    wrong = {}
    for name, content in replies:
        answer = await door(home, content)
        listed = await home.call("list_outputs", limit=2)
        wrong[name] = complaints(answer) + complaints(listed)
        wrong[name] += ["the list fails"] * listed.is_error
        home.sandbox.faults.clear()
    return {name: found for name, found in wrong.items() if found}


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value[:20]))
async def test_no_header_of_the_gateway_is_shown_or_fatal(tmp_path: Path, value: bytes) -> None:
    """Retry-After, the reason phrase and every other header, as bytes no library would send."""
    lines = [name + b": " + value for name in (b"Retry-After", b"Content-Type", b"X-Message")]
    async with raw_gateway() as gateway, served(gateway, tmp_path) as home:  # type: ignore[arg-type]  # has the URL
        for header in lines:
            for status in (b"202 ", b"400 ", b"429 ", b"503 "):
                gateway.submit = http(status + value, b"{}", header)
                gateway.status = http(status + value, b"{}", header)
                assert complaints(await order(home, wait=0)) == []
        gateway.status = http(b"404 " + value, b"{}", *lines)
        answer = await home.status("ace-step-xl_nobody")
        assert complaints(answer) == []
        listed = await home.call("list_outputs", limit=3)
        assert complaints(listed) == []
        assert not listed.is_error


def _media(gateway: RawGateway) -> bytes:
    url = f"{gateway.url}/media/song.wav"
    return http(b"200 OK", body({"status": "COMPLETED", "output": {"media_url": [url]}}))


DOWNLOADS = {
    "an error page": lambda value: http(b"200 OK", value, b"Content-Type: audio/wav"),
    "a missing file": lambda value: http(b"404 " + value, value),
    "a redirect": lambda value: http(b"302 Found", b"", b"Location: " + value),
    "an encoding": lambda value: http(b"200 OK", value, b"Content-Encoding: " + value),
    "an unknown length": lambda value: b"HTTP/1.1 200 OK\r\nContent-Length: " + value + b"\r\n\r\n",
    "a validator": lambda value: http(
        b"206 Partial", value, b"ETag: " + value, b"Content-Range: " + value
    ),
}


@pytest.mark.parametrize("make", DOWNLOADS.values(), ids=DOWNLOADS.keys())
async def test_whatever_the_media_host_sends_the_song_is_completed_and_the_reason_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr("acestep_mcp.library.download.PAUSE", 0.001)
    async with (
        raw_gateway() as gateway,
        served(gateway, tmp_path, ACESTEP_SAVE="on") as home,  # type: ignore[arg-type]  # has the URL
    ):
        gateway.status = _media(gateway)
        for number, value in enumerate(value for value in VALUES if value != BYTE_ORDER_MARK):
            gateway.media = make(value)
            named = {"request_id": f"ace-step-xl_{number}"}
            gateway.submit = http(b"202 Accepted", body(named))
            answer = await order(home, wait=10)
            assert complaints(answer) == []
            assert shown(answer)["status"] == "COMPLETED"
            assert shown(answer)["files"] == []
            assert "not saved: " in shown(answer)["warnings"][-1]


def test_a_page_in_utf_16_is_no_mp3() -> None:
    for page in (BYTE_ORDER_MARK, "<html>expired</html>".encode("utf-16")):
        with pytest.raises(OSError, match="not audio"):
            suffix(page)


CALLS: tuple[tuple[str, dict[str, str]], ...] = (
    ("generate_song", {"prompt": "{}"}),
    ("generate_song", {"prompt": "x", "lyrics": "{}"}),
    ("generate_song", {"prompt": "x", "title": "{}"}),
    ("generate_song", {"prompt": "x", "key": "{}"}),
    ("generate_song", {"prompt": "x", "time_signature": "{}"}),
    ("generate_song", {"prompt": "x", "model": "{}"}),
    ("generate_song", {"prompt": "x", "duration": "{}"}),
    ("generate_song", {"prompt": "x", "{}": "{}"}),
    ("get_status", {"request_id": "{}"}),
    ("get_status", {"request_id": "x", "wait": "{}"}),
    ("list_outputs", {"search": "{}"}),
    ("list_outputs", {"cursor": "{}"}),
    ("list_outputs", {"cursor": "1/{}"}),
    ("list_outputs", {"status": "{}"}),
    ("list_outputs", {"limit": "{}"}),
)
CALLER = {
    "whole": HOSTILE,
    "no NUL": HOSTILE.replace("\0", ""),
    "no surrogates": HOSTILE.replace("\ud83d", "").replace("\udc00", ""),
    "clean enough to send": HOSTILE.replace("\0", "").replace("\ud83d", "").replace("\udc00", ""),
    "a lone surrogate": "\ud83d",
    "1 MB": LONG,
}


def _unseen(answer: Any) -> list[str]:
    """The caller may read its own words, but nothing unseen, and not at any length."""
    return [each for each in complaints(answer) if "'0x" in each or "bytes" in each]


@ERAS
@pytest.mark.parametrize("kind", CALLER)
async def test_no_text_of_the_caller_is_fatal_or_comes_back_with_something_unseen(
    tmp_path: Path, era: Era, kind: str
) -> None:
    given = CALLER[kind]
    wrong: dict[str, list[str]] = {}
    async with house(tmp_path, mode=era) as home:
        for tool, arguments in CALLS:
            filled = {
                name.replace("{}", given[:200]): value.replace("{}", given)
                for name, value in arguments.items()
            }
            waiting = {"wait": 0} if tool == "generate_song" else {}
            answer = await home.call(tool, **waiting, **filled)
            wrong[f"{tool} {arguments}"] = _unseen(answer)
            if answer.is_error and "Error executing" in text(answer):
                wrong[f"{tool} {arguments}"] += ["an internal error"]
        await all_is_well(home, _unseen)  # warnings quote the caller's own lyrics
    assert {call: found for call, found in wrong.items() if found} == {}


async def test_a_dry_run_shows_unseen_characters_of_the_caller_as_escapes(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        answer = await order(home, prompt=f"Folk {CALLER['clean enough to send']}", dry_run=True)

        assert _unseen(answer) == []


async def _ask(peer: Peer, number: int, modern: dict[str, Any], tool: str, **given: Any) -> Any:
    reply = await peer.ask(number, "tools/call", name=tool, arguments=given, **modern)
    return reply["result"]


@pytest.mark.parametrize("modern", [{}, MODERN], ids=["2025-06-18", "2026-07-28"])
async def test_a_real_process_survives_hostile_bytes_on_both_of_its_sides(
    tmp_path: Path, modern: dict[str, Any]
) -> None:
    async with gateway() as sandbox, started(sandbox, tmp_path) as peer:
        if not modern:
            await peer.greet()
        wrong: dict[str, list[str]] = {}
        for number, (status, (name, content)) in enumerate(
            [(status, each) for status in (202, 402, 500) for each in said(HOSTILE)], start=10
        ):
            sandbox.faults.add("submit", reply(status, content))
            song = {"prompt": f"Song {number}", "wait": 0}
            answer = await _ask(peer, number, modern, "generate_song", **song)
            wrong[f"{status} {name}"] = complaints(answer)
            assert answer["isError"]
        for number, line in enumerate(_lines(modern), start=1_000):
            assert peer.process.stdin is not None
            await peer.process.stdin.send(line + b"\n")
            answer = await _ask(peer, number, modern, "list_outputs", limit=3)
            wrong[repr(line[:60])] = complaints(answer)
            assert not answer["isError"]
        # Whatever it answered to lines that were no requests: nothing unseen in it either.
        wrong["stdout"] = [
            line for line in peer.lines if set(map(unicodedata.category, line)) & UNSEEN
        ]

        assert {case: found for case, found in wrong.items() if found} == {}


def _lines(modern: dict[str, Any]) -> Iterable[bytes]:
    """What no client should send, and some do."""
    for given in ({"prompt": HOSTILE, "wait": 0}, {"prompt": "x", "title": "\ud83d"}, {HOSTILE: 1}):
        params = {"name": "generate_song", "arguments": given, **modern}
        yield body({"jsonrpc": "2.0", "id": 900, "method": "tools/call", "params": params})
    yield body({"jsonrpc": "2.0", "id": 901, "method": HOSTILE, "params": modern})
    yield body({"jsonrpc": "2.0", "id": HOSTILE, "method": "tools/list", "params": modern})
    yield body(
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "\ud83d"}}
    )
    yield HOSTILE.encode("utf-8", "surrogatepass").replace(b"\n", b" ")
    yield b"\xff\xfe\x00"
    yield b"[" * 100_000
    yield b'{"jsonrpc": "2.0", "id": 902, "method": "' + b"x" * 1_000_000 + b'"}'


def _songs(folder: Path, url: str, *options: str) -> str:
    command = [sys.executable, "-m", "acestep_mcp", "songs", *options]
    environ = {"PATH": os.environ["PATH"], **environment(url, folder)}
    return subprocess.check_output(command, env=environ, encoding="utf-8", timeout=30)


async def _listed(folder: Path, *options: str) -> str:
    """What `songs` prints about songs with hostile captions, titles and errors."""
    sent = CALLER["clean enough to send"]
    async with gateway() as sandbox:
        async with served(sandbox, folder) as home:
            await order(home, prompt=sent)
            await order(home, title=sent[:80])
            failed = shown(await order(home))["request_id"]
            home.sandbox.fail(failed, error=HOSTILE)
            await home.status(failed, wait=5)
        return await anyio.to_thread.run_sync(lambda: _songs(folder, sandbox.base_url, *options))


async def test_the_list_for_people_steers_no_terminal(tmp_path: Path) -> None:
    printed = await _listed(tmp_path)

    assert printed.count("QUEUED") == 2
    assert {unicodedata.category(c) for c in printed if c != "\n"} & UNSEEN == set()


async def test_the_list_for_programs_holds_no_escape_sequence(tmp_path: Path) -> None:
    printed = await _listed(tmp_path, "--json")

    assert MARK in printed
    assert not [c for c in printed if c < " " and c != "\n"]
