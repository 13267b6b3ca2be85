"""The bytes around the audio: tags in front, chunks, and the lengths that headers name.

Only lengths are read here and nothing is decoded, so the server may do it, too. Every walk has an
end, whatever the bytes say.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

TAG_HEADER = 10  # bytes of an ID3v2 header
CHUNK_HEADER = 8
FIRST_CHUNK = 12
_MOST_TAGS = 8
_MOST_CHUNKS = 1000
_BITRATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)  # kbit/s
_BITRATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


def size_of(file: BinaryIO) -> int:
    """Bytes of the file."""
    return file.seek(0, 2)


def bytes_at(file: BinaryIO, start: int, size: int) -> bytes:
    """Up to `size` bytes from `start` on."""
    file.seek(start)
    found = bytearray()
    while len(found) < size and (more := file.read(size - len(found))):
        found += more
    return bytes(found)


def behind_tags(file: BinaryIO) -> int:
    """Where the audio begins: behind ID3v2 tags, which may stand in front of any container."""
    start = 0
    for _ in range(_MOST_TAGS):
        tag = bytes_at(file, start, TAG_HEADER)
        if tag[:3] != b"ID3" or len(tag) < TAG_HEADER:
            break
        footer = TAG_HEADER if tag[5] & 0x10 else 0
        start += TAG_HEADER + footer + sum((b & 0x7F) << 7 * (3 - i) for i, b in enumerate(tag[6:]))
    return start


def chunks(file: BinaryIO, order: str, start: int, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and length of each chunk from `start` on; `order` is that of `struct`."""
    for _ in range(_MOST_CHUNKS):
        if start + CHUNK_HEADER > size:
            break
        name, length = struct.unpack(f"{order}4sI", bytes_at(file, start, CHUNK_HEADER))
        yield name, start + CHUNK_HEADER, length
        start += CHUNK_HEADER + length + length % 2


def ends_well(file: BinaryIO, order: str, start: int, size: int) -> bool:
    """Whether one chunk after the other leads to the end of the file exactly."""
    for _, _, length in chunks(file, order, start, size):
        start += CHUNK_HEADER + length + length % 2
    return start == size


def takes_a_tag(file: BinaryIO) -> bool:
    """Whether a tag can be written into the file without a byte of its audio moving or growing.

    In RIFF and AIFF files a tag is one more chunk at the end. It is one only where all sizes are
    right: behind a wrong one it would overwrite samples, or be heard as noise. Of FLAC, Ogg and
    MPEG files it stands in front, and of other containers nothing is known here.
    """
    start, size = behind_tags(file), size_of(file)
    head = bytes_at(file, start, 36)
    if head[:4] in (b"RIFF", b"FORM"):
        order = "<" if head[:4] == b"RIFF" else ">"
        known = head[8:12] in (b"WAVE", b"AIFF", b"AIFC")
        (announced,) = struct.unpack(f"{order}I", head[4:8].ljust(4, b"\0"))
        whole = announced + CHUNK_HEADER == size and size % 2 == 0
        return known and start == 0 and whole and ends_well(file, order, FIRST_CHUNK, size)
    return head[:4] in (b"fLaC", b"OggS") or frame_length(head[:4]) > 0


def frame_length(head: bytes) -> int:
    """Bytes of the MPEG audio frame of layer III that begins so; 0 where none does."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:  # noqa: PLR2004  # sync and layer
        return 0
    version, rate, code = head[1] >> 3 & 3, head[2] >> 2 & 3, head[2] >> 4
    if version == 1 or rate == 3 or code in (0, 15):  # noqa: PLR2004  # what is reserved or free
        return 0
    first = version == 3  # noqa: PLR2004  # MPEG 1; the others have half its rates
    bits = (_BITRATES_1 if first else _BITRATES_2)[code]
    hertz = (44_100, 48_000, 32_000)[rate] >> (2, 0, 1, 0)[version]
    return (144 if first else 72) * bits * 1000 // hertz + (head[2] >> 1 & 1)
