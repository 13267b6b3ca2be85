"""Composes a song from a payload: tempo, key, sections, chords and the lead's notes.

Pure and repeatable: the same payload and seed give the same score. Time is counted in ticks,
sixteen to a quarter note; pitch in degrees of the song's scale, so that no note can leave the key.
"""

import itertools
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from acestep_mcp.sandbox.band.lanes import RATE
from acestep_mcp.sandbox.band.vocables import Line, Part, parts

LONGEST = 600.0
"""Seconds; longer requests (only the 1.5 model takes them) are rendered up to here."""

_METERS = {"2/4": (2, 16), "3/4": (3, 16), "4/4": (4, 16), "6/8": (2, 24)}
"""Beats in a bar and ticks in a beat; the bpm of 6/8 counts dotted quarters."""

_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_MINOR = (0, 2, 3, 5, 7, 8, 10)
_KEY = re.compile(r"([A-G])([#b♯♭]?)(major|minor|maj|min|m)?", re.IGNORECASE)
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

_CHORDS: dict[bool, dict[str, tuple[tuple[int, ...], ...]]] = {
    True: {
        "verse": ((0, 5, 3, 4), (0, 4, 5, 3), (0, 2, 3, 4)),
        "chorus": ((3, 4, 0, 5), (0, 4, 5, 3), (5, 3, 0, 4)),
        "bridge": ((5, 2, 3, 4), (1, 4, 2, 5)),
        "intro": ((0, 3),),
    },
    False: {
        "verse": ((0, 5, 2, 6), (0, 3, 6, 2), (0, 6, 5, 6)),
        "chorus": ((5, 6, 0, 2), (0, 5, 2, 6), (3, 6, 0, 5)),
        "bridge": ((3, 0, 5, 6), (5, 2, 3, 6)),
        "intro": ((0, 5),),
    },
}
"""Progressions as degrees of the root, for major (True) and minor keys."""

_LIKE = {"pre-chorus": "bridge", "solo": "chorus", "outro": "intro"}
_CENTRES = {"chorus": 4, "pre-chorus": 2, "bridge": 3, "solo": 4, "outro": 0}
_WEIGHTS = {"intro": 2, "outro": 2, "solo": 4, "bridge": 4, "pre-chorus": 4, "verse": 8}
_FORM = ("intro", "verse", "chorus", "verse", "chorus", "bridge", "chorus", "outro")
_SHORT_FORM = ("intro", "verse", "chorus", "outro")
_SHORT = 20  # bars; the full form would leave sections of a single bar
_SHAPES = ((0, 2, 3, 1, 0), (3, 2, 1, 0, -1), (-1, 0, 1, 3, 2), (1, -1, 2, 0, 1))


@dataclass(frozen=True, slots=True)
class Note:
    """A lead note: start and length in ticks of its section, scale degree, vowel."""

    start: int
    ticks: int
    degree: int
    vowel: str


@dataclass(frozen=True, slots=True)
class Passage:
    """`chords` has one root degree per bar; `lead` is ordered and does not overlap."""

    kind: str
    chords: tuple[int, ...]
    lead: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """`bar` is the length of every bar in frames, `frames` the exact length of the song."""

    frames: int
    bar: int
    beats: int
    beat_ticks: int
    tonic: int
    major: bool
    quiet: bool
    sections: tuple[Passage, ...]

    @property
    def bar_ticks(self) -> int:
        """Ticks in a bar."""
        return self.beats * self.beat_ticks

    def frame(self, tick: int) -> int:
        """The frame, within its section, at which a tick begins."""
        return round(tick * self.bar / self.bar_ticks)

    def pitch(self, degree: int) -> int:
        """The MIDI note of a scale degree; degree 0 lies between A3 and G#4."""
        scale = _MAJOR if self.major else _MINOR
        return self.tonic + scale[degree % 7] + 12 * (degree // 7)


def frames(payload: Mapping[str, object]) -> int:
    """The exact length of the song in frames; 30 s unless the payload says otherwise."""
    return round(min(_number(payload, "duration", 30.0), LONGEST) * RATE)


def compose(payload: Mapping[str, object], seed: int) -> Score:
    """The score of one track."""
    chance = random.Random(f"{seed}|{payload.get('prompt')}")
    beats, beat_ticks = _METERS.get(str(payload.get("time_signature", "4/4")), _METERS["4/4"])
    tempo = min(max(_number(payload, "bpm", 100.0), 30.0), 300.0)
    tonic, major = _key(str(payload.get("key", "")), chance)
    length, bar = frames(payload), round(RATE * 60 / tempo * beats)
    writer = _Writer(f"{seed}|{payload.get('prompt')}", major, beats, beat_ticks)
    form = _form(payload, -(-length // bar))
    sections = tuple(writer.section(part, bars) for part, bars in form)
    quiet = bool(_BALLAD.search(str(payload.get("prompt", ""))))
    return Score(length, bar, beats, beat_ticks, tonic, major, quiet, sections)


_BALLAD = re.compile(
    r"ballad|lullaby|ambient|a ?cappella|solo piano|no drums|calm|sleep", re.IGNORECASE
)
"""Captions that want no drums."""


def _number(payload: Mapping[str, object], name: str, default: float) -> float:
    value = payload.get(name)
    return float(value) if isinstance(value, int | float) and value > 0 else default


def _key(name: str, chance: random.Random) -> tuple[int, bool]:
    drawn = chance.choice("CDEFGAB"), chance.random() < 0.5  # noqa: PLR2004  # an even chance
    match = _KEY.fullmatch("".join(name.split()))
    letter, major = (match[1].upper(), _is_major(match[3])) if match else drawn
    shift = {"#": 1, "♯": 1, "b": -1, "♭": -1}.get(match[2] if match else "", 0)
    return 57 + (_LETTERS[letter] + shift - 9) % 12, major


def _is_major(mode: str | None) -> bool:
    return mode is None or mode.casefold().startswith("maj")


def _form(payload: Mapping[str, object], bars: int) -> list[tuple[Part, int]]:
    """The parts with their lengths in bars, which add up to `bars`; parts of no length are gone."""
    plan = _plan(payload) or [Part(kind) for kind in (_SHORT_FORM if bars < _SHORT else _FORM)]
    weights = [2 * len(part.lines) or _WEIGHTS.get(part.kind, 8) for part in plan]
    sung = [bool(part.lines) for part in plan]
    shares = _shares(weights, sung, bars)
    return [(part, share) for part, share in zip(plan, shares, strict=True) if share]


def _shares(weights: list[int], sung: list[bool], bars: int) -> list[int]:
    """Bars in proportion to weights. Equal weights get equal shares, so that choruses match.

    What rounding leaves over goes to parts where nothing is sung, or to the last part. In a song
    too short for that, neighbours share what there is.
    """
    total = sum(weights)
    shares = [bars * weight // total for weight in weights]
    if not all(shares):
        edges = [round(bars * sum(weights[:i]) / total) for i in range(len(weights) + 1)]
        return [after - before for before, after in itertools.pairwise(edges)]
    spare = [i for i, words in enumerate(sung) if not words] or [len(shares) - 1]
    for extra in range(bars - sum(shares)):
        shares[spare[extra % len(spare)]] += 1
    return shares


def _plan(payload: Mapping[str, object]) -> list[Part]:
    """The parts that the lyrics lay down; none for an instrumental without a plan of its own."""
    text = str(payload.get("lyrics", ""))
    found = parts(text)
    if payload.get("instrumental") is True:
        found = [Part(part.kind) for part in found]
    return found if any(part.lines for part in found) or len(found) > 1 else []


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes sections. Chance depends on the kind of section only: choruses come back alike."""

    root: str
    major: bool
    beats: int
    beat_ticks: int

    def section(self, part: Part, bars: int) -> Passage:
        chords = self._chords(part.kind, bars)
        lead = tuple(note for note in self._lead(part, chords) if note.ticks)
        return Passage(part.kind, chords, lead)

    def _chords(self, kind: str, bars: int) -> tuple[int, ...]:
        choices = _CHORDS[self.major][_LIKE.get(kind, kind)]
        pattern = random.Random(f"{self.root}|{_LIKE.get(kind, kind)}").choice(choices)
        chords = [pattern[i % len(pattern)] for i in range(bars)]
        if kind == "outro":
            chords[-1] = 0
        return tuple(chords)

    def _lead(self, part: Part, chords: tuple[int, ...]) -> list[Note]:
        lines = part.lines or self._wordless(part.kind, len(chords))
        total = len(chords) * self.beats * self.beat_ticks
        grid = self.beat_ticks // 2
        edges = [i * total // len(lines) // grid * grid for i in range(len(lines))] + [total]
        spans = itertools.pairwise(edges)
        return [
            note
            for index, ((start, end), line) in enumerate(zip(spans, lines, strict=True))
            for note in self._phrase(part.kind, index, start, end, line, chords)
        ]

    def _wordless(self, kind: str, bars: int) -> tuple[Line, ...]:
        """Lines for an instrument, two bars each; intro and outro leave it out."""
        if kind in ("intro", "outro"):
            return ((),)
        chance = random.Random(f"{self.root}|{kind}|lead")
        sizes = [chance.randint(4, 9) for _ in range(2)]
        return tuple(("flute",) * sizes[i % 2] for i in range(max(1, bars // 2)))

    def _phrase(
        self, kind: str, index: int, start: int, end: int, line: Line, chords: tuple[int, ...]
    ) -> list[Note]:
        """One line: even steps on the coarsest grid that fits, and then a breath."""
        starts = self._rhythm(end - start, len(line))
        chance = random.Random(f"{self.root}|{kind}|{index % 4}")
        shape = chance.choice(_SHAPES)
        notes = []
        for i, (offset, after) in enumerate(itertools.pairwise(starts)):
            tick = start + offset
            want = _CENTRES.get(kind, 2) + shape[i * len(shape) // len(line)]
            chord = chords[min(tick // (self.beats * self.beat_ticks), len(chords) - 1)]
            degree = self._settle(want + chance.choice((0, 0, 1, -1)), tick, chord)
            notes.append(Note(tick, after - offset, degree, line[i]))
        return notes

    def _rhythm(self, span: int, count: int) -> list[int]:
        """Where `count` notes begin, and where the last one ends, within a span of ticks."""
        active = min(span * 7 // 8, max(count, 2) * self.beat_ticks * 5 // 4)
        grids = (self.beat_ticks // 2, self.beat_ticks // 4, 2, 1)
        grid = next((g for g in grids if active // g >= count), 1)
        cells = active // grid
        return [i * cells // max(count, 1) * grid for i in range(count)] + [active]

    def _settle(self, degree: int, tick: int, chord: int) -> int:
        """On the beat, the nearest note of the chord; elsewhere the degree itself."""
        if tick % self.beat_ticks:
            return degree
        return min(
            (degree + d for d in (0, -1, 1) if (degree + d - chord) % 7 in (0, 2, 4)),
            key=lambda choice: abs(choice - degree),
            default=degree,
        )
