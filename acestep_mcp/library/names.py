"""File names that every system accepts, and the type of a track told from its bytes."""

import hashlib
import re
import unicodedata

from acestep_mcp.domain.errors import MediaGone
from acestep_mcp.domain.song import Song
from acestep_mcp.domain.text import clean

_FORBIDDEN = re.compile(r'[.<>:"/\\|?*\x00-\x1f\x7f]+')
_TAG = re.compile(r"\[[^\]\n]*\]?")
_MOST_BYTES = 129
"""Of the name without take and extension, in UTF-8: eCryptfs, the tightest in use, has 143."""
HEAD = 16
"""Bytes by which a track's type is told."""
SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
_NUMBERED = re.compile(r"-(\d{1,2})\.\w+$")


def stem(song: Song, length: int = 8) -> str:
    """`{title or first words}-{short id}`; the id part has `length` hexadecimal digits."""
    readable = _portable(song.title or _first_words(song), _MOST_BYTES - length - 1) or "song"
    return f"{readable}-{_digest(song)[:length]}"


def stems(song: Song) -> tuple[str, ...]:
    """The names a song may have, the best first.

    The second is for a folder in which another song has the first, which takes chance or ill
    will; the others are for one that takes no long names, or none in this script.
    """
    digest = _digest(song)
    return stem(song), stem(song, len(digest)), f"song-{digest[:8]}", f"song-{digest}"


def numbered(stem: str, song: Song, take: int) -> str:
    """The name of a take: a song of several has them numbered."""
    return f"{stem}-{take}" if len(song.media_urls) > 1 else stem


def recorded(song: Song, take: int) -> int | None:
    """Which of the song's `files` is this take; None where it is not among them.

    They stand in order, but the first of two may be missing, so the name tells.
    """
    if len(song.media_urls) <= 1:
        return 0 if take == 1 and song.files else None
    for place, file in enumerate(song.files):
        found = _NUMBERED.search(file)
        if found and int(found[1]) == take:
            return place
    return None


def _digest(song: Song) -> str:
    return hashlib.sha256(song.handle.encode("utf-8", "surrogatepass")).hexdigest()


def _first_words(song: Song) -> str:
    for name in ("lyrics", "prompt"):
        words = _TAG.sub(" ", str(song.payload.get(name, ""))).split()
        if words:
            return " ".join(words[:6])
    return ""


def _portable(text: str, most: int) -> str:
    shown = unicodedata.normalize("NFC", clean(_FORBIDDEN.sub(" ", text), 80))
    cut = shown.encode()[:most].decode("utf-8", "ignore")
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
