"""What the README tells whoever runs a server for many is what happens."""

import sqlite3
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp.client import Client

from acestep_mcp.sandbox import Sandbox
from tests.hosted.house import KEY_HEADER, Hosted, application, call, listening
from tests.house import gateway, shown
from tests.ledger.server import PostgreSQL, emptied

pytestmark = pytest.mark.anyio

OTHER_SECRET = "fedcba9876543210fedcba9876543210"
DUMP = ("--schema=acestep", "--clean", "--if-exists", "--exclude-table-data=acestep.worker")
"""The README's, and without the leases: a dump is hardly ever restored while they last."""


@asynccontextmanager
async def life(sandbox: Sandbox, folder: Path, **env: str) -> AsyncIterator[tuple[Hosted, Client]]:
    """One life of a server on this gateway, and a caller with a key of their own."""
    app = application(sandbox.base_url, folder, ACESTEP_AUTH="key", PIXAZO_API_KEY="", **env)
    async with listening(app) as url:
        host = Hosted(sandbox, url)
        async with host.caller(**{KEY_HEADER: sandbox.key}) as client:
            yield host, client


async def made(client: Client, sandbox: Sandbox, title: str, *, ended: bool = True) -> str:
    """Order a song, and have it made."""
    arguments = {"prompt": f"Folk ballad, {title}", "title": title, "wait": 0}
    handle = str(shown(await call(client, "generate_song", **arguments))["request_id"])
    if ended:
        sandbox.complete(handle)
        assert (await status(client, handle))["status"] == "COMPLETED"
    return handle


async def status(client: Client, handle: str) -> dict[str, Any]:
    return shown(await call(client, "get_status", request_id=handle, wait=10))


async def titles(client: Client) -> list[str]:
    return [song["title"] for song in shown(await call(client, "list_outputs"))["songs"]]


def program(database: PostgreSQL, name: str, *arguments: str, stdin: str = "") -> str:
    """Run a program of PostgreSQL's on the database; what it says."""
    command = [str(database._programs / "bin" / name), "--dbname", database.url(), *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=True)
    return done.stdout


async def test_a_restored_dump_goes_on_with_its_songs_and_a_later_one_is_adopted_by_its_id(
    tmp_path: Path,
) -> None:
    database = emptied()
    env = {"ACESTEP_DATABASE_URL": database.url()}
    async with gateway() as sandbox:
        async with life(sandbox, tmp_path, **env) as (_, client):
            await made(client, sandbox, "told before")
            running = await made(client, sandbox, "under way", ended=False)
            dump = program(database, "pg_dump", *DUMP)
            later = await made(client, sandbox, "since the backup")
        program(database, "psql", "--single-transaction", "--set=ON_ERROR_STOP=1", stdin=dump)
        async with life(sandbox, tmp_path, **env) as (_, client):
            restored = await titles(client)
            sandbox.complete(running)
            gone_on = await status(client, running)
            adopted = await status(client, later)
            listed = await titles(client)

    assert restored == ["under way", "told before"]
    assert gone_on["status"] == adopted["status"] == "COMPLETED"
    assert adopted["media_urls"]
    assert adopted["title"] == ""
    assert sorted(listed) == ["", "told before", "under way"]
    assert len(sandbox.submissions) == 3


async def test_a_sqlite_ledger_can_be_copied_while_the_server_writes_it(tmp_path: Path) -> None:
    copy = tmp_path / "copy" / "data"
    copy.mkdir(parents=True)
    async with gateway() as sandbox:
        async with life(sandbox, tmp_path) as (_, client):
            await made(client, sandbox, "told before")
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(made, client, sandbox, "while it is copied")
                await anyio.to_thread.run_sync(_copied, tmp_path / "data", copy)
        async with life(sandbox, tmp_path / "copy") as (_, client):
            assert "told before" in await titles(client)


def _copied(source: Path, target: Path) -> None:
    db = sqlite3.connect(source / "ledger.sqlite3")
    db.execute("vacuum into ?", (str(target / "ledger.sqlite3"),))
    db.close()


async def test_another_secret_hides_every_callers_songs_until_the_first_one_is_back(
    tmp_path: Path,
) -> None:
    async with gateway() as sandbox:
        async with life(sandbox, tmp_path) as (_, client):
            handle = await made(client, sandbox, "mine")
        async with life(sandbox, tmp_path, ACESTEP_SECRET=OTHER_SECRET) as (_, client):
            assert await titles(client) == []
            assert (await status(client, handle))["media_urls"]  # the gateway still knows it
        async with life(sandbox, tmp_path) as (_, client):
            assert await titles(client) == ["mine"]


async def test_after_another_secret_a_callback_on_its_way_is_refused(tmp_path: Path) -> None:
    public = {"ACESTEP_PUBLIC_URL": "http://127.0.0.1:9"}
    async with gateway() as sandbox:
        async with life(sandbox, tmp_path, **public) as (_, client):
            handle = await made(client, sandbox, "mine", ended=False)
        address = sandbox.submissions[0].headers["x-webhook-url"].removeprefix("http://127.0.0.1:9")
        answers = []
        for secret in ({}, {"ACESTEP_SECRET": OTHER_SECRET}):
            async with (
                life(sandbox, tmp_path, **public, **secret) as (host, _),
                httpx.AsyncClient(base_url=host.url) as web,
            ):
                answer = await web.post(address, json={"request_id": handle})
                answers.append(answer.status_code)

    assert answers == [204, 401]


async def test_a_caller_with_a_new_key_starts_anew_and_can_ask_for_an_old_song_by_its_id(
    tmp_path: Path,
) -> None:
    async with gateway() as sandbox, life(sandbox, tmp_path) as (host, client):
        handle = await made(client, sandbox, "with the old key")
        sandbox.key = "the-new-key"
        async with host.caller(**{KEY_HEADER: "the-new-key"}) as renewed:
            assert await titles(renewed) == []
            assert (await status(renewed, handle))["media_urls"]


async def test_a_program_that_is_older_than_its_ledger_is_alive_and_never_ready(
    tmp_path: Path,
) -> None:
    database = emptied()
    env = {"ACESTEP_DATABASE_URL": database.url()}
    async with gateway() as sandbox, life(sandbox, tmp_path, **env) as (running, client):
        await made(client, sandbox, "before")
        program(database, "psql", "--command", "update acestep.meta set version = version + 1")
        async with life(sandbox, tmp_path, **env) as (older, _):
            assert await health(older) == [200, 503]
        assert await health(running) == [200, 200]  # looks at its first connection only


async def health(host: Hosted) -> list[int]:
    async with httpx.AsyncClient(base_url=host.url) as web:
        return [(await web.get(f"/health{query}")).status_code for query in ("", "?ready")]
