"""Renders a payload to a listenable song: plain electronic sound, in key, in time, to the frame.

It follows tempo, key, meter, sections and syllables, so that a demonstration behaves like the
real thing; it sings vowels with a buzzing oscillator and cannot be taken for a music model.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from acestep_mcp.sandbox.band import lanes, wav
from acestep_mcp.sandbox.band.lanes import FRAME, RATE
from acestep_mcp.sandbox.band.score import Passage, Score, compose
from acestep_mcp.sandbox.band.voices import (
    BASS,
    HARMONIES,
    LEADS,
    PAD,
    PLUCK,
    QUANTUM,
    Held,
    drum,
    held,
    struck,
)

CEILING = 29_200
"""Peak of a finished song: -1 dBFS, where the model's own files are normalised to."""

_ECHO = 0.3
_FADE_IN, _FADE_OUT = 0.01, 1.5


@dataclass(frozen=True, slots=True)
class _Style:
    """How a kind of section is arranged; `level` is its loudness, 0…1."""

    level: float
    drums: str = ""
    bass: int = 0
    plucks: bool = False
    harmony: bool = False


_STYLES = {
    "intro": _Style(0.85, plucks=True),
    "verse": _Style(0.66, drums="light", bass=1, plucks=True),
    "pre-chorus": _Style(0.78, drums="light", bass=2),
    "chorus": _Style(1.0, drums="full", bass=4, plucks=True, harmony=True),
    "bridge": _Style(0.6, bass=1, plucks=True),
    "solo": _Style(0.85, drums="full", bass=2, plucks=True),
    "outro": _Style(0.7, bass=1, plucks=True),
}

_PATTERNS = {
    2: {"kick": (0,), "snare": (8,), "hat": (0, 4, 8, 12)},
    3: {"kick": (0,), "snare": (8, 16), "hat": (0, 4, 8, 12, 16, 20)},
    4: {"kick": (0, 12, 16), "snare": (8, 24), "hat": (0, 4, 8, 12, 16, 20, 24, 28)},
}
"""Where the drums fall in a bar of 2, 3 or 4 beats, in eighths of a beat."""


def render(payload: Mapping[str, object], seed: int) -> bytes:
    """A WAV file: 48 kHz, stereo, 16 bit, exactly `duration` long, peak about -1 dBFS.

    Equal arguments give equal bytes. Three minutes take one to two seconds of processor time.
    """
    score = compose(payload, seed)
    bars = _cut(_Band(score), score.frames)
    gain = CEILING / max(*map(lanes.peak, bars), 1)
    for index, bar in enumerate(bars):  # in place: only one copy of the song is kept
        bars[index] = lanes.scale(bar, gain)
    _fade(bars, score.frames)
    return b"".join([wav.header(score.frames), *map(lanes.signed, bars)])


def track(payload: Mapping[str, object], seed: int, encoding: wav.Encoding) -> bytes:
    """`render` in either encoding."""
    song = render(payload, seed)
    return wav.as_float32(song) if encoding == "float32" else song


def _cut(band: "_Band", frames: int) -> list[bytes]:
    bars = list(band.play())
    surplus = sum(map(len, bars)) - frames * FRAME
    bars[-1] = bars[-1][: len(bars[-1]) - surplus]
    return bars


def _fade(bars: list[bytes], frames: int) -> None:
    """Leads the song from and to rest, in place; the end takes a tenth of it, at most 1.5 s."""
    rise, fall = round(_FADE_IN * RATE), min(round(_FADE_OUT * RATE), frames // 10)
    bars[0] = lanes.shaped(bars[0], lanes.ramp(rise))
    tail = b""
    while len(tail) < fall * FRAME:
        tail = bars.pop() + tail
    cut = len(tail) - fall * FRAME
    bars += [tail[:cut], lanes.shaped(tail[cut:], lanes.ramp(fall)[::-1])]


class _Band:
    """Plays a score bar by bar; what comes again in the song is taken from a cache."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self._size = score.bar * FRAME
        self._notes: dict[tuple[Held, int, int], bytes] = {}
        self._backings: dict[tuple[str, int, bool], bytes] = {}

    def play(self) -> Iterator[bytes]:
        """Every bar in order, all of the same length."""
        late = round(self._score.bar / self._score.beats * 0.75) * FRAME
        tail = lanes.silence(late // FRAME)
        for section in self._score.sections:
            for dry, backing in zip(self._lead(section), self._backing(section), strict=True):
                echo = lanes.scale(tail + dry[:-late], _ECHO)
                tail = dry[-late:]
                yield lanes.mix(backing, dry, echo)

    def _lead(self, section: Passage) -> Iterator[bytes]:
        """The bars of the lead, with a second voice a third below it where the style has one."""
        lead = self._line(section, LEADS, 0)
        if not _STYLES[section.kind].harmony:
            return self._bars(lead)
        return map(lanes.mix, self._bars(lead), self._bars(self._line(section, HARMONIES, -2)))

    def _bars(self, line: bytes) -> Iterator[bytes]:
        return (line[i : i + self._size] for i in range(0, len(line), self._size))

    def _line(self, section: Passage, voices: Mapping[str, Held], shift: int) -> bytes:
        level = _STYLES[section.kind].level
        pieces, position = [], 0
        for note in section.lead:
            start, end = map(self._score.frame, (note.start, note.start + note.ticks))
            pitch = self._score.pitch(note.degree + shift)
            sound = self._note(voices[note.vowel], pitch, end - start, level)
            pieces += [lanes.silence(start - position), lanes.fit(sound, end - start)]
            position = end
        rest = len(section.chords) * self._score.bar - position
        return b"".join([*pieces, lanes.silence(rest)])

    def _note(self, voice: Held, pitch: int, frames: int, level: float) -> bytes:
        key = (voice, pitch, frames // QUANTUM)
        if key not in self._notes:
            self._notes[key] = held(voice, pitch, frames)
        return lanes.scale(self._notes[key], level)

    def _backing(self, section: Passage) -> Iterator[bytes]:
        last = len(section.chords) - 1
        for index, chord in enumerate(section.chords):
            key = (section.kind, chord, index == last)
            if key not in self._backings:
                self._backings[key] = self._accompany(*key)
            yield self._backings[key]

    def _accompany(self, kind: str, chord: int, last: bool) -> bytes:  # noqa: FBT001  # a cache key
        style = _STYLES[kind]
        layers = [*self._pad(chord)]
        if style.plucks:
            layers.append(self._arpeggio(chord))
        if style.bass:
            layers.append(self._bass(chord, style.bass))
        if style.drums and not self._score.quiet:
            layers += self._drums(full=style.drums == "full", fill=last)
        return lanes.scale(lanes.mix(*layers), style.level)

    def _pad(self, chord: int) -> Iterator[bytes]:
        bar = self._score.bar
        return (lanes.fit(self._note(PAD, pitch, bar, 1.0), bar) for pitch in self._voicing(chord))

    def _voicing(self, chord: int) -> list[int]:
        """The triad folded into an octave around middle C, so that chords move by small steps."""
        pitches = (self._score.pitch(chord + third) for third in (0, 2, 4))
        return sorted(54 + (pitch - 54) % 12 for pitch in pitches)

    def _arpeggio(self, chord: int) -> bytes:
        low, middle, high = self._voicing(chord)
        steps = (low + 12, middle + 12, high + 12, middle + 12)
        count = self._score.bar_ticks // 8
        plays = [
            partial(struck, PLUCK, steps[i % 4], side=0.35 if i % 2 else -0.35)
            for i in range(count)
        ]
        return self._sequence(list(zip(range(0, 8 * count, 8), plays, strict=True)))

    def _bass(self, chord: int, pulses: int) -> bytes:
        """The root, folded to E1…D#2, in as many strokes as the beats of the bar allow."""
        root = 28 + (self._score.pitch(chord) - 28) % 12
        count = min(pulses, self._score.beats)
        ticks = self._score.bar_ticks // count
        return self._sequence([(i * ticks, partial(struck, BASS, root)) for i in range(count)])

    def _drums(self, *, full: bool, fill: bool) -> Iterator[bytes]:
        for name, eighths in _PATTERNS[self._score.beats].items():
            ticks = [step * self._score.beat_ticks // 8 for step in eighths]
            if name == "snare" and fill:
                end = self._score.bar_ticks
                ticks = sorted({*ticks, *range(end - self._score.beat_ticks, end, 4)})
            line = self._sequence([(tick, partial(drum, name)) for tick in ticks])
            yield line if full else lanes.scale(line, 0.6)

    def _sequence(self, plays: list[tuple[int, Callable[..., bytes]]]) -> bytes:
        """One bar of sounds, each called with the frames it has until the next one begins."""
        edges = [self._score.frame(tick) for tick, _ in plays] + [self._score.bar]
        slots = [after - before for before, after in pairwise(edges)]
        sounds = (lanes.fit(play(frames=n), n) for (_, play), n in zip(plays, slots, strict=True))
        return b"".join([lanes.silence(edges[0]), *sounds])
