"""Real processes on one ledger: killed, crowding, racing."""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork are POSIX"),
]
FULL = pytest.mark.proof


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder whose fsync costs nothing: SIGKILL takes nothing out of the page cache anyway."""
    if not Path("/dev/shm").is_dir():  # noqa: S108  # Linux only
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)


async def proof(what: str, folder: Path, processes: int, number: int) -> dict[str, Any]:
    path = folder / "ledger.sqlite3"
    command = [sys.executable, "-m", "tests.proofs.ledgers", what, path, processes, number]
    with anyio.fail_after(240):
        done = await anyio.run_process([str(word) for word in command], stderr=None)
    print(what, done.stdout.decode())  # `pytest -rP` shows the figures
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("rounds", "commits"), [(10, 100), pytest.param(200, 5_000, marks=FULL)], ids=str
)
async def test_no_commit_that_was_acknowledged_is_missing_after_sigkill(
    memory: Path, rounds: int, commits: int
) -> None:
    found = await proof("killed", memory, 3, rounds)

    assert found["missing"] == []
    assert found["ill"] == 0
    assert found["commits"] >= commits


@pytest.mark.parametrize(
    ("processes", "each"), [(4, 20), pytest.param(16, 60, marks=FULL)], ids=str
)
async def test_processes_that_write_at_once_wait_for_each_other_and_none_fails(
    tmp_path: Path, processes: int, each: int
) -> None:
    found = await proof("written", tmp_path, processes, each)

    assert found["songs"] == processes * each
    assert found["ill"] == 0


# Only in full size: with few orphans one heir may have them all before another has started, and
# then nothing was raced for. The ledger's own suite races for them on both engines every time.
@FULL
@pytest.mark.parametrize(("processes", "songs"), [(8, 1_000)], ids=str)
async def test_each_orphan_is_claimed_by_exactly_one_of_many_heirs(
    memory: Path, processes: int, songs: int
) -> None:
    found = await proof("claimed", memory, processes, songs)

    assert found == {"claimed": songs, "twice": 0, "heirs": found["heirs"], "agree": True}
    assert found["heirs"] > 1, "they did not race"


@FULL
@pytest.mark.parametrize(("processes", "fingerprints"), [(8, 200)], ids=str)
async def test_of_many_identical_orders_exactly_one_buys_and_all_answer_with_its_song(
    memory: Path, processes: int, fingerprints: int
) -> None:
    found = await proof("reserved", memory, processes, fingerprints)

    assert found["calls"] == processes * fingerprints
    assert found["winners"] == [1]
    assert found["answers"] == found["songs"] == fingerprints
    assert found["buyers"] > 1, "they did not race"
