"""Many processes on one ledger file, which are killed or race, and what they say about it.

Run as `python -m tests.proofs.ledgers WHAT PATH PROCESSES NUMBER`; prints one JSON object.
Children are forks of one warm process, so that hundreds of them start in a few seconds.
"""

import json
import os
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import anyio

from acestep_mcp.domain.song import Owner, RequestId, Song, SongId, accepted, sending
from acestep_mcp.ledger import Ledger
from acestep_mcp.ledger.sqlite import SqliteDriver

ME = Owner("me")
NOW = 1_800_000_000.0
SEED = 20_261_123
_LONGEST_LIFE = 0.16  # seconds a child lives; long enough for some 30 commits
Say = Callable[..., None]
Work = Callable[[Ledger, Say], Awaitable[None]]


def song(name: str, **fields: Any) -> Song:
    plain: dict[str, Any] = {
        "id": SongId(f"local-{name}"),
        "owner": ME,
        "fingerprint": name,
        "provider": "pixazo",
        "model": "ace-step-xl",
        "title": "",
        "payload": {"prompt": "p" * 200},
        "tracks": 1,
        "state": "intent",
        "created_at": NOW,
        "updated_at": NOW,
        "worker": name,
    }
    return Song(**{**plain, **fields})


async def reserve(ledger: Ledger, new: Song) -> Song:
    return await ledger.reserve(new, limit=0, reuse=True, lease=10.0)


async def order_until_killed(name: str, ledger: Ledger, say: Say) -> None:
    """Order one song after the other, and say so of each commit once it has returned."""
    number = 0
    while True:
        new = song(f"{name}.{number}")
        await reserve(ledger, new)
        say(new.id, 0)
        for version, fact in enumerate(_facts(new), start=1):
            await ledger.change(ME, new.id, fact)
            say(new.id, version)
        number += 1


def _facts(new: Song) -> Iterator[Callable[[Song], Song]]:
    yield partial(sending, now=NOW, worker=new.worker)
    named = RequestId(f"gateway-{new.id}")
    yield partial(accepted, request_id=named, now=NOW, worker=new.worker)


class Child:
    """A forked process at work on the ledger; what it says comes through a pipe."""

    def __init__(self, path: Path, work: Work) -> None:
        self._reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._reading)
            os._exit(_worked(path, work, writing))
        os.close(writing)

    def said(self) -> list[list[Any]]:
        """Everything it said; returns when the process has ended."""
        with open(self._reading, encoding="utf-8") as pipe:  # noqa: PTH123  # a descriptor
            lines = pipe.read().split("\n")
        # What follows the last line end was cut by the kill: it was not acknowledged.
        return [json.loads(line) for line in lines[:-1]]

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def ended(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def _worked(path: Path, work: Work, pipe: int) -> int:
    def say(*words: object) -> None:
        os.write(pipe, json.dumps(words).encode() + b"\n")

    async def main() -> None:
        ledger = Ledger(SqliteDriver(path))
        await work(ledger, say)
        await ledger.close()

    try:
        anyio.run(main)
    except Exception as error:  # noqa: BLE001  # the parent counts them
        say("error", repr(error))
        return 1
    return 0


def killed(path: Path, processes: int, rounds: int) -> Mapping[str, Any]:
    """Kill every child of every round at a random moment; look for what they had acknowledged."""
    rng = Random(SEED)
    newest: dict[str, int] = {}
    commits = ill = 0
    anyio.run(_create, path)  # and everything is imported before the first fork
    for number in range(rounds):
        names = [f"{number}.{each}" for each in range(processes)]
        children = [Child(path, partial(order_until_killed, name)) for name in names]
        for child in children:
            time.sleep(rng.uniform(0, _LONGEST_LIFE / processes))
            child.kill()
        for child in children:
            said = child.said()
            commits += len(said)
            newest |= dict(said)
            assert child.ended() == -signal.SIGKILL, said[-1:]
        ill += not sound(path)
    found = versions(path)
    missing = [each for each, version in newest.items() if found.get(each, -1) < version]
    return {"commits": commits, "songs": len(found), "missing": missing, "ill": ill}


def written(path: Path, processes: int, each: int) -> Mapping[str, Any]:
    """Every child writes `each` songs; how many there are, and how long the slowest took."""

    async def write(name: int, ledger: Ledger, say: Say) -> None:
        for number in range(each):
            started = time.monotonic()
            await reserve(ledger, song(f"{name}.{number}"))
            say(time.monotonic() - started)

    said = _raced(path, [partial(write, name) for name in range(processes)])
    took = sorted(seconds for (seconds,) in said)
    return {
        "songs": len(versions(path)),
        "p99": took[len(took) * 99 // 100],
        "slowest": took[-1],
        "ill": int(not sound(path)),
    }


def claimed(path: Path, processes: int, songs: int) -> Mapping[str, Any]:
    """A hundred workers die one after the other; all children claim after each of the deaths."""
    deaths = 100
    anyio.run(_orphans, path, songs, deaths)

    async def claim(name: int, ledger: Ledger, say: Say) -> None:
        for death in range(deaths):
            now = NOW + death + 0.5
            for taken in await ledger.claim([ME], f"heir-{name}", now, 1e6, unsaved=False):
                say(taken.id, taken.worker)

    said = _raced(path, [partial(claim, name) for name in range(processes)])
    times = Counter(taken for taken, _ in said)
    owners = dict(said)
    with _opened(path) as db:
        rows = dict(db.execute("select id, worker from song").fetchall())
    return {
        "claimed": len(times),
        "twice": sum(count > 1 for count in times.values()),
        "heirs": len(set(owners.values())),
        "agree": rows == owners,
    }


async def _orphans(path: Path, songs: int, deaths: int) -> None:
    ledger = Ledger(SqliteDriver(path))
    for number in range(songs):
        death = number % deaths
        orphan = song(str(number), state="QUEUED", worker=f"dead-{death}")
        await ledger.reserve(orphan, limit=0, reuse=False, lease=float(death))
    await ledger.close()


def reserved(path: Path, processes: int, fingerprints: int) -> Mapping[str, Any]:
    """All children order the same songs; who of them got to buy each."""

    async def order(name: int, ledger: Ledger, say: Say) -> None:
        for number in range(fingerprints):
            wanted = song(f"{name}.{number}", fingerprint=f"same-{number}")
            say(number, (await reserve(ledger, wanted)).id, wanted.id)

    said = _raced(path, [partial(order, name) for name in range(processes)])
    winners = Counter(number for number, got, wanted in said if got == wanted)
    answers = {(number, got) for number, got, _ in said}
    buyers = {got.split(".")[0] for _, got in answers}
    return {
        "calls": len(said),
        "winners": sorted(set(winners.values())),
        "answers": len(answers),
        "buyers": len(buyers),
        "songs": len(versions(path)),
    }


def _raced(path: Path, works: list[Work]) -> list[list[Any]]:
    """Run all at once; everything they said. An error in any of them is raised."""
    anyio.run(_create, path)
    gate, opened = os.pipe()

    def gated(work: Work) -> Work:
        async def run(ledger: Ledger, say: Say) -> None:
            await ledger.find(ME, "nobody")  # the file is open before the start
            os.close(opened)
            os.read(gate, 1)
            await work(ledger, say)

        return run

    children = [Child(path, gated(work)) for work in works]
    os.close(opened)
    said = [line for child in children for line in child.said()]
    ends = [child.ended() for child in children]
    assert ends == [0] * len(works), [line for line in said if line[0] == "error"]
    return said


async def _create(path: Path) -> None:
    ledger = Ledger(SqliteDriver(path))
    await ledger.find(ME, "nobody")
    await ledger.close()


def _opened(path: Path) -> "closing[sqlite3.Connection]":
    return closing(sqlite3.connect(path, timeout=30))


def sound(path: Path) -> bool:
    """Whether SQLite finds nothing wrong with the file."""
    with _opened(path) as db:
        return bool(db.execute("pragma integrity_check").fetchall() == [("ok",)])


def versions(path: Path) -> dict[str, int]:
    """Every song's version, by its id."""
    with _opened(path) as db:
        return dict(db.execute("select id, version from song").fetchall())


if __name__ == "__main__":
    proofs = {"killed": killed, "written": written, "claimed": claimed, "reserved": reserved}
    print(json.dumps(proofs[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))))
