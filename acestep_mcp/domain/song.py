"""A song from intent to end: its states and the only changes that are lawful.

    intent ──> sending ──> QUEUED ──> PROCESSING ──> COMPLETED | FAILED | ERROR
       ^          │  │        ^
       └─ unsent ─┘  └──> UNKNOWN      (accepted after all: UNKNOWN ──> QUEUED)

`intent` is written before anything is sent and `sending` before the first byte leaves, so what
a crash leaves behind says what may have happened: an `intent` was never sent, a `sending` may
have been. Only the first may be sent again. Terminal states never change.

Every function here is pure: it takes a song and a fact, and returns the song as it is after the
fact, or the same object where the fact changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NewType

from acestep_mcp.domain.track import Track

SongId = NewType("SongId", str)
"""The local handle of a song, known before the gateway names it."""
RequestId = NewType("RequestId", str)
"""The gateway's name for a song; opaque."""
Owner = NewType("Owner", str)
"""Whose song it is. Every ledger operation asks for it."""

State = Literal[
    "intent", "sending", "QUEUED", "PROCESSING", "COMPLETED", "FAILED", "ERROR", "UNKNOWN"
]
Saving = Literal["off", "wanted", "done"]

RUNNING: frozenset[State] = frozenset({"QUEUED", "PROCESSING"})
"""Accepted by the gateway and not finished: followed until they are."""
SUBMITTING: frozenset[State] = frozenset({"intent", "sending"})
"""In the hands of the process that took the order."""
ENDED: frozenset[State] = frozenset({"COMPLETED", "FAILED", "ERROR"})
"""The gateway's terminal states."""

LOCAL = "local-"
"""What a local handle begins with, so that it is never taken for the gateway's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Song:
    """One row of the ledger. Times are seconds since the epoch, durations seconds.

    `payload` is the JSON body as it is sent; `fingerprint` identifies the request it answers.
    `duration` is the length asked for and `seed` the seed sent; None where none was. `took` is
    how long the gateway needed, by its own clock. `sound` is what each of the `files` holds.
    """

    id: SongId
    owner: Owner
    fingerprint: str
    model: str
    title: str
    payload: Mapping[str, Any]
    tracks: int
    state: State
    created_at: float
    saving: Saving = "off"
    worker: str = ""
    version: int = 0
    request_id: RequestId | None = None
    media_urls: tuple[str, ...] = ()
    media_type: str = ""
    files: tuple[str, ...] = ()
    sound: tuple[Track, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str = ""
    updated_at: float = 0.0
    completed_at: float | None = None
    took: float | None = None
    delivered: bool = False

    @property
    def handle(self) -> str:
        """What callers call it: the gateway's id where known, else the local one."""
        return self.request_id or self.id

    @property
    def status(self) -> str:
        """The public word for its state: `intent` and `sending` are nobody's business but ours."""
        return "UNKNOWN" if self.state in SUBMITTING else self.state

    @property
    def ended(self) -> bool:
        """Whether the gateway will change nothing about it any more."""
        return self.state in ENDED

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do: ended, and saved where that was wanted."""
        return self.ended and self.saving != "wanted"

    @property
    def duration(self) -> float | None:
        """Seconds asked of the gateway."""
        value = self.payload.get("duration")
        return float(value) if isinstance(value, int | float) else None

    @property
    def seed(self) -> int | None:
        """The seed sent."""
        value = self.payload.get("seed")
        return value if isinstance(value, int) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What the gateway says about a song at one moment, already made safe to keep.

    `state` is QUEUED where it said nothing this program knows.
    """

    request_id: RequestId
    state: State
    model: str = ""
    media_urls: tuple[str, ...] = ()
    media_type: str = ""
    error: str = ""
    created_at: float | None = None
    completed_at: float | None = field(default=None)


def sending(song: Song, now: float, worker: str) -> Song:
    """The request is about to leave; only `worker`, which took the order, may send it."""
    if song.state != "intent" or song.worker != worker:
        return song
    return replace(song, state="sending", updated_at=now)


def unsent(song: Song, now: float) -> Song:
    """The request provably did not take effect, and may be sent again."""
    return replace(song, state="intent", updated_at=now) if song.state == "sending" else song


def unknown(song: Song, now: float, why: str) -> Song:
    """The request may have taken effect; nobody heard."""
    if song.state != "sending":
        return song
    return replace(song, state="UNKNOWN", error=why, updated_at=now)


def accepted(song: Song, request_id: RequestId, now: float, worker: str) -> Song:
    """The gateway took the request and named it, however late; `worker` heard it and follows."""
    if song.state not in ("sending", "UNKNOWN"):
        return song
    return replace(
        song, state="QUEUED", request_id=request_id, error="", worker=worker, updated_at=now
    )


def called(song: Song) -> Song:
    """The gateway called about it: a new version, by which whoever follows it learns to ask."""
    return replace(song) if song.state in RUNNING else song


def orphaned(song: Song, now: float, heir: str) -> Song | None:
    """The process that had it is dead and `heir` takes it over; None if it never was sent."""
    if song.state == "intent":
        return None
    if song.state == "sending":
        song = unknown(song, now, "the process that sent it stopped before the gateway answered")
    return replace(song, worker=heir)


def observed(song: Song, seen: Observation, now: float) -> Song:
    """The gateway was asked. A finished song stays as it ended; queued never follows processing.

    A COMPLETED song without any media URL takes URLs that turn up later.
    """
    if song.state == "COMPLETED" and not song.media_urls and seen.media_urls:
        return replace(song, media_urls=seen.media_urls, media_type=seen.media_type, updated_at=now)
    if song.state not in RUNNING or (song.state, seen.state) == ("PROCESSING", "QUEUED"):
        return song
    if seen.state == song.state:
        return song
    return replace(
        song,
        state=seen.state,
        media_urls=seen.media_urls,
        media_type=seen.media_type,
        error=seen.error,
        completed_at=(seen.completed_at or now) if seen.state in ENDED else None,
        took=_took(song, seen, now),
        saving="off" if seen.state in ENDED and not seen.media_urls else song.saving,
        updated_at=now,
    )


def _took(song: Song, seen: Observation, now: float) -> float | None:
    """Seconds from order to completion; the gateway's clock may differ from ours."""
    if seen.state != "COMPLETED":
        return None
    if seen.created_at is None or seen.completed_at is None:
        return now - song.created_at
    return max(0.0, seen.completed_at - seen.created_at)


def saved(
    song: Song,
    files: tuple[str, ...],
    now: float,
    sound: tuple[Track, ...] = (),
    warnings: tuple[str, ...] = (),
) -> Song:
    """Its tracks were written to disk; `warnings` say what is missing or sounds wrong."""
    return replace(
        song,
        saving="done",
        files=files,
        sound=sound,
        warnings=(*warnings, *song.warnings),
        updated_at=now,
    )


def delivered(song: Song, *, heard: bool = True) -> Song:
    """Its end was told to the caller; `heard=False` takes that back when nobody listened."""
    return song if not song.ended or song.delivered == heard else replace(song, delivered=heard)
