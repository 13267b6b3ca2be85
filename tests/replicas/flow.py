"""Songs ordered one after another at a gentle rate, each with somebody who waits for it."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median

import anyio

from acestep_mcp.sandbox import Profile
from tests.replicas.fleet import Caller, Fleet

MADE_IN = Profile(queued=0.0, processing=0.7)
"""Seconds a song takes: longer than what the engine leaves between two questions."""
EVERY = 0.1
"""Seconds between two orders."""
ROUNDS = 3
SOON = 0.1
"""Seconds within which 99 of 100 are told."""
FIRST = 12
"""Songs that are not counted: with its first ones a process loads what it needs."""


@dataclass(frozen=True, slots=True)
class Roles:
    """Which replicas take a song's order and its waiter, by their place in the fleet."""

    ordered: int
    waited: int


@dataclass(frozen=True, slots=True)
class Told:
    """How one song's end was told; `called` is the place of the replica that was called back.

    `waited` is how long the waiter had been there when the callback came, `woken` how long after
    the callback they had their answer, `lag` how long after the song was complete. Seconds.
    """

    roles: Roles
    called: int
    waited: float
    woken: float
    lag: float

    @property
    def places(self) -> set[int]:
        """The replicas that had a part in it."""
        return {self.roles.ordered, self.roles.waited, self.called}


async def told(
    fleet: Fleet, songs: int, roles: Callable[[int], Roles], **headers: str
) -> list[Told]:
    """What became of `songs` songs, in the first round that no busy neighbour spoilt.

    Each round's figures are printed; the last of them counts in any case.
    """
    found: list[Told] = []
    for number in range(ROUNDS):
        found = await _round(fleet, songs, roles, headers)
        print(f"round {number + 1}: told {milliseconds([each.woken for each in found])}")
        spread = {len(each.places) for each in found}
        told_at = [[each.woken for each in found if len(each.places) == n] for n in spread]
        if all(p(99, woken) < SOON for woken in told_at):
            break
    return found


async def _round(
    fleet: Fleet, songs: int, roles: Callable[[int], Roles], headers: Mapping[str, str]
) -> list[Told]:
    async with AsyncExitStack() as callers:
        clients = [
            await callers.enter_async_context(fleet.caller(replica.url, **headers))
            for replica in fleet.replicas
        ]

        await _flow(fleet, clients, [roles(number) for number in range(FIRST)])
        return await _flow(fleet, clients, [roles(number) for number in range(songs)])


async def _flow(fleet: Fleet, clients: Sequence[Caller], roles: Sequence[Roles]) -> list[Told]:
    found: list[Told] = []

    async def one(each: Roles) -> None:
        found.append(await _told(fleet, clients, each))

    async with anyio.create_task_group() as tasks:
        for each in roles:
            tasks.start_soon(one, each)
            await anyio.sleep(EVERY)  # the rate
    return found


async def _told(fleet: Fleet, clients: Sequence[Caller], roles: Roles) -> Told:
    handle = await clients[roles.ordered].orders(f"Song {fleet.posts}, {time.time()}")
    began = time.time()
    answer = await clients[roles.waited].call("get_status", request_id=handle, wait=20)
    ended = time.time()
    assert answer["status"] == "COMPLETED", answer
    job = fleet.sandbox.jobs[handle]
    assert job.webhook is not None
    callback = next(each for each in fleet.proxy.callbacks() if each.path in job.webhook.url)
    ports = [replica.port for replica in fleet.replicas]
    return Told(
        roles=roles,
        called=ports.index(callback.backend),
        waited=callback.sent - began,
        woken=ended - callback.sent,
        lag=ended - job.entered(ended)[-1][1],
    )


def milliseconds(seconds: Sequence[float]) -> str:
    """The distribution in words."""
    p50, p99, most = (1000 * each for each in (median(seconds), p(99, seconds), max(seconds)))
    return f"median {p50:.0f} ms, p99 {p99:.0f} ms, at most {most:.0f} ms ({len(seconds)} songs)"


def p(percent: int, values: Sequence[float]) -> float:
    """The value that so many per cent do not exceed."""
    return sorted(values)[-(-len(values) * percent // 100) - 1]
