"""A reply must show what it is about: whose song, which part of which file, and as it was sent."""

import gzip
import json
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from acestep_mcp.clock import SystemClock
from acestep_mcp.domain.errors import MediaGone
from acestep_mcp.domain.song import Observation, RequestId
from acestep_mcp.providers import Media, NotSent, Refused, Unanswered, Unknown
from acestep_mcp.providers.pixazo.client import Gateway
from acestep_mcp.sandbox import reply
from tests.house import KEY, gateway
from tests.providers import song
from tests.providers.network import answering, listening

pytestmark = pytest.mark.anyio
SONG = RequestId("ace-step-xl_1")


@asynccontextmanager
async def saying(*replies: bytes) -> AsyncIterator[tuple[Gateway, list[bytes], str]]:
    """A client of a gateway that says these things in turn, what it was asked, and its origin."""
    heads: list[bytes] = []
    async with listening(answering(*replies, heads=heads)) as port:
        origin = f"http://127.0.0.1:{port}"
        client = Gateway(origin, now=SystemClock().now)
        yield client, heads, origin
        await client.close()


async def fetched(client: Gateway, url: str) -> bytes:
    async with client.media(url) as media:
        return b"".join([piece async for piece in media.pieces])


def said(status: str, body: bytes, *headers: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", "")
    return "\r\n".join(lines).encode() + body


@pytest.mark.parametrize(
    ("named", "believed"),
    [
        ({"request_id": "ace-step-xl_1"}, True),
        ({"request_id": " ace-step-xl_1 "}, True),
        ({}, True),
        ({"request_id": None}, True),
        ({"request_id": ""}, True),
        ({"request_id": "ace-step-xl_2"}, False),
        ({"request_id": "ACE-STEP-XL_1"}, False),
        ({"request_id": 1}, False),
        ({"request_id": ["ace-step-xl_1"]}, False),
    ],
    ids=str,
)
async def test_a_reply_about_another_song_is_unreadable(
    named: dict[str, Any], believed: bool
) -> None:
    output = {"media_url": ["https://m.example/a.wav"]}
    body = json.dumps({"status": "COMPLETED", "output": output, **named}).encode()
    async with saying(said("200 OK", body)) as (client, _, _):
        answer = await client.status(SONG, KEY)

    assert isinstance(answer, Observation) is believed
    assert believed or answer == Unanswered("an unreadable reply")


async def test_what_is_left_over_on_a_connection_answers_nobody_else() -> None:
    mine = b'{"status": "QUEUED", "request_id": "ace-step-xl_1"}'
    other = b'{"status": "COMPLETED", "output": {"media_url": "https://m.example/b.wav"}}'
    async with saying(said("200 OK", mine) + said("200 OK", other), said("200 OK", mine)) as (
        client,
        heads,
        _,
    ):
        first = await client.status(SONG, KEY)
        second = await client.status(SONG, "another-key-altogether")

    assert isinstance(first, Observation)
    assert isinstance(second, Observation)
    assert (first.state, second.state) == ("QUEUED", "QUEUED")
    assert len(heads) == 2


BOMB = gzip.compress(gzip.compress(bytes(64 << 20)))


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "zstd", "gzip, gzip", "x"])
async def test_an_encoded_reply_is_not_inflated(encoding: str) -> None:
    plain = b'{"status": "QUEUED", "request_id": "ace-step-xl_1"}'
    header = f"Content-Encoding: {encoding}"
    async with saying(said("200 OK", BOMB, header)) as (client, heads, origin):
        assert await client.status(SONG, KEY) == Unanswered("an unreadable reply")
        sent = await client.submit(song(), KEY)
        with pytest.raises(MediaGone, match="compressed"):
            async with client.media(f"{origin}/x"):
                pass
    async with saying(said("200 OK", plain, "Content-Encoding: identity")) as (client, _, _):
        assert isinstance(await client.status(SONG, KEY), Observation)

    assert isinstance(sent, Unknown)
    assert all(b"\r\naccept-encoding: identity" in head.lower() for head in heads)
    assert len(heads) == 3


async def test_an_encoded_refusal_is_still_a_refusal() -> None:
    body = gzip.compress(b'{"message": "No."}')
    async with saying(said("400 No", body, "Content-Encoding: gzip")) as (client, _, _):
        sent = await client.submit(song(), KEY)

    assert sent == Refused("request", "HTTP 400")


ETAG, WHOLE = '"a"', '"a" 1000'


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        (("Content-Range: bytes 500-999/1000", 'ETag: "a"'), "from 500 on; 100 on were asked"),
        (("Content-Range: bytes 0-899/1000", 'ETag: "a"'), "from 0 on; 100 on were asked"),
        (("Content-Range: bytes 100-999/2000", 'ETag: "a"'), "part of another file"),
        (("Content-Range: bytes 100-999/1000", 'ETag: "b"'), "part of another file"),
        (("Content-Range: bytes 100-999/1000", 'ETag: W/"a"'), "part of another file"),
        (("Content-Range: bytes 100-1000/1000", 'ETag: "a"'), "another length"),
        (("Content-Range: bytes 100-998/1000", 'ETag: "a"'), "another length"),
        (("Content-Range: bytes */1000", 'ETag: "a"'), "without saying which"),
        (('ETag: "a"',), "without saying which"),
    ],
    ids=str,
)
async def test_a_part_that_is_not_the_one_asked_for_is_refused_for_that_attempt(
    headers: tuple[str, ...], says: str
) -> None:
    async with saying(said("206 Partial", bytes(900), *headers)) as (client, heads, origin):
        with pytest.raises(OSError, match=says) as refused:
            async with client.media(f"{origin}/x", 100, WHOLE):
                pass

    assert not isinstance(refused.value, MediaGone)
    assert b"\r\nrange: bytes=100-" in heads[0].lower()
    assert b'\r\nif-range: "a"' in heads[0].lower()


@pytest.mark.parametrize(
    ("named", "verdict"),
    [("local-0123456789abcdef", "unknown"), ("local-7", "accepted"), ("Local-7f", "accepted")],
)
async def test_an_id_that_looks_like_one_of_ours_is_no_readable_id(
    named: str, verdict: str
) -> None:
    body = json.dumps({"request_id": named, "status": "QUEUED"}).encode()
    async with saying(said("202 Accepted", body)) as (client, _, _):
        sent = await client.submit(song(), KEY)

    assert sent.verdict == verdict


@pytest.mark.parametrize("tag", ['ETag: "a"', "X-No: tag"])
async def test_the_part_that_was_asked_for_continues_the_file(tag: str) -> None:
    head = ("Content-Range: bytes 100-999/1000", tag)
    async with (
        saying(said("206 Partial", bytes(900), *head)) as (client, _, origin),
        client.media(f"{origin}/x", 100, WHOLE) as media,
    ):
        assert (media.start, media.total, media.validator) == (100, 1000, WHOLE)
        assert sum([len(piece) async for piece in media.pieces]) == 900


async def test_a_part_that_nobody_asked_for_must_begin_at_the_beginning() -> None:
    late = said("206 Partial", bytes(500), "Content-Range: bytes 500-999/1000")
    early = said("206 Partial", bytes(500), "Content-Range: bytes 0-499/1000")
    async with saying(late, early) as (client, _, origin):
        with pytest.raises(OSError, match="from 500 on; 0 on were asked for"):
            async with client.media(f"{origin}/x"):
                pass
        async with client.media(f"{origin}/x") as media:
            assert (media.start, media.total) == (0, 1000)


@pytest.mark.parametrize(
    ("answer", "proven"),
    [
        (said("200 OK", b"audio"), True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\naudio\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\n\r\naudio", False),
        (b"HTTP/1.0 200 OK\r\n\r\naudio", False),
    ],
    ids=["length", "chunks", "until it closes", "as of old"],
)
async def test_a_file_whose_end_nobody_announced_is_not_proven_whole(
    answer: bytes, proven: bool
) -> None:
    async with saying(answer) as (client, _, origin), client.media(f"{origin}/x") as media:
        assert b"".join([piece async for piece in media.pieces]) == b"audio"

    assert media.proven is proven


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\naudio",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\naudio\r\n",
    ],
    ids=["less than its length", "without the last chunk"],
)
async def test_a_file_that_ends_before_it_should_breaks_off(answer: bytes) -> None:
    async with saying(answer) as (client, _, origin):
        with pytest.raises(OSError, match="the connection broke"):
            await fetched(client, f"{origin}/x")


async def test_the_key_stands_in_no_log_whatever_its_level_and_whatever_the_gateway_repeats(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for logger in ("", "httpx", "httpcore", "httpcore.http11"):
        caplog.set_level(logging.DEBUG, logger)
    body = f'{{"status": "ERROR", "error": "bad key {KEY}-of-full-length"}}'.encode()
    key = f"{KEY}-of-full-length"
    async with saying(said("200 OK", body, f"X-Your-Key: {key}")) as (client, heads, _):
        answer = await client.status(SONG, key)
        await client.submit(song(), key)

    assert key.encode() in heads[0]
    assert isinstance(answer, Observation)
    assert answer.error == "bad key [key]"
    assert key not in caplog.text


async def test_a_key_that_no_header_can_hold_is_not_sent() -> None:
    async with saying(said("200 OK", b"{}")) as (client, heads, _):
        sent = await client.submit(song(), "schlüssel-schlüssel")

    assert isinstance(sent, NotSent)
    assert sent.hopeless
    assert heads == []


async def test_a_hundred_and_fifty_orders_on_a_gateway_that_hangs_all_get_there() -> None:
    arrived, all_there = [0], anyio.Event()

    async def serve(stream: anyio.abc.ByteStream) -> None:
        await stream.receive()
        arrived[0] += 1
        if arrived[0] == 150:
            all_there.set()
        await anyio.sleep_forever()

    async with listening(serve) as port, anyio.create_task_group() as orders:
        client = Gateway(f"http://127.0.0.1:{port}", now=SystemClock().now)
        for _ in range(150):
            orders.start_soon(client.submit, song(), KEY)
        with anyio.fail_after(10):
            await all_there.wait()
        orders.cancel_scope.cancel()


_NOTHING_MORE = """
import sys, anyio
from acestep_mcp.clock import SystemClock
from acestep_mcp.providers.pixazo.client import Gateway
from acestep_mcp.sandbox import Sandbox
from tests.providers import song

class Gone:
    def find_spec(self, name, path=None, target=None):
        raise ImportError(name)

async def main():
    sandbox = Sandbox(key="sandbox-key")
    async with sandbox.serving():
        import acestep_mcp.sandbox.band.synth  # what serves the track is the sandbox's affair
        client = Gateway(sandbox.base_url, now=SystemClock().now)
        client.prepare()
        sys.meta_path.insert(0, Gone())
        sent = await client.submit(song({"prompt": "p", "duration": 1, "seed": 1}), sandbox.key)
        sandbox.complete(sent.request_id)
        seen = await client.status(sent.request_id, sandbox.key)
        async with client.media(seen.media_urls[0]) as media:
            size = sum([len(piece) async for piece in media.pieces])
        await client.close()
        print(size)

anyio.run(main)
"""


async def test_once_prepared_nothing_more_is_loaded_until_the_track_is_here() -> None:
    done = await anyio.run_process([sys.executable, "-c", _NOTHING_MORE], check=False)

    assert done.returncode == 0, done.stderr.decode()
    assert int(done.stdout) > 90_000


async def test_an_installation_that_is_gone_is_not_sent_and_says_what_to_do() -> None:
    code = (
        "import sys\n"
        "sys.modules['acestep_mcp.providers.http'] = None\n"
        "from acestep_mcp.providers.pixazo.client import Gateway\n"
        "from acestep_mcp.domain.errors import CouldNotSend\n"
        "try: Gateway('https://gateway.invalid', now=float).prepare()\n"
        "except CouldNotSend as said: print(said.cause)\n"
    )
    done = await anyio.run_process([sys.executable, "-c", code])

    assert b"a part of the installation is missing" in done.stdout
    assert b"restart the client" in done.stdout


async def test_a_redirected_order_is_not_followed() -> None:
    async with gateway() as sandbox:
        client = Gateway(sandbox.base_url, now=SystemClock().now)
        sandbox.faults.add("submit", reply(307, headers={"Location": f"{sandbox.base_url}/other"}))
        sent = await client.submit(song(), sandbox.key)
        await client.close()

    assert isinstance(sent, Unknown)
    assert len(sandbox.arrivals) == 1


def test_a_download_is_what_the_library_takes() -> None:
    assert {"start", "total", "validator", "pieces", "proven"} == set(Media.__slots__)
