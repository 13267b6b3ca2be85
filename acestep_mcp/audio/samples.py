"""The samples of a file, as the decoder gives them until it ends or breaks."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
import soundfile

from acestep_mcp.audio.view import opened

Block = np.ndarray[tuple[int, int], np.dtype[np.floating[Any]]]
"""Frames by channels; 1.0 is full scale."""

BLOCK = 8192  # frames a read
_WIDE = {"PCM_32", "DOUBLE"}  # whose samples 32-bit floats do not hold
_FINE = 16
_CHUNK = 65_536  # frames handed out at once
_MOST_CHANNELS = 16
_RATES = range(2_000, 768_001)
_LONGEST = 2 * 3600  # seconds


_UNKNOWN = (1 << 63) - 1  # frames, where the header does not say
_INTERNAL = 39  # what libsndfile calls the end of a FLAC file whose length it did not know


class _Stream(soundfile.SoundFile):  # type: ignore[misc]  # soundfile comes without types
    """Read from front to back. soundfile seeks after every read, and an MP3 loses bits by that."""

    def seekable(self) -> bool:
        """Say no, and nobody seeks."""
        return False


class Unreadable(Exception):
    """The decoder does not know such a file, or it is none a song comes in. Says why."""


class Samples:
    """An open file. Iterate once; after that, `frames`, `digest` and `broken` are known.

    They are floats that hold every sample of the encoding exactly, so two files have the same
    digest only if they sound the same to the last bit.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sound = self._opened()
        self.channels: int = self._sound.channels
        self.rate: int = self._sound.samplerate
        self.container: str = self._sound.format
        self.encoding: str = self._sound.subtype
        self.frames = 0
        self.broken = False
        self._kind = np.float64 if self.encoding in _WIDE else np.float32
        self._hash = hashlib.blake2b(digest_size=20)
        if self.channels > _MOST_CHANNELS or self.rate not in _RATES:
            raise Unreadable(f"{self.channels} channels at {self.rate} Hz are no song")

    @classmethod
    def of(cls, path: str) -> Self:
        """The samples of the file at `path`."""
        return cls(Path(path).open("rb"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sound.close()
        self._file.close()

    @property
    def digest(self) -> str:
        """What tells these samples from any others."""
        shape = f"{self._kind.__name__} {self.channels} {self.rate} {self.frames}"
        return f"{shape} {self._hash.hexdigest()}"

    def __iter__(self) -> Iterator[Block]:
        whole = np.empty((_CHUNK, self.channels), self._kind)
        filled = 0
        for block in self._blocks():
            whole[filled : filled + len(block)] = block
            filled += len(block)
            if filled > _CHUNK - BLOCK:
                yield self._counted(whole[:filled])
                filled = 0
        if filled:
            yield self._counted(whole[:filled])

    def _counted(self, block: Block) -> Block:
        self.frames += len(block)
        if self.frames > _LONGEST * self.rate:
            raise Unreadable("it is longer than any song")
        self._hash.update(block.tobytes())
        return block

    def _blocks(self) -> Iterator[Block]:
        """What the decoder gives, block by block; where it breaks, up to the last frames before."""
        given = 0
        try:
            for block in self._read(BLOCK):
                given += len(block)
                yield block
        except soundfile.LibsndfileError as error:
            unknown = self._sound.frames == _UNKNOWN and error.code == _INTERNAL
            self.broken = not unknown
            yield from self._rest(given)

    def _rest(self, given: int) -> Iterator[Block]:
        """The frames of the block that could not be read whole."""
        self._sound.close()
        self._sound = self._opened()
        try:
            while given:
                given -= len(self._take(min(given, BLOCK)))
            yield from self._read(_FINE)
        except soundfile.LibsndfileError:
            return

    def _read(self, size: int) -> Iterator[Block]:
        while len(block := self._take(size)):
            yield block

    def _take(self, size: int) -> Block:
        found: Block = self._sound.read(size, dtype=self._kind.__name__, always_2d=True)
        return found

    def _opened(self) -> Any:  # noqa: ANN401  # soundfile comes without types
        try:
            return _Stream(opened(self._file))
        except (soundfile.LibsndfileError, TypeError) as error:
            raise Unreadable("it is in a format that the decoder does not know") from error
