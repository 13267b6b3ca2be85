"""Notifications on their way to listening processes: dropped, late, twice, in any order."""

from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING

import trio

from acestep_mcp.domain.song import SongId
from acestep_mcp.ledger.postgres import RECONNECT

if TYPE_CHECKING:
    from .on_postgres import PostgresDatabase
    from .process import Process

_Ears = trio.MemorySendChannel[SongId]


class Notices:
    """One schedule's notifications; whoever listens must do without them."""

    def __init__(self, database: "PostgresDatabase") -> None:
        self._database = database
        self._listening: list[_Ears] = []

    async def heard(self, process: "Process") -> AsyncGenerator[SongId | None, None]:
        """What one process hears: None at each new connection, then the songs."""
        while True:
            if not self._database.away:
                ears, heard = trio.open_memory_channel[SongId](1_000)
                self._listening.append(ears)
                try:
                    yield None
                    async for song_id in heard:
                        await process.door()
                        yield song_id
                finally:
                    self._cut(ears)
                    heard.close()
            await trio.sleep(RECONNECT)

    def spread(self, songs: Sequence[SongId]) -> None:
        """These changes were committed."""
        weather, rng = self._database.weather, self._database.rng
        for ears in list(self._listening):
            for song_id in songs:
                if rng.random() >= weather.dropped:
                    late = rng.uniform(0, 20) if rng.random() < weather.late else 0.0
                    for _ in range(rng.choice((1, 1, 1, 2))):
                        self._database.world.nursery.start_soon(self._arrives, ears, song_id, late)
            if rng.random() < weather.breaking:
                self._cut(ears)

    def cut(self) -> None:
        """Nobody is connected any more."""
        for ears in list(self._listening):
            self._cut(ears)

    def _cut(self, ears: _Ears) -> None:
        if ears in self._listening:
            self._listening.remove(ears)
        ears.close()

    async def _arrives(self, ears: _Ears, song_id: SongId, late: float) -> None:
        await trio.sleep(late)
        if ears in self._listening:
            ears.send_nowait(song_id)
