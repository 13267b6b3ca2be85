"""A thousand songs, while a server is killed and the database crashes: each is bought once."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from acestep_mcp.sandbox import Profile, latency
from tests.hosted.issuer import OAUTH, issuer, token
from tests.replicas.customer import Customer
from tests.replicas.fleet import Fleet, fleet

pytestmark = [pytest.mark.anyio, pytest.mark.hosted]

SONGS, CUSTOMERS = 1_000, 25
MADE_IN = Profile(queued=0.1, processing=0.6)
ANSWERED_IN = latency(0.3)
"""Seconds from a submission that the gateway has read to its answer."""
LONGEST = 240
"""Seconds after which the run counts as stuck."""


class Titles:
    """The songs to be ordered; something may happen when the n-th one is."""

    def __init__(self) -> None:
        self._ordered = 0
        self._more = anyio.Event()

    def __iter__(self) -> Iterator[str]:
        for number in range(SONGS):
            self._ordered = number
            self._more.set()
            self._more = anyio.Event()
            yield str(number)

    async def at(self, number: int, happens: Callable[[], Awaitable[object]]) -> None:
        while self._ordered < number:
            await self._more.wait()
        await happens()


async def bought(running: Fleet, customers: list[Customer]) -> float:
    """Everything is ordered, amid two accidents; how many seconds it took."""
    titles, began = Titles(), time.monotonic()
    shared = iter(titles)
    async with anyio.create_task_group() as tasks:
        for customer in customers:
            tasks.start_soon(customer.buy, shared)
        tasks.start_soon(titles.at, SONGS * 3 // 10, lambda: killed_and_replaced(running))
        tasks.start_soon(titles.at, SONGS * 6 // 10, lambda: crashed_and_restarted(running))
    return time.monotonic() - began


async def killed_and_replaced(running: Fleet) -> None:
    """One server dies while somebody talks to it, and another one takes its port."""
    doomed = running.replicas[-1]
    while not running.proxy.talks_to(doomed.port):
        await running.sandbox.changed()
    await doomed.kill()
    await doomed.start()


async def crashed_and_restarted(running: Fleet) -> None:
    """The database dies in the middle of things, and comes back."""
    await anyio.to_thread.run_sync(running.database.restart)


async def test_a_thousand_songs_are_each_bought_once_and_none_is_lost(tmp_path: Path) -> None:
    async with issuer() as keys:
        oauth = {**OAUTH, "ACESTEP_AUTH_JWKS_URL": keys.url, "ACESTEP_POLL_INTERVAL": "1"}
        async with fleet(tmp_path, oauth, profile=MADE_IN) as running:
            running.sandbox.faults.add("submit", ANSWERED_IN, times=None)
            bearers = [f"Bearer {token(sub=str(number))}" for number in range(CUSTOMERS)]
            customers = [Customer(running, {"Authorization": bearer}) for bearer in bearers]
            with anyio.fail_after(LONGEST):
                took = await bought(running, customers)
                listed = [await customer.listed() for customer in customers]
    heard = sum((customer.heard for customer in customers), Counter[str]())
    print(f"{SONGS} songs in {took:.0f} s, {len(running.sandbox.polls())} status requests; {heard}")

    assert heard["cut"], "somebody was talking to the server that was killed"
    assert heard["refused"], "somebody ordered while the ledger was down"
    posts = Counter(each.json()["prompt"] for each in running.sandbox.submissions)
    assert posts.total() == len(posts) == len(running.sandbox.jobs), "nothing was paid for twice"
    told = {title: answer for each in customers for title, answer in each.told.items()}
    assert len(told) == SONGS
    assert nobody_was_told_wrongly(running, told), "nothing was paid for that nobody was told of"
    for customer, songs in zip(customers, listed, strict=True):
        assert songs == {each["request_id"] for each in customer.told.values()}


def nobody_was_told_wrongly(running: Fleet, told: dict[str, dict[str, Any]]) -> bool:
    """Whether each song that was paid for was told as complete, and none besides.

    What the server could not know to have been sent stays unknown, and was not.
    """
    paid = {str(job.payload["prompt"]): name for name, job in running.sandbox.jobs.items()}
    complete = {
        f"Song {title}": answer["request_id"]
        for title, answer in told.items()
        if answer["status"] == "COMPLETED"
    }
    others = {answer["status"] for answer in told.values()} - {"COMPLETED"}
    return complete == paid and others <= {"UNKNOWN"}
