"""`acestep-mcp doctor`: what works, what does not, and the line that mends it."""

import json
import platform
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import anyio
from rich.console import Console

from acestep_mcp import settings
from acestep_mcp.clock import SystemClock
from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.domain.song import RequestId
from acestep_mcp.gateway.client import Gateway, Unanswered
from acestep_mcp.ledger import Ledger
from acestep_mcp.ledger.sqlite import SqliteDriver
from acestep_mcp.server import LOCAL_OWNER
from acestep_mcp.settings import KEY_PAGE, Settings

_PROBE = RequestId("doctor-probe")
"""Asked about to see that gateway and key answer: a status request is free, and no song has it."""


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
        _gateway,
        _ledger,
        _output,
    )
    return [await check(found) for check in checks]


async def _versions(_: Settings) -> Finding:
    parts = [f"Python {platform.python_version()}", f"SQLite {sqlite3.sqlite_version}"]
    parts += [f"{name} {version(name)}" for name in ("acestep-mcp", "mcp", "httpx", "pydantic")]
    return Finding("versions", ok=True, detail=", ".join(parts))


async def _launcher(_: Settings) -> Finding:
    beside = Path(sys.executable).with_name("acestep-mcp")
    path = str(beside) if beside.exists() else shutil.which("acestep-mcp")
    if path:
        return Finding("command for client configurations", ok=True, detail=path)
    module = f"{sys.executable} -m acestep_mcp"
    return Finding("command for client configurations", ok=True, detail=module)


async def _key(found: Settings) -> Finding:
    if found.key:
        return Finding("key", ok=True, detail=f"found in {found.key_source}")
    looked = ", ".join(found.key_places)
    mend = f"get one at {KEY_PAGE} and write it to ~/.pixazo/api-key"
    return Finding("key", ok=False, detail=f"none; looked at {looked}", mend=mend)


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


async def _ledger(found: Settings) -> Finding:
    ledger = Ledger(SqliteDriver(found.ledger_path))
    try:
        await ledger.beat("doctor", 0.0)
        await ledger.retire("doctor")
        total = (await ledger.page(LOCAL_OWNER, limit=1)).total
    except LedgerDown as down:
        mend = "free the disk or its permissions, or set ACESTEP_DATA_DIR"
        return Finding("ledger", ok=False, detail=down.cause, mend=mend)
    finally:
        await ledger.close()
    return Finding("ledger", ok=True, detail=f"{found.ledger_path}, {total} songs")


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


def _print(findings: list[Finding]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for each in findings:
        mark = "[green]ok[/green]  " if each.ok else "[red]BAD[/red] "
        console.print(mark, end=" ")
        console.print(f"{each.name}: {each.detail}", markup=False)
        if each.mend:
            console.print(f"      mend: {each.mend}", markup=False)
