"""`acestep-mcp doctor`: what works, what does not, and the line that mends it."""

import json
import locale
import platform
import shlex
import sqlite3
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from urllib.parse import urlsplit

import anyio
from rich.console import Console

from acestep_mcp import settings
from acestep_mcp.clock import SystemClock
from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.domain.song import RequestId
from acestep_mcp.gateway.client import STATUS_SECONDS, Gateway, Unanswered
from acestep_mcp.gateway.http import Http, Reply
from acestep_mcp.gateway.verdicts import Broken
from acestep_mcp.install.handshake import Silent, handshake
from acestep_mcp.install.installed import Installed, installed, resolved
from acestep_mcp.install.launcher import launcher
from acestep_mcp.install.places import here
from acestep_mcp.ledger import opened
from acestep_mcp.server import LOCAL_OWNER
from acestep_mcp.settings import KEY_PAGE, Settings
from acestep_mcp.surface.player import media_origins

_PROBE = RequestId("doctor-probe")
"""Asked about to see that gateway and key answer: a status request is free, and no song has it."""
_CLOCK_SLACK = 60.0
"""Seconds by which a clock may differ before certificates and waiting times suffer."""
_SUNG = "夜の海 \u0623\u063a\u0646\u064a\u0629 🎵"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `mend` says what to do where it is not well."""

    name: str
    ok: bool
    detail: str
    mend: str = ""


def run(*, as_json: bool) -> int:
    """Print every finding; 1 where anything is wrong."""
    found = settings.read()
    findings = anyio.run(_examine, found)
    if as_json:
        print(json.dumps([asdict(each) for each in findings], ensure_ascii=False, indent=2))  # noqa: T201  # the command's output
    else:
        _print(findings)
    return 0 if all(each.ok for each in findings) else 1


async def _examine(found: Settings) -> list[Finding]:
    checks: tuple[Callable[[Settings], Awaitable[Finding]], ...] = (
        _versions,
        _launcher,
        _key,
        _network,
        _gateway,
        _media,
        _clock,
        _ledger,
        _output,
        _encoding,
        _answers,
    )
    return [*[await check(found) for check in checks], *map(_client, installed(here()))]


async def _versions(_: Settings) -> Finding:
    parts = [f"Python {platform.python_version()}", f"SQLite {sqlite3.sqlite_version}"]
    parts += [f"{name} {version(name)}" for name in ("acestep-mcp", "mcp", "httpx", "pydantic")]
    return Finding("versions", ok=True, detail=", ".join(parts))


async def _launcher(_: Settings) -> Finding:
    found = launcher()
    command = shlex.join((found.command, *found.args))
    return Finding("command for client configurations", ok=True, detail=command)


async def _key(found: Settings) -> Finding:
    if found.key:
        return Finding("key", ok=True, detail=f"found in {found.key_source}")
    looked = ", ".join(found.key_places)
    mend = f"get one at {KEY_PAGE} and write it to ~/.pixazo/api-key"
    return Finding("key", ok=False, detail=f"none; looked at {looked}", mend=mend)


async def _network(found: Settings) -> Finding:
    """Proxy and certificates, as the environment names them."""
    name, http = "proxy and certificates", Http(found.base_url)
    try:
        return Finding(name, ok=True, detail=http.settings())
    except Broken as broken:
        detail, _, mend = broken.cause.partition("; ")
        return Finding(name, ok=False, detail=detail, mend=mend)


async def _media(found: Settings) -> Finding:
    """Whether the hosts that keep finished songs may be, and can be, reached from here."""
    name, http = "media look-up", Http(found.base_url)
    host = next(urlsplit(each).hostname for each in media_origins(found.base_url)) or ""
    try:
        return Finding(name, ok=True, detail=await http.looked_up(host))
    except OSError as error:
        mend = "check the network and its DNS; songs are made all the same, but not saved"
        return Finding(name, ok=False, detail=str(error), mend=mend)
    finally:
        await http.close()


async def _gateway(found: Settings) -> Finding:
    gateway = Gateway(found.base_url, now=SystemClock().now)
    try:
        answer = await gateway.status(_PROBE, found.key or "none")
    finally:
        await gateway.close()
    name = f"gateway {found.base_url}"
    if not isinstance(answer, Unanswered) or answer.status in (400, 404):
        return Finding(name, ok=True, detail="reachable, and it accepts the key")
    if answer.status not in (401, 403):
        mend = "check the network, a proxy, and ACESTEP_BASE_URL"
        return Finding(name, ok=False, detail=answer.cause, mend=mend)
    if not found.key:
        return Finding(name, ok=True, detail="reachable")
    mend = f"the key was refused; get a valid one at {KEY_PAGE}"
    return Finding(name, ok=False, detail=f"reachable, but {answer.cause}", mend=mend)


async def _clock(found: Settings) -> Finding:
    http = Http(found.base_url)
    request = ("GET", f"{found.base_url}/v2/requests/status/{_PROBE}")
    try:
        reply = await http.exchange("status", request, {}, STATUS_SECONDS)
    except Broken:
        return Finding("clock", ok=True, detail="not compared: the gateway was not reached")
    finally:
        await http.close()
    return _compared(reply)


def _compared(reply: Reply) -> Finding:
    try:
        theirs = parsedate_to_datetime(reply.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return Finding("clock", ok=True, detail="not compared: the gateway names no time")
    ahead = SystemClock().now() - theirs
    detail = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the gateway's"
    mend = "" if abs(ahead) <= _CLOCK_SLACK else "let the system set its clock from the network"
    return Finding("clock", ok=not mend, detail=detail, mend=mend)


async def _ledger(found: Settings) -> Finding:
    ledger = opened(found.ledger_path, found.database_url)
    try:
        await ledger.beat("doctor", 0.0)
        await ledger.retire("doctor")
        total = (await ledger.page(LOCAL_OWNER, limit=1)).total
    except LedgerDown as down:
        mend = "free the disk or its permissions, or set ACESTEP_DATA_DIR"
        if found.database_url:
            mend = "start the database, or set ACESTEP_DATABASE_URL"
        return Finding("ledger", ok=False, detail=down.cause, mend=mend)
    finally:
        await ledger.close()
    return Finding("ledger", ok=True, detail=f"{found.ledger_place}, {total} songs")


async def _output(found: Settings) -> Finding:
    if not found.save:
        return Finding("output folder", ok=True, detail="not used: ACESTEP_SAVE is off")
    try:
        found.output_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=found.output_dir):
            pass
    except OSError as error:
        detail = f"{found.output_dir}: {error.strerror}"
        return Finding("output folder", ok=False, detail=detail, mend="set ACESTEP_OUTPUT_DIR")
    return Finding("output folder", ok=True, detail=str(found.output_dir))


async def _encoding(_: Settings) -> Finding:
    """Titles name files, so the file system must hold every script; messages are in UTF-8."""
    names = sys.getfilesystemencoding()
    detail = f"file names {names}, locale {locale.getencoding()}, output {sys.stdout.encoding}"
    try:
        _SUNG.encode(names)
    except UnicodeEncodeError:
        mend = "set PYTHONUTF8=1, or a UTF-8 locale such as LANG=C.UTF-8"
        return Finding("encoding", ok=False, detail=detail, mend=mend)
    return Finding("encoding", ok=True, detail=detail)


async def _answers(_: Settings) -> Finding:
    try:
        answered = await handshake(launcher())
    except Silent as silent:
        mend = "install it anew: uv tool install --force acestep-mcp"
        return Finding("server", ok=False, detail=f"does not start: {silent}", mend=mend)
    detail = f"{len(answered.tools)} tools after {answered.seconds:.1f} s, MCP {answered.protocol}"
    return Finding("server", ok=True, detail=detail)


def _client(seen: Installed) -> Finding:
    name, mend = f"client {seen.client.title}", f"acestep-mcp install {seen.client.name}"
    if seen.trouble:
        return Finding(name, ok=False, detail=f"{seen.path} {seen.trouble}", mend="mend that file")
    if seen.entry is None:
        return Finding(name, ok=True, detail=f"not configured; to do so: {mend}")
    command = str(seen.entry.get("command") or seen.entry.get("cmd") or "")
    if not command:
        return Finding(name, ok=True, detail=f"configured in {seen.path}, without a command")
    program = resolved(command, seen.client, here())
    if program is None:
        detail = f"{seen.path} names {command}, which {seen.client.title} will not find"
        return Finding(name, ok=False, detail=detail, mend=mend)
    return Finding(name, ok=True, detail=f"starts {program}, says {seen.path}")


def _print(findings: list[Finding]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for each in findings:
        mark = "[green]ok[/green]  " if each.ok else "[red]BAD[/red] "
        console.print(mark, end=" ")
        console.print(f"{each.name}: {each.detail}", markup=False)
        if each.mend:
            console.print(f"      mend: {each.mend}", markup=False)
