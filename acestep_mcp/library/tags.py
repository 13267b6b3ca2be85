"""Title, lyrics and everything needed to make the song again, written into the track itself."""

import json
import logging
from pathlib import Path
from typing import Any

from acestep_mcp.domain.song import Song

log = logging.getLogger(__name__)


def write(path: Path, song: Song, take: int) -> None:
    """Tag a track in place: ID3 in WAVE and MP3, Vorbis comments in FLAC and Ogg.

    A file that takes no tags stays as it is; the sidecar holds the same and more.
    """
    import mutagen  # noqa: PLC0415  # needed only to save a song
    from mutagen.id3 import ID3  # noqa: PLC0415  # as above

    texts = {name: text for name, text in _texts(song, take).items() if text}
    try:
        audio: Any = mutagen.File(path)
        if audio is None:
            return
        if audio.tags is None:
            audio.add_tags()
        if isinstance(audio.tags, ID3):
            _into_id3(audio.tags, texts)
        else:
            audio.tags.update({name: [text] for name, text in texts.items()})
        audio.save()
    except (mutagen.MutagenError, ValueError) as error:
        log.warning("%s got no tags: %s", path.name, error)


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
