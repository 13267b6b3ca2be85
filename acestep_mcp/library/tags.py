"""Title, lyrics and everything needed to make the song again, written into the track itself."""

import json
import logging
from io import BytesIO, FileIO
from pathlib import Path
from typing import Any

from acestep_mcp.domain.song import Song

log = logging.getLogger(__name__)


def load() -> None:
    """Import what tagging needs, formats included, so that nothing is left to fail later."""
    import mutagen  # noqa: PLC0415  # brings its formats when the first file is looked at

    mutagen.File(BytesIO(bytes(64)))


def write(file: FileIO, song: Song, take: int) -> bool:
    """Tag a track in place: ID3 in WAVE and MP3, Vorbis comments in FLAC and Ogg.

    A file that takes no tags may be half written when this returns False, and the sidecar holds
    the same and more.
    """
    import mutagen  # noqa: PLC0415  # needed only to save a song
    from mutagen.id3 import ID3  # noqa: PLC0415  # as above

    texts = {name: text for name, text in _texts(song, take).items() if text}
    try:
        audio: Any = mutagen.File(file)
        if audio is None:
            return False
        if audio.tags is None:
            audio.add_tags()
        if isinstance(audio.tags, ID3):
            _into_id3(audio.tags, texts)
        else:
            audio.tags.update({name: [text] for name, text in texts.items()})
        file.seek(0)
        audio.save(file)
    except Exception as error:  # noqa: BLE001  # whatever a parser trips over, the track is paid for
        log.warning("a track of %s got no tags: %r", song.handle, error)
        return False
    return True


def request_id(path: Path) -> str:
    """Which song the track at `path` was tagged as; `""` where it does not say."""
    import mutagen  # noqa: PLC0415  # needed only to save a song

    try:
        tags: Any = getattr(mutagen.File(path), "tags", None) or {}
        found = tags["TXXX:request_id"].text if "TXXX:request_id" in tags else tags["request_id"]
        return str(found[0])
    except Exception:  # noqa: BLE001  # a file that cannot be read says nothing
        return ""


def _texts(song: Song, take: int) -> dict[str, str]:
    request = dict(song.payload)
    return {
        "title": song.title,
        "lyrics": str(request.get("lyrics", "")),
        "comment": str(request.get("prompt", "")),
        "encoder": f"{song.model} (made by AI)",
        "seed": str(request.get("seed", "")),
        "take": str(take),
        "request_id": song.handle,
        "request": json.dumps(request, ensure_ascii=False),
    }


def _into_id3(tags: Any, texts: dict[str, str]) -> None:  # noqa: ANN401  # mutagen.id3.ID3, made at run time
    from mutagen import id3 as frames  # noqa: PLC0415  # as above

    id3: Any = frames  # its constructors carry no types
    utf8, undetermined = id3.Encoding.UTF8, "und"
    for name, text in texts.items():
        match name:
            case "title":
                tags.add(id3.TIT2(encoding=utf8, text=[text]))
            case "encoder":
                tags.add(id3.TSSE(encoding=utf8, text=[text]))
            case "lyrics":
                tags.add(id3.USLT(encoding=utf8, lang=undetermined, desc="", text=text))
            case "comment":
                tags.add(id3.COMM(encoding=utf8, lang=undetermined, desc="", text=[text]))
            case _:
                tags.add(id3.TXXX(encoding=utf8, desc=name, text=[text]))
