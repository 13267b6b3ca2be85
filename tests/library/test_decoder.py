"""Bytes that crash, hang or inflate the decoder cost a take its measurement, and nothing else."""

import math
import os
import subprocess
import time
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from acestep_mcp.domain.song import RequestId
from acestep_mcp.library import decoder
from tests.library import Host, contents, library, song
from tests.library.sounds import MADE, floats, made, needs, wave

pytestmark = [pytest.mark.anyio, pytest.mark.audio]

FAULTS = {
    "crashes": "import os; os.abort()",
    "works without end": "while True: pass",
    "sleeps without end": "import time; time.sleep(999)",
    "takes all memory": "held = [bytearray(1 << 28) for _ in range(64)]",
    "says too much": "import sys; sys.stdout.write('x' * (4 << 20)); sys.stdout.flush()",
    "says nonsense": 'import sys; sys.stdout.write(\'{"sound": {"loudness": []}}\'); sys.exit()',
    "says what no song has": (
        "import sys, json\n"
        "found = dict.fromkeys(('peak', 'silent', 'clipped', 'channels', 'rate', 'odd'), 1)\n"
        "found |= dict.fromkeys(('begins', 'ends', 'steady', 'inverted', 'broken'), '')\n"
        "found |= {'loudness': None, 'dead': None, 'encoding': '', 'seconds': 1e999}\n"
        "found |= {'peaks': [], 'silences': []}\n"
        "sys.stdout.write(json.dumps({'sound': found, 'tagged': False})); sys.exit()"
    ),
    "cannot be loaded": "raise ImportError('libsndfile is not there')",
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_decoder_that_fails_costs_a_take_its_measurement_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """The decoder's library is another one here, which stands for what hostile bytes may do."""
    planted, folder = tmp_path / "planted", tmp_path / "songs"
    planted.mkdir()
    (planted / "soundfile.py").write_text(FAULTS[fault], encoding="utf-8")
    monkeypatch.syspath_prepend(str(planted))
    monkeypatch.setattr(decoder, "CPU", 1)
    began = time.monotonic()
    with anyio.fail_after(30):
        saved = await library(folder, Host(wave())).save(song())

    assert time.monotonic() - began < 15
    assert saved.missing is None
    assert saved.warnings == ()
    (track,) = saved.tracks
    assert (track.heard, track.media_type, track.size) == (False, "audio/wav", len(wave()))
    assert Path(saved.files[0]).read_bytes() == wave()
    assert len(contents(folder)) == 2


async def test_a_save_that_is_cancelled_ends_its_decoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted, pipe = tmp_path / "planted", tmp_path / "pipe"
    planted.mkdir()
    os.mkfifo(pipe)
    (planted / "soundfile.py").write_text(
        f"import os, time\nopen({str(pipe)!r}, 'w').write(str(os.getpid()))\ntime.sleep(999)",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(planted))
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(library(tmp_path / "songs", Host(wave())).save, song())
            pid = int(await anyio.to_thread.run_sync(pipe.read_text))
            tasks.cancel_scope.cancel()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert contents(tmp_path / "songs") == []


async def test_the_decoder_gets_no_key_and_takes_no_module_from_where_it_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted, seen = tmp_path / "planted", tmp_path / "seen"
    planted.mkdir()
    (planted / "soundfile.py").write_text(
        f"import os\nopen({str(seen)!r}, 'w').write(repr(dict(os.environ)))\nos.abort()",
        encoding="utf-8",
    )
    here = tmp_path / "here"
    here.mkdir()
    (here / "numpy.py").write_text("import os; os.abort()", encoding="utf-8")
    monkeypatch.chdir(here)
    monkeypatch.setenv("PIXAZO_API_KEY", "a-secret-key")
    saved = await library(tmp_path / "songs", Host(wave())).save(song())
    assert saved.tracks[0].heard

    monkeypatch.syspath_prepend(str(planted))
    await library(tmp_path / "others", Host(wave())).save(song())
    assert "PATH" in seen.read_text()
    assert "a-secret-key" not in seen.read_text()


async def test_a_flood_of_songs_starts_no_flood_of_decoders(tmp_path: Path) -> None:
    most = 0
    done = anyio.Event()

    async def count() -> None:
        nonlocal most
        while not done.is_set():
            found = await anyio.run_process(["ps", "--ppid", str(os.getpid()), "-o", "args="])
            most = max(most, found.stdout.count(b"acestep_mcp.audio"))

    needs("ps")
    keeper = library(tmp_path, Host(wave()))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(count)
        async with anyio.create_task_group() as songs:
            for number in range(8):
                songs.start_soon(keeper.save, song(request_id=RequestId(f"g-{number}")))
        done.set()

    assert 1 <= most <= 2


def _ebur128(path: Path) -> tuple[float, float]:
    """Integrated loudness and true peak as ffmpeg's libebur128 has them."""
    command = ["ffmpeg", "-nostats", "-i", str(path), "-filter_complex", "ebur128=peak=true"]
    done = subprocess.run([*command, "-f", "null", "-"], capture_output=True, check=True)
    summary = done.stderr.decode(errors="replace").rpartition("Summary:")[2]
    loudness = summary.partition("I:")[2].split()[0]
    return float(loudness), float(summary.partition("Peak:")[2].split()[0])


REAL = Path(os.environ.get("REAL_SONGS", "/nowhere"))


@pytest.mark.parametrize(
    "name",
    [
        *("chord", "float", "ffmpeg MP3", "ffmpeg Opus", "ffmpeg extensible", "sox Vorbis"),
        *sorted(each.name for each in REAL.glob("*.[mo]p*")),
    ],
)
async def test_loudness_is_what_libebur128_measures(tmp_path: Path, name: str) -> None:
    needs("ffmpeg")
    if name in MADE:
        content = made(name, tmp_path)
    elif name in ("chord", "float"):
        content = wave() if name == "chord" else floats()
    else:
        content = (REAL / name).read_bytes()
    saved = await library(tmp_path / "songs", Host(content)).save(song())
    (track,) = saved.tracks
    loudness, peak = _ebur128(Path(saved.files[0]))

    assert saved.warnings == ()
    assert track.loudness == pytest.approx(loudness, abs=0.1)
    assert 20 * math.log10(track.peak) == pytest.approx(peak, abs=0.3)
