"""What a saved track really is, and whether that is what was asked for."""

from pathlib import Path

from acestep_mcp.domain.track import Track
from acestep_mcp.library import wav

PEAKS = 400
TYPES = {".wav": "audio/wav", ".flac": "audio/flac", ".ogg": "audio/ogg", ".mp3": "audio/mpeg"}
_SILENCE = 0.002  # of full scale, about -54 dB: nobody hears music below it
_CLIPPED = 0.9999
_MOST_CLIPPED = 0.2  # of all stretches; a few loud ones are a loud song
_MOST_SILENT = 0.4
_SHORTER = 0.95  # of what was asked for
_SLACK = 2.0  # seconds


def measured(path: Path) -> tuple[Track, tuple[str, ...]]:
    """The track at `path`, and what is wrong with its sound in itself."""
    size, media_type = path.stat().st_size, TYPES[path.suffix]
    if media_type != "audio/wav":
        return _tagged(path, size, media_type), ()
    head = wav.header(path)
    if head is None:
        return Track(size=size, media_type=media_type), ("has no readable WAVE header",)
    loudness = wav.peaks(path, head, PEAKS)
    track = Track(
        size=size,
        media_type=media_type,
        seconds=round(head.seconds, 3),
        channels=head.channels,
        rate=head.rate,
        peaks=tuple(min(100, round(100 * each)) for each in loudness),
    )
    cut = ("is cut off: its header announces more than there is",) if head.missing else ()
    return track, (*cut, *_heard(loudness))


def compared(track: Track, asked: float | None) -> tuple[str, ...]:
    """What is wrong with a track's length, given the seconds asked for."""
    if not asked or not track.seconds:
        return ()
    if track.seconds >= min(_SHORTER * asked, asked - _SLACK):
        return ()
    return (f"is {track.seconds:.0f} s long; {asked:g} s were asked for",)


def _heard(loudness: tuple[float, ...]) -> tuple[str, ...]:
    if not loudness:
        return ()
    silent = sum(each < _SILENCE for each in loudness) / len(loudness)
    clipped = sum(each >= _CLIPPED for each in loudness) / len(loudness)
    if silent == 1:
        return ("is silent from end to end",)
    if silent > _MOST_SILENT:
        return (f"is silent for {100 * silent:.0f} % of its length",)
    if clipped > _MOST_CLIPPED:
        return (f"reaches full scale in {100 * clipped:.0f} % of its length and may be clipped",)
    return ()


def _tagged(path: Path, size: int, media_type: str) -> Track:
    """A compressed track, as its own header describes it."""
    import mutagen  # noqa: PLC0415  # needed only to save a song

    try:
        info = getattr(mutagen.File(path), "info", None)
    except mutagen.MutagenError:
        info = None
    return Track(
        size=size,
        media_type=media_type,
        seconds=round(float(getattr(info, "length", 0.0)), 3),
        channels=int(getattr(info, "channels", 0)),
        rate=int(getattr(info, "sample_rate", 0)),
    )
