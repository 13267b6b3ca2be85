"""A hundred thousand callbacks, hardly any of them from the gateway, against a real server."""

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import httpx
import pytest

from acestep_mcp.domain.song import Owner, SongId
from acestep_mcp.hosted import options
from acestep_mcp.hosted.webhook import Webhook
from acestep_mcp.sandbox import Sandbox
from tests.hosted.house import SECRET, call, free_port
from tests.hosted.line import Line, Shot
from tests.hosted.process import Running, running
from tests.hosted.shots import hostile, nobodys, right
from tests.house import gateway, shown

pytestmark = [pytest.mark.anyio, pytest.mark.hosted]

REQUESTS = 100_000
SONGS = 100
NOBODYS = 2_000
LINES = 4
_HISTORY = """
    create table history (id text, state text);
    create trigger tell after update of state on song when new.state is not old.state
    begin insert into history values (new.id, new.state); end
"""


@dataclass
class Tally:
    """What was answered: what should not have been, and how long everything took."""

    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[tuple[str, int]] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)

    def note(self, shot: Shot, status: int, took: float) -> None:
        self.took.append(took)
        if status == shot.status:
            self.right[shot.kind] += 1
        else:
            self.wrong[shot.kind, status] += 1

    def percentile(self, share: float) -> float:
        """Milliseconds under which so many of the answers came."""
        return sorted(self.took)[int(len(self.took) * share)] * 1000


@dataclass
class Song:
    """One song's part of the flood: its callbacks, over and over and in any order."""

    sandbox: Sandbox
    address: bytes
    request_id: str

    def shots(self, chance: random.Random) -> list[Shot]:
        ended = [right(self.address, self.request_id, "COMPLETED")] * chance.randint(1, 5)
        late = [right(self.address, self.request_id, "PROCESSING")] * chance.randint(0, 5)
        return ended + late


async def ordered(host: Running) -> list[Song]:
    """So many songs, each with the address that the gateway was told."""
    async with host.caller() as client:
        for number in range(SONGS):
            song = await call(client, "generate_song", prompt=f"Song {number}", wait=0)
            assert shown(song)["status"] == "QUEUED"
    return [
        Song(host.sandbox, job.webhook.url.removeprefix(host.url).encode(), name)
        for name, job in host.sandbox.jobs.items()
        if job.webhook
    ]


def strangers(host: Running, folder: Path) -> list[bytes]:
    """Addresses that are signed as ours are, of songs that nobody ordered."""
    environ = {"ACESTEP_SECRET": SECRET, "ACESTEP_PUBLIC_URL": host.url}
    webhook = Webhook(options.read(folder, environ))
    made = (webhook.address(Owner("local"), SongId(f"local-{n:016x}")) for n in range(9))
    return [each.removeprefix(host.url).encode() for each in made]


def flood(chance: random.Random, songs: list[Song], unknown: list[bytes]) -> Iterator[Shot]:
    """Everything, the right ones evenly among the others."""
    rare = [shot for song in songs for shot in song.shots(chance)]
    rare += [nobodys(chance.choice(unknown)) for _ in range(NOBODYS)]
    chance.shuffle(rare)
    gap = REQUESTS // len(rare)
    for number, shot in enumerate(
        hostile(chance, [song.address for song in songs], REQUESTS - len(rare))
    ):
        if number % gap == 0 and rare:
            yield rare.pop()
        yield shot
    yield from rare


async def fired(port: int, shots: Iterator[Shot], songs: list[Song]) -> Tally:
    """All of them, over a few connections; a song ends before its end is first told."""
    tally = Tally()
    ends = {right(s.address, s.request_id, "COMPLETED").request: s.request_id for s in songs}

    async def fire() -> None:
        async with Line(port) as line:
            for shot in shots:
                if name := ends.pop(shot.request, None):
                    songs[0].sandbox.complete(name)
                tally.note(shot, *await line.send(shot.request))

    await asyncio.gather(*(fire() for _ in range(LINES)))
    return tally


async def test_of_100_000_callbacks_each_is_answered_as_it_should_be_and_every_song_ends_once(
    tmp_path: Path,
) -> None:
    port = await free_port()
    terms = {"ACESTEP_PUBLIC_URL": f"http://127.0.0.1:{port}", "ACESTEP_POLL_INTERVAL": "60"}
    async with gateway() as sandbox, running(sandbox, tmp_path, port, **terms) as host:
        songs = await ordered(host)
        ledger = sqlite3.connect(tmp_path / "data" / "ledger.sqlite3")
        ledger.executescript(_HISTORY)
        began = anyio.current_time()
        shots = flood(random.Random(13), songs, strangers(host, tmp_path))
        tally = await fired(port, shots, songs)
        lasted = anyio.current_time() - began
        async with host.caller() as client:
            for song in songs:
                ended = shown(await call(client, "get_status", request_id=song.request_id, wait=15))
                assert ended["status"] == "COMPLETED"
            total = shown(await call(client, "list_outputs"))["total"]
        async with httpx.AsyncClient() as web:
            health = (await web.get(f"{host.url}/health?ready")).status_code
        history = ledger.execute("select id, state from history").fetchall()
        ledger.close()
        p50, p99 = tally.percentile(0.5), tally.percentile(0.99)
        print(f"{len(tally.took) / lasted:.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms", tally.right)

        assert tally.wrong == {}
        assert len(tally.took) == REQUESTS
        assert sorted(history) == sorted({(song_id, "COMPLETED") for song_id, _ in history})
        assert len(history) == total == len(sandbox.submissions) == SONGS
        assert health == 200
        assert b"Traceback" not in host.said
        assert p99 < 50
