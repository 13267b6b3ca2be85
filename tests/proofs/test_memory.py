"""No reply of ten megabytes makes the server's process grow by more than 64 MiB."""

import gzip
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO
from itertools import count, islice
from pathlib import Path

import pytest
from anyio.abc import Process
from mutagen.ogg import OggPage

from tests.library import AUDIO, TONE
from tests.peer import Peer, started
from tests.proofs.hostile import RawGateway, body, http, raw_gateway

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.attack,
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


def tagged(frames: bytes, version: int = 3, behind: bytes = b"") -> bytes:
    """An ID3 tag of these frames in front of something, which is audio unless given."""
    safe = bytes(len(frames) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3%c\0\0" % version + safe + frames + (behind or audio("bare.mp3"))


def audio(name: str) -> bytes:
    return (AUDIO / name).read_bytes()


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content


def inflating(version: int, size: Callable[[int], bytes]) -> bytes:
    """A frame that says of itself that it is compressed."""
    packed = b"\x0f\xff\xff\xff" + zeros(512, 15)
    return b"TIT2" + size(len(packed)) + (b"\0\x80" if version == 3 else b"\0\x09") + packed


def plain(size: int) -> bytes:
    return struct.pack(">I", size)


def seven_bits(size: int) -> bytes:
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


def comments(size: int) -> bytes:
    """Very many comments of one letter."""
    number = size // 7
    return struct.pack("<II", 0, number) + b"\x03\0\0\0a=b" * number


def ogg_of_comments() -> bytes:
    """A Vorbis file whose second packet is all comments."""
    file = BytesIO(audio("vorbis.ogg"))
    first, second = OggPage(file), OggPage(file)  # type: ignore[no-untyped-call]  # mutagen has few
    packets = [b"\x03vorbis" + comments(SIZE - 4096) + b"\1", *second.packets[1:]]
    pages = OggPage.from_packets(packets, 1)  # type: ignore[no-untyped-call]  # as above
    for page in pages:
        page.serial = first.serial
    return b"".join(page.write() for page in (first, *pages))


def tracks() -> Iterator[tuple[str, bytes]]:
    """What may come in place of a track, and be taken for one."""
    flac, junk = audio("tone.flac"), chunk(b"junk", b"")
    yield "a compressed tag", tagged(inflating(3, plain))
    yield "many frames", tagged((b"TIT2" + plain(2) + b"\0\0\0x") * (SIZE // 12))
    yield "a FLAC of comments", flac[:42] + b"\x84\0\0\0" + comments(SIZE - 4096)
    yield "a compressed tag of 2.4", tagged(inflating(4, seven_bits), 4)
    yield "a compressed tag of 2.4 as iTunes writes it", tagged(inflating(4, plain), 4)
    yield "a compressed tag in a WAVE", TONE + chunk(b"id3 ", tagged(inflating(3, plain)))
    hidden = junk * 1500 + chunk(b"id3 ", tagged(inflating(3, plain)))
    yield "a compressed tag behind many chunks", TONE[:36] + hidden + TONE[36:]
    nested = b"CHAP" + plain(1 << 20) + b"\0\0a\0" + bytes(16) + inflating(3, plain)
    yield "a compressed tag in a chapter", tagged(nested)
    yield "a large tag", tagged(b"APIC" + plain(SIZE - 64) + b"\0\0" + bytes(SIZE - 64))
    yield "a FLAC with a large picture", flac[:42] + b"\x06\xff\xff\xff" + bytes(SIZE)
    yield "a FLAC of small blocks", flac[:42] + b"\x02\0\0\x04abcd" * (SIZE // 8)
    yield "an Ogg of comments", ogg_of_comments()
    yield "an Ogg of small pages", audio("vorbis.ogg") + (b"OggS" + bytes(23)) * (SIZE // 27)
    yield "a long WAVE", TONE[:44] + bytes(SIZE)
    yield "a WAVE of chunks", b"RIFF" + struct.pack("<I", SIZE) + b"WAVE" + junk * (SIZE // 8)
    shape = struct.pack("<HHIIHH", 1, 65_535, 44_100, 0, 0, 24)
    wide = b"WAVE" + chunk(b"fmt ", shape) + chunk(b"data", bytes(SIZE))
    yield "a WAVE of one frame", chunk(b"RIFF", wide)
    yield "an MP3 without end", audio("bare.mp3") * (SIZE // len(audio("bare.mp3")))


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


@pytest.mark.proof
async def test_no_track_makes_a_process_grow_whatever_its_tags_say(tmp_path: Path) -> None:
    """Neither the server nor the decoder beside it, which listens to a plain tone just before."""
    grown: dict[str, float] = {}
    async with (
        raw_gateway() as gateway,
        started(gateway, tmp_path, ACESTEP_SAVE="on", ACESTEP_DAILY_LIMIT="0") as peer,  # type: ignore[arg-type]  # nobody asks it for more than its URL
    ):
        await peer.greet()
        await grew(peer, gateway, "media", http(b"200 OK", TONE))
        for name, content in tracks():
            grown[name] = await grew(peer, gateway, "media", http(b"200 OK", content)) / MIB
    print({name: round(each, 1) for name, each in grown.items()})

    assert {name: round(mib) for name, mib in grown.items() if mib >= MOST / MIB} == {}


@pytest.mark.proof
def test_the_decoder_gives_tags_that_unpack_to_gigabytes_no_room(tmp_path: Path) -> None:
    grown: dict[str, float] = {}
    for number, (name, content) in enumerate(tracks()):
        file = tmp_path / f"{number}.audio"
        file.write_bytes(content)
        grown[name] = most_memory("tagging.write(open(sys.argv[1], 'r+b'), {'title': 'x'})", file)
    plain = most_memory("None", tmp_path / "0.audio")

    assert {name: mib for name, mib in grown.items() if mib - plain >= MOST / MIB} == {}


def most_memory(work: str, file: Path) -> float:
    """The most mebibytes that a process of the decoder's had while it did that to the file."""
    code = (
        "import resource, sys\nfrom acestep_mcp.audio import tagging\n"
        f"{work}\nprint(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    command = [sys.executable, "-c", code, str(file)]
    return float(subprocess.run(command, capture_output=True, check=True).stdout)
