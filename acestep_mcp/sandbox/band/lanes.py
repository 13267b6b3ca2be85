"""Arithmetic on whole blocks of samples at once, with Python's integers as the vector unit.

A *block* is interleaved stereo, 16-bit little-endian, **biased**: 0x8000 is silence. Read as one
large integer it is a number in base 65536 whose digits are the samples, and adding two such
numbers adds every pair of samples in one C loop. A sum carries its operands' biases with it; once
all but one are subtracted, every digit is back in 0…65535, provided that no sum of samples
leaves the 16-bit range, which the loudness budget in `voices` guarantees.

Blocks are a bar or a note long, so that no single operation keeps the interpreter lock for more
than about a millisecond and the server goes on answering while a song is rendered.
"""

import math
import sys
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TypeVar

RATE = 48_000
"""Frames per second."""

FRAME = 4
"""Bytes per frame: two channels of two bytes."""

BIAS = 0x8000
_Number = TypeVar("_Number", int, float)
_GAIN_BITS = 12


def silence(frames: int) -> bytes:
    """A block of `frames` frames at rest."""
    return b"\x00\x80\x00\x80" * frames


def mono(samples: Iterable[float]) -> "array[int]":
    """One channel of biased lanes from samples in -32767…32767."""
    centre = BIAS + 0.5  # the half rounds; int() alone would add an offset
    return array("H", [int(sample + centre) for sample in samples])


def stereo(left: "array[int]", right: "array[int]") -> bytes:
    """The block of two equally long channels."""
    lanes = array("H", bytes(FRAME * len(left)))
    lanes[0::2] = left
    lanes[1::2] = right
    return little(lanes).tobytes()


def little(lanes: "array[_Number]") -> "array[_Number]":
    """The array in little-endian order, whatever the machine's own order is."""
    if sys.byteorder == "big":
        lanes.byteswap()
    return lanes


def mix(*layers: bytes) -> bytes:
    """The sum of equally long blocks; no sum of samples may leave -32768…32767."""
    size = len(layers[0])
    total = sum(int.from_bytes(layer, "little") for layer in layers)
    return (total - (len(layers) - 1) * _bias(size)).to_bytes(size, "little")


def scale(block: bytes, gain: float) -> bytes:
    """The block times `gain` (0…8, to 1/4096); no product may leave -32768…32767.

    Products need more room than a lane has, so the even and the odd lanes are taken apart into
    lanes of 32 bits, multiplied, shifted back and put together again.
    """
    if gain == 1.0:
        return block
    whole, mask = int.from_bytes(block, "little"), _wide(len(block), 0xFFFF)
    even, odd = (_scaled(part & mask, gain, len(block)) for part in (whole, whole >> 16))
    return (even | odd << 16).to_bytes(len(block), "little")


def _scaled(wide: int, gain: float, size: int) -> int:
    factor = round(gain * (1 << _GAIN_BITS))
    # Brings the bias back to 0x8000 after the multiplication, and rounds to the nearest.
    offset = BIAS * ((1 << _GAIN_BITS) - factor) + (1 << (_GAIN_BITS - 1))
    product = (wide * factor + _wide(size, offset)) >> _GAIN_BITS
    return product & _wide(size, 0xFFFF)


@lru_cache(maxsize=64)
def ramp(length: int) -> tuple[float, ...]:
    """Half a raised cosine from 0 to 1: the fade that is heard least."""
    return tuple(0.5 - 0.5 * math.cos(math.pi * (i + 0.5) / length) for i in range(length))


def swell(channel: "array[int]", gains: Sequence[float]) -> "array[int]":
    """One channel of biased lanes, each sample times its gain; as long as the shorter of both."""
    centre = BIAS + 0.5
    pairs = zip(channel, gains, strict=False)
    return array("H", [int((lane - BIAS) * gain + centre) for lane, gain in pairs])


def shaped(block: bytes, gains: Sequence[float]) -> bytes:
    """The block with its first `len(gains)` frames multiplied, both channels alike."""
    head = little(array("H", block[: len(gains) * FRAME]))
    left, right = (swell(head[side::2], gains) for side in (0, 1))
    return stereo(left, right) + block[len(gains) * FRAME :]


def fit(block: bytes, frames: int) -> bytes:
    """The block cut, or continued with silence, to exactly `frames` frames."""
    return block[: frames * FRAME] + silence(frames - len(block) // FRAME)


def peak(block: bytes) -> int:
    """An upper bound of the largest magnitude, at most 256 above it.

    Only the high bytes are looked at, each candidate with one memchr over the block.
    """
    high = block[1::2]
    top = next(value for value in range(255, -1, -1) if value in high)
    bottom = next(value for value in range(256) if value in high)
    return max(top - 127, 128 - bottom) * 256


def signed(block: bytes) -> bytes:
    """The block as two's complement, which is what a WAV file stores."""
    return (int.from_bytes(block, "little") ^ _bias(len(block))).to_bytes(len(block), "little")


@lru_cache(maxsize=4)
def _bias(size: int) -> int:
    return int.from_bytes(b"\x00\x80" * (size // 2), "little")


@lru_cache(maxsize=8)
def _wide(size: int, value: int) -> int:
    """A block of lanes of 32 bits that all hold `value`, which may be negative."""
    return int.from_bytes(b"\1\0\0\0" * (size // 4), "little") * value
