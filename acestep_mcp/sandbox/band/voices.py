"""The instruments: how one note or one drum hit sounds.

A held note is one period of vibrato, computed once per pitch and then repeated by the C code of
`array`; only its attack and release are shaped sample by sample. A struck note fades from its
bright to its mellow wave and is short enough to be computed whole.

The loudness budget: the peaks of everything that can sound together add up to less than 32767,
so that a mix cannot overflow. Vocal 6500 + harmony 2600 + their echo 2730 + pad 5100 +
plucks 2800 + bass 4500 + drums 8400 = 32630.
"""

import math
import random
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise
from operator import mul

from acestep_mcp.sandbox.band.lanes import RATE, mono, ramp, stereo, swell

Wave = tuple[float, ...]

_POINTS = 1024
_SINE = [math.sin(2 * math.pi * i / _POINTS) for i in range(_POINTS)]
QUANTUM = 256
"""Frames: notes whose lengths differ by less than this share one rendering."""

_FORMANTS = {
    "a": (730, 1090),
    "e": (530, 1840),
    "i": (300, 2290),
    "o": (570, 840),
    "u": (330, 870),
}
"""First two formants in Hz of five sung vowels, after Peterson and Barney (1952), rounded."""


@dataclass(frozen=True, slots=True)
class Held:
    """A sustained voice: peak, seconds of attack and release, vibrato, and stereo detune."""

    wave: str
    level: float
    attack: float
    release: float
    rate: float
    depth: float
    spread: float = 0.0


@dataclass(frozen=True, slots=True)
class Struck:
    """A decaying voice: peak and the seconds in which it falls to about a third."""

    bright: Wave
    mellow: Wave
    level: float
    decay: float


LEADS = {vowel: Held(vowel, 6500, 0.02, 0.05, 5.4, 0.09) for vowel in [*_FORMANTS, "flute"]}
HARMONIES = {vowel: Held(vowel, 2600, 0.03, 0.05, 4.9, 0.07) for vowel in [*_FORMANTS, "flute"]}
PAD = Held("strings", 1700, 0.12, 0.16, 2.3, 0.02, 0.0035)  # a third of the pad: one chord note
PLUCK = Struck((1, 0.5, 0.34, 0.2, 0.14, 0.1, 0.06), (1, 0.22, 0.05), 2800, 0.22)
BASS = Struck((1, 0.6, 0.3, 0.15, 0.08), (1, 0.3, 0.06), 4500, 0.4)

_FIXED: dict[str, Wave] = {
    "flute": (1, 0.32, 0.18, 0.05, 0.03),
    "strings": (1, 0.42, 0.28, 0.16, 0.1, 0.06, 0.03),
}


def frequency(pitch: int) -> float:
    """Hz of a MIDI note number, A4 = 69 = 440 Hz."""
    return 440.0 * math.pow(2, (pitch - 69) / 12)


def held(voice: Held, pitch: int, frames: int) -> bytes:
    """A sustained note; at rest at both ends, at most `frames` long."""
    length = frames - frames % QUANTUM
    left = _sustain(voice, pitch, -1, length)
    return stereo(left, _sustain(voice, pitch, 1, length) if voice.spread else left)


def _sustain(voice: Held, pitch: int, side: int, length: int) -> "array[int]":
    loop = _loop(voice, pitch, side)
    lanes = (loop * (length // len(loop) + 1))[:length]
    rise = min(round(voice.attack * RATE), length // 2)
    fall = min(round(voice.release * RATE), length // 2)
    lanes[:rise] = swell(lanes[:rise], ramp(rise))
    lanes[length - fall :] = swell(lanes[length - fall :], ramp(fall)[::-1])
    return lanes


@lru_cache(maxsize=384)
def _loop(voice: Held, pitch: int, side: int) -> "array[int]":
    """One vibrato period holding a whole number of cycles, so that it repeats without a seam."""
    hertz = frequency(pitch) * (1 + side * voice.spread)
    cycles = round(hertz / voice.rate)
    length = round(cycles * RATE / hertz)
    table = [sample * voice.level for sample in _table(voice.wave, pitch)]
    step, bend = cycles * _POINTS / length, voice.depth * _POINTS
    sway = _POINTS / length
    wave = [table[int(i * step + bend * _SINE[int(i * sway)]) % _POINTS] for i in range(length)]
    return mono(wave)


@lru_cache(maxsize=128)
def _table(wave: str, pitch: int) -> list[float]:
    return cycle(_FIXED.get(wave) or _sung(wave, frequency(pitch)))


def _sung(vowel: str, hertz: float) -> Wave:
    """Partials of a vowel up to 5 kHz: a falling source under two formant peaks."""
    return tuple(_colour(vowel, k * hertz) / k**0.5 for k in range(1, max(3, int(5000 / hertz))))


def _colour(vowel: str, hertz: float) -> float:
    first, second = _FORMANTS[vowel]
    near = math.exp(-(((hertz - first) / 260) ** 2))
    far = 0.4 * math.exp(-(((hertz - second) / 300) ** 2))
    return near + far + 0.25 * math.exp(-hertz / 900)


def cycle(partials: Wave) -> list[float]:
    """One period of the given partials, peak 1 and mean 0."""
    sums = [0.0] * _POINTS
    for k, amount in enumerate(partials, start=1):
        sums = [s + amount * _SINE[i * k % _POINTS] for i, s in enumerate(sums)]
    top = max(map(abs, sums))
    return [s / top for s in sums]


@lru_cache(maxsize=32)
def _struck_tables(voice: Struck) -> tuple[list[float], list[float]]:
    return cycle(voice.bright), cycle(voice.mellow)


def struck(voice: Struck, pitch: int, frames: int, side: float = 0.0) -> bytes:
    """A decaying note of at most `frames`, panned from -1 (left) to 1 (right)."""
    length = min(frames, round(3 * voice.decay * RATE))
    return _struck(voice, pitch, length - length % QUANTUM, side)


@lru_cache(maxsize=64)
def _struck(voice: Struck, pitch: int, length: int, side: float) -> bytes:
    return panned(_decay(voice, pitch, length), side)


def panned(tone: Sequence[float], side: float) -> bytes:
    """A block with the tone, weaker in the channel it leans away from."""
    near, far = mono(tone), mono([s * (1 - abs(side)) for s in tone]) if side else mono(tone)
    return stereo(far, near) if side > 0 else stereo(near, far)


@lru_cache(maxsize=48)
def _decay(voice: Struck, pitch: int, length: int) -> list[float]:
    bright, mellow = _struck_tables(voice)
    step = frequency(pitch) * _POINTS / RATE
    phases = [int(i * step) % _POINTS for i in range(length)]
    fall = _envelope(length, voice.decay, voice.level)
    shine = _envelope(length, voice.decay / 4, 1.0)
    return [
        f * (s * bright[p] + (1 - s) * mellow[p])
        for p, f, s in zip(phases, fall, shine, strict=True)
    ]


def _envelope(length: int, decay: float, level: float) -> list[float]:
    """Exponential decay with a 4 ms attack, led to zero over the last 10 ms."""
    keep = math.exp(-1 / (decay * RATE))
    values = [level * keep**i for i in range(length)]
    return _led_to_rest(values)


def _led_to_rest(values: list[float]) -> list[float]:
    rise, fall = min(192, len(values) // 4), min(480, len(values) // 4)
    values[:rise] = map(mul, values, ramp(rise))
    values[len(values) - fall :] = map(mul, values[len(values) - fall :], ramp(fall)[::-1])
    return values


@lru_cache(maxsize=16)
def drum(name: str, frames: int) -> bytes:
    """A hit of "kick" (4200), "snare" (3000) or "hat" (1200), at most `frames` long."""
    tone = _led_to_rest(list(islice(_DRUMS[name](), frames)))
    lean = {"kick": 0.0, "snare": 0.1, "hat": -0.3}[name]
    return panned(tone, lean)


def _kick() -> list[float]:
    """A sine that falls from 150 to 50 Hz in 180 ms."""
    tone, phase = [], 0.0
    for i in range(round(0.18 * RATE)):
        phase += (50 + 100 * math.exp(-i / 1200)) / RATE
        tone.append(4200 * math.exp(-i / 3000) * math.sin(2 * math.pi * phase))
    return tone


def _snare() -> list[float]:
    return [
        math.exp(-i / 2000) * (2100 * noise + 900 * math.sin(2 * math.pi * 190 * i / RATE))
        for i, noise in enumerate(_hiss(round(0.16 * RATE)))
    ]


def _hat() -> list[float]:
    return [1200 * math.exp(-i / 500) * noise for i, noise in enumerate(_hiss(round(0.05 * RATE)))]


def _hiss(length: int) -> list[float]:
    """White noise with its lows taken out by a difference, which also leaves no offset."""
    chance = random.Random(length)
    noise = [chance.uniform(-0.5, 0.5) for _ in range(length + 1)]
    return [b - a for a, b in pairwise(noise)]


_DRUMS = {"kick": _kick, "snare": _snare, "hat": _hat}
