"""Loudness and true peak as ITU-R BS.1770-4 defines them, a block of samples at a time."""

import math

import numpy as np

from acestep_mcp.audio.samples import Block

_OFFSET = -0.691  # LKFS: what makes a 997 Hz tone at full scale in one channel read -3.01
_ABSOLUTE, _RELATIVE = -70.0, -10.0  # LUFS and LU: the two gates
_WINDOW = 4  # steps of 100 ms; windows of 400 ms overlap by three quarters
_SURROUND = 10 ** (1.5 / 10)  # +1.5 dB
_WEIGHTS = {
    4: (1, 1, _SURROUND, _SURROUND),
    5: (1, 1, 1, _SURROUND, _SURROUND),
    6: (1, 1, 1, 0, _SURROUND, _SURROUND),  # the fourth is the one for low effects
    8: (1, 1, 1, 0, _SURROUND, _SURROUND, _SURROUND, _SURROUND),
}
_TAIL = 0.2  # seconds after which the weighting filters have forgotten a sample
_LEAST_RATE = 4_000  # Hz: the shelf of the weighting lies at 1.7 kHz
_PHASES, _TAPS = 4, 24


class Loudness:
    """The integrated loudness of what it is fed."""

    def __init__(self, channels: int, rate: int) -> None:
        self._step = (rate + 5) // 10
        self._tail = int(rate * _TAIL)
        size = 1 << math.ceil(math.log2(8 * self._tail))
        self._hop = (size - self._tail) // self._step * self._step
        self._size = size
        self._response = _weighting(rate, size) if rate >= _LEAST_RATE else None
        self._weights = np.array(_WEIGHTS.get(channels, (1,) * channels), dtype=np.float32)
        self._buffer = np.zeros((channels, self._tail + self._hop), dtype=np.float32)
        self._filled = 0
        self._energies: list[np.ndarray[tuple[int], np.dtype[np.float32]]] = []

    def add(self, block: Block) -> None:
        """Take in more samples."""
        at = 0
        while self._response is not None and at < len(block):
            part = block[at : at + self._hop - self._filled]
            start = self._tail + self._filled
            self._buffer[:, start : start + len(part)] = part.T
            self._filled += len(part)
            at += len(part)
            if self._filled == self._hop:
                self._weigh()

    def integrated(self) -> float | None:
        """LUFS of everything; None where there is too little, or too little of it is heard."""
        if self._filled:
            self._weigh()
        if not self._energies:
            return None
        steps = np.concatenate(self._energies).astype(np.float64)
        if len(steps) < _WINDOW:
            return None
        power = np.convolve(steps, np.ones(_WINDOW), "valid") / (_WINDOW * self._step)
        gated = power[power > _power(_ABSOLUTE)]
        if not len(gated):
            return None
        gated = gated[gated > gated.mean() * 10 ** (_RELATIVE / 10)]
        return float(_OFFSET + 10 * math.log10(gated.mean()))

    def _weigh(self) -> None:
        """Filter what is here, and keep the energy of each step that is complete."""
        if self._response is None:
            return
        steps = self._filled // self._step
        spectrum = np.fft.rfft(self._buffer, self._size, axis=1) * self._response
        heard = np.fft.irfft(spectrum, self._size, axis=1)[:, self._tail :][:, : steps * self._step]
        energy = np.square(heard).reshape(len(heard), steps, self._step).sum(axis=2)
        self._energies.append(self._weights @ energy)
        self._buffer[:, : self._tail] = self._buffer[:, self._filled :][:, : self._tail]
        self._filled = 0


def _power(level: float) -> float:
    return float(10 ** ((level - _OFFSET) / 10))


def _weighting(rate: int, size: int) -> np.ndarray[tuple[int], np.dtype[np.complex64]]:
    """The response of the two K-weighting filters at each bin of a transform of `size`.

    BS.1770 gives coefficients for 48 kHz; these are the analogue filters behind them, transformed
    for any rate.
    """
    z = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    k, q = math.tan(math.pi * 1681.974450955533 / rate), 0.7071752369554196
    high = 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    shelf = (
        (high + band * k / q + k * k)
        + 2 * (k * k - high) * z
        + (high - band * k / q + k * k) * z * z
    ) / ((1 + k / q + k * k) + 2 * (k * k - 1) * z + (1 - k / q + k * k) * z * z)
    k, q = math.tan(math.pi * 38.13547087602444 / rate), 0.5003270373238773
    base = 1 + k / q + k * k
    cut = (1 - z) ** 2 / (1 + 2 * (k * k - 1) / base * z + (1 - k / q + k * k) / base * z * z)
    response: np.ndarray[tuple[int], np.dtype[np.complex64]] = (shelf * cut).astype(np.complex64)
    return response


class TruePeak:
    """The highest point of the curve through the samples, which lies between two of them."""

    def __init__(self, channels: int) -> None:
        at = np.arange(-_TAPS // 2, _TAPS // 2)[:, None] + 1 - np.arange(1, _PHASES) / _PHASES
        self._between = (np.sinc(at) * np.kaiser(_TAPS, 5.0)[:, None]).astype(np.float32)
        self._before = np.zeros((channels, _TAPS - 1), dtype=np.float32)
        self.highest = 0.0

    def add(self, block: Block) -> None:
        """Take in more samples."""
        self.highest = max(self.highest, float(np.abs(block).max(initial=0.0)))
        line = np.concatenate((self._before, block.T.astype(np.float32)), axis=1)
        self._before = line[:, 1 - _TAPS :]
        for channel in line:
            near = np.lib.stride_tricks.sliding_window_view(channel, _TAPS)
            # Where the curve rises above every sample, one of the two beside it has, in all but
            # artificial sounds, half that height; so a tenth of the windows is enough.
            loud = np.abs(channel) > self.highest / 2
            worth = near[loud[_TAPS // 2 - 1 : -_TAPS // 2] | loud[_TAPS // 2 : 1 - _TAPS // 2]]
            if len(worth):
                self.highest = max(self.highest, float(np.abs(worth @ self._between).max()))
