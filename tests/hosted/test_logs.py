"""What a server says of itself, at its most talkative: nothing that opens anything."""

import signal
from pathlib import Path

import httpx
import pytest

from tests.hosted.house import KEY_HEADER, call, free_port
from tests.hosted.issuer import OAUTH, issuer, token
from tests.hosted.process import Running, running
from tests.house import KEY, SONG, gateway, shown

pytestmark = pytest.mark.anyio


async def a_song_and_its_callbacks(host: Running, headers: dict[str, str]) -> list[str]:
    """Make a song, call back rightly and wrongly; the secrets that were sent on the way."""
    async with host.caller(**headers) as client:
        ordered = shown(await call(client, "generate_song", **SONG, wait=0))["request_id"]
        host.sandbox.complete(ordered)
        await call(client, "get_status", request_id=ordered, wait=10)
    url = host.sandbox.submissions[0].headers["x-webhook-url"]
    async with httpx.AsyncClient(headers=headers) as web:
        for body in (b"{}", b"[" * 100_000, b"x" * ((1 << 20) + 1)):
            await web.post(url, content=body)
            await web.post(f"{url}0", content=body)
            await web.post(f"{host.url}/mcp", content=body)
    return [url.rpartition("/")[2], *headers.values()]


@pytest.mark.parametrize("auth", ["key", "oauth"])
async def test_no_key_token_or_webhook_address_is_ever_logged(tmp_path: Path, auth: str) -> None:
    port = await free_port()
    async with gateway() as sandbox, issuer() as keys:
        headers = {KEY_HEADER: KEY} if auth == "key" else {"Authorization": f"Bearer {token()}"}
        env = {**OAUTH, "ACESTEP_AUTH_JWKS_URL": keys.url} if auth == "oauth" else {}
        async with running(
            sandbox,
            tmp_path,
            port,
            **{"ACESTEP_AUTH": auth, **env},
            ACESTEP_PUBLIC_URL=f"http://127.0.0.1:{port}",
            ACESTEP_LOG_LEVEL="DEBUG",
        ) as host:
            secrets = await a_song_and_its_callbacks(host, headers)
            await host.end(signal.SIGTERM)
        said = host.said.decode()

    assert "DEBUG" in said
    assert [each for each in (*secrets, KEY) if each.removeprefix("Bearer ") in said] == []
