"""File names that every system accepts, and the type of a track told from its bytes."""

import hashlib
import re
import unicodedata

from acestep_mcp.domain.errors import MediaGone
from acestep_mcp.domain.song import Song
from acestep_mcp.domain.text import clean

_FORBIDDEN = re.compile(r'[.<>:"/\\|?*\x00-\x1f\x7f]+')
_TAG = re.compile(r"\[[^\]\n]*\]?")
_MOST_BYTES = 120
"""Of the readable part, in UTF-8: eCryptfs, the tightest in use, allows 143 in all."""


def stem(song: Song, length: int = 8) -> str:
    """`{title or first words}-{short id}`; the id part has `length` hexadecimal digits."""
    digest = hashlib.sha256(song.handle.encode()).hexdigest()[:length]
    readable = _portable(song.title or _first_words(song)) or "song"
    return f"{readable}-{digest}"


def _first_words(song: Song) -> str:
    for name in ("lyrics", "prompt"):
        words = _TAG.sub(" ", str(song.payload.get(name, ""))).split()
        if words:
            return " ".join(words[:6])
    return ""


def _portable(text: str) -> str:
    shown = unicodedata.normalize("NFC", clean(_FORBIDDEN.sub(" ", text), 80))
    cut = shown.encode()[:_MOST_BYTES].decode("utf-8", "ignore")
    return cut.rstrip(" .").lstrip(" .~-")  # no home folder and no option to a shell


def suffix(head: bytes) -> str:
    """The file name extension, from a track's first bytes.

    Raises:
        MediaGone: They are not the beginning of any audio file.
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return ".wav"
    if head[:4] in _MAGIC:
        return _MAGIC[head[:4]]
    if head[:3] == b"ID3" or _is_layer_3(head):
        return ".mp3"
    raise MediaGone("what the media host sent is not audio")


_MAGIC = {b"fLaC": ".flac", b"OggS": ".ogg"}


def _is_layer_3(head: bytes) -> bool:
    """Whether an MPEG audio frame of layer III begins here; a UTF-16 page's mark is no such."""
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2  # noqa: PLR2004  # the frame's sync and layer bits
