"""A file as the decoder should see it: what its header gets wrong is put right on the way.

Programs that write into a pipe cannot go back to fill in sizes, and some write wrong ones. The
samples are all there, so they are read; the file itself stays as it was delivered.
"""

import struct
from io import RawIOBase
from typing import BinaryIO

from acestep_mcp.audio.headers import (
    CHUNK_HEADER,
    FIRST_CHUNK,
    behind_tags,
    bytes_at,
    chunks,
    ends_well,
    frame_length,
    size_of,
)

_BITRATE_128 = 0x90  # kbit/s in the header of a frame: room for what is written into it
_FRAMES_FOLLOW = 1
_MOST_CHUNKS = 1000
_MORE_THAN_ANY = 10_000_000  # frames; three days


class View(RawIOBase):
    """A file from byte `start` on, behind `front`, with some bytes replaced, by their offsets.

    Reads only; made for `soundfile`, which asks for `seek`, `tell` and `readinto`.
    """

    def __init__(self, file: BinaryIO, start: int, front: bytes, mended: dict[int, bytes]) -> None:
        self._file, self._start, self._front, self._mended = file, start, front, mended
        self._size = len(front) + max(0, size_of(file) - start)
        self._at = 0

    def seekable(self) -> bool:
        """It is."""
        return True

    def readable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next byte comes from."""
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go there."""
        base = (0, self._at, self._size)[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # soundfile gives a cffi buffer
        """Fill the buffer as far as there are bytes."""
        found = self._bytes(self._at, len(buffer))
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def _bytes(self, at: int, size: int) -> bytes:
        found = bytearray(self._front[at : at + size])
        if len(found) < size:
            behind = at + len(found) - len(self._front)
            found += bytes_at(self._file, self._start + behind, size - len(found))
        for place, right in self._mended.items():
            for i, byte in enumerate(right):
                if 0 <= place + i - at < len(found):
                    found[place + i - at] = byte
        return bytes(found)


def opened(file: BinaryIO) -> View:
    """The view of a file by which the decoder finds all of its samples and nothing else."""
    start = behind_tags(file)
    head = bytes_at(file, start, FIRST_CHUNK)
    if head[:4] == b"RIFF" and head[8:] == b"WAVE":
        return View(file, start, b"", _wave_sizes(file, start))
    if head[:4] == b"BW64":  # RF64 by its later name, which the decoder does not know
        return View(file, start, b"", {0: b"RF64"})
    if head[:4] == b"caff":
        return View(file, start, b"", _caf_size(file, start))
    return View(file, start, _info_frame(file, start), {})


def _wave_sizes(file: BinaryIO, start: int) -> dict[int, bytes]:
    """The two sizes of a WAVE file as they are, where they are not what its header says."""
    size = size_of(file)
    for name, content, length in chunks(file, "<", start + FIRST_CHUNK, size):
        if name != b"data":
            continue
        here = size - content
        unfilled = length == 0 and not ends_well(file, "<", content, size)
        samples = here if length > here or unfilled else length
        return {
            4: struct.pack("<I", min(size - start - CHUNK_HEADER, 0xFFFF_FFFF)),
            content - 4 - start: struct.pack("<I", min(samples, 0xFFFF_FFFF)),
        }
    return {}


def _caf_size(file: BinaryIO, start: int) -> dict[int, bytes]:
    """The size of a CAF file's data chunk, where there is less or its writer did not know it."""
    size, at = size_of(file), start + 8
    for _ in range(_MOST_CHUNKS):
        head = bytes_at(file, at, 12)
        if len(head) < FIRST_CHUNK:
            break
        name, length = struct.unpack(">4sq", head)
        if name == b"data":
            here = size - at - 12
            wrong = length < 0 or length > here
            return {at + 4 - start: struct.pack(">q", here)} if wrong else {}
        if length < 0:
            break
        at += 12 + length
    return {}


def _info_frame(file: BinaryIO, start: int) -> bytes:
    """What an MP3 without a first frame that counts the others is given in front; else nothing.

    Without one the decoder takes every frame to be as long as the first, and stops where it thinks
    the end must be. A number too large does no harm: the samples are counted as they come.
    """
    head = bytes_at(file, start, 4)
    if not frame_length(head):
        return b""
    first = bytes_at(file, start, 64)
    if any(name in first for name in (b"Xing", b"Info", b"VBRI")):
        return b""
    mono, newest = head[3] >> 6 == 3, head[1] >> 3 & 3 == 3  # noqa: PLR2004  # two bits each, all set
    side = (17 if mono else 32) if newest else (9 if mono else 17)
    rate = _BITRATE_128 if newest else _BITRATE_128 | 0x40
    own = bytes((head[0], head[1] | 1, head[2] & 0x0D | rate, head[3]))
    counted = b"Xing" + struct.pack(">II", _FRAMES_FOLLOW, _MORE_THAN_ANY)
    return (own + bytes(side) + counted).ljust(frame_length(own), b"\0")
