"""The gateway calling back: never, once or often, late, early, at whichever process answers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import trio

from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.domain.song import Owner, SongId

from .process import Process

if TYPE_CHECKING:
    from .gateway import Job
    from .world import World

_HEADER = "X-Webhook-URL"


@dataclass(frozen=True, slots=True)
class Taken:
    """A process answered a callback with 204."""

    song_id: SongId
    process: Process
    at: float


class Callbacks:
    """What one schedule's gateway calls back about."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._rng = Random(f"callbacks {world.seed}")
        self.taken: list[Taken] = []

    def address(self, owner: Owner, song_id: SongId) -> str:
        """Where a song's end can be reported."""
        return f"https://us.invalid/webhook/{owner}/{song_id}"

    def promise(self, job: "Job", headers: Mapping[str, str]) -> None:
        """The job was admitted by a request with these headers."""
        if _HEADER in headers:
            owner, song_id = headers[_HEADER].split("/")[-2:]
            for at in self._times(job):
                self._world.nursery.start_soon(
                    self._call, at, Owner(owner), SongId(song_id), job.request_id
                )

    def _times(self, job: "Job") -> Iterator[float]:
        rng = self._rng
        for _ in range(rng.choice((0, 0, 1, 3))):  # progress
            yield rng.uniform(trio.current_time(), job.ends)
        for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
            yield job.ends + rng.choice((0.0, 0.2, rng.uniform(0, 30), rng.uniform(0, 600)))

    async def _call(self, at: float, owner: Owner, song_id: SongId, request_id: str) -> None:
        await trio.sleep_until(at)
        if serving := self._world.serving:  # else nobody answers, and it is not tried again
            process = self._rng.choice(serving)
            assert process.calls is not None
            process.calls.start_soon(self._receive, process, owner, song_id, request_id)

    async def _receive(
        self, process: Process, owner: Owner, song_id: SongId, request_id: str
    ) -> None:
        self._world.tally.callbacks += 1
        self._world.say(f"process {process.number} is called about {song_id}, {request_id}")
        await process.door()
        try:
            known = await process.engine.hint(owner, song_id, request_id)
        except LedgerDown:
            return
        except Exception as error:  # noqa: BLE001  # whatever escapes is the finding
            self._world.breach("escape", f"a callback ended in {error!r}")
            return
        if known:
            self.taken.append(Taken(song_id, process, trio.current_time()))
