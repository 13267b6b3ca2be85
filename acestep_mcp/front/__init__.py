"""What answers until the server is needed: the standard library and a snapshot.

Most sessions only ask what there is, and importing the SDK to tell them costs most of a second and
60 MB. So the answers are kept in a file for each surface, which is generated from the real server.
Any message that the snapshot does not answer brings up the server, which is told how the connection
began and goes on with it.

    stdin ──> Front ──answer──> stdout
                └──Handover──> server ──> stdout
"""

import json
import os
import signal
from contextlib import closing
from dataclasses import dataclass

from acestep_mcp.front import envelope, pipes
from acestep_mcp.front.answers import Front
from acestep_mcp.settings import Settings

__all__ = ["CHANGED", "Handover", "apologize", "serve"]

CHANGED = "The installation changed while this server was running; restart the client."
_STDIN, _STDOUT = 0, 1
# In the words and the order of the ledger's own indexes of such songs, which hold nothing else.
UNFINISHED = """
    select worker from song where state in ('intent', 'sending', 'QUEUED', 'PROCESSING')
    order by worker, owner limit 1
"""
UNSAVED = """
    select worker from song where state = 'COMPLETED' and saving = 'wanted'
    and save_after <= cast(strftime('%s', 'now') as integer) order by worker, owner limit 1
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
    if not (pipes.is_open(_STDIN) and pipes.is_open(_STDOUT)):
        return None  # or the next file that is opened would be taken for the client
    if settings.database_url or _unfinished(settings):
        return Handover()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wanted, lambda *_: os._exit(0))  # nothing is under way
    front = Front(settings)
    line = pipes.line(_STDIN).removeprefix(envelope.BOM)
    while line:
        answer = front.answer(line)
        if answer is None:
            return Handover(tuple(front.opening), line)
        try:
            pipes.write(_STDOUT, answer)
        except OSError:
            break
        line = pipes.line(_STDIN)
    return None


def apologize(pending: bytes) -> None:
    """Refuse the pending request and each that follows: the server cannot be loaded any more.

    That is so when the installation was replaced, or the cache it ran from cleaned, since this
    process was started. A client would take silence for a hang and its end for a crash.
    """
    lines = pipes.Lines(_STDIN)
    line = pending or lines.next().removeprefix(envelope.BOM)
    while line:
        answer = envelope.refusal(line)
        message = json.loads(line) if answer is None else {}
        if "method" in message and "id" in message:
            answer = envelope.error(envelope.INTERNAL_ERROR, CHANGED, message["id"])
        try:
            pipes.write(_STDOUT, answer or b"")
        except OSError:
            break
        line = lines.next()


def _unfinished(settings: Settings) -> bool:
    """Whether a song may wait that this user's server can do something for; in doubt it may.

    Without a key no song can be followed, and without a folder none saved, whoever looks.
    """
    wanted = [UNFINISHED] if settings.key else []
    if settings.save and settings.output_dir:
        wanted.append(UNSAVED)
    ledger = settings.ledger_path
    try:
        if ledger is None or not ledger.exists():
            return False
    except OSError:  # nobody else of this user can look at it either; the first call says so
        return False
    import sqlite3  # noqa: PLC0415  # not needed where there is no ledger yet

    try:
        with closing(sqlite3.connect(f"{ledger.as_uri()}?mode=ro", uri=True, timeout=0)) as db:
            return any(db.execute(each).fetchone() for each in wanted)
    except sqlite3.Error:
        return True
