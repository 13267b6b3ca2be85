"""What a probe learns: that the server lives, and apart from that whether it can do its work."""

from pathlib import Path

import anyio
import httpx
import pytest

from tests.hosted.house import call, hosted
from tests.house import KEY, SONG, shown, text
from tests.ledger.server import emptied

pytestmark = pytest.mark.anyio


async def test_health_tells_alive_from_ready(tmp_path: Path) -> None:
    async with hosted(tmp_path / "well") as host, httpx.AsyncClient(base_url=host.url) as web:
        assert (await web.get("/health")).json() == {"status": "alive"}
        assert (await web.get("/health?ready")).json() == {"status": "ready"}
    (tmp_path / "ill").mkdir()
    (tmp_path / "ill" / "data").write_text("no folder")
    async with hosted(tmp_path / "ill") as host, httpx.AsyncClient(base_url=host.url) as web:
        assert (await web.get("/health")).status_code == 200
        assert (await web.get("/health?ready")).status_code == 503


async def test_without_its_database_a_server_lives_and_is_ready_again_when_that_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = emptied()
    async with (
        hosted(tmp_path, own_key=KEY, ACESTEP_DATABASE_URL=database.url()) as host,
        httpx.AsyncClient(base_url=host.url, timeout=20) as web,
        host.caller() as client,
    ):
        ordered = shown(await call(client, "generate_song", **SONG, wait=0))
        seen = [(await web.get("/health?ready")).status_code]
        await anyio.to_thread.run_sync(database.stop)
        try:
            began = anyio.current_time()
            seen += [(await web.get(path)).status_code for path in ("/health", "/health?ready")]
            lasted = anyio.current_time() - began
            down = await web.get("/health?ready")
            refused = await call(client, "generate_song", prompt="another", wait=0)
        finally:
            await anyio.to_thread.run_sync(database.start)
        seen.append((await web.get("/health?ready")).status_code)
        host.sandbox.complete(ordered["request_id"])
        done = shown(await call(client, "get_status", request_id=ordered["request_id"], wait=15))

        assert seen == [200, 200, 503, 200]
        assert lasted < 5
        assert down.json() == {"status": "not ready"}  # and no word about the database
        assert refused.is_error
        assert "The ledger cannot be used" in text(refused)
        assert len(host.sandbox.submissions) == 1
        assert done["status"] == "COMPLETED"
        assert database.password not in caplog.text
