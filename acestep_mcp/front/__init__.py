"""What answers until the server is needed: the standard library and a snapshot.

Most sessions only ask what there is, and importing the SDK to tell them costs most of a second
and 60 MB. So the answers are kept in `snapshot.json`, which is generated from the real server.
Any message that the snapshot does not answer brings up the server, which is told how the
connection began and goes on with it.

    stdin ──> Front ──answer──> stdout
                └──Handover──> server ──> stdout
"""

import os
import signal
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from acestep_mcp.front.answers import Front
from acestep_mcp.settings import Settings

__all__ = ["Handover", "serve"]

# In the words and the order of the ledger's own indexes of such songs, which hold nothing else.
UNFINISHED = """
    select * from (
        select worker from song where state in ('intent', 'sending', 'QUEUED', 'PROCESSING')
        order by worker, owner limit 1
    ) union all select * from (
        select worker from song where state = 'COMPLETED' and saving = 'wanted'
        order by worker, owner limit 1
    ) limit 1
"""


@dataclass(frozen=True, slots=True)
class Handover:
    """What the server has to hear before it reads stdin, a line each.

    `opening` is how the connection began; its first line, if there is any, is a request that is
    answered already. `pending` is the line that is not, empty where none was read.
    """

    opening: tuple[bytes, ...] = ()
    pending: bytes = b""


def serve(settings: Settings) -> Handover | None:
    """Answer one client on stdin and stdout until the server is needed; None when it has gone.

    Songs that wait to be followed need the server from the start.
    """
    if settings.database_url or _unfinished(settings.ledger_path):
        return Handover()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wanted, lambda *_: os._exit(0))  # nothing is under way
    front = Front(settings)
    # Unbuffered, so that what was not read is still in the pipe when the server takes over.
    with open(0, "rb", buffering=0, closefd=False) as stdin:
        for line in iter(stdin.readline, b""):
            answer = front.answer(line)
            if answer is None:
                return Handover(tuple(front.opening), line)
            try:
                _write(answer)
            except BrokenPipeError:
                break
    return None


def _write(answer: bytes) -> None:
    while answer:
        answer = answer[os.write(1, answer) :]


def _unfinished(ledger: Path | None) -> bool:
    """Whether a song may wait to be followed; in doubt the server has a better look."""
    try:
        if ledger is None or not ledger.exists():
            return False
    except OSError:  # nobody else of this user can look at it either; the first call says so
        return False
    import sqlite3  # noqa: PLC0415  # not needed where there is no ledger yet

    try:
        with closing(sqlite3.connect(f"{ledger.as_uri()}?mode=ro", uri=True, timeout=0)) as db:
            return db.execute(UNFINISHED).fetchone() is not None
    except sqlite3.Error:
        return True
