"""The icon of the bundle, drawn: seven bars of a waveform on a dusk-coloured tile."""

import struct
import zlib
from functools import cache, partial
from itertools import chain

SIZE = 512
_MIDDLE = SIZE / 2
_MARGIN = 16.0
_CORNER = 112.0
_TOP, _BOTTOM = (54, 28, 110), (226, 84, 92)
_BAR = (255, 244, 224)
_HEIGHTS = (92, 196, 300, 148, 260, 176, 84)
_PITCH = 56.0
_HALF_WIDTH = 15.0


def png() -> bytes:
    """The icon as a PNG file."""
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 6, 0, 0, 0)
    pieces = (
        (b"IHDR", header),
        (b"IDAT", zlib.compress(scanlines(), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*piece) for piece in pieces)


@cache
def scanlines() -> bytes:
    """What the PNG compresses: each row, RGBA, with filter byte 0 before it."""
    rows = (b"\0" + bytes(chain.from_iterable(_row(y))) for y in range(SIZE))
    return b"".join(rows)


def _row(y: int) -> list[tuple[int, int, int, int]]:
    share = y / SIZE
    ground = tuple(round(a + (b - a) * share) for a, b in zip(_TOP, _BOTTOM, strict=True))
    colours = cache(partial(_mixed, ground))
    return [(*colours(bar), tile) for bar, tile in _covers(abs(y + 0.5 - _MIDDLE))]


def _mixed(ground: tuple[int, ...], bar: float) -> tuple[int, int, int]:
    red, green, blue = (round(a + (b - a) * bar) for a, b in zip(ground, _BAR, strict=True))
    return red, green, blue


@cache
def _covers(y: float) -> list[tuple[float, int]]:
    """For each pixel of a row, `y` away from the middle: the bars' share, and the tile's alpha."""
    return [_covered(x + 0.5 - _MIDDLE, y) for x in range(SIZE)]


def _covered(x: float, y: float) -> tuple[float, int]:
    tile = _cover(x, y, _MIDDLE - _MARGIN, _MIDDLE - _MARGIN, _CORNER)
    number = min(max(round(x / _PITCH), -3), 3)
    height = _HEIGHTS[number + 3] / 2
    return _cover(x - number * _PITCH, y, _HALF_WIDTH, height, _HALF_WIDTH), round(255 * tile)


def _cover(x: float, y: float, width: float, height: float, corner: float) -> float:
    """How much of the pixel at (x, y) a rounded box around the origin covers, 0 to 1."""
    across = max(abs(x) - width + corner, 0.0)
    along = max(abs(y) - height + corner, 0.0)
    return min(max(corner - float((across * across + along * along) ** 0.5) + 0.5, 0.0), 1.0)


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check
