"""Title, lyrics and everything needed to make the song again, as they are written into a track."""

import json

from acestep_mcp.domain.song import Song


def texts(song: Song, take: int) -> dict[str, str]:
    """What the tags of a take say, by the field's usual name; nothing that is empty."""
    request = dict(song.payload)
    found = {
        "title": song.title,
        "lyrics": str(request.get("lyrics", "")),
        "comment": str(request.get("prompt", "")),
        "encoder": f"{song.model} (made by AI)",
        "seed": str(request.get("seed", "")),
        "take": str(take),
        "request_id": song.handle,
        "request": json.dumps(request, ensure_ascii=False),
    }
    return {name: text for name, text in found.items() if text}
