"""A job's life: QUEUED → PROCESSING → COMPLETED | FAILED | ERROR, computed from the clock.

Nothing runs in the background: a job knows when it was created and how fast its profile is, and
says what state it is in when asked. Tests may push it on by hand.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Literal

State = Literal["QUEUED", "PROCESSING", "COMPLETED", "FAILED", "ERROR"]

TERMINAL = frozenset({"COMPLETED", "FAILED", "ERROR"})


@dataclass(frozen=True, slots=True)
class Profile:
    """Seconds a job spends queued, and then processing."""

    queued: float = 2.0
    processing: float = 14.0

    def faster(self, speed: float) -> "Profile":
        """The same course, `speed` times as fast."""
        return Profile(self.queued / speed, self.processing / speed)

    @classmethod
    def quick(cls) -> "Profile":
        """16 s, as in the gateway document's sample of a finished status."""
        return cls(2.0, 14.0)

    @classmethod
    def slow(cls) -> "Profile":
        """111 s, as in the gateway document's sample of a webhook."""
        return cls(9.0, 102.0)

    @classmethod
    def manual(cls) -> "Profile":
        """Never advances by time."""
        return cls(math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class CallbackTarget:
    """Where to call back: `mode` is "terminal" or "sync"."""

    url: str
    mode: str


@dataclass(slots=True)
class Job:
    """An accepted request. Times are epoch seconds of the sandbox's clock."""

    request_id: str
    model: str
    payload: dict[str, object]
    seed: int
    created_at: float
    ordinal: int
    profile: Profile
    webhook: CallbackTarget | None = None
    error: str | None = None
    expired: bool = False
    _pushed: list[tuple[State, float]] = field(default_factory=list)

    @property
    def tracks(self) -> int:
        """How many files the job makes, and is charged for."""
        size = self.payload.get("batch_size", 1)
        return size if isinstance(size, int) else 1

    def push(self, state: State, now: float) -> None:
        """Sets the state by hand; time no longer moves the job."""
        self._pushed.append((state, now))

    def entered(self, now: float) -> list[tuple[State, float]]:
        """Every state entered up to `now`, each with its time; never empty."""
        started = self.created_at + self.profile.queued
        timed: list[tuple[State, float]] = [("QUEUED", self.created_at)]
        if not self._pushed:
            timed += [("PROCESSING", started), ("COMPLETED", started + self.profile.processing)]
        return [(state, at) for state, at in timed if at <= now] + self._pushed or timed[:1]

    def state(self, now: float) -> State:
        """The state at `now`."""
        return self.entered(now)[-1][0]

    def until_change(self, now: float) -> float:
        """Seconds until time alone changes the state; infinite when it will not."""
        if self._pushed or self.state(now) in TERMINAL:
            return math.inf
        waits = self.profile.queued, self.profile.queued + self.profile.processing
        return next((left for w in waits if (left := self.created_at + w - now) > 0), 0.0)


def status(job: Job, now: float, output: Mapping[str, object]) -> dict[str, object]:
    """The documented status shape; `output` is used only where the job has completed."""
    entered = job.entered(now)
    state, at = entered[-1]
    spell = _spaced if job.ordinal % 2 else _iso
    return {
        "request_id": job.request_id,
        "status": state,
        "model_id": job.model,
        "error": job.error if state in ("FAILED", "ERROR") else None,
        "output": dict(output) if state == "COMPLETED" else None,
        "created_at": _iso(job.created_at),
        "updated_at": spell(at),
        "completed_at": spell(at) if state in TERMINAL else None,
    }


def _iso(at: float) -> str:
    """2026-03-31T07:32:03.749Z."""
    stamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return stamp.replace("+00:00", "Z")


def _spaced(at: float) -> str:
    """2026-05-22 13:19:23, in UTC without saying so, as the document's webhook sample has it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


_serial = count()


def request_id(model: str, now: float) -> str:
    """A new id: model, then time-ordered digits that look like a UUID of version 7.

    The last group has 13 digits, as in the document's sample, so that no client can come to
    depend on these being UUIDs.
    """
    stamp, serial = f"{int(now * 1000):012x}", next(_serial) % 4096
    tail = f"{random.getrandbits(64):016x}"
    return f"{model}_{stamp[:8]}-{stamp[8:]}-7{serial:03x}-{tail[:4]}-{tail[3:]}"
