"""A song from intent to end: its states and the only changes that are lawful.

    intent ──> sending ──> QUEUED ──> PROCESSING ──> COMPLETED | FAILED | ERROR
       ^          │  │        ^
       └─ unsent ─┘  └──> UNKNOWN      (accepted after all: UNKNOWN ──> QUEUED)

`intent` is written before anything is sent and `sending` before the first byte leaves, so what
a crash leaves behind says what may have happened: an `intent` was never sent, a `sending` may
have been. Only the first may be sent again. Terminal states never change, but for those that
were only presumed: the song may turn out to be alive.

Every function here is pure: it takes a song and a fact, and returns the song as it is after the
fact, or the same object where the fact changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NewType, get_args

from acestep_mcp.domain.track import Track

SongId = NewType("SongId", str)
"""The local handle of a song, known before the gateway names it."""
RequestId = NewType("RequestId", str)
"""The gateway's name for a song; opaque."""
Owner = NewType("Owner", str)
"""Whose song it is. Every ledger operation asks for it."""
LOCAL_OWNER = Owner("local")
"""Whoever started the server, where it works for one person."""

State = Literal[
    "intent", "sending", "QUEUED", "PROCESSING", "COMPLETED", "FAILED", "ERROR", "UNKNOWN"
]
Saving = Literal["off", "wanted", "done", "lost"]
"""`wanted` until the files are there, or until it is sure that the media host has them no more."""

STATES: tuple[State, ...] = get_args(State)
"""All of them, in the order in which a song goes through them."""
RUNNING: frozenset[State] = frozenset({"QUEUED", "PROCESSING"})
"""Accepted by the gateway and not finished: followed until they are."""
SUBMITTING: frozenset[State] = frozenset({"intent", "sending"})
"""In the hands of the process that took the order."""
_BEFORE: Mapping[State, State] = {"PROCESSING": "QUEUED"}
ENDED: frozenset[State] = frozenset({"COMPLETED", "FAILED", "ERROR"})
"""The gateway's terminal states."""
LISTED: frozenset[State] = frozenset(STATES) - {"intent"}
"""What a list shows: of an intent nothing was sent, so there is no song yet."""
CHARGED: frozenset[State] = RUNNING | {"COMPLETED", "FAILED"}
"""Accepted, and not ended in a way that is documented as free."""

GONE_AFTER = 600.0
GONE_FOR_GOOD = 604_800.0
"""Seconds for which a media host has to say that a track is gone before it is believed: to one
process, and to one after the other by the wall clock."""
SAVE_FLOOR = 5.0
"""Seconds between two attempts that somebody asked for."""
_ENOUGH_ATTEMPTS = 8
"""So often, too, has it to say so, in case it was a clock that made the seconds pass."""

LOCAL = "local-"
"""What a local handle begins with, so that it is never taken for the gateway's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Song:
    """One row of the ledger. Times are seconds since the epoch, durations seconds.

    `provider` is the name of who makes it, `payload` what was asked for; `fingerprint` identifies
    the request it answers, and `exact` what was sent, drawn seed and all: who asks for just
    that would get the same music. It is `charged` where its provider
    takes money for tracks. `based_on` is the handle of the song it was made after.
    `duration` is the length asked for and `seed` the seed sent; None where none was. `took` is
    how long it was in the making, by the provider's own clock. `sound` is what each of the
    `files` holds.

    Saving has failed `save_attempts` times since `save_since`, and is due again at `save_after`.
    `file_warnings` say what is missing on the disk or sounds wrong, `warnings` what was said when
    the song was ordered. It is `delivered` once an answer told its end, first at
    `delivered_at`; it is `presumed` ended where this program gave it up although the gateway
    named no end that it documents; an explicit question has the gateway asked again.
    """

    id: SongId
    owner: Owner
    fingerprint: str
    provider: str
    model: str
    title: str
    payload: Mapping[str, Any]
    tracks: int
    state: State
    created_at: float
    exact: str = ""
    based_on: str = ""
    charged: bool = True
    saving: Saving = "off"
    worker: str = ""
    version: int = 0
    request_id: RequestId | None = None
    media_urls: tuple[str, ...] = ()
    media_type: str = ""
    files: tuple[str, ...] = ()
    sound: tuple[Track, ...] = ()
    warnings: tuple[str, ...] = ()
    file_warnings: tuple[str, ...] = ()
    save_attempts: int = 0
    save_since: float = 0.0
    save_after: float = 0.0
    error: str = ""
    presumed: bool = False
    updated_at: float = 0.0
    completed_at: float | None = None
    took: float | None = None
    delivered: bool = False
    delivered_at: float = 0.0

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
    def unsaved(self) -> bool:
        """Whether its files are still to be written."""
        return self.state == "COMPLETED" and self.saving == "wanted"

    @property
    def settled(self) -> bool:
        """Whether waiting longer brings nothing new: ended, and saved or tried to be."""
        return self.ended and not (self.unsaved and self.save_attempts == 0)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do: ended, and no files to be written."""
        return self.ended and not self.unsaved

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

    `state` is QUEUED where it said nothing this program knows. `presumed` means that it named an
    end which it does not document, by the word in `error`. `warnings` tell, with its words marked
    as such, what it gave that could not be used; `progress` is how much is made, from 0 to 1.
    """

    request_id: RequestId
    state: State
    model: str = ""
    media_urls: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    media_type: str = ""
    error: str = ""
    presumed: bool = False
    progress: float | None = None
    created_at: float | None = None
    completed_at: float | None = None


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

    A COMPLETED song without any media URL takes URLs that turn up later. One whose end was only
    presumed is what the gateway says it is.
    """
    if song.state == "COMPLETED" and not song.media_urls and seen.media_urls:
        saving: Saving = "off" if song.saving == "off" else "wanted"
        urls, kind = seen.media_urls, seen.media_type
        return replace(song, media_urls=urls, media_type=kind, saving=saving, updated_at=now)
    if song.presumed:
        if seen.presumed:
            return song
        song = replace(song, presumed=False, delivered=False, delivered_at=0.0)
    elif song.state not in RUNNING or seen.state in (song.state, _BEFORE.get(song.state)):
        return song
    return replace(
        song,
        state=seen.state,
        presumed=seen.presumed,
        media_urls=seen.media_urls,
        media_type=seen.media_type,
        warnings=(*song.warnings, *seen.warnings),
        error=seen.error,
        completed_at=(seen.completed_at or now) if seen.state in ENDED else None,
        took=_took(song, seen, now),
        updated_at=now,
    )


def given_up(song: Song, now: float, why: str) -> Song:
    """Nothing more can be learned of it; should the gateway know it after all, it comes back."""
    if song.state not in RUNNING:
        return song
    return replace(song, state="ERROR", presumed=True, error=why, completed_at=now, updated_at=now)


def _took(song: Song, seen: Observation, now: float) -> float | None:
    """Seconds from order to completion; the gateway's clock may differ from ours."""
    if seen.state != "COMPLETED":
        return None
    if seen.created_at is None or seen.completed_at is None:
        return now - song.created_at
    return max(0.0, seen.completed_at - seen.created_at)


def saved(
    song: Song,
    worker: str,
    *,
    files: tuple[str, ...],
    sound: tuple[Track, ...],
    warnings: tuple[str, ...],
    now: float,
) -> Song:
    """All its tracks are on the disk; `warnings` say what sounds wrong.

    Said by a worker that no longer has the song, it changes nothing: whoever has it knows better.
    """
    if not song.unsaved or song.worker != worker:
        return song
    return replace(
        song, saving="done", files=files, sound=sound, file_warnings=warnings, updated_at=now
    )


def not_saved(
    song: Song,
    worker: str,
    *,
    gone_for: float | None,
    pause: float,
    now: float,
    **kept: Any,  # noqa: ANN401  # what `saved` takes about the tracks that are there
) -> Song:
    """A track is not on the disk yet, whichever are: try again after `pause` seconds.

    `gone_for` is for how many seconds the media host has said, and nothing else, that it has no
    such track; None where it does not. It is believed after some minutes, because such hosts forget
    and remember; or after days, where no process lives that long.
    """
    after = saved(song, worker, now=now, **kept)
    if after is song:
        return song
    since = song.save_since or now
    long = gone_for is not None and (gone_for >= GONE_AFTER or now - since >= GONE_FOR_GOOD)
    believed = long and song.save_attempts >= _ENOUGH_ATTEMPTS
    return replace(
        after,
        saving="lost" if believed else "wanted",
        save_attempts=song.save_attempts + 1,
        save_since=since,
        save_after=now + pause,
    )


def converted(song: Song, made: tuple[tuple[str, str], ...]) -> Song:
    """Takes of it, each named by its file, are there in another format under the second path."""
    sound = list(song.sound)
    for file, path in made:
        if file not in song.files or path == file:
            continue
        place = song.files.index(file)
        if place < len(sound) and path not in sound[place].also:
            sound[place] = replace(sound[place], also=(*sound[place].also, path))
    return replace(song, sound=tuple(sound)) if tuple(sound) != song.sound else song


def left(song: Song) -> Song:
    """The process that had it leaves it to whoever can do what is left."""
    return replace(song, worker="")


def save_now(song: Song, worker: str, now: float, *, idle: bool) -> Song:
    """Somebody asks for files that are not there: `worker` tries again at once.

    Not where one has only just failed or, as far as is known, is under way (`idle` where none is).
    What was believed to be lost, and what was saved and is gone from the disk, is wanted again.
    """
    if song.state != "COMPLETED" or song.saving == "off":
        return song
    if (song.unsaved and not idle) or abs(now - song.updated_at) < SAVE_FLOOR:
        return song
    return replace(
        song,
        saving="wanted",
        worker=worker,
        save_attempts=0,
        save_since=song.save_since if song.unsaved else 0.0,
        save_after=0.0,
        updated_at=now,
    )


def delivered(song: Song, now: float, *, heard: bool = True) -> Song:
    """Its end was told to the caller; `heard=False` takes that back when nobody listened."""
    if not song.ended or song.delivered == heard:
        return song
    return replace(song, delivered=heard, delivered_at=now if heard else 0.0)
