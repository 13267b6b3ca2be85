"""A song's life as a state machine: whatever happens in whatever order, no law is broken."""

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from acestep_mcp.domain import song as songs
from acestep_mcp.domain.song import (
    ENDED,
    RUNNING,
    Observation,
    Owner,
    RequestId,
    Song,
    SongId,
    State,
)

ME, HEIR = "worker-1", "worker-2"
NAME = RequestId("ace-step-xl_1")
URLS = ("https://media.invalid/1.wav",)
LAWFUL: dict[State, set[State]] = {
    "intent": {"sending"},
    "sending": {"intent", "QUEUED", "UNKNOWN"},
    "UNKNOWN": {"QUEUED"},
    "QUEUED": {"PROCESSING", "COMPLETED", "FAILED", "ERROR"},
    "PROCESSING": {"COMPLETED", "FAILED", "ERROR"},
    "COMPLETED": set(),
    "FAILED": set(),
    "ERROR": set(),
}
SAID: tuple[State, ...] = ("QUEUED", "PROCESSING", "COMPLETED", "FAILED", "ERROR")

Event = Callable[[Song], Song | None]


def fresh(state: State = "intent") -> Song:
    named = NAME if state in RUNNING | ENDED else None
    return Song(
        id=SongId("local-1"),
        owner=Owner("ada"),
        fingerprint="f",
        provider="pixazo",
        model="ace-step-xl",
        title="",
        payload={"seed": 7, "duration": 30},
        tracks=1,
        state=state,
        created_at=0.0,
        saving="wanted",
        worker=ME,
        request_id=named,
        media_urls=URLS if state == "COMPLETED" else (),
    )


def seen(state: State) -> Observation:
    urls = URLS if state == "COMPLETED" else ()
    return Observation(request_id=NAME, state=state, media_urls=urls)


CANCELLED = Observation(request_id=NAME, state="ERROR", presumed=True, error="CANCELLED")
QUIETLY: dict[str, Any] = {"sound": (), "warnings": (), "now": 1.0}


def polled(state: State) -> Event:
    return lambda song: songs.observed(song, seen(state), 1.0)


EVENTS: dict[str, Event] = {
    "begin": lambda song: songs.sending(song, 1.0, ME),
    "begin by a stranger": lambda song: songs.sending(song, 1.0, "stranger"),
    "unsent": lambda song: songs.unsent(song, 1.0),
    "lost reply": lambda song: songs.unknown(song, 1.0, "no reply"),
    "late accept": lambda song: songs.accepted(song, NAME, 1.0, ME),
    "crash": lambda song: songs.orphaned(song, 1.0, HEIR),
    "cancel": lambda song: songs.delivered(song, 1.0, heard=False),
    "deliver": lambda song: songs.delivered(song, 1.0),
    "save": lambda song: songs.saved(song, ME, files=("a.wav",), **QUIETLY),
    "save by a stranger": lambda song: songs.saved(song, "stranger", files=("b.wav",), **QUIETLY),
    "save fails": lambda song: songs.not_saved(song, ME, gone_for=9, pause=9, files=(), **QUIETLY),
    "ask for the files": lambda song: songs.save_now(song, ME, 99.0, idle=True),
    "give up": lambda song: songs.given_up(song, 1.0, "never heard of it"),
    "poll cancelled": lambda song: songs.observed(song, CANCELLED, 1.0),
    **{f"poll {state}": polled(state) for state in SAID},
}


def lawful(before: Song, after: Song | None) -> None:
    """One step: same song, or the next version of it in a state that may follow."""
    if after is None:
        assert before.state == "intent"  # only what was never sent is dropped
        return
    may_follow = RUNNING | ENDED if before.presumed else LAWFUL[before.state]
    assert after.state == before.state or after.state in may_follow
    assert after.state == "ERROR" or not after.presumed
    if before.worker != ME:  # whoever lost it has nothing more to say about its files
        assert (after.files, after.saving) == (before.files, before.saving) or after.worker == ME
    assert (after.id, after.owner, after.payload, after.fingerprint, after.created_at) == (
        before.id,
        before.owner,
        before.payload,
        before.fingerprint,
        before.created_at,
    )
    assert after.version == before.version  # counted by the ledger, and by nothing else
    if before.request_id is not None:
        assert after.request_id == before.request_id
    if before.media_urls:
        assert after.media_urls == before.media_urls
    assert (after.request_id is not None) == (after.state in RUNNING | ENDED)
    assert not (after.delivered and not after.ended)


class Life(RuleBasedStateMachine):
    """One song in a ledger that counts versions, and everything that may happen to it."""

    song: Song | None

    @initialize()
    def order(self) -> None:
        self.song = fresh()
        self.end: State | None = None
        self.posts = 0

    @rule(name=st.sampled_from(sorted(EVENTS)))
    def happens(self, name: str) -> None:
        if self.song is None:
            return
        before = self.song
        after = EVENTS[name](before)
        lawful(before, after)
        if after is not None and after is not before:
            self.posts += (before.state, after.state) == ("intent", "sending")
            self.posts -= (before.state, after.state) == ("sending", "intent")  # proven unsent
            after = replace(after, version=before.version + 1)
        self.song = after

    @invariant()
    def an_end_is_for_ever(self) -> None:
        song = getattr(self, "song", None)
        if song is not None:
            assert self.end in (None, song.state)
            self.end = song.state if song.ended and not song.presumed else None

    @invariant()
    def it_is_sent_once_unless_provably_not_at_all(self) -> None:
        assert getattr(self, "posts", 0) in (0, 1)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=150, stateful_step_count=30, deadline=None, database=None)


@pytest.mark.parametrize("state", LAWFUL)
def test_every_event_in_every_state_is_lawful(state: State) -> None:
    for event in EVENTS.values():
        lawful(fresh(state), event(fresh(state)))


@pytest.mark.parametrize("state", LAWFUL)
def test_every_two_events_in_either_order_are_lawful_and_never_reopen_an_end(state: State) -> None:
    for first, second in permutations(EVENTS.values(), 2):
        before = fresh(state)
        middle = first(before)
        lawful(before, middle)
        if middle is None:
            continue
        after = second(middle)
        lawful(middle, after)
        if middle.ended and not middle.presumed:
            assert after is not None
            assert after.state == middle.state


@pytest.mark.parametrize(("state", "end"), list(product(sorted(RUNNING), sorted(ENDED))))
def test_a_poll_ends_a_running_song_once_and_the_next_poll_changes_nothing(
    state: State, end: State
) -> None:
    ended = songs.observed(fresh(state), seen(end), 1.0)

    assert ended.state == end
    for later in SAID:
        assert songs.observed(ended, seen(later), 2.0) is ended


def test_a_late_accept_finds_the_song_in_sending_or_unknown_and_nowhere_else() -> None:
    states = {state for state in LAWFUL if EVENTS["late accept"](fresh(state)) != fresh(state)}

    assert states == {"sending", "UNKNOWN"}


def test_crash_then_accept_and_accept_then_crash_both_keep_the_song() -> None:
    sending = fresh("sending")
    crash, accept = EVENTS["crash"], EVENTS["late accept"]

    crashed, accepted = crash(sending), accept(sending)
    assert crashed is not None
    assert accepted is not None
    assert crashed.state == "UNKNOWN"
    for song in (accept(crashed), crash(accepted)):
        assert song is not None
        assert (song.state, song.request_id) == ("QUEUED", NAME)


def test_a_crash_drops_only_what_was_never_sent() -> None:
    dropped = {state for state in LAWFUL if EVENTS["crash"](fresh(state)) is None}

    assert dropped == {"intent"}


def test_only_the_process_that_took_an_order_may_send_it() -> None:
    assert EVENTS["begin by a stranger"](fresh()) == fresh()
