"""Whether a track ends before its own header says so: a cut that no length of a reply gave away.

Only evidence counts. A header without a length, or with one of the placeholders that programs
write into pipes, proves nothing, and a track about which nothing can be proved is no short one.
"""

import struct
from io import FileIO

_PLACEHOLDER = 0x4000_0000
"""No song has a gigabyte: sox, ffmpeg and others announce such sizes when they cannot go back."""
_SLACK = 8  # bytes: some programs count the first two fields of a RIFF file into its size
_TAIL = 256 << 10  # bytes, in which the last frame or page of every sensible file begins
_LAST_PAGE = 4  # a flag of an Ogg page
_TAG_V1 = 128  # bytes of an ID3v1 tag behind the audio
_BITRATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)  # kbit/s
_BITRATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0)
_BLOCKS = (0, 192, *(576 << i for i in range(4)), 0, 0, *(256 << i for i in range(8)))
_VARIABLE = 1  # a FLAC frame that counts samples, not frames


def is_short(file: FileIO, size: int) -> bool:
    """Whether the track of `size` bytes in the file is provably longer than that."""
    head = _at(file, 0, 4)
    if head == b"RIFF":
        return _short_wave(file, size)
    if head == b"OggS":
        return _short_ogg(file, size)
    if head == b"fLaC":
        return _short_flac(file, size)
    return _short_mp3(file, size)


def may_grow(file: FileIO, size: int) -> bool:
    """Whether what is put behind the audio of the file stays behind it.

    It does not in a WAVE file whose sizes are wrong: there it would overwrite samples, or be heard.
    """
    if _at(file, 0, 4) != b"RIFF":
        return True
    (announced,) = struct.unpack("<I", _at(file, 4, 4))
    return announced + 8 == size and size % 2 == 0 and not _short_wave(file, size)


def _at(file: FileIO, start: int, size: int) -> bytes:
    """Up to `size` bytes from `start` on."""
    file.seek(start)
    found = bytearray()
    while len(found) < size and (more := file.read(size - len(found))):
        found += more
    return bytes(found)


def _short_wave(file: FileIO, size: int) -> bool:
    (announced,) = struct.unpack("<I", _at(file, 4, 4))
    if 0 < announced < _PLACEHOLDER and announced > size:
        return True
    at = 12
    while at + 8 <= size:
        name, length = struct.unpack("<4sI", _at(file, at, 8))
        if name == b"data":
            return bool(length < _PLACEHOLDER and at + 8 + length > size)
        at += 8 + length + length % 2
    return True  # it ends before the samples begin


def _short_ogg(file: FileIO, size: int) -> bool:
    """Every logical stream ends in a page that says that it is the last (RFC 3533, section 6)."""
    start = max(0, size - _TAIL)
    tail = _at(file, start, _TAIL)
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
    tag = _at(file, 0, 10)
    if tag[:3] == b"ID3" and len(tag) == 10:  # noqa: PLR2004  # the header of the tag
        start = 10 + sum((each & 0x7F) << 7 * (3 - i) for i, each in enumerate(tag[6:10]))
        if start >= size:
            return True
    frame = _at(file, start, 2048)
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
    while at + 4 <= size:
        length = _frame_length(_at(file, at, 4))
        if not length:
            return False
        at += length
    return at > size


def _frame_length(head: bytes) -> int:
    """Bytes of the MPEG audio frame of layer III that begins so; 0 where none does."""
    version, rate = head[1] >> 3 & 3, head[2] >> 2 & 3
    if head[0] != 0xFF or head[1] & 0xE6 != 0xE2 or version == 1 or rate == 3:  # noqa: PLR2004  # sync and layer; what is reserved
        return 0
    first = version == 3  # noqa: PLR2004  # MPEG 1; the others have half its rates
    bits = (_BITRATES_1 if first else _BITRATES_2)[head[2] >> 4]
    hertz = (44_100, 48_000, 32_000)[rate] >> (2, 0, 1, 0)[version]
    return (144 if first else 72) * bits * 1000 // hertz + (head[2] >> 1 & 1)


def _short_flac(file: FileIO, size: int) -> bool:
    """The header counts the samples (0: unknown), and each frame says where it begins."""
    at, info = 4, b""
    while True:
        head = _at(file, at, 4)
        if len(head) < 4:  # noqa: PLR2004  # a kind and a length
            return True
        length = int.from_bytes(head[1:], "big")
        if head[0] & 0x7F == 0:
            info = _at(file, at + 4, 34)
        at += 4 + length
        if head[0] & 0x80:
            break
    if len(info) < 34 or at > size:  # noqa: PLR2004  # what STREAMINFO holds
        return True
    samples = int.from_bytes(info[13:18], "big") & 0xF_FFFF_FFFF
    start = max(at, size - _TAIL)
    tail = _at(file, start, _TAIL)
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
