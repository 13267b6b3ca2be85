"""A song that somebody here waits for or looks after."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import anyio

from acestep_mcp.domain.errors import Refusal
from acestep_mcp.domain.song import SUBMITTING, Song

MOST_REVISITS = 8
"""Status requests about a song whose end was presumed: each twice as late as the one before."""


class Live:
    """One song of this process: its latest state, and everyone who waits for the next.

    `refusal` is set when the order ended without a song; `problem` says in a few words why the
    gateway could not be asked lately, `""` when it could; `progress` is how much of it is made.
    `asked` counts the status requests, `asked_at` and `due` are the times of the last and the next
    one, `wanted` when somebody wants it earlier, `known_times` the seconds that such songs took.
    `strange` counts the requests since the gateway last knew the song, `revisits` those since its
    end was presumed, `began` is when it was ordered, as far as can be told, and `save_due` when
    saving is tried again, `saving` while it is, `gone_since` since when its tracks are said to be
    gone. All times are the monotonic clock's.
    """

    __slots__ = (
        "_changed",
        "_hinted",
        "asked",
        "asked_at",
        "asking",
        "began",
        "due",
        "failures",
        "followed",
        "gone_since",
        "known_times",
        "problem",
        "progress",
        "refusal",
        "revisits",
        "save_due",
        "saving",
        "song",
        "strange",
        "waiting",
        "wanted",
    )

    def __init__(self, song: Song) -> None:
        self.song = song
        self.refusal: Refusal | None = None
        self.problem = ""
        self.progress: float | None = None
        self.asked = 0
        self.asked_at = -math.inf
        self.known_times: tuple[float, ...] = ()
        self.asking = False
        self.began = -math.inf
        self.due = -math.inf
        self.strange = 0
        self.revisits = MOST_REVISITS
        self.save_due = -math.inf
        self.gone_since = math.inf
        self.saving = False
        self.wanted = math.inf
        self.failures = 0
        self.followed = False
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
        if self.song.presumed and self.revisits < MOST_REVISITS:
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
        self.tell()

    def refuse(self, refusal: Refusal) -> None:
        """There will be no song: wake everyone."""
        self.refusal = refusal
        self.tell()

    def tell(self) -> None:
        """Wake everyone who waits for a change."""
        self._changed.set()
        self._changed = anyio.Event()

    async def next_change(self) -> None:
        """Wait until something about the song changes."""
        await self._changed.wait()

    def nudge(self, at: float) -> None:
        """Have a status request sent at that time at the latest."""
        self.wanted = min(self.wanted, at)
        self.hint()

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
