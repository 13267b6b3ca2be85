"""What every driver does: order a song through a client's own tools, and read its media URLs.

Drivers run in the client's environment, which has nothing of ours: this file needs the standard
library only. `ACESTEP_DRIVE` tells what to start and what to sing; the report goes to stdout.
"""

import json
import os
import re
from collections.abc import Awaitable, Callable, Iterable
from importlib.metadata import version
from typing import Any

Call = Callable[[str, dict[str, Any]], Awaitable[Any]]

ORDER: dict[str, Any] = json.loads(os.environ["ACESTEP_DRIVE"])
COMMAND: str = ORDER["command"]
ARGS: list[str] = ORDER["args"]
ENV: dict[str, str] = ORDER["env"]
SONG: dict[str, Any] = ORDER["song"]
_URL = re.compile(r"http://127\.0\.0\.1:\d+/media/[\w./-]+")
_ID = re.compile(r"ace-step-xl_[\w-]{30,}")


def urls(answer: object) -> list[str]:
    """The media URLs in whatever the client makes of an answer."""
    return sorted(set(_URL.findall(_text(answer))))


def request_id(answer: object) -> str:
    """The request id in whatever the client makes of an answer."""
    found = _ID.search(_text(answer))
    if found is None:
        raise LookupError(f"no request id in {_text(answer)[:400]}")
    return found[0]


async def one_song(call: Call) -> object:
    """Order without waiting, then wait in `get_status`; what that says in the end."""
    ordered = await call("generate_song", {**SONG, "wait": 0})
    return await call("get_status", {"request_id": request_id(ordered), "wait": 30})


def report(tools: Iterable[str], done: object, *packages: str, **more: object) -> None:
    """Say what was seen; `packages` are asked for their versions."""
    seen = {
        "tools": sorted(tools),
        "urls": urls(done),
        "versions": {name: version(name) for name in packages},
        **more,
    }
    print(json.dumps(seen))


def _text(answer: object) -> str:
    return answer if isinstance(answer, str) else f"{answer!r}"
