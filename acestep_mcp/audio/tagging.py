"""Title, lyrics and everything needed to make a song again, written into the file itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from mutagen import aiff, flac, mp3, oggflac, oggopus, oggvorbis, wave
from mutagen import id3 as frames
from mutagen.id3 import ID3

from acestep_mcp.audio.headers import behind_tags, frame_length

GAIN = "REPLAYGAIN_TRACK_GAIN"
_ROOM = 64 << 20  # bytes that reading and writing tags may take
_id3: Any = frames  # its constructors carry no types


def write(file: BinaryIO, texts: dict[str, str]) -> bool:
    """Tag a file in place: ID3 in WAVE, AIFF and MP3, Vorbis comments in FLAC and Ogg.

    A file that takes no tags may be half written when this returns False.
    """
    try:
        with _room():
            return _written(file, texts)
    except Exception:  # noqa: BLE001  # whatever a parser trips over, the original is kept
        return False


def _written(file: BinaryIO, texts: dict[str, str]) -> bool:
    kind = _kind(file)
    if kind is None:
        return False
    file.seek(0)
    audio = kind(file)
    if audio.tags is None:
        audio.add_tags()
    if kind is oggopus.OggOpus and GAIN in texts:
        texts = {**texts, "R128_TRACK_GAIN": _r128(texts[GAIN])}
    if isinstance(audio.tags, ID3):
        _into_id3(audio.tags, texts)
    else:
        audio.tags.update({name: [text] for name, text in texts.items()})
    file.seek(0)
    audio.save(file)
    file.flush()
    return True


@contextmanager
def _room() -> Iterator[None]:
    """Let the tags that a file brings take so much memory and no more, where the system can.

    Half a megabyte of them may say that it unpacks to gigabytes.
    """
    try:
        import resource  # noqa: PLC0415  # Windows has none

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = pages * resource.getpagesize() + _ROOM
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    except (ImportError, OSError, ValueError):
        yield
        return
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _r128(gain: str) -> str:
    """The gain as Opus has it: in 1/256 dB, to -23 LUFS and not to -18 (RFC 7845, 5.2.1)."""
    return str(round((float(gain.removesuffix("dB")) - 5) * 256))


def request_id(path: str) -> str:
    """Which song the file at `path` was tagged as; `""` where it does not say."""
    try:
        with _room(), Path(path).open("rb") as file:
            kind = _kind(file)
            file.seek(0)
            tags: Any = kind(file).tags if kind else {}
        found = tags["TXXX:request_id"].text if "TXXX:request_id" in tags else tags["request_id"]
        return str(found[0])
    except Exception:  # noqa: BLE001  # a file that cannot be read says nothing
        return ""


def _kind(file: BinaryIO) -> Any:  # noqa: ANN401  # one of mutagen's classes, which carry no types
    """Who tags such a file; told from its bytes alone, for its name may say anything."""
    file.seek(behind_tags(file))
    head = file.read(128)
    if head[:4] == b"RIFF":
        return wave.WAVE
    if head[:4] == b"FORM":
        return aiff.AIFF
    if head[:4] == b"fLaC":
        return flac.FLAC
    if head[:4] == b"OggS":
        known = ((b"OpusHead", oggopus.OggOpus), (b"\x01vorbis", oggvorbis.OggVorbis))
        found = next((each for mark, each in known if mark in head), None)
        return found or (oggflac.OggFLAC if b"\x7fFLAC" in head else None)
    return mp3.MP3 if frame_length(head[:4]) else None


def _into_id3(tags: Any, texts: dict[str, str]) -> None:  # noqa: ANN401  # mutagen.id3.ID3, made at run time
    utf8, undetermined = _id3.Encoding.UTF8, "und"
    for name, text in texts.items():
        match name:
            case "title":
                tags.add(_id3.TIT2(encoding=utf8, text=[text]))
            case "encoder":
                tags.add(_id3.TSSE(encoding=utf8, text=[text]))
            case "lyrics":
                tags.add(_id3.USLT(encoding=utf8, lang=undetermined, desc="", text=text))
            case "comment":
                tags.add(_id3.COMM(encoding=utf8, lang=undetermined, desc="", text=[text]))
            case _:
                tags.add(_id3.TXXX(encoding=utf8, desc=name, text=[text]))
