"""The one door to the decoder, which lives in a process of its own (see `acestep_mcp.audio`).

Whatever it is given to read, all it can do is not to answer: then a track is kept unmeasured.
"""

import importlib.util
import json
import logging
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import Process

from acestep_mcp.domain.text import clean
from acestep_mcp.domain.track import Track

log = logging.getLogger(__name__)

_LARGEST_ANSWER = 1 << 20  # bytes
_LARGEST_NUMBER = 1e12
_MOST_AT_ONCE = 2  # processes; each takes a core, and 200 MB while it runs
CPU = 60
"""Seconds of work on one file; a song of ten minutes takes five to measure."""
CPU_ENCODING = 180
_LATEST = 4  # times the CPU time, on a machine that is busy
_NEEDED = ("numpy", "soundfile", "mutagen")
_PASSED_ON = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "TEMP", "TMP")
_WINDOWLESS = getattr(subprocess, "CREATE_NO_WINDOW", 0)


def installed() -> None:
    """See that all is there that the decoder's process will load, without loading it.

    Raises:
        ImportError: Something is not.
    """
    for name in _NEEDED:
        try:
            missing = importlib.util.find_spec(name) is None
        except ValueError:  # it is loaded, and does not say from where
            missing = sys.modules[name] is None
        if missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of listening: the track, and whether the copy is tagged and sounds the same."""

    track: Track
    tagged: bool = False


@dataclass(frozen=True, slots=True)
class Decoder:
    """Asks the decoder's process. A few at a time: a flood of songs must not fill the memory."""

    turns: anyio.CapacityLimiter = field(
        default_factory=lambda: anyio.CapacityLimiter(_MOST_AT_ONCE)
    )

    async def listen(
        self,
        path: Path,
        track: Track,
        copy: Path | None = None,
        texts: dict[str, str] | None = None,
    ) -> Heard:
        """Measure the file, and tag its copy where no sample changes by it."""
        request = {"do": "listen", "path": str(path), "copy": str(copy or ""), "texts": texts or {}}
        answer = await self._ask(request, CPU)
        try:
            return Heard(_measured(track, answer["sound"]), answer["tagged"] is True)
        except (KeyError, TypeError, ValueError):
            return Heard(track)

    async def encode(
        self, path: Path, target: Path, kind: str, track: Track, texts: dict[str, str]
    ) -> bool:
        """Write the sound into the empty file `target`; whether it is the same to the last bit.

        Raises:
            OSError: It could not be done; the message says why.
        """
        request = {
            "do": "encode",
            "path": str(path),
            "to": str(target),
            "format": kind,
            "texts": texts,
            "loudness": track.loudness,
            "peak": track.peak,
        }
        answer = await self._ask(request, CPU_ENCODING)
        if "exact" not in answer:
            raise OSError(clean(answer.get("problem"), 80) or "the encoder gave no answer")
        return answer["exact"] is True

    async def request_id(self, path: Path) -> str:
        """Which song the file was tagged as; `""` where it does not say."""
        answer = await self._ask({"do": "name", "path": str(path)}, CPU)
        return str(answer.get("request_id", ""))

    async def _ask(self, request: dict[str, Any], cpu: int) -> dict[str, Any]:
        """The answer, or nothing where the process crashed, hung or was not to be started."""
        said = json.dumps({**request, "cpu": cpu}).encode()
        answer = b""
        try:
            async with self.turns, await _started() as process:
                with anyio.move_on_after(cpu * _LATEST):
                    answer = await _exchanged(process, said)
                if process.returncode is None:
                    process.kill()
            found = json.loads(answer)
        except (OSError, ValueError, anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            log.warning("the decoder did not answer about a track: %r", error)
            return {}
        return found if isinstance(found, dict) else {}


async def _started() -> Process:
    # Its own folder is not searched for modules: it may be one that others write into. Of the
    # environment it gets nothing that is nobody's business there, such as keys.
    paths = [each for each in sys.path if os.path.isabs(each)]  # noqa: PTH117  # text, not a path
    environment = {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        "PYTHONPATH": os.pathsep.join(paths),
        "OPENBLAS_NUM_THREADS": "1",  # each takes addresses, which are bounded
        "OMP_NUM_THREADS": "1",
    }
    return await anyio.open_process(
        [sys.executable, "-P", "-m", "acestep_mcp.audio"],
        stderr=subprocess.DEVNULL,
        env=environment,
        creationflags=_WINDOWLESS,
    )


async def _exchanged(process: Process, said: bytes) -> bytes:
    """Say one thing to the process, and hear it to its end."""
    answer = bytearray()
    if process.stdin is None or process.stdout is None:
        return b""
    await process.stdin.send(said)
    await process.stdin.aclose()
    async for piece in process.stdout:
        answer += piece
        if len(answer) > _LARGEST_ANSWER:
            return b""
    await process.wait()
    return bytes(answer)


def _measured(track: Track, found: dict[str, Any]) -> Track:
    """What the decoder's process says it heard, as far as it can be believed: its types.

    Raises:
        KeyError: Something is missing.
        TypeError: Something is of no such type.
        ValueError: Something is no such number.
    """
    loudness, dead = found["loudness"], found["dead"]
    return Track(
        size=track.size,
        media_type=track.media_type,
        also=track.also,
        heard=True,
        encoding=clean(found["encoding"], 20),
        seconds=_number(found["seconds"], 3),
        channels=int(_number(found["channels"])),
        rate=int(_number(found["rate"])),
        peaks=tuple(
            min(100, max(0, round(100 * _number(each, 6)))) for each in found["peaks"][:400]
        ),
        loudness=None if loudness is None else _number(loudness, 2),
        peak=_number(found["peak"], 4),
        silences=tuple(
            (_number(begin, 2), _number(end, 2)) for begin, end in found["silences"][:20]
        ),
        silent=_number(found["silent"], 4),
        clipped=_number(found["clipped"], 4),
        begins=_edge(found["begins"]),
        ends=_edge(found["ends"]),
        steady=bool(found["steady"]),
        dead="" if dead is None else "right" if dead else "left",
        inverted=bool(found["inverted"]),
        odd=int(_number(found["odd"])),
        cut=track.cut or bool(found["broken"]),
    )


def _number(found: object, digits: int = 0) -> float:
    if not isinstance(found, int | float) or not abs(found) < _LARGEST_NUMBER:
        raise ValueError("no number that a song has")
    return round(float(found), digits)


def _edge(found: object) -> Any:  # noqa: ANN401  # one of the literals
    return found if found in ("rest", "sound") else ""
