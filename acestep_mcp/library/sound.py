"""What was measured of a track, in a line; what is wrong with it; and how takes differ.

Only what can be told for certain: no tempo, no key, and no judgement of the singing.
"""

import math
from collections.abc import Sequence

from acestep_mcp.domain.song import Song
from acestep_mcp.domain.track import Track
from acestep_mcp.library import names

_MOST_CLIPPED = 0.05  # of all stretches; a few crests cut off are a loud song
_MOST_SILENT = 0.4
_LONG_SILENCE = 10.0  # seconds in one piece
_SHORTER, _LONGER = 0.95, 1.1  # of what was asked for
_SLACK = 2.0  # seconds
_LOUDER = 0.5  # LU from which on a difference is heard
_TRACES = 0.2  # seconds by which encoders lengthen a song
_SONG = 3.0  # seconds: what is shorter is a sound, and has no end to be missed
_STEREO = 2


def wrong(track: Track, asked: float | None) -> tuple[str, ...]:
    """What is wrong with a track, `asked` being the seconds that were asked for."""
    if not track.heard:
        return ("is cut off: its header announces more than there is",) if track.cut else ()
    found = []
    if track.cut:
        found.append("is cut off: its header announces more than there is")
    if track.odd:
        found.append(f"has {track.odd} samples that are no sound")
    if not track.seconds:
        return (*found, "holds no sound")
    found += _length(track, asked)
    if track.silent == 1:
        return (*found, "is silent from end to end")
    found += _silence(track)
    if track.clipped > _MOST_CLIPPED:
        found.append(f"is clipped in {100 * track.clipped:.0f} % of its length")
    if track.dead:
        found.append(f"is silent in its {track.dead} channel")
    if track.inverted:
        found.append("has one channel inverted: on a single loudspeaker it cancels itself out")
    if track.ends == "sound" and track.seconds >= _SONG and not (track.steady or track.cut):
        found.append("ends in full sound, as if it were cut off")
    return tuple(found)


def _length(track: Track, asked: float | None) -> list[str]:
    if not asked:
        return []
    shortest, longest = min(_SHORTER * asked, asked - _SLACK), _LONGER * asked + _SLACK
    if shortest <= track.seconds <= longest:
        return []
    return [f"is {track.seconds:.0f} s long; {asked:g} s were asked for"]


def _silence(track: Track) -> list[str]:
    if track.silent > _MOST_SILENT:
        return [f"is silent for {100 * track.silent:.0f} % of its length"]
    long = [each for each in track.silences if each[1] - each[0] >= _LONG_SILENCE]
    return [f"is silent from {clock(begin)} to {clock(end)}" for begin, end in long]


def lines(song: Song) -> list[str]:
    """One line for each take that is on the disk, numbered as files and URLs are."""
    found = []
    first: tuple[int, Track] | None = None
    for take in range(1, len(song.media_urls) + 1):
        place = names.recorded(song, take)
        if place is None or place >= len(song.sound):
            continue
        track = song.sound[place]
        found.append(f"Take {take}: {_line(track, song, first)}")
        if track.heard and first is None:
            first = take, track
    return found


def _line(track: Track, song: Song, first: tuple[int, Track] | None) -> str:
    if not track.heard:
        length = f"{clock(track.seconds)}, " if track.seconds else ""
        return f"{length}{track.media_type or 'unknown format'}; not listened to"
    facts = [_seconds(track, song.duration)]
    if track.loudness is not None:
        facts.append(f"{track.loudness:.1f} LUFS")
    if track.peak > 0:
        facts.append(f"true peak {20 * math.log10(track.peak):+.1f} dB")
    if track.channels != _STEREO:
        facts.append("mono" if track.channels == 1 else f"{track.channels} channels")
    facts += _edges(track)
    facts += [f"silent {clock(begin)}-{clock(end)}" for begin, end in track.silences[:3]]
    bad = wrong(track, song.duration)
    told = [", ".join(facts)]
    if bad:
        told.append("WRONG: it " + ", ".join(bad))
    if first is not None and (others := difference(track, first[1])):
        told.append(f"{others} than take {first[0]}")
    return "; ".join(told)


def _seconds(track: Track, asked: float | None) -> str:
    length = f"{track.seconds:.1f} s"
    return f"{length} of {asked:g} asked" if asked else length


def _edges(track: Track) -> list[str]:
    words = {"rest": "at rest", "sound": "in full sound"}
    begins, ends = words.get(track.begins), words.get(track.ends)
    if begins == ends:
        return [f"begins and ends {begins}"] if begins else []
    found = [f"begins {begins}"] if begins else []
    return [*found, f"ends {ends}"] if ends else found


def difference(track: Track, first: Track) -> str:
    """How a take differs from another, as far as a person would notice."""
    told = []
    if track.loudness is not None and first.loudness is not None:
        louder = track.loudness - first.loudness
        if abs(louder) >= _LOUDER:
            told.append(f"{abs(louder):.1f} LU {'louder' if louder > 0 else 'quieter'}")
    longer = track.seconds - first.seconds
    if abs(longer) > _TRACES:
        told.append(f"{abs(longer):.1f} s {'longer' if longer > 0 else 'shorter'}")
    return " and ".join(told)


def facts(tracks: Sequence[Track]) -> list[dict[str, object]]:
    """What was measured, as numbers for programs."""
    return [
        {
            "media_type": track.media_type,
            "bytes": track.size,
            "also": list(track.also),
            "seconds": track.seconds,
            "channels": track.channels,
            "sample_rate": track.rate,
            "encoding": track.encoding,
            "loudness_lufs": track.loudness,
            "true_peak": track.peak,
            "silences": [list(each) for each in track.silences],
            "clipped": track.clipped,
            "begins": track.begins,
            "ends": track.ends,
        }
        for track in tracks
    ]


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
