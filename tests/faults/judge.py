"""The promises, modelled without the engine: what a schedule must not have done.

The gateway's own books (which order was admitted when) and the clients' (what they asked and were
told) are compared with the ledger that is left at the end.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from .clients import Call, Telling
from .database import BREACHES
from .gateway import Post
from .process import Process
from .world import Breach, World

Row = Mapping[str, Any]
WINDOW = 600.0
"""Seconds for which a song of unknown outcome answers an identical request, and a delivered one."""
OPEN = ("intent", "sending", "QUEUED", "PROCESSING")


def judged(world: World) -> list[Breach]:
    """Every broken promise of a finished schedule; the world's tally counts them too."""
    rows = world.rows()
    paid = [post for post in world.gateway.posts if post.job is not None]
    by_seed = {row["payload"]["seed"]: row for row in rows if "seed" in row["payload"]}
    found = [
        *world.breaches,
        *(Breach("changed", row["what"]) for row in world.database.all(BREACHES)),
        *_duplicates(world, paid, by_seed),
        *_lost(world, paid, by_seed),
        *_stuck(world, rows),
        *_unsaved(world, rows),
        *_lied(world, paid),
        *_deaf(world, rows),
    ]
    tally = world.tally
    tally.posts, tally.admissions = len(world.gateway.posts), len(paid)
    tally.lock_waits = world.database.lock_waits
    tally.unknowns = sum(row["state"] == "UNKNOWN" for row in rows)
    kinds = [breach.kind for breach in found]
    tally.duplicates, tally.lost = kinds.count("duplicate"), kinds.count("lost")
    tally.stuck, tally.unsaved = kinds.count("stuck"), kinds.count("unsaved")
    tally.other = len(kinds) - tally.duplicates - tally.lost - tally.stuck - tally.unsaved
    tally.clock_steps = len(world.steps.made)
    tally.saved = sum(row["saving"] == "done" for row in rows)
    return found


def _duplicates(world: World, paid: list[Post], rows: Mapping[int, Row]) -> Iterator[Breach]:
    """Two admissions for one order, or for one request that the first still answers."""
    calls = {call.seed: call for call in world.calls}
    for one, other in combinations(paid, 2):
        if one.seed == other.seed:
            yield Breach("duplicate", f"order {one.seed} was admitted twice")
        elif _same_request(calls[one.seed], calls[other.seed]):
            orders = ((one, other), (other, one))
            if not any(_lawful(world, *order, calls, rows) for order in orders):
                both = f"orders {one.seed} and {other.seed}"
                yield Breach("duplicate", f"{both} were both paid for, and are one request")


def _lawful(
    world: World, first: Post, second: Post, calls: Mapping[int, Call], rows: Mapping[int, Row]
) -> bool:
    """Whether they can have been decided in this order, and the second was then a new request.

    The engine decides at some moment from `at` to `decided`, so either order may be possible.
    """
    earlier, later = calls[first.seed], calls[second.seed]
    return earlier.at <= later.decided and (
        later.new_take
        or first.seed in world.deleted
        or _answered(world, first, rows.get(first.seed), later)
    )


def _same_request(one: Call, other: Call) -> bool:
    return (one.account.owner, one.wish) == (other.account.owner, other.wish)


def _answered(world: World, first: Post, row: Row | None, later: Call) -> bool:
    """Whether the earlier song no longer answered its request when the later call was decided."""
    then = later.decided
    if not _named(world, first, row, then):
        return _past(world, first.at, later)
    assert row is not None
    names = (row["id"], row["request_id"])
    return any(
        telling.handle in names
        and telling.at <= then
        and (telling.state != "COMPLETED" or (not later.fixed and _past(world, telling.at, later)))
        and (telling.unheard is None or not _noted(world, telling, then))
        for telling in world.tellings
    )


def _past(world: World, moment: float, later: Call) -> bool:
    """Whether a call was decided so long after a moment that it is for another song."""
    # A process cannot know how far the clock was set before it started.
    unseen = world.steps.forward(moment, later.process.born)
    return later.decided + unseen >= moment + WINDOW


def _named(world: World, post: Post, row: Row | None, then: float) -> bool:
    """Whether the ledger could know by then which song of the gateway an order became."""
    if row is None or row["request_id"] is None:
        return False
    called = (taken.at for taken in world.callbacks.taken if taken.song_id == row["id"])
    known = (*called, *(() if post.named_at is None else (post.named_at,)))
    return not known or any(at <= then for at in known)


def _noted(world: World, telling: Telling, then: float) -> bool:
    """Whether the process that was told that nobody listened had surely written it down."""
    assert telling.unheard is not None
    by = _written(world, telling.process, telling.unheard)
    return by < then and _lived(world, telling.process, telling.unheard)


def _lived(world: World, process: Process, moment: float) -> bool:
    """Whether a process went on after a moment until it had written down what it then knew."""
    return process.over_at is None or process.over_at > _written(world, process, moment)


def _written(world: World, process: Process, moment: float) -> float:
    """When a process, once awake and with a ledger that takes it, had written what it knew."""
    full, writable = world.plan.full
    hindered = [process.suspended, *process.unwritten]
    if full < writable:
        hindered.append((full, writable + 10))
    by = moment
    while spans := [end for start, end in hindered if start <= by < end]:
        by = max(spans)
    return by


def _lost(world: World, paid: list[Post], rows: Mapping[int, Row]) -> Iterator[Breach]:
    """Paid songs that the ledger does not know, or not by a name it could have written down."""
    for post in paid:
        row = rows.get(post.seed)
        assert post.job is not None
        if row is None and post.seed in world.deleted and post.process.over_at is not None:
            continue  # nobody who knew of it is left
        if row is None:
            yield Breach("lost", f"order {post.seed} was paid for and is not in the ledger")
        elif row["request_id"] is None and _could_record(world, post):
            yield Breach("lost", f"the id of order {post.seed} came and was not written down")
        elif row["request_id"] not in (None, post.job.request_id):
            yield Breach("lost", f"order {post.seed} is in the ledger under another song's id")
        elif row["request_id"] is None and row["state"] not in ("sending", "UNKNOWN"):
            yield Breach("lost", f"order {post.seed} is {row['state']} without an id")


def _could_record(world: World, post: Post) -> bool:
    """Whether the id reached a process that lived on, with a ledger that could be written."""
    if post.named_at is None or _adopted(world, post):
        return False
    return _lived(world, post.process, post.named_at)


def _adopted(world: World, post: Post) -> bool:
    """Whether the song is in the ledger by its id already, because somebody asked for it."""
    assert post.job is not None
    return any(row["request_id"] == post.job.request_id for row in world.rows())


def _stuck(world: World, rows: list[Row]) -> Iterator[Breach]:
    """Songs that the gateway has finished and the ledger has not."""
    for row in rows:
        name = f"{row['id']} (order {row['payload'].get('seed', 'adopted')})"
        if row["state"] in OPEN:
            yield Breach("stuck", f"{name} is {row['state']} at the end")
        elif row["state"] != "UNKNOWN" and not row["presumed"]:
            job = world.gateway.jobs[row["request_id"]]
            if job.ending != row["state"]:
                yield Breach("wrong", f"{name} is {row['state']}, and ended {job.ending}")


def _unsaved(world: World, rows: list[Row]) -> Iterator[Breach]:
    """Finished songs whose files are not there, although the media host answers in the end."""
    if world.plan.library == "none":
        return
    for row in rows:
        if row["state"] != "COMPLETED":
            continue
        named, urls = json.loads(row["files"]), json.loads(row["media_urls"])
        if row["saving"] != "done" or len(named) != len(urls) or not set(named) <= world.folder:
            yield Breach("unsaved", f"{row['id']} is {row['saving']} with the files {named}")


def _lied(world: World, paid: list[Post]) -> Iterator[Breach]:
    """A refusal says that nothing was bought."""
    bought = {post.seed for post in paid}
    for call in world.calls:
        if call.refusal is not None and call.seed in bought:
            yield Breach("lied", f"order {call.seed} was refused ({call.refusal!r}) and paid for")


def _deaf(world: World, rows: list[Row]) -> Iterator[Breach]:
    """A callback that was taken tells that the song exists, and by which name."""
    taken = [each for each in world.callbacks.taken if _lived(world, each.process, each.at)]
    for row in rows:
        if row["state"] == "UNKNOWN" and row["id"] in {each.song_id for each in taken}:
            yield Breach("deaf", f"{row['id']} is unknown, and a callback came for it")
