"""What a call costs that is answered from the ledger: a finished song, asked for again."""

import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import anyio

from acestep_mcp.clock import SystemClock
from acestep_mcp.domain.song import Owner
from acestep_mcp.engine import Account, Engine, Terms
from acestep_mcp.ledger import Ledger
from acestep_mcp.ledger.sqlite import SqliteDriver
from acestep_mcp.providers.http import Reply
from acestep_mcp.providers.pixazo.client import Gateway

ME = Account(Owner("bench"), "key")
CALLS = 300


class _Finished:
    """A gateway where every song is finished; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def exchange(self, *_: Any) -> Reply:  # noqa: ANN401  # whatever is asked
        self.asked += 1
        output = {"media_url": ["https://m.example/a.wav"]}
        return Reply(200, {}, json.dumps({"status": "COMPLETED", "output": output}).encode())

    def prepare(self) -> None:
        """Nothing is built."""

    async def close(self) -> None:
        """Nothing is open."""


def milliseconds() -> tuple[float, int]:
    """The median of a `get_status` call inside the server, and the requests sent for all."""
    return anyio.run(_measured)


async def _measured() -> tuple[float, int]:
    with tempfile.TemporaryDirectory() as folder:
        clock = SystemClock()
        finished = _Finished()
        door: Any = finished  # all of it that the gateway calls
        gateway = Gateway("https://gateway.invalid", now=clock.now, http=door)
        ledger = Ledger(SqliteDriver(Path(folder) / "ledger.sqlite3"))
        engine = Engine(ledger=ledger, gateway=gateway, library=None, clock=clock, terms=Terms())
        async with engine.open(ME):
            song = (await engine.status(ME, "ace-step-xl_done", wait=0)).song
            before = finished.asked
            took = [await _timed(engine, song.handle) for _ in range(CALLS)]
        return median(took), finished.asked - before


async def _timed(engine: Engine, handle: str) -> float:
    began = time.perf_counter()
    await engine.status(ME, handle, wait=0)
    return 1000 * (time.perf_counter() - began)
