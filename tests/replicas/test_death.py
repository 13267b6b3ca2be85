"""A replica is killed or stopped: the others go on with its songs, and it buys none again."""

import json
import signal
import time
from pathlib import Path

import anyio
import pytest

from acestep_mcp.engine import LEASE
from acestep_mcp.sandbox import hold, reply
from tests.hosted.house import KEY_HEADER
from tests.hosted.issuer import OAUTH, issuer, token
from tests.house import KEY
from tests.replicas.fleet import Caller, Fleet, fleet

pytestmark = [pytest.mark.anyio, pytest.mark.hosted]

SONGS = 6
WITHIN = LEASE + 1
"""Seconds: until nobody can take the dead for alive, and a moment to look and to ask."""
POLLED = {"ACESTEP_WEBHOOK_MODE": "off", "ACESTEP_POLL_INTERVAL": "0.5"}


class Watch:
    """Status requests from the moment on at which it is made."""

    def __init__(self, running: Fleet) -> None:
        self._sandbox = running.sandbox
        self._before = len(running.sandbox.polls())
        self._since = time.monotonic()

    def asked(self) -> set[str]:
        """The songs that were asked about."""
        polls = self._sandbox.polls()[self._before :]
        return {poll.path.rpartition("/")[2] for poll in polls}

    async def resumed(self, songs: list[str]) -> float:
        """Seconds until each of the songs was asked about."""
        with anyio.fail_after(3 * LEASE):
            while not self.asked() >= {*songs}:
                await self._sandbox.changed()
        return time.monotonic() - self._since


async def killed_in_mid_poll(running: Fleet, songs: list[str]) -> Watch:
    """Kill the last replica, which follows all the songs, while it waits for a status reply."""
    await Watch(running).resumed(songs)
    running.sandbox.faults.add("status", hold())
    unanswered = Watch(running)
    while not unanswered.asked():
        await running.sandbox.changed()
    await running.replicas[-1].kill()
    running.sandbox.faults.clear()
    return Watch(running)


async def all_completed(running: Fleet, caller: Caller, songs: list[str]) -> None:
    for song in songs:
        running.sandbox.complete(song)
    for song in songs:
        answer = await caller.call("get_status", request_id=song, wait=20)
        assert answer["status"] == "COMPLETED"


async def ordered(caller: Caller) -> list[str]:
    return [await caller.orders(f"Song {number}") for number in range(SONGS)]


async def test_songs_on_the_servers_key_are_resumed_within_the_lease_though_nobody_calls(
    tmp_path: Path,
) -> None:
    bearer = {"Authorization": f"Bearer {token()}"}
    async with issuer() as keys:
        oauth = {**OAUTH, "ACESTEP_AUTH_JWKS_URL": keys.url}
        async with fleet(tmp_path, POLLED | oauth) as running:
            async with running.caller(running.replicas[-1].url, **bearer) as caller:
                songs = await ordered(caller)
                watch = await killed_in_mid_poll(running, songs)
            resumed = await watch.resumed(songs)
            print(f"{SONGS} songs of a token's owner resumed after {resumed:.1f} s")
            async with running.caller(**bearer) as caller:
                await all_completed(running, caller, songs)

    assert running.posts == SONGS
    assert resumed <= WITHIN


async def test_songs_on_a_callers_key_are_resumed_when_that_caller_calls_any_replica(
    tmp_path: Path,
) -> None:
    """And those of the server's only user, on the same replicas, though nobody calls."""
    mine = {KEY_HEADER: KEY}
    async with fleet(tmp_path, POLLED) as running:
        doomed = running.replicas[-1].url
        async with running.caller(doomed) as local, running.caller(doomed, **mine) as caller:
            songs, owned = await ordered(local), await ordered(caller)
            watch = await killed_in_mid_poll(running, [*songs, *owned])
        resumed = await watch.resumed(songs)
        uncalled = watch.asked()
        print(f"{SONGS} songs of the only user resumed after {resumed:.1f} s")
        async with running.caller(**mine) as caller, running.caller() as local:
            watch = Watch(running)
            await caller.call("list_outputs")
            called = await watch.resumed(owned)
            print(f"{SONGS} songs of a caller's key resumed {called:.1f} s after the next call")
            await all_completed(running, caller, owned)
            await all_completed(running, local, songs)

    assert running.posts == 2 * SONGS
    assert resumed <= WITHIN
    assert uncalled == {*songs}, "a caller's key is in nobody else's hands"
    assert called <= WITHIN


async def test_a_caller_need_not_call_again_once_the_lease_has_run_out(tmp_path: Path) -> None:
    """Their first call comes while the dead replica still counts as alive."""
    mine = {KEY_HEADER: KEY}
    async with fleet(tmp_path, POLLED | {"ACESTEP_AUTH": "key"}) as running:
        async with running.caller(running.replicas[-1].url, **mine) as caller:
            songs = await ordered(caller)
            watch = await killed_in_mid_poll(running, songs)
        async with running.caller(**mine) as caller:
            await caller.call("list_outputs")
            resumed = await watch.resumed(songs)
            print(f"{SONGS} songs of a caller's key resumed {resumed:.1f} s after an early call")
            await all_completed(running, caller, songs)

    assert running.posts == SONGS
    assert resumed <= WITHIN


async def test_one_stopped_while_it_orders_and_woken_when_others_have_its_songs_buys_no_more(
    tmp_path: Path,
) -> None:
    """The gateway has read the orders, and answers each about another song when it is asked."""
    mine = {KEY_HEADER: KEY}
    async with fleet(tmp_path, POLLED | {"ACESTEP_AUTH": "key"}) as running:
        sleeper, sandbox = running.replicas[-1], running.sandbox
        async with (
            running.caller(sleeper.url, **mine) as caller,
            running.caller(running.replicas[0].url, **mine) as other,
        ):
            songs = await ordered(caller)
            answers = hold()
            sandbox.faults.add("submit", answers)
            on_its_way = await caller.call("generate_song", prompt="One more", wait=0)
            while running.posts <= SONGS:
                await sandbox.changed()
            sleeper.signal(signal.SIGSTOP)
            await other.call("list_outputs")
            await Watch(running).resumed(songs)
            again = await other.call("generate_song", prompt="One more", wait=0)
            sleeper.signal(signal.SIGCONT)
            answers.release()
            foreign = json.dumps({"request_id": songs[0], "status": "FAILED"}).encode()
            sandbox.faults.add("status", reply(200, foreign), times=SONGS)
            await all_completed(running, other, songs[1:])
            (late,) = {*sandbox.jobs} - {*songs}
            await all_completed(running, other, [late])

    assert again["request_id"] == on_its_way["request_id"]
    assert again["status"] in {"SUBMITTING", "QUEUED", "UNKNOWN"}
    assert running.posts == SONGS + 1
