"""A server that buys and saves one song, and tells what it imported once it had begun to send.

    python -m tests.loaded URL FOLDER [MODULE]

With a MODULE, that one cannot be imported from the start.
"""

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
from mcp.client import Client

from acestep_mcp import server, settings
from tests.house import SONG, environment

sending = False
late: list[str] = []


def listen(event: str, arguments: tuple[Any, ...]) -> None:
    """Every import and every connection of this interpreter comes by here."""
    global sending  # noqa: PLW0603  # an audit hook has nowhere else to keep it
    if event == "socket.connect" and arguments[1][1] == urlsplit(sys.argv[1]).port:
        sending = True
    elif event == "import" and sending:
        late.append(arguments[0])


async def main() -> None:
    """Buy it, and print what there is to say as JSON."""
    found = settings.read(environment(sys.argv[1], Path(sys.argv[2]), ACESTEP_SAVE="on"))
    app = server.build(found)
    async with app.running(), Client(app.mcp) as client:
        await client.call_tool("generate_song", {**SONG, "dry_run": True})  # the client's own
        for name in sys.argv[3:]:
            sys.modules[name] = None  # type: ignore[assignment]  # what is None is not importable
        asked = {**SONG, "duration": 10, "wait": 45}
        answer = await client.call_tool("generate_song", asked)
        text = "".join(getattr(each, "text", "") for each in answer.content)
        print(json.dumps({"shown": answer.structured_content, "text": text, "late": late}))


if __name__ == "__main__":
    sys.addaudithook(listen)
    anyio.run(main)
