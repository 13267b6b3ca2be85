"""Whether a track ends before its own header says so: a cut that no length of a reply gave away.

Only evidence counts. A header without a length, or with one of the placeholders that programs
write into pipes, proves nothing, and a track about which nothing can be proved is no short one.
"""

import struct
from io import FileIO

from acestep_mcp.audio.headers import bytes_at, chunks, frame_length

_PLACEHOLDER = 0x4000_0000
"""No song has a gigabyte: sox, ffmpeg and others announce such sizes when they cannot go back."""
_SLACK = 8  # bytes: some programs count the first two fields of a RIFF file into its size
_TAIL = 256 << 10  # bytes, in which the last frame or page of every sensible file begins
_LAST_PAGE = 4  # a flag of an Ogg page
_MOST_FRAMES = 200_000  # an hour and more
_MOST_BLOCKS = 10_000  # of metadata
_TAG_V1 = 128  # bytes of an ID3v1 tag behind the audio
_BLOCKS = (0, 192, *(576 << i for i in range(4)), 0, 0, *(256 << i for i in range(8)))
_VARIABLE = 1  # a FLAC frame that counts samples, not frames


def is_short(file: FileIO, size: int) -> bool:
    """Whether the track of `size` bytes in the file is provably longer than that."""
    head = bytes_at(file, 0, 4)
    if head == b"RIFF":
        return _short_wave(file, size)
    if head == b"OggS":
        return _short_ogg(file, size)
    if head == b"fLaC":
        return _short_flac(file, size)
    return _short_mp3(file, size)


def _short_wave(file: FileIO, size: int) -> bool:
    (announced,) = struct.unpack("<I", bytes_at(file, 4, 4))
    if 0 < announced < _PLACEHOLDER and announced > size:
        return True
    for name, at, length in chunks(file, "<", 12, size):
        if name == b"data":
            return length < _PLACEHOLDER and at + length > size
    return True  # it ends before the samples begin


def _short_ogg(file: FileIO, size: int) -> bool:
    """Every logical stream ends in a page that says that it is the last (RFC 3533, section 6)."""
    start = max(0, size - _TAIL)
    tail = bytes_at(file, start, _TAIL)
    at = tail.rfind(b"OggS")
    if at < 0:
        return False
    head = tail[at : at + 27]
    if len(head) < 27:  # noqa: PLR2004  # up to the table of segments
        return True
    segments = tail[at + 27 : at + 27 + head[26]]
    end = at + 27 + len(segments) + sum(segments)
    return len(segments) < head[26] or end > len(tail) or not head[5] & _LAST_PAGE


def _short_mp3(file: FileIO, size: int) -> bool:
    """The first frame of an encoder that can go back tells how many bytes follow."""
    start = 0
    tag = bytes_at(file, 0, 10)
    if tag[:3] == b"ID3" and len(tag) == 10:  # noqa: PLR2004  # the header of the tag
        start = 10 + sum((each & 0x7F) << 7 * (3 - i) for i, each in enumerate(tag[6:10]))
        if start >= size:
            return True
    frame = bytes_at(file, start, 2048)
    for name in (b"Xing", b"Info"):
        at = frame.find(name, 0, 64)
        if at >= 0 and len(frame) >= at + 16:
            flags, *fields = struct.unpack(">III", frame[at + 4 : at + 16])
            length = fields[flags & 1] if flags & 2 else 0  # the frames come first, where counted
            return length < _PLACEHOLDER and start + length > size
    at = frame.find(b"VBRI", 0, 64)
    if at >= 0 and len(frame) >= at + 14:
        (length,) = struct.unpack(">I", frame[at + 10 : at + 14])
        return bool(length < _PLACEHOLDER and start + length > size)
    return _cut_in_a_frame(file, start, size)


def _cut_in_a_frame(file: FileIO, at: int, size: int) -> bool:
    """Whether one frame after the other leads beyond the end, not to it or to something else."""
    for _ in range(_MOST_FRAMES):
        if at + 4 > size:
            return at > size
        length = frame_length(bytes_at(file, at, 4))
        if not length:
            return False
        at += length
    return False


def _short_flac(file: FileIO, size: int) -> bool:
    """The header counts the samples (0: unknown), and each frame says where it begins."""
    at, info = 4, b""
    for _ in range(_MOST_BLOCKS):
        head = bytes_at(file, at, 4)
        if len(head) < 4:  # noqa: PLR2004  # a kind and a length
            return True
        length = int.from_bytes(head[1:], "big")
        if head[0] & 0x7F == 0:
            info = bytes_at(file, at + 4, 34)
        at += 4 + length
        if head[0] & 0x80:
            break
    if len(info) < 34 or at > size:  # noqa: PLR2004  # what STREAMINFO holds
        return True
    samples = int.from_bytes(info[13:18], "big") & 0xF_FFFF_FFFF
    start = max(at, size - _TAIL)
    tail = bytes_at(file, start, _TAIL)
    if tail[-_TAG_V1:][:3] == b"TAG":
        tail = tail[:-_TAG_V1]
    block = int.from_bytes(info[2:4], "big")
    frame = len(tail)
    while (frame := tail.rfind(b"\xff", 0, frame)) >= 0:
        end = _end(tail[frame : frame + 16], block)
        if end is not None:
            return end < samples or _crc16(tail[frame:]) != 0
    return True


def _end(head: bytes, block: int) -> int | None:
    """The sample after the last of the FLAC frame that begins here; None where none does."""
    if len(head) < 6 or head[1] & 0xFE != 0xF8:  # noqa: PLR2004  # the shortest header
        return None
    number, used = _number(head[4:])
    code, at = head[2] >> 4, 4 + used
    if code in (6, 7):
        own = int.from_bytes(head[at : at + code - 5], "big") + 1
        at += code - 5
    else:
        own = _BLOCKS[code]
    at += {12: 1, 13: 2, 14: 2}.get(head[2] & 15, 0)
    if not used or not own or at >= len(head) or _crc8(head[:at]) != head[at]:
        return None
    return number + own if head[1] & _VARIABLE else number * block + own


def _number(coded: bytes) -> tuple[int, int]:
    """A number written as UTF-8 writes characters, and its bytes; 0 bytes where it is none."""
    first = coded[0]
    if first < 0x80:  # noqa: PLR2004  # a byte of its own
        return first, 1
    length = 8 - (first ^ 0xFF).bit_length()
    if not 2 <= length <= 7 or len(coded) < length:  # noqa: PLR2004  # as many as there may be
        return 0, 0
    value = first & (0x7F >> length)
    for each in coded[1:length]:
        value = value << 6 | each & 0x3F
    return value, length


def _crc8(data: bytes) -> int:
    value = 0
    for each in data:
        value ^= each
        for _ in range(8):
            value = (value << 1 ^ 0x107) if value & 0x80 else value << 1
    return value


def _crc16(data: bytes) -> int:
    """0 over a whole FLAC frame, whose last two bytes are that of all before."""
    value = 0
    for each in data:
        value ^= each << 8
        for _ in range(8):
            value = (value << 1 ^ 0x18005) if value & 0x8000 else value << 1
    return value
