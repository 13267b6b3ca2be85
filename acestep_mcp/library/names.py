"""File names that every system accepts, and the type of a track told from its bytes."""

import codecs
import hashlib
import re
import unicodedata
from contextlib import suppress
from typing import BinaryIO
from urllib.parse import urlsplit

from acestep_mcp.audio.headers import behind_tags, bytes_at
from acestep_mcp.domain.errors import MediaGone
from acestep_mcp.domain.song import Song
from acestep_mcp.domain.text import clean

_FORBIDDEN = re.compile(r'[.<>:"/\\|?*\x00-\x1f\x7f]+')
_TAG = re.compile(r"\[[^\]\n]*\]?")
_MOST_BYTES = 129
"""Of the name without take and extension, in UTF-8: eCryptfs, the tightest in use, has 143."""
HEAD = 16
"""Bytes by which a track's type is told."""
TYPES = {
    ".wav": "audio/wav",
    ".w64": "audio/x-w64",
    ".aiff": "audio/aiff",
    ".caf": "audio/x-caf",
    ".au": "audio/basic",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".m4a": "audio/mp4",
    ".mp4": "audio/mp4",
    ".aac": "audio/aac",
    ".webm": "audio/webm",
    ".mka": "audio/x-matroska",
    ".wma": "audio/x-ms-wma",
    ".wv": "audio/x-wavpack",
    ".ape": "audio/x-ape",
    ".amr": "audio/amr",
    ".mp2": "audio/mpeg",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
}
"""Media types by extension, those last into which tracks are converted."""
_UNKNOWN = ".audio"
SUFFIXES = (*TYPES, _UNKNOWN)
LOSSLESS = frozenset({".wav", ".w64", ".aiff", ".caf", ".au"})
"""Containers of samples as they are, which FLAC holds in half the room."""
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}$")
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


def media_type(path: str) -> str:
    """The media type of a saved track; `""` where it is none that is known."""
    return TYPES.get("." + path.rpartition(".")[2].lower(), "")


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


def suffix(head: bytes, url: str = "") -> str:
    """The file name extension, from a track's first bytes; for unknown ones that of its URL.

    Raises:
        MediaGone: They are the beginning of a text or a picture, and not of any audio.
    """
    if found := _by_magic(head) or _by_form(head) or _mpeg(head):
        return found
    if len(head) < HEAD or _is_text(head) or head.startswith(_PICTURES):
        raise MediaGone("what the media host sent is not audio")
    return _of_url(url)


def _by_magic(head: bytes) -> str:
    return next((suffix for magic, suffix in _MAGIC if head.startswith(magic)), "")


def _by_form(head: bytes) -> str:
    """By a name behind a size."""
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return ".wav"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return ".aiff"
    if head[4:8] == b"ftyp":
        return ".m4a" if head[8:11] in (b"M4A", b"M4B") else ".mp4"
    return ""


def suffix_of(file: BinaryIO, url: str = "") -> str:
    """The same of a whole file, whose audio may stand behind a tag."""
    start = behind_tags(file)
    head = bytes_at(file, start, 64)
    if head[:4] == b"OggS" and b"OpusHead" in head:
        return ".opus"
    if head[:4] == b"\x1aE\xdf\xa3":
        return ".webm" if b"webm" in head else ".mka"
    if start and len(head) < HEAD:
        return ".mp3"  # a tag and next to nothing
    try:
        return suffix(head[:HEAD], url)
    except MediaGone:
        if not start:
            raise
        return ".mp3"


_MAGIC = (
    (b"ID3", ".mp3"),  # or anything else, which is told once the whole file is here
    (b"fLaC", ".flac"),
    (b"OggS", ".ogg"),
    (b"riff\x2e\x91\xcf\x11", ".w64"),
    (b"caff", ".caf"),
    (b".snd", ".au"),
    (b"\x1aE\xdf\xa3", ".webm"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", ".wma"),
    (b"wvpk", ".wv"),
    (b"MAC ", ".ape"),
    (b"#!AMR", ".amr"),
)
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF", b"PK\x03\x04", b"\x1f\x8b")


def _mpeg(head: bytes) -> str:
    """What MPEG audio begins here, if any; a UTF-16 page's mark is none."""
    if len(head) < 2 or head[0] != 0xFF:  # noqa: PLR2004  # sync and layer
        return ""
    if head[1] & 0xE6 == 0xE2:  # noqa: PLR2004  # layer III
        return ".mp3"
    if head[1] & 0xE6 == 0xE4:  # noqa: PLR2004  # layer II
        return ".mp2"
    return ".aac" if head[1] & 0xF6 == 0xF0 else ""  # noqa: PLR2004  # ADTS


def _is_text(head: bytes) -> bool:
    """Whether it reads as a text in any of the usual encodings: pages, complaints, JSON."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        return True
    with suppress(UnicodeDecodeError):
        codecs.getincrementaldecoder("utf-8")().decode(head)  # which may end in a character
        if 0 not in head:
            return True
    plain = head.replace(b"\0", b"")  # UTF-16 without a mark has every second byte zero
    return bool(plain) and all(32 <= each < 127 or each in b"\t\r\n" for each in plain)  # noqa: PLR2004  # ASCII


def _of_url(url: str) -> str:
    """What its URL says it is; nothing but audio, for a sidecar or a program is not to be faked."""
    found = _EXTENSION.search(urlsplit(url).path)
    return found[0].lower() if found and found[0].lower() in TYPES else _UNKNOWN
