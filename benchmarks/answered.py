"""What a call costs that is answered from the ledger: a finished song, asked for again."""

import json
import tempfile
import time
from pathlib import Path
from statistics import median

import anyio
import httpx

from acestep_mcp.clock import SystemClock
from acestep_mcp.domain.song import Owner
from acestep_mcp.engine import Account, Engine, Terms
from acestep_mcp.ledger import Ledger
from acestep_mcp.ledger.sqlite import SqliteDriver
from acestep_mcp.providers import Providers
from acestep_mcp.providers.http import Http, Network
from acestep_mcp.providers.pixazo.client import Gateway

ME = Account(Owner("bench"), "key")
CALLS = 300


class _Finished(httpx.AsyncBaseTransport):
    """A gateway where every song is finished; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The same, whatever is asked."""
        del request
        self.asked += 1
        output = {"media_url": ["https://m.example/a.wav"]}
        body = json.dumps({"status": "COMPLETED", "output": output}).encode()
        return httpx.Response(200, stream=httpx.ByteStream(body))


def milliseconds() -> tuple[float, int]:
    """The median of a `get_status` call inside the server, and the requests sent for all."""
    return anyio.run(_measured)


async def _measured() -> tuple[float, int]:
    with tempfile.TemporaryDirectory() as folder:
        clock = SystemClock()
        finished = _Finished()
        http = Http("https://gateway.invalid", Network(transport=finished))
        providers = Providers(Gateway("https://gateway.invalid", now=clock.now, http=http))
        ledger = Ledger(SqliteDriver(Path(folder) / "ledger.sqlite3"))
        engine = Engine(
            ledger=ledger, providers=providers, library=None, clock=clock, terms=Terms()
        )
        async with engine.open(ME):
            song = (await engine.status(ME, "ace-step-xl_done", wait=0)).song
            before = finished.asked
            took = [await _timed(engine, song.handle) for _ in range(CALLS)]
        return median(took), finished.asked - before


async def _timed(engine: Engine, handle: str) -> float:
    began = time.perf_counter()
    await engine.status(ME, handle, wait=0)
    return 1000 * (time.perf_counter() - began)
