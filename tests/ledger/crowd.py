"""One of many processes on one ledger: `python -m tests.ledger.crowd FILE URL NAME ROUNDS`.

Says `ready`, waits for a line, orders the same songs as all the others, takes over whatever
songs a dead process has left, and prints what it got.
"""

import json
import random
import sys
from pathlib import Path
from typing import Any

import anyio

from acestep_mcp.domain.song import Owner, Song, SongId
from acestep_mcp.ledger import opened

NOW = 1_800_000_000.0
OWNERS = tuple(Owner(f"owner-{number}") for number in range(10))
DEAD = "the dead process"


def song(song_id: str, **fields: Any) -> Song:
    """A song of the first owner, as it is ordered."""
    plain: dict[str, Any] = {
        "id": SongId(song_id),
        "owner": OWNERS[0],
        "fingerprint": song_id,
        "provider": "pixazo",
        "model": "ace-step-xl",
        "title": "",
        "payload": {"prompt": "p"},
        "tracks": 1,
        "state": "intent",
        "created_at": NOW,
        "updated_at": NOW,
        "worker": "w",
    }
    return Song(**{**plain, **fields})


async def crowd(file: str, url: str, name: str, rounds: int) -> None:
    """One process's part."""
    ledger = opened(Path(file), url)
    await ledger.find(OWNERS[0], "nothing")
    print("ready", flush=True)
    await anyio.to_thread.run_sync(sys.stdin.readline)
    found = []
    for number in range(rounds):
        mine = song(f"local-{name}-{number}", fingerprint=f"round {number}", worker=name)
        there = await ledger.reserve(mine, limit=0, reuse=True, lease=60.0)
        found.append(there.id)
    claimed = []
    for owner in random.sample(OWNERS, len(OWNERS)):
        taken = await ledger.claim([owner], name, NOW, 60.0, unsaved=False)
        claimed += [each.id for each in taken]
    print(json.dumps({"found": found, "claimed": claimed}), flush=True)
    await ledger.close()


if __name__ == "__main__":
    anyio.run(crowd, sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
