"""Clients as they are: they re-issue calls, cancel them, poll, and sometimes want another take."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import cache
from random import Random
from typing import TYPE_CHECKING

import trio

from acestep_mcp.domain.errors import Refusal
from acestep_mcp.domain.request import SongRequest
from acestep_mcp.domain.song import ENDED, RUNNING
from acestep_mcp.engine import Account, Report
from acestep_mcp.providers.acestep.models import MODELS as OWN_MODELS
from acestep_mcp.providers.pixazo.models import MODELS
from acestep_mcp.songcraft.prepare import Prepared, prepare

from .process import Process

if TYPE_CHECKING:
    from .world import World

_WAITS = (0, 0, 1, 5, 20, 45)
_BRISK = 10.0
"""Status requests a second: so many that no question has to wait for its turn."""
_SLACK = 2.0
"""Seconds that contract §4 lets a call outlast its wait."""


@dataclass(slots=True, eq=False)
class Telling:
    """A client was told how a song ended; `unheard` is when it said it had not listened."""

    handle: str
    state: str
    process: Process
    at: float
    unheard: float | None = None


@dataclass(slots=True, eq=False)
class Call:
    """One tool call. `seed` is drawn for a generate_song and names its order at the gateway.

    `decided` is the latest moment at which the engine looked whether an earlier song answers. A
    `fixed` one would be the same music as every other call for its wish.
    """

    account: Account
    process: Process
    wait: float
    at: float
    decided: float = -1.0
    wish: int = -1
    fixed: bool = False
    seed: int = -1
    new_take: bool = False
    report: Report | None = None
    refusal: Refusal | None = None
    done: trio.Event = field(default_factory=trio.Event)


@cache
def _order(wish: int, *, own: bool) -> Prepared:
    models = OWN_MODELS if own else MODELS
    return prepare(SongRequest(prompt=f"Warm folk ballad number {wish}"), models, lambda: 0.5)


async def client(world: "World") -> None:
    """One client's session."""
    rng = world.rng
    await trio.sleep(rng.uniform(0, world.plan.chaos))
    account, wish = rng.choice(world.accounts), rng.randrange(world.plan.wishes)
    for _ in range(rng.choice((1, 1, 2, 2, 4))):
        new_take = rng.random() < 0.06
        burst = rng.choice((1, 1, 1, 1, 2, 4))
        calls = [await _generate(world, account, wish, new_take=new_take) for _ in range(burst)]
        for call in calls:
            await call.done.wait()
        await _poll(world, calls[-1])
        await trio.sleep(_pause(rng))
        if rng.random() < 0.2:
            wish = rng.randrange(world.plan.wishes)


def _pause(rng: Random) -> float:
    if rng.random() < 0.05:
        return rng.uniform(300, 900)  # about the time for which an unknown outcome answers
    return rng.choice((0.0, 0.0, 5.0, rng.uniform(0, 60)))


async def _generate(world: "World", account: Account, wish: int, *, new_take: bool) -> Call:
    """Issue a generate_song; it runs on while the client does other things."""
    process = await world.process()
    call = Call(
        account=account,
        process=process,
        wait=float(world.rng.choice(_WAITS)),
        at=trio.current_time(),
        wish=wish,
        fixed=wish % 3 == 0,
        seed=1 + len(world.calls),
        new_take=new_take,
    )
    world.calls.append(call)
    asked = _order(wish, own=world.own)
    exact = asked.exact if call.fixed else f"{asked.exact} {call.seed}"
    asked = replace(asked, payload={**asked.payload, "seed": call.seed}, exact=exact)
    asks = f"{account.owner} asks process {process.number} for wish {wish}"
    world.say(f"generate {call.seed}: {asks}, wait {call.wait:g}, {new_take=}")
    _issue(
        world,
        call,
        lambda: process.engine.generate(account, asked, wait=call.wait, new_take=new_take),
    )
    return call


async def _poll(world: "World", after: Call) -> None:
    """Ask for the song by its handle, as the answer said, or by an id seen elsewhere."""
    rng = world.rng
    for _ in range(rng.choice((0, 1, 1, 3, 6))):
        if rng.random() < 0.05 and world.gateway.jobs:
            handle = rng.choice(list(world.gateway.jobs))
        elif after.report is not None:
            handle = after.report.song.handle
        else:
            return
        process = await world.process()
        wait = float(rng.choice(_WAITS))
        call = Call(after.account, process, wait, trio.current_time())
        process.http.questions[after.account.owner] += 1
        world.say(f"get_status {handle} wait {call.wait:g}")
        _issue(world, call, _status(call, handle))
        await call.done.wait()
        await trio.sleep(rng.choice((0.0, 1.0, rng.uniform(0, 30))))
        if call.report is not None and call.report.song.state not in RUNNING:
            return


def _status(call: Call, handle: str) -> Callable[[], Awaitable[Report]]:
    return lambda: call.process.engine.status(call.account, handle, wait=call.wait)


def _issue(world: "World", call: Call, work: Callable[[], Awaitable[Report]]) -> None:
    world.tally.calls += 1
    if call.process.calls is None:  # already gone: the client sees a broken pipe
        call.done.set()
    else:
        call.process.counting = True
        call.process.calls.start_soon(_serve, world, call, work)


async def _serve(world: "World", call: Call, work: Callable[[], Awaitable[Report]]) -> None:
    """The call inside its server, cancelled when its client loses patience."""
    impatient = world.rng.random() < 0.3
    try:
        with trio.CancelScope() as scope:
            if impatient:
                scope.deadline = call.at + world.rng.choice((0.0, 0.3, 2.0, call.wait / 2, 30.0))
            await _answered(world, call, work)
        world.tally.cancellations += scope.cancelled_caught
    finally:
        call.done.set()


async def _answered(world: "World", call: Call, work: Callable[[], Awaitable[Report]]) -> None:
    try:
        call.report = await work()
    except Refusal as refusal:
        call.refusal = refusal
        world.say(f"refused {call.seed}: {refusal!r}")
    except Exception as error:  # noqa: BLE001  # whatever escapes is the finding
        world.breach("escape", f"a call ended in {error!r}")
    now = trio.current_time()
    lasted = now - call.at
    excused = call.process.was_suspended(call.at, now) or world.jammed(call.at, now)
    if lasted > call.wait + _SLACK and not excused:
        kind = f"order {call.seed}" if call.seed > 0 else "get_status"
        world.breach("late", f"{kind} lasted {lasted:.2f} s with a wait of {call.wait:g}")
    if call.report is not None:
        _judge_age(world, call, call.report)
        _tell(world, call, call.report)


def _judge_age(world: "World", call: Call, report: Report) -> None:
    """What is said of a running song is no older than the poll interval, where nothing hinders."""
    plan, song, job = world.plan, report.song, world.gateway.jobs.get(report.song.handle)
    if song.state not in RUNNING or job is None or call.seed >= 0:
        return
    if world.own and job.ending == "ERROR":
        return  # a restart took it, and the server itself still says that it is being made
    calm = plan.status_trouble == 0 and plan.status_rate >= _BRISK and not report.problem
    since = max(job.ends, world.weathered) + plan.poll_interval + _SLACK
    if calm and since < call.at and not call.process.was_suspended(since, trio.current_time()):
        world.breach(
            "stale", f"{song.handle} is called {song.state}, {call.at - job.ends:.1f} s on"
        )


def _tell(world: "World", call: Call, report: Report) -> None:
    """Hand the answer to the client, as the surface's Delivery does."""
    song = report.song
    world.say(f"answer {call.seed}: {song.handle} is {song.state}, reused={report.reused}")
    if song.state in ENDED:
        telling = Telling(song.handle, song.state, call.process, trio.current_time())
        world.tellings.append(telling)
        call.process.engine.heard(call.account, song.handle)
        if world.rng.random() < 0.15:
            world.nursery.start_soon(_take_back, world, call, telling)


async def _take_back(world: "World", call: Call, telling: Telling) -> None:
    """The client had given the call up just before the answer came."""
    await trio.sleep(world.rng.choice((0.0, 0.1, 2.0)))
    if call.process.calls is not None:
        telling.unheard = trio.current_time()
        call.process.engine.heard(call.account, telling.handle, heard=False)
