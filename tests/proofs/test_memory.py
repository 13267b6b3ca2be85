"""No reply of ten megabytes makes the server's process grow by more than 64 MiB."""

import gzip
import sys
import zlib
from collections.abc import Iterator
from functools import cache
from itertools import count, islice
from pathlib import Path

import pytest
from anyio.abc import Process

from tests.library import TONE
from tests.peer import Peer, started
from tests.proofs.hostile import RawGateway, body, http, raw_gateway

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc"),
]

MIB = 1 << 20
SIZE = 10 * MIB
MOST = 64 * MIB
_number = count(1)

ENCODED = b"Content-Encoding: gzip"
NESTED = b'{"a":' * (SIZE // 5)
KEPT = MIB - 4096
"""Bytes of a reply that is read to its end."""


@cache
def zeros(number: int, bits: int) -> bytes:
    """So many mebibytes of nothing, compressed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, bits)
    return b"".join([*(packer.compress(bytes(MIB)) for _ in range(number)), packer.flush()])


def bomb() -> bytes:
    """Half a gigabyte in some kilobytes, compressed twice."""
    return gzip.compress(zeros(512, 31))


def replies() -> Iterator[tuple[str, bytes]]:
    """What may come in place of JSON."""
    twice = bomb()
    yield "empty lists", http(b"200 OK", b'{"status": [%b[]]}' % (b"[]," * (KEPT // 3)))
    yield "a bomb", http(b"200 OK", twice, ENCODED)
    yield "endless headers", b"HTTP/1.1 200 OK\r\n" + b"X-Again: and again\r\n" * (SIZE // 20)
    yield "a bomb that says so", http(b"200 OK", twice, b"Content-Encoding: gzip, gzip")
    yield "a bomb that does not say so", http(b"200 OK", twice)
    yield "brackets", http(b"200 OK", b"[" * SIZE)
    yield "nested objects", http(b"200 OK", NESTED)
    yield "one string", http(b"200 OK", b'{"status": "%b"}' % (b"x" * SIZE))
    yield "a page", http(b"200 OK", b"<!doctype html>" + b"<p>Sign in</p>" * (SIZE // 14))
    yield "a page of an error", http(b"400 No", b"<!doctype html>" + b"<p>No</p>" * (SIZE // 9))
    yield "one endless header", b"HTTP/1.1 200 OK\r\nX-Again: " + b"x" * SIZE
    yield "an endless first line", b"HTTP/1.1 200 " + b"O" * SIZE
    yield (
        "an endless chunk",
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * SIZE),
    )
    yield (
        "small chunks",
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * (SIZE // 6)),
    )
    # What is short enough to be read to its end.
    yield "brackets, all read", http(b"200 OK", b"[" * KEPT)
    yield "empty objects", http(b"200 OK", b'{"status": [%b{}]}' % (b"{}," * (KEPT // 3)))
    yield "numbers", http(b"200 OK", b'{"status": [%b1]}' % (b"300," * (KEPT // 4)))
    names = ",".join(f'"{number:x}":0' for number in range(KEPT // 9))
    yield "names", http(b"200 OK", b"{%b}" % names.encode())
    yield "a digit sequence", http(b"200 OK", b'{"status": %b}' % (b"9" * KEPT))
    yield (
        "the widest character",
        http(b"200 OK", body({"status": "\U0001f3b5" + "x" * KEPT})[:KEPT]),
    )
    urls = [f"https://m.example/{number}" for number in range(KEPT // 32)]
    yield "media URLs", http(b"200 OK", body({"status": "QUEUED", "output": {"media_url": urls}}))


def memory(process: Process, name: str) -> int:
    """Bytes that the process has in memory (VmRSS), or ever had (VmHWM)."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(status.partition(f"{name}:")[2].split()[0]) * 1024


async def grew(peer: Peer, gateway: RawGateway, route: str, reply: bytes) -> int:
    """By how many bytes one song grew the process, one route of whose gateway says that."""
    name = f"ace-step-xl_{next(_number):08x}"
    output = {"media_url": f"{gateway.url}/media/{name}", "media_type": "audio/wav"}
    gateway.submit = http(b"202 Accepted", body({"request_id": name, "status": "QUEUED"}))
    gateway.status = http(b"200 OK", body({"status": "COMPLETED", "output": output}))
    gateway.media = http(b"200 OK", TONE)
    setattr(gateway, route, reply)
    Path(f"/proc/{peer.process.pid}/clear_refs").write_text("5", encoding="ascii")
    before = memory(peer.process, "VmHWM")
    song = {"prompt": f"Song {name}", "wait": 2 if route == "status" else 5, "duration": 1}
    call = {"name": "generate_song", "arguments": song}
    await peer.ask(next(_number) + 1000, "tools/call", **call)
    return memory(peer.process, "VmHWM") - before


QUICK, ALL = 2, None
"""How many of the replies: the worst at every run, the others among the proofs."""


@pytest.mark.parametrize("most", [QUICK, pytest.param(ALL, marks=pytest.mark.proof)])
@pytest.mark.parametrize("route", ["submit", "status", "media"])
async def test_no_reply_makes_the_process_grow(
    tmp_path: Path, route: str, most: int | None
) -> None:
    grown: dict[str, float] = {}
    async with (
        raw_gateway() as gateway,
        started(gateway, tmp_path, ACESTEP_SAVE="on", ACESTEP_DAILY_LIMIT="0") as peer,  # type: ignore[arg-type]  # nobody asks it for more than its URL
    ):
        await peer.greet()
        await grew(peer, gateway, "submit", http(b"400 No"))  # everything is loaded now
        await grew(peer, gateway, "media", http(b"200 OK", TONE))
        for name, content in islice(replies(), most):
            grown[name] = await grew(peer, gateway, route, content) / MIB
        listed = await peer.ask(9, "tools/call", name="list_outputs", arguments={})
    print({name: round(each, 1) for name, each in grown.items()})  # `pytest -rP` shows the figures

    assert not listed["result"]["isError"]
    assert {name: round(mib) for name, mib in grown.items() if mib >= MOST / MIB} == {}
