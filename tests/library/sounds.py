"""Files as odd programs write them, and files made by other people's programs: ffmpeg and sox.

The sound is a chord that swells and fades: it begins and ends at rest, and nothing is wrong
with it.
"""

import math
import shutil
import struct
import subprocess
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest

RATE, SECONDS = 24_000, 12
_CHORD = (220.0, 277.2, 329.6)


def chord(seconds: float = SECONDS, height: float = 0.5) -> "array[int]":
    """Two channels of 16 bit."""
    samples = array("h")
    count = int(RATE * seconds)
    for i in range(count):
        at = i / RATE
        swell = min(1.0, at / 1.5, (seconds - at) / 1.5) * (0.6 + 0.4 * math.sin(at * 2))
        tones = [math.sin(2 * math.pi * tone * at) for tone in _CHORD]
        left, right = sum(tones) / 3, (tones[0] - tones[1] + tones[2]) / 3
        samples.extend(int(32_767 * height * swell * each) for each in (left, right))
    return samples


PCM = chord().tobytes()


def wave(
    pcm: bytes = PCM,
    *,
    riff: int | None = None,
    data: int | None = None,
    tag: int = 1,
    bits: int = 16,
    channels: int = 2,
) -> bytes:
    """A WAVE file whose two sizes may be anything."""
    frame = channels * bits // 8
    form = struct.pack("<IHHIIHH", 16, tag, channels, RATE, RATE * frame, frame, bits)
    size = len(pcm) if data is None else data
    body = b"WAVEfmt " + form + b"data" + struct.pack("<I", size) + pcm
    return b"RIFF" + struct.pack("<I", len(body) if riff is None else riff) + body


def rf64(name: bytes = b"RF64") -> bytes:
    form = struct.pack("<IHHIIHH", 16, 1, 2, RATE, RATE * 4, 4, 16)
    sizes = struct.pack("<IQQQI", 28, len(PCM) + 72, len(PCM), len(PCM) // 4, 0)
    none = b"\xff" * 4
    return name + none + b"WAVEds64" + sizes + b"fmt " + form + b"data" + none + PCM


def floats(*, infinite: bool = False) -> bytes:
    values = array("f", [each / 32_768 for each in chord()])
    if infinite:
        values[1000] = math.inf
    return wave(values.tobytes(), tag=3, bits=32)


HALF = len(PCM) // 2 // 4 * 4
ODD: dict[str, bytes] = {
    "as it should be": wave(),
    "sizes of a pipe": wave(riff=0xFFFFFFFF, data=0xFFFFFFFF),
    "riff size of an empty file": wave(riff=36),
    "riff size of half the file": wave(riff=36 + HALF),
    "riff size 16 too small": wave(riff=len(PCM) + 36 - 16),
    "data size 0": wave(data=0),
    "data size of a pipe": wave(data=0xFFFFFFFF),
    "RF64": rf64(),
    "BW64": rf64(b"BW64"),
    "float": floats(),
}
"""All with the same 12 seconds in them, whatever their headers say."""


def _ffmpeg(*options: str) -> Callable[[Path, Path], list[str]]:
    return lambda source, target: [
        *("ffmpeg", "-v", "error", "-y", "-i", str(source), *options, str(target))
    ]


def _piped(kind: str, *options: str) -> Callable[[Path, Path], list[str]]:
    """Through a pipe, in which no program can go back to fill in a size."""
    flags = " ".join(options)
    return lambda source, target: [
        *("sh", "-c", f"ffmpeg -v error -i '{source}' -f {kind} {flags} - | cat > '{target}'")
    ]


def _sox(*options: str, piped: str = "") -> Callable[[Path, Path], list[str]]:
    if piped:
        return lambda source, target: [
            *("sh", "-c", f"sox '{source}' -t {piped} - | cat > '{target}'")
        ]
    return lambda source, target: ["sox", str(source), *options, str(target)]


_PCM = ("u8", "s16le", "s24le", "s32le", "f32le", "f64le", "mulaw", "alaw")
MADE: dict[str, tuple[str, Callable[[Path, Path], list[str]]]] = {
    **{f"ffmpeg {each}": (".wav", _ffmpeg("-c:a", f"pcm_{each}")) for each in _PCM},
    "ffmpeg MS ADPCM": (".wav", _ffmpeg("-c:a", "adpcm_ms")),
    "ffmpeg IMA ADPCM": (".wav", _ffmpeg("-c:a", "adpcm_ima_wav")),
    "ffmpeg extensible": (".wav", _ffmpeg("-c:a", "pcm_s24le", "-ac", "6")),
    "ffmpeg RF64": (".wav", _ffmpeg("-rf64", "always")),
    "ffmpeg WAV through a pipe": (".wav", _piped("wav")),
    "ffmpeg W64": (".w64", _ffmpeg()),
    "ffmpeg AIFF": (".aiff", _ffmpeg()),
    "ffmpeg AU": (".au", _ffmpeg()),
    "ffmpeg CAF": (".caf", _ffmpeg()),
    "ffmpeg FLAC": (".flac", _ffmpeg()),
    "ffmpeg FLAC through a pipe": (".flac", _piped("flac")),
    "ffmpeg MP3": (".mp3", _ffmpeg("-b:a", "192k")),
    "ffmpeg MP3 of varying rate": (".mp3", _ffmpeg("-q:a", "4")),
    "ffmpeg MP3 of varying rate without Xing": (
        ".mp3",
        _piped("mp3", "-q:a", "4", "-write_xing", "0", "-id3v2_version", "0"),
    ),
    "ffmpeg Vorbis": (".ogg", _ffmpeg("-c:a", "libvorbis")),
    "ffmpeg Opus": (".opus", _ffmpeg("-c:a", "libopus")),
    "ffmpeg m4a": (".m4a", _ffmpeg()),
    "ffmpeg mp4": (".mp4", _ffmpeg()),
    "ffmpeg ADTS AAC": (".aac", _ffmpeg()),
    "ffmpeg WebM": (".webm", _ffmpeg()),
    "ffmpeg WMA": (".wma", _ffmpeg()),
    "sox WAV": (".wav", _sox()),
    "sox WAV through a pipe": (".wav", _sox(piped="wav")),
    "sox AIFF through a pipe": (".aiff", _sox(piped="aiff")),
    "sox float": (".wav", _sox("-e", "floating-point", "-b", "32")),
    "sox FLAC": (".flac", _sox()),
    "sox Vorbis": (".ogg", _sox()),
    "sox MP3": (".mp3", _sox()),
    "sox CAF": (".caf", _sox()),
    "sox W64": (".w64", _sox()),
}
"""What other people's programs make of the chord, and the extension it has."""
UNREAD = {".m4a", ".mp4", ".aac", ".webm", ".wma"}
"""What the decoder does not read."""


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def made(name: str, folder: Path) -> bytes:
    """The bytes of one of `MADE`; the test is skipped where its program is missing."""
    suffix, command = MADE[name]
    needs(name.split(maxsplit=1)[0])
    source, target = folder / "chord.wav", folder / f"made{suffix}"
    source.write_bytes(wave())
    done = subprocess.run(command(source, target), capture_output=True, check=False)
    if done.returncode or not target.exists() or not target.stat().st_size:
        pytest.skip(f"{name.split(maxsplit=1)[0]} here cannot make it: {done.stderr[-200:]!r}")
    return target.read_bytes()


def heard_by_ffmpeg(path: Path) -> bytes:
    """A digest of every sample, as ffmpeg decodes them."""
    command = ["ffmpeg", "-v", "quiet", "-i", str(path), "-map", "0:a", "-c:a", "pcm_s32le"]
    return subprocess.run([*command, "-f", "md5", "-"], capture_output=True, check=True).stdout
