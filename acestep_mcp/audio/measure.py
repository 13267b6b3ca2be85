"""What can be told of a sound for certain: length, loudness, peaks, silence, how it ends.

No tempo, no key, and nothing of the singing: estimates of those are too often wrong.
"""

import math
from dataclasses import asdict, dataclass
from functools import reduce
from typing import Any

import numpy as np

from acestep_mcp.audio.loudness import Loudness, TruePeak
from acestep_mcp.audio.samples import Block, Samples

_PICTURE = 400  # stretches of equal length whose peaks are drawn
_SILENCE = 0.002  # of full scale, about -54 dB: nobody hears music below it
_GAP = 1.0  # seconds of silence in one piece that are worth telling
_FULL = 0.99  # of full scale
_FLAT = 4  # samples of the same height in a row, no wave's crest at any usual pitch
_ABRUPT = 16 / 32_768  # by which the sample beside such a row differs where a crest was cut off
_COARSE = {"PCM_U8": 0.03, "PCM_S8": 0.03, "ULAW": 0.1, "ALAW": 0.1}  # what rounding alone does
_EDGE = 0.05  # seconds at each end by which it is told whether there is sound
_LOUD = 10 ** (-12 / 20)  # of the level of the whole
_REST = 10 ** (-30 / 20)
_QUIET = 10 ** (-50 / 20)  # of full scale
_LARGEST = 16.0  # times full scale; beyond that a number is a fault, not a sound
_OPPOSITE = -0.98
_STEADY = 1.6  # times as high, at most, are the highest stretches of a steady sound
_STEREO = 2

Line = np.ndarray[Any, np.dtype[np.floating[Any]]]


@dataclass(frozen=True, slots=True)
class Measured:
    """A sound in numbers. Times are seconds, peaks parts of full scale.

    `peak` is the true peak, `peaks` the highest sample of equal stretches. `silences` are
    stretches of a second and more; `silent` and `clipped` are shares of the whole. `begins` and
    `ends` are "rest", "sound" or "" for what is neither, `steady` is a sound without ups and
    downs. `dead` is the channel without sound, `inverted` that two channels cancel each other,
    `odd` how many samples are no numbers, and `broken` that the decoder came no further.
    """

    seconds: float
    channels: int
    rate: int
    container: str
    encoding: str
    loudness: float | None
    peak: float
    peaks: list[float]
    silent: float
    silences: list[tuple[float, float]]
    clipped: float
    begins: str
    ends: str
    steady: bool
    dead: int | None
    inverted: bool
    odd: int
    broken: bool


def measured(samples: Samples) -> dict[str, Any]:
    """Read the samples to their end and say what they are."""
    channels, rate = samples.channels, samples.rate
    loudness, peak = Loudness(channels, rate), TruePeak(channels)
    stretches, crests, edges = _Stretches(rate), _Crests(samples), _Edges(rate)
    sides = _Sides(channels)
    odd = 0
    for raw in samples:
        block = raw
        wrong = ~np.isfinite(raw) | (np.abs(raw) > _LARGEST)
        if wrong.any():
            odd += int(wrong.sum())
            block = np.clip(np.nan_to_num(raw, nan=0.0, posinf=1.0, neginf=-1.0), -1.0, 1.0)
        loudness.add(block)
        peak.add(block)
        # Over the few columns of a long block, this is many times faster than `max(axis=1)`.
        highest = reduce(np.maximum, np.abs(block).T)
        stretches.add(highest, crests.found(block, highest))
        edges.add(block)
        sides.add(block)
    silent, silences = stretches.silence()
    begins, ends = edges.at_rest()
    return asdict(
        Measured(
            seconds=samples.frames / rate,
            channels=channels,
            rate=rate,
            container=samples.container,
            encoding=samples.encoding,
            loudness=loudness.integrated(),
            peak=peak.highest,
            peaks=stretches.picture(),
            silent=silent,
            silences=silences,
            clipped=stretches.clipped(),
            begins=begins,
            ends=ends,
            steady=stretches.steady(),
            dead=sides.dead(),
            inverted=sides.inverted(),
            odd=odd,
            broken=samples.broken,
        )
    )


class _Stretches:
    """Peaks and clipping by the millisecond; the length of the whole is not known beforehand."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._step = max(1, rate // 1000)
        self._frames = 0
        self._rest: Line = np.zeros((2, 0))
        self._found: list[Line] = []

    def add(self, highest: Line, clipped: Line) -> None:
        """Take in the height of more samples, and which of them are parts of cut-off crests."""
        self._frames += len(highest)
        both = np.concatenate((self._rest, np.stack((highest, clipped))), axis=1)
        whole = both.shape[1] // self._step * self._step
        self._rest = both[:, whole:]
        self._found.append(both[:, :whole].reshape(2, -1, self._step).max(axis=2))

    def picture(self) -> list[float]:
        """The peaks of `_PICTURE` stretches."""
        return [round(float(each), 6) for each in self._stretches()[0]]

    def clipped(self) -> float:
        """The share of stretches with a crest cut off."""
        found = self._stretches()[1]
        return float(found.mean()) if len(found) else 0.0

    def silence(self) -> tuple[float, list[tuple[float, float]]]:
        """The share of silent stretches, and the silences of at least `_GAP`."""
        if not self._frames:
            return 1.0, []
        quiet = self._whole()[0] < _SILENCE
        edges = np.flatnonzero(np.diff(np.concatenate(([0], quiet, [0]))))
        each, end = self._step / self._rate, self._frames / self._rate
        gaps = [(float(a * each), float(min(b * each, end))) for a, b in edges.reshape(-1, 2)]
        return float((self._stretches()[0] < _SILENCE).mean()), [
            (begin, end) for begin, end in gaps if end - begin >= _GAP
        ]

    def steady(self) -> bool:
        """Whether it is as loud all the time as no song is: a tone or noise that tests something.

        Such a sound ends nowhere in particular, and so is not cut off.
        """
        found = self._stretches()[0]
        low, high = np.quantile(found, (0.1, 0.9)) if len(found) else (0.0, 0.0)
        return bool(high <= _STEADY * low)

    def _whole(self) -> Line:
        if self._rest.shape[1]:
            self._found.append(self._rest.max(axis=1, keepdims=True))
            self._rest = self._rest[:, :0]
        return np.concatenate(self._found, axis=1) if self._found else np.zeros((2, 0))

    def _stretches(self) -> Line:
        """The whole in at most `_PICTURE` columns."""
        whole = self._whole()
        count = min(_PICTURE, self._frames)
        if not count:
            return whole
        starts = np.arange(count) * whole.shape[1] // count
        return np.asarray(np.maximum.reduceat(whole, starts, axis=1))


class _Crests:
    """Finds crests that were cut off: rows of equal samples at full scale, entered steeply."""

    def __init__(self, samples: Samples) -> None:
        self._before: Block = np.zeros((1, samples.channels))
        self._abrupt = _COARSE.get(samples.encoding, _ABRUPT)

    def found(self, block: Block, highest: Line) -> Line:
        """1 for each frame that is part of one, else 0."""
        marked: Line = np.zeros(len(block))
        if highest.max(initial=0.0) >= _FULL:
            for number, channel in enumerate(block.T):
                self._mark(marked, channel, float(self._before[0, number]))
        self._before = block[-1:].copy()
        return marked

    def _mark(self, marked: Line, channel: Line, before: float) -> None:
        steps = np.diff(channel, prepend=before)
        begins = np.flatnonzero(steps)
        begins = begins if len(begins) and begins[0] == 0 else np.concatenate(([0], begins))
        ends = np.append(begins[1:], len(channel))
        level = np.abs(channel[begins])
        left = np.append(steps[ends[:-1]], 0.0)  # what follows the last row is not known yet
        steep = np.maximum(np.abs(steps[begins]), np.abs(left)) > self._abrupt
        whole = ends - begins == len(channel)  # nothing else in the whole block
        flat = (level >= _FULL) & (ends - begins >= _FLAT) & (steep | whole)
        for start, end in zip(begins[flat], ends[flat], strict=True):
            marked[start:end] = 1.0


class _Edges:
    """Whether the sound begins and ends at rest, or is cut off."""

    def __init__(self, rate: int) -> None:
        self._size = max(1, int(rate * _EDGE))
        self._first: Block | None = None
        self._last: Block | None = None
        self._energy, self._frames = 0.0, 0

    def add(self, block: Block) -> None:
        """Take in more samples."""
        self._energy += float(np.square(block - block.mean(axis=0)).sum()) / block.shape[1]
        self._frames += len(block)
        if self._first is None:
            self._first = block[: self._size].copy()
        before = self._last if self._last is not None else block[:0]
        self._last = np.concatenate((before, block))[-self._size :].copy()

    def at_rest(self) -> tuple[str, str]:
        """How it begins and how it ends."""
        if self._first is None or self._last is None:
            return "", ""
        level = math.sqrt(self._energy / self._frames)
        return self._told(self._first, level), self._told(self._last, level)

    @staticmethod
    def _told(edge: Block, level: float) -> str:
        here = float(np.sqrt(np.square(edge - edge.mean(axis=0)).mean()))
        if here <= max(_QUIET, level * _REST):
            return "rest"
        return "sound" if here >= level * _LOUD else ""


class _Sides:
    """How the two channels of a stereo sound go together."""

    def __init__(self, channels: int) -> None:
        self._stereo = channels == _STEREO
        self._highest = np.zeros(channels)
        self._sum, self._products, self._frames = np.zeros(channels), np.zeros((2, 2)), 0

    def add(self, block: Block) -> None:
        """Take in more samples."""
        if self._stereo:
            self._highest = np.maximum(self._highest, np.abs(block).max(axis=0))
            self._sum += block.sum(axis=0)
            self._products += block.T @ block
            self._frames += len(block)

    def dead(self) -> int | None:
        """The channel that is silent while the other is not; 0 is the left one."""
        if not self._stereo or self._highest.max() < 5 * _SILENCE:
            return None
        return int(self._highest.argmin()) if self._highest.min() < _SILENCE else None

    def inverted(self) -> bool:
        """Whether one channel is the other upside down: on one loudspeaker nothing is left."""
        if not self._frames:
            return False
        spread = self._products - np.outer(self._sum, self._sum) / self._frames
        left, right = float(spread[0, 0]), float(spread[1, 1])
        least = 1e-6 * self._frames
        if left < least or right < least:
            return False
        return float(spread[0, 1]) / math.sqrt(left * right) < _OPPOSITE
