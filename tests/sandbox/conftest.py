"""A sandbox under manual control, and a plain client that holds its key."""

import ssl
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest

from acestep_mcp.sandbox import Profile, Sandbox

SUBMIT = "/ace-step-xl/v1/generate"
KEY = {"Ocp-Apim-Subscription-Key": "sandbox-key"}
TLS = ssl.create_default_context()  # costly, and every client would make its own
SONG = {"prompt": "warm folk, soft guitar", "duration": 2, "seed": 7}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(profile=Profile.manual())
    async with sandbox.serving():
        with anyio.fail_after(10):
            yield sandbox


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        verify=TLS, base_url=sandbox.base_url, headers=KEY, timeout=5
    ) as client:
        yield client


async def submit(client: httpx.AsyncClient, **fields: object) -> str:
    """Submits a song and gives its request id."""
    answer = await client.post(SUBMIT, json=SONG | fields)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["request_id"])


async def finished(sandbox: Sandbox, client: httpx.AsyncClient, **fields: object) -> list[str]:
    """Submits a song, completes it, and gives its media URLs."""
    request_id = await submit(client, **fields)
    sandbox.complete(request_id)
    answer = await client.get(f"/v2/requests/status/{request_id}")
    return list(answer.json()["output"]["media_url"])
