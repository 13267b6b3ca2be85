"""`kill -9` anywhere between intent and file, then a restart."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from acestep_mcp.sandbox import Profile
from tests.house import gateway

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.attack,
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork are POSIX"),
]
STRIDE = int(os.environ.get("KILL_STRIDE", "24"))  # `make proofs` sets 1: every await
JOBS = 2


async def killed(url: str, folder: Path, first: int, runs: list[dict[str, Any]]) -> None:
    stride = STRIDE * JOBS
    command = [sys.executable, "-m", "tests.killed", url, str(folder), str(first), str(stride)]
    done = await anyio.run_process(command, stderr=None)
    found = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert [run["alive"] for run in found] == [False] * (len(found) - 1) + [True]
    runs += found


async def test_whenever_the_process_is_killed_nothing_is_paid_twice_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    async with gateway(Profile(queued=0.05, processing=0.05)) as sandbox:
        runs: list[dict[str, Any]] = []
        async with anyio.create_task_group() as tasks:
            for first in range(1, 1 + JOBS * STRIDE, STRIDE):
                tasks.start_soon(killed, sandbox.base_url, tmp_path, first, runs)

    assert len(runs) >= 100 / STRIDE
    for run in runs:
        prompt = f"Song {run['number']}"
        sent = [post for post in sandbox.submissions if post.json()["prompt"] == prompt]
        accepted = [job for job in sandbox.jobs.values() if job.payload["prompt"] == prompt]
        assert len(sent) <= 1, run
        assert run["parts"] == [], run
        if accepted:
            (song,) = run["songs"]
            assert song["status"] in ("COMPLETED", "UNKNOWN"), run
            assert (song["status"] == "COMPLETED") == bool(song.get("media_urls")), run
            assert (song["status"] == "COMPLETED") == (len(song["files"]) == 1), run
        else:
            assert all(song["status"] == "UNKNOWN" for song in run["songs"]), run
