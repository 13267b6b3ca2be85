"""One trial: a client starts the server on a sandbox of its own and has a song made."""

import json
import os
import sys
import tempfile
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from acestep_mcp.sandbox import Profile, Sandbox
from tests.clients import environments
from tests.clients.subjects import Subject
from tests.house import environment

_SECONDS = 180
_TOOLS = ["generate_song", "get_status", "list_outputs"]
LYRICS = """\
[Verse]
夜の海に舟をうかべて
أغنّي للبحر والقمر
🎵 ʻo ke kai ē 👩🏽\u200d🎤 — "naïve" \\ café

[Chorus]
舟よ 舟よ 朝まで
"""
"""Three scripts, one of them written from right to left; joined emoji, quotes, a backslash."""
_SONG = {
    "prompt": "Quiet folk with harp, a low female voice singing in Japanese and Arabic",
    "lyrics": LYRICS,
    "title": "夜の海 🎵",
    "duration": 30,
    "seed": 7,
}


class Failed(Exception):
    """What the trial showed to be wrong."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went; `trouble` is empty where all was well."""

    subject: Subject
    versions: dict[str, str] = field(default_factory=dict)
    trouble: str = ""


async def attempt(subject: Subject) -> Outcome:
    """Try one client."""
    try:
        place = await anyio.to_thread.run_sync(environments.folder, subject)
        with tempfile.TemporaryDirectory() as home:
            report = await _sung(subject, place, Path(home))
    except (environments.Unmade, Failed, TimeoutError) as error:
        return Outcome(subject, trouble=f"{type(error).__name__}: {error}")
    return Outcome(subject, report["versions"])


async def _sung(subject: Subject, place: Path, home: Path) -> dict[str, Any]:
    profile = Profile(subject.seconds / 4, subject.seconds * 3 / 4)
    sandbox = Sandbox(profile=profile)
    async with sandbox.serving() as base_url:
        with anyio.fail_after(_SECONDS):
            report = await _driven(subject, place, _order(subject, base_url, home))
        await _check(subject, report, sandbox)
    return report


def _order(subject: Subject, base_url: str, home: Path) -> dict[str, Any]:
    env = environment(base_url, home, ACESTEP_POLL_INTERVAL="0.25", HOME=str(home))
    server = {"command": sys.executable, "args": ["-m", "acestep_mcp"], "env": env}
    return {**server, "song": _SONG, **subject.options}


async def _driven(subject: Subject, place: Path, order: dict[str, Any]) -> dict[str, Any]:
    """Run the driver, whose environment has none of ours but what it is told."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG")}
    env = {
        **kept,
        "HOME": order["env"]["HOME"],
        "PYTHONPATH": str(environments.ROOT),
        "ACESTEP_DRIVE": json.dumps(order),
        "DO_NOT_TRACK": "1",
        "MCP_USE_ANONYMIZED_TELEMETRY": "false",
        "OPENAI_AGENTS_DISABLE_TRACING": "1",
    }
    command = environments.command(subject, place)
    done = await anyio.run_process(command, check=False, cwd=place, env=env)
    if done.returncode:
        raise Failed(done.stderr.decode(errors="replace").strip()[-600:])
    report: dict[str, Any] = json.loads(done.stdout.decode().strip().splitlines()[-1])
    return report


async def _check(subject: Subject, report: dict[str, Any], sandbox: Sandbox) -> None:
    if report["tools"] != _TOOLS:
        raise Failed(f"it lists {report['tools']}")
    if len(sandbox.submissions) != 1:
        raise Failed(f"{len(sandbox.submissions)} songs were paid for")
    sent = sandbox.submissions[0].json()["lyrics"]
    if sent.strip() != LYRICS.strip():
        raise Failed(f"the lyrics arrived as {sent!r}")
    if len(report["urls"]) != 1:
        raise Failed(f"it read the URLs {report['urls']}")
    if await anyio.to_thread.run_sync(_head, report["urls"][0]) != b"RIFF":
        raise Failed("there is no WAV at its URL")
    for name, value in subject.expected.items():
        if report.get(name) != value:
            raise Failed(f"{name} is {report.get(name)}, not {value}")


def _head(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:  # noqa: S310  # the sandbox's own
        return bytes(answer.read(4))
