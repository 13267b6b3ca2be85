"""What the decoder's process can be asked: to listen, to tag, to encode, and whose a file is."""

import os
from typing import Any, BinaryIO

from acestep_mcp.audio import tagging
from acestep_mcp.audio.headers import takes_a_tag
from acestep_mcp.audio.measure import measured
from acestep_mcp.audio.samples import Samples, Unreadable

_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_PADDING = 0.2  # seconds that an MP3 may be longer than what it was made from


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Do what the request asks; every failure is in the answer."""
    try:
        match request["do"]:
            case "listen":
                return _listen(request)
            case "encode":
                return _encode(request)
            case _:
                return {"request_id": tagging.request_id(request["path"])}
    except (Unreadable, OSError, MemoryError) as error:
        return {"problem": str(error) or type(error).__name__}


def _listen(request: dict[str, Any]) -> dict[str, Any]:
    """Measure a file, then tag its copy where that leaves every sample as it is."""
    with Samples.of(request["path"]) as samples:
        found = measured(samples)
        digest = samples.digest
    tagged = False
    if request.get("copy") and not found["broken"]:
        gain = _gain(found["loudness"], found["peak"])
        tagged = _tagged(request["copy"], {**request["texts"], **gain}, digest)
    return {"sound": found, "tagged": tagged}


def _tagged(path: str, texts: dict[str, str], digest: str) -> bool:
    """Tag the file in place; whether its samples are provably the same after it."""
    with _existing(path) as file:
        if not takes_a_tag(file) or not tagging.write(file, texts):
            return False
    return _read_back(path)[0] == digest


def _read_back(path: str) -> tuple[str, float]:
    """The digest of the samples of a file, and its seconds; `""` where they cannot all be read."""
    try:
        with Samples.of(path) as samples:
            for _ in samples:
                pass
            return "" if samples.broken else samples.digest, samples.frames / samples.rate
    except (Unreadable, OSError):
        return "", 0.0


def _encode(request: dict[str, Any]) -> dict[str, Any]:
    """Write the sound into another file with its tags, and read that back."""
    from acestep_mcp.audio import encode  # noqa: PLC0415  # most files are not encoded

    target = request["to"]
    with Samples.of(request["path"]) as samples, _existing(target) as file:
        exact = encode.into(request["format"], samples, file)
        digest, seconds = samples.digest, samples.frames / samples.rate
    texts = {**request["texts"], **_gain(request.get("loudness"), request.get("peak") or 0.0)}
    with _existing(target) as file:
        tagged = tagging.write(file, texts)
    if not tagged:
        return {"problem": "it could not be tagged"}
    found, length = _read_back(target)
    if (exact and found != digest) or not found or not 0 <= length - seconds + 0.01 <= _PADDING:
        return {"problem": "what was written does not read back the same"}
    return {"exact": exact}


def _gain(loudness: float | None, peak: float) -> dict[str, str]:
    """ReplayGain 2.0: by how much a player turns the track up or down to -18 LUFS."""
    if loudness is None:
        return {}
    return {
        tagging.GAIN: f"{-18 - loudness:+.2f} dB",
        "REPLAYGAIN_TRACK_PEAK": f"{peak:.6f}",
        "REPLAYGAIN_REFERENCE_LOUDNESS": "-18.00 LUFS",
    }


def _existing(path: str) -> BinaryIO:
    """A file that is there, to be changed; never through a link."""
    return os.fdopen(os.open(path, os.O_RDWR | _NO_LINK), "r+b")
