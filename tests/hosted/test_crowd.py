"""Callers who mean harm or do not care: the others hardly notice."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.hosted.house import KEY_HEADER, Hosted, application, call, hosted, listening
from tests.hosted.liar import liar
from tests.house import KEY, shown
from tests.proofs.hostile import http

pytestmark = [pytest.mark.anyio, pytest.mark.attack]

CROWD = 300
HEADERS = {
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2025-06-18",
}
ORDER = {"name": "generate_song", "arguments": {"prompt": "Anything", "wait": 0}}
QUESTION = {"name": "get_status", "arguments": {"request_id": "ace-step-xl_0000beef", "wait": 0}}


def written(folder: Path, prompt: str) -> list[Any]:
    """The songs of that prompt in the ledger, ordered or only meant to be."""
    with closing(sqlite3.connect(folder / "data" / "ledger.sqlite3")) as db:
        asked = "select state from song where payload like ?"
        return db.execute(asked, (f"%{prompt}%",)).fetchall()


async def test_three_hundred_invented_keys_at_once_delay_nobody_and_are_hardly_relayed(
    tmp_path: Path,
) -> None:
    answers: list[str] = []

    async def invent(web: httpx.AsyncClient, number: int) -> None:
        params = (ORDER, QUESTION)[number % 2]
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        own = {KEY_HEADER: f"invented-{number}"}
        answers.append((await web.post("/mcp", json=message, headers=own)).text)

    unlimited = httpx.Limits(max_connections=None)
    async with (
        hosted(tmp_path, ACESTEP_AUTH="key") as host,
        host.caller("legacy", **{KEY_HEADER: KEY}) as ada,
        httpx.AsyncClient(base_url=host.url, headers=HEADERS, limits=unlimited, timeout=60) as web,
    ):
        song = shown(await call(ada, "generate_song", prompt="Ada's song", wait=0))["request_id"]
        began = anyio.current_time()
        async with anyio.create_task_group() as crowd:
            for number in range(CROWD):
                crowd.start_soon(invent, web, number)
            host.sandbox.complete(song)
            with anyio.fail_after(8):
                done = shown(await call(ada, "get_status", request_id=song, wait=20))
        lasted = anyio.current_time() - began
        with anyio.fail_after(10):  # no order of theirs is left behind
            while written(tmp_path, "Anything"):
                await call(ada, "list_outputs")  # on a slow machine, one may still be refused
        keys = [each.headers[KEY_HEADER.lower()] for each in host.sandbox.arrivals]

    relayed = sum(key.startswith("invented") for key in keys)
    assert done["status"] == "COMPLETED"
    assert 1 <= relayed <= 1 + 5 * lasted
    assert len(answers) == CROWD
    assert sum('"isError":true' in each for each in answers) == CROWD
    assert any("too many new callers at once; call again in a minute" in each for each in answers)


@pytest.mark.parametrize("status", [b"403 Forbidden", b"429 Too Many", b"503 Unavailable"])
async def test_one_callers_month_of_silence_silences_nobody_else(
    tmp_path: Path, status: bytes
) -> None:
    async with liar() as gateway:
        month = http(status, b"", b"Retry-After: 2592000")
        gateway.lies["Ada's song"] = lambda *_: month
        app = application(gateway.url, tmp_path, ACESTEP_AUTH="key")
        async with listening(app) as url:
            host = Hosted(gateway, url)  # type: ignore[arg-type]  # nobody asks it for more
            async with (
                host.caller("legacy", **{KEY_HEADER: "the-key-of-ada"}) as ada,
                host.caller("legacy", **{KEY_HEADER: "the-key-of-bob"}) as bob,
            ):
                hers = shown(await call(ada, "generate_song", prompt="Ada's song", wait=0))
                await gateway.lied_about("Ada's song")
                with anyio.fail_after(5):
                    ordered = await call(bob, "generate_song", prompt="Bob's song", wait=20)
                gateway.lies.clear()
                # Nor does it silence her, once she asks.
                with anyio.fail_after(5):
                    asked = await call(ada, "get_status", request_id=hers["request_id"], wait=20)

    assert shown(ordered)["status"] == "COMPLETED"
    assert shown(asked)["status"] == "COMPLETED"
