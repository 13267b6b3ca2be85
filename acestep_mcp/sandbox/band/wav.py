"""The RIFF/WAVE container, in the two encodings that ACE-Step back ends are known to write."""

import struct
from array import array
from typing import Literal

from acestep_mcp.sandbox.band.lanes import FRAME, RATE, little

Encoding = Literal["pcm16", "float32"]

HEADER_BYTES = 44
_TAGS: dict[Encoding, tuple[int, int]] = {"pcm16": (1, 16), "float32": (3, 32)}


def size(frames: int, encoding: Encoding = "pcm16") -> int:
    """Bytes of the whole file."""
    return HEADER_BYTES + frames * 2 * (_TAGS[encoding][1] // 8)


def header(frames: int, encoding: Encoding = "pcm16") -> bytes:
    """The 44 bytes before the samples: 48 kHz, stereo."""
    tag, bits = _TAGS[encoding]
    width = 2 * bits // 8
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, tag, 2, RATE, RATE * width, width, bits)
    data = struct.pack("<4sI", b"data", frames * width)
    return struct.pack("<4sI4s", b"RIFF", size(frames, encoding) - 8, b"WAVE") + form + data


def as_float32(pcm: bytes) -> bytes:
    """The same file with 32-bit float samples (format tag 3), which `wave` refuses to open."""
    samples = little(array("h", pcm[HEADER_BYTES:]))
    floats = little(array("f", (sample / 32768 for sample in samples)))
    return header(len(samples) * 2 // FRAME, "float32") + floats.tobytes()
