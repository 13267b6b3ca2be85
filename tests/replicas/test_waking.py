"""Ordered at one replica, called back at another, waited for at a third: told at once."""

from pathlib import Path
from statistics import median

import pytest

from tests.hosted.house import KEY_HEADER
from tests.house import KEY
from tests.replicas.fleet import fleet
from tests.replicas.flow import MADE_IN, SOON, Roles, milliseconds, p, told

pytestmark = [pytest.mark.anyio, pytest.mark.hosted]

NO_POLLS = {"ACESTEP_POLL_INTERVAL": "60"}


async def test_who_waits_is_told_within_100_ms_of_the_callback_wherever_the_three_arrive(
    tmp_path: Path,
) -> None:
    """Two songs of three are waited for at a third replica, the others where they were ordered."""

    def roles(number: int) -> Roles:
        return Roles(number % 4, (number + 2) % 4 if number % 3 else number % 4)

    async with fleet(tmp_path, NO_POLLS, profile=MADE_IN) as running:
        running.proxy.backends.append(running.proxy.backends.pop(0))  # calls back one further on
        found = await told(running, 300, roles)
        polls = len(running.sandbox.polls())
        posts = running.posts
    apart = [each for each in found if len(each.places) == 3]
    at_home = [each for each in found if each.roles.ordered == each.roles.waited != each.called]
    print(f"submit on A, callback on B, wait on C: {milliseconds([e.woken for e in apart])}")
    print(f"submit on A, callback on B, wait on A: {milliseconds([e.woken for e in at_home])}")
    print(f"from COMPLETED to the answer: {milliseconds([each.lag for each in found])}")

    assert polls <= 1.1 * posts, "callbacks told, not polls"
    assert len(apart) >= 150
    assert len(at_home) >= 75
    assert p(2, [each.waited for each in found]) > 0, "somebody waited"
    assert p(99, [each.woken for each in apart]) < SOON
    assert p(99, [each.woken for each in at_home]) < SOON
    assert median(each.lag for each in found) <= 0.2


async def test_a_callback_at_a_replica_without_the_callers_key_has_the_one_that_has_it_ask(
    tmp_path: Path,
) -> None:
    def roles(number: int) -> Roles:
        return Roles(number % 3, (number + number % 2) % 3)

    keys = {"ACESTEP_AUTH": "key", "PIXAZO_API_KEY": ""}
    async with fleet(tmp_path, NO_POLLS | keys, profile=MADE_IN) as running:
        del running.proxy.backends[:3]  # callbacks come to the fourth, which no caller visits
        found = await told(running, 100, roles, **{KEY_HEADER: KEY})
        polls = len(running.sandbox.polls())
        posts = running.posts
    woken = [each.woken for each in found]
    print(f"callback at a replica without the key: {milliseconds(woken)}")
    print(f"from COMPLETED to the answer: {milliseconds([each.lag for each in found])}")

    assert {each.called for each in found} == {3}
    assert polls <= 1.1 * posts, "callbacks told, not polls"
    assert p(2, [each.waited for each in found]) > 0, "somebody waited"
    assert p(99, woken) < SOON
    assert median(each.lag for each in found) <= 0.2
