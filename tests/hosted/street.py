"""Two callers of one server, and the songs of one of them."""

import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp.client import Client

from acestep_mcp.sandbox import Job, reset_peer
from tests.hosted.house import KEY_HEADER, Hosted, call, hosted
from tests.hosted.issuer import OAUTH, issuer, token
from tests.house import KEY, shown

ALICES = {"prompt": "Alice's secret", "title": "For Alice", "duration": 1, "wait": 0}
RUNNING = {"prompt": "Alice's second song", "wait": 0}
DOUBTFUL = {"prompt": "Alice's lost song", "wait": 0}


@dataclass
class Street:
    """A server, its gateway with an account for each caller where they bring keys, and both."""

    host: Hosted
    folder: Path
    headers: Mapping[str, Mapping[str, str]]
    accounts: dict[str, dict[str, Job]] = field(default_factory=dict)

    @asynccontextmanager
    async def caller(self, name: str, mode: Any, *extensions: Any) -> AsyncIterator[Client]:
        """One of the two; the gateway knows their key and songs, as it knows each customer's."""
        key = self.headers[name].get(KEY_HEADER)
        if key:
            self.host.sandbox.key = key
            self.host.sandbox.jobs = self.accounts.setdefault(key, {})
        async with self.host.caller(mode, extensions, **self.headers[name]) as client:
            yield client

    def rows(self) -> list[Any]:
        """The ledger, every column of every song."""
        with closing(sqlite3.connect(self.folder / "data" / "ledger.sqlite3")) as db:
            return db.execute("select * from song order by id").fetchall()


@asynccontextmanager
async def street(folder: Path, auth: str, **env: str) -> AsyncIterator[Street]:
    """The server, in one of its two ways of knowing callers."""
    env = {"ACESTEP_AUTH": auth, "ACESTEP_SAVE": "on", **env}
    async with issuer() as keys:
        if auth == "oauth":
            env |= {**OAUTH, "ACESTEP_AUTH_JWKS_URL": keys.url}
        async with hosted(folder, own_key=KEY, **env) as host:
            bearer = {
                name: {"Authorization": f"Bearer {token(sub=name)}"} for name in ("alice", "bob")
            }
            brought = {name: {KEY_HEADER: f"{name}s-key"} for name in ("alice", "bob")}
            yield Street(host, folder, bearer if auth == "oauth" else brought)


async def alices_ids(home: Street) -> list[str]:
    """The ids of a finished and saved song, one being made and one of unknown outcome."""
    async with home.caller("alice", "legacy") as alice:
        done = shown(await call(alice, "generate_song", **ALICES))["request_id"]
        home.host.sandbox.complete(done)
        finished = shown(await call(alice, "get_status", request_id=done, wait=10))
        assert finished["status"] == "COMPLETED"
        assert finished["files"]
        running = shown(await call(alice, "generate_song", **RUNNING))["request_id"]
        home.host.sandbox.faults.add("submit", reset_peer("after"))
        lost = shown(await call(alice, "generate_song", **DOUBTFUL))["request_id"]
        return [done, running, lost]
