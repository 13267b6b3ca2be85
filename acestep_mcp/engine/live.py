"""A song that somebody here waits for or looks after."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import anyio

from acestep_mcp.domain.errors import Refusal
from acestep_mcp.domain.song import SUBMITTING, Song

MOST_REVISITS = 8
"""Status requests about a song whose end was presumed: each twice as late as the one before."""


@dataclass(slots=True)
class Polling:
    """When a song was and will be asked about; the schedule's to change.

    `asked` counts the status requests, `failures` those in a row that told nothing. `asked_at` and
    `due` are the times of the last and the next one, `wanted` is when somebody wants it earlier.
    `began` is when the song was ordered, as far as can be told, and `known_times` are the seconds
    that such songs took. All times are the monotonic clock's.
    """

    asked: int = 0
    failures: int = 0
    asked_at: float = -math.inf
    due: float = -math.inf
    wanted: float = math.inf
    began: float = -math.inf
    known_times: tuple[float, ...] = ()


@dataclass(slots=True)
class Following:
    """Who looks after a song here; the follower's to change.

    It is `held` while somebody does, `queued` while a status request waits for its turn, and
    `asking` while one is under way. `strange` counts the requests since the provider last knew the
    song, `revisits` those since its end was presumed.
    """

    held: bool = False
    queued: bool = False
    asking: bool = False
    strange: int = 0
    revisits: int = MOST_REVISITS


@dataclass(slots=True)
class Saving:
    """How far a song's files are; the saver's to change.

    `busy` while they are fetched, `due` is when that is tried again, and `gone_since` since when
    the media host has said that the tracks are gone. Times are the monotonic clock's.
    """

    busy: bool = False
    due: float = -math.inf
    gone_since: float = math.inf


class Live:
    """One song of this process: its latest state, and everyone who waits for the next.

    `refusal` is set when the order ended without a song; `problem` says in a few words why the
    provider could not be asked lately, `""` when it could; `progress` is how much of it is made,
    and `waiting` how many wait for it.
    """

    __slots__ = (
        "_changed",
        "_hinted",
        "following",
        "polling",
        "problem",
        "progress",
        "refusal",
        "saving",
        "song",
        "waiting",
    )

    def __init__(self, song: Song) -> None:
        self.song = song
        self.refusal: Refusal | None = None
        self.problem = ""
        self.progress: float | None = None
        self.polling = Polling()
        self.following = Following()
        self.saving = Saving()
        self.waiting = 0
        self._changed = anyio.Event()
        self._hinted = anyio.Event()

    @property
    def submitting(self) -> bool:
        """Whether it is still open if the gateway takes the song."""
        return self.refusal is None and self.song.state in SUBMITTING

    @property
    def over(self) -> bool:
        """Whether waiting any longer is of no use."""
        return self.refusal is not None or self.song.settled or self.song.state == "UNKNOWN"

    @property
    def done(self) -> bool:
        """Whether looking after it any longer is of no use."""
        if self.song.presumed and self.following.revisits < MOST_REVISITS:
            return False
        return self.refusal is not None or self.song.finished or self.song.state == "UNKNOWN"

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Count one who waits, so that what other processes know of the song is looked at."""
        self.waiting += 1
        self.hint()
        try:
            yield
        finally:
            self.waiting -= 1

    def show(self, song: Song) -> None:
        """The song changed: wake everyone."""
        self.song = song
        self.wake()

    def refuse(self, refusal: Refusal) -> None:
        """There will be no song: wake everyone."""
        self.refusal = refusal
        self.wake()

    def wake(self) -> None:
        """Wake everyone who waits for a change."""
        self._changed.set()
        self._changed = anyio.Event()

    async def next_change(self) -> None:
        """Wait until something about the song changes."""
        await self._changed.wait()

    def hint(self) -> None:
        """It may be worth looking earlier than planned; kept until somebody looks."""
        self._hinted.set()

    async def hinted(self) -> None:
        """Wait for a hint, and use it up."""
        await self._hinted.wait()
        self._hinted = anyio.Event()

    def result(self) -> Song:
        """The song as it stands.

        Raises:
            Refusal: There is none. A copy, because every waiter raises its own.
        """
        if self.refusal is not None:
            raise replace(self.refusal)  # type: ignore[type-var]  # every Refusal is a dataclass
        return self.song
