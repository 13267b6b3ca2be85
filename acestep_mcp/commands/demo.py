"""`acestep-mcp demo`: the whole job, with a simulated gateway in place of the paid one.

The path is the one every client takes: an MCP client starts the stdio server as a process, the
server talks HTTP to a gateway, and the song arrives as a file.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import anyio
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from acestep_mcp import settings
from acestep_mcp.commands.console import Console
from acestep_mcp.sandbox import Profile, Sandbox

_SPEED = 4.0  # a job that takes the real gateway 16 s takes the demonstration 4 s
_PROMPT = (
    "Warm indie folk with fingerpicked acoustic guitar, upright bass and brushed drums. "
    "A close, gentle female voice tells the story, and the chorus opens up with soft harmonies."
)
_TITLE = "Paper Boats (sandbox)"
_LYRICS = """\
[Intro]

[Verse 1]
I folded up the morning news
And set it on the stream
It carried off the things I lose
Like headlines in a dream

[Chorus]
Paper boats on silver rain
Take my little fears away
What I let go comes back again
As light upon the bay

[Verse 2]
My brother ran along the shore
And named them one by one
He said they need no harbor door
They only need the sun

[Chorus]
Paper boats on silver rain
Take my little fears away
What I let go comes back again
As light upon the bay

[Bridge]
And if the water pulls them under
Let it be slow and kind
We learned to love the summer thunder
And leave the shore behind

[Chorus]
Paper boats on silver rain
Take my little fears away
What I let go comes back again
As light upon the bay

[Outro]
"""


def run() -> int:
    """Make one song and say where it is; 1 where that failed."""
    return anyio.run(_demo, Console())


async def _demo(console: Console) -> int:
    console.print(
        "This is the [bold]sandbox[/bold]: a simulated gateway on this machine. Nothing is "
        "charged,\nand a small synthesizer plays instead of the ACE-Step model.\n"
    )
    sandbox = Sandbox(profile=Profile.quick(), speed=_SPEED)
    found = settings.read({**os.environ, "PIXAZO_API_KEY": sandbox.key})
    if found.output_dir is None:
        raise settings.SettingsError(found.output_problem)
    folder = found.output_dir / "sandbox"
    with tempfile.TemporaryDirectory() as data:
        async with sandbox.serving() as base_url:
            server = _server(base_url, sandbox.key, data, folder)
            async with Client(server) as client:
                answer = await _generate(client, console)
    return _tell(answer, console)


def _server(base_url: str, key: str, data: str, folder: Path) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "acestep_mcp"],
        env={
            "ACESTEP_BASE_URL": base_url,
            "PIXAZO_API_KEY": key,
            "ACESTEP_DATA_DIR": data,
            "ACESTEP_OUTPUT_DIR": str(folder),
            "ACESTEP_POLL_INTERVAL": "0.25",
        },
    )


async def _generate(client: Client, console: Console) -> dict[str, Any]:
    song = {"prompt": _PROMPT, "lyrics": _LYRICS, "title": _TITLE, "bpm": 96, "key": "G major"}
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("ordering the song", total=None)
        answer = (await client.call_tool("generate_song", {**song, "wait": 0})).structured_content
        while answer and _pending(answer):
            progress.update(bar, description=f"the gateway says {answer['status']}")
            asked = {"request_id": answer["request_id"], "wait": 1}
            answer = (await client.call_tool("get_status", asked)).structured_content
        progress.update(bar, description="finished", total=1, completed=1)
    return answer or {}


def _pending(answer: dict[str, Any]) -> bool:
    """Whether the song is still being made, or its file still being written."""
    unsaved = not answer["files"] and not answer["warnings"]
    status = answer["status"]
    return status in ("QUEUED", "PROCESSING") or (status == "COMPLETED" and unsaved)


def _tell(answer: dict[str, Any], console: Console) -> int:
    if answer.get("status") != "COMPLETED" or not answer.get("files"):
        why = " ".join(answer.get("warnings") or [answer.get("message", "no answer")])
        console.print(f"The demonstration failed: {why}", markup=False)
        return 1
    path = answer["files"][0]
    size = Path(path).stat().st_size / 1e6
    console.print(f"\nTitle:       {answer['title']}")
    console.print(f"Length:      {answer['duration']:g} s, fitted to the lyrics")
    console.print(f"Seed:        {answer['seed']} (the same seed and request play the same song)")
    console.print(f"Request id:  {answer['request_id']}")
    console.print(f"Media URL:   {answer['media_urls'][0]} (gone when the sandbox ends)")
    console.print(f"File:        {path} ({size:.1f} MB)", highlight=False)
    console.print(f"Play it:     {_player()} '{path}'", highlight=False)
    return 0


def _player() -> str:
    return {"darwin": "afplay", "win32": "start"}.get(sys.platform, "xdg-open")
