"""Whose turn it is to ask the gateway: nobody's silence or chatter is anybody else's."""

import anyio
import pytest

from acestep_mcp.clock import SystemClock
from acestep_mcp.domain.errors import CouldNotSend
from acestep_mcp.domain.song import Owner
from acestep_mcp.engine.keyring import Keyring
from acestep_mcp.engine.pace import LONGEST_HOLD, Pace
from acestep_mcp.engine.strangers import Strangers
from acestep_mcp.engine.terms import Account
from acestep_mcp.ledger import opened
from acestep_mcp.providers import Providers
from acestep_mcp.providers.pixazo.client import Gateway

pytestmark = pytest.mark.anyio
ADA, BOB = Owner("ada"), Owner("bob")
NOBODY = Providers(Gateway("https://gateway.invalid", now=float))
NOWHERE = opened("there is none")
MONTH = 2_592_000.0


class Idle(SystemClock):
    """A clock on which time passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        await anyio.lowlevel.checkpoint()
        self.time += seconds


async def test_one_owners_hold_stops_their_planned_questions_and_nobody_elses() -> None:
    clock = Idle()
    pace = Pace(clock, rate=10.0)
    pace.hold(ADA, MONTH)

    await pace.acquire(BOB)
    assert clock.time == 0
    await pace.acquire(ADA)
    assert clock.time == LONGEST_HOLD == 120


async def test_a_question_that_somebody_waits_for_heeds_no_hold() -> None:
    clock = Idle()
    pace = Pace(clock, rate=10.0)
    pace.hold(ADA, MONTH)

    await pace.acquire(ADA, asked=True)

    assert clock.time == 0


@pytest.mark.parametrize("asked", [False, True], ids=["planned", "asked"])
async def test_however_many_questions_an_owner_has_the_next_one_is_served_in_turn(
    asked: bool,
) -> None:
    served: list[Owner] = []
    pace = Pace(Idle(), rate=10.0)

    async def turn(owner: Owner) -> None:
        await pace.acquire(owner, asked=asked)
        served.append(owner)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(turn, ADA)
            tasks.start_soon(turn, BOB)

    assert len(served) == 101
    assert served.index(BOB) <= 2


async def test_turns_are_a_step_apart_whoever_has_them() -> None:
    clock = Idle()
    pace = Pace(clock, rate=10.0)
    for number in range(11):
        await pace.acquire(Owner(f"owner {number}"), asked=number % 2 == 0)

    assert clock.time == pytest.approx(1.0)


async def test_of_owners_who_are_done_nothing_is_kept() -> None:
    pace = Pace(Idle(), rate=1_000.0)
    for number in range(100):
        await pace.acquire(Owner(f"owner {number}"))
        pace.hold(Owner(f"owner {number}"), 0.0)
    await pace.acquire(ADA)

    assert [pace.waiting(Owner(f"owner {number}")) for number in range(100)] == [0] * 100
    assert pace.known == 0


async def test_of_a_crowd_of_strangers_twenty_wait_and_the_others_are_told() -> None:
    strangers = Strangers(SystemClock(), Keyring(SystemClock(), NOBODY), NOWHERE)
    refused = 0

    async def come() -> None:
        nonlocal refused
        try:
            await strangers.acquire(anyio.current_time() + 0.4)
        except CouldNotSend:
            refused += 1

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for _ in range(300):
                tasks.start_soon(come)

    assert 297 <= refused <= 298  # one turn at once, and two more in 0.4 s at five a second


async def test_shared_and_own_accounts_are_no_strangers() -> None:
    keys = Keyring(SystemClock(), NOBODY)
    keys.keep(Account(ADA, "key"))
    strangers = Strangers(SystemClock(), keys, NOWHERE)

    assert not await strangers.include(Account(ADA, "key"))
    assert not await strangers.include(Account(BOB, "servers-own", shared=True))
