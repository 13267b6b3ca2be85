"""An installation that is replaced or swept away under a running server costs no song."""

import json
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from acestep_mcp.sandbox import Profile
from tests.house import gateway

pytestmark = pytest.mark.anyio


async def bought(folder: Path, *missing: str) -> tuple[dict[str, Any], int]:
    """What the server of `tests.loaded` says, and how many orders the gateway read."""
    async with gateway(Profile.quick().faster(10)) as sandbox:
        command = [sys.executable, "-m", "tests.loaded", sandbox.base_url, str(folder), *missing]
        with anyio.fail_after(60):
            done = await anyio.run_process(command, stderr=None)
        return json.loads(done.stdout), len(sandbox.submissions)


async def test_nothing_is_imported_between_the_first_byte_and_the_saved_file(
    tmp_path: Path,
) -> None:
    said, posts = await bought(tmp_path)

    assert said["late"] == []
    assert posts == 1
    assert said["shown"]["status"] == "COMPLETED"
    assert Path(said["shown"]["files"][0]).is_file()


@pytest.mark.parametrize(
    "module",
    ["httpx", "mutagen", "soundfile", "numpy", "acestep_mcp.providers.http"],
)
async def test_what_is_missing_is_named_before_anything_is_sent(
    tmp_path: Path, module: str
) -> None:
    said, posts = await bought(tmp_path, module)

    assert posts == 0
    assert said["shown"] is None
    assert "restart the client" in said["text"]
    assert module.partition(".")[0] in said["text"]
