"""`acestep-mcp doctor`: what works, what does not, and the line that mends it.

Whatever fails here is what was asked about. So each check brings what it needs by itself, even
the libraries, and whatever it raises is its finding: the others come all the same.
"""

import asyncio
import json
import locale
import platform
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from acestep_mcp import keys, settings
from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.domain.song import LOCAL_OWNER, RequestId
from acestep_mcp.domain.text import clean
from acestep_mcp.environment import expanded
from acestep_mcp.settings import KEY_PAGE, Settings

if TYPE_CHECKING:
    from acestep_mcp.install.clients import Client
    from acestep_mcp.install.places import Machine
    from acestep_mcp.providers.bodies import Reply

_PROBE = RequestId("doctor-probe")
"""Asked about to see that gateway and key answer: a status request is free, and no song has it."""
_CLOCK_SLACK = 60.0
"""Seconds by which a clock may differ before certificates and waiting times suffer."""
_SUNG = "夜の海 \u0623\u063a\u0646\u064a\u0629 🎵"
_AGAIN = "install it anew: uv tool install --force acestep-mcp"
_GET_KEY = f"get one at {KEY_PAGE} and write it to {keys.HOME_FILE}"
_SERVER_KEY = "set ACESTEP_SERVER_KEY to the key it was started with"
_PASSWORD = re.compile(r"//[^\s/@]*:[^\s@]*@")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a check saw; `mend` says what to do where it is not well, or might be better."""

    ok: bool
    detail: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Examined:
    """One thing looked at, and what was seen of it."""

    name: str
    ok: bool
    detail: str
    mend: str = ""


def run(*, as_json: bool) -> int:
    """Print every finding; 1 where anything is wrong."""
    findings = asyncio.run(_examine())
    if as_json:
        print(json.dumps([asdict(each) for each in findings], ensure_ascii=False, indent=2))  # noqa: T201  # the command's output
    else:
        _print(findings)
    return 0 if all(each.ok for each in findings) else 1


async def _examine() -> list[Examined]:
    faults: list[str] = []
    # A value that stops a server is one finding here, and its default serves for the others.
    found = settings.read(faults=faults)
    gateway: tuple[Check, ...] = (
        ("key", _key, _GET_KEY),
        ("proxy and certificates", _network, "unset the variable that it names"),
        (
            f"gateway {found.base_url}",
            _gateway,
            "check HTTPS_PROXY, ALL_PROXY, NO_PROXY and SSL_CERT_FILE; else " + _AGAIN,
        ),
        ("media look-up", _media, _AGAIN),
        ("clock", _clock, "mend what is wrong with the gateway first"),
    )
    own: tuple[Check, ...] = (
        (f"own server {found.server_url}", _own_server, "start it with acestep-api"),
    )
    checks: tuple[Check, ...] = (
        ("versions", _versions, _AGAIN),
        ("command for client configurations", _launcher, _AGAIN),
        *(gateway if found.surface != "own" else ()),
        *(own if found.server_url else ()),
        ("ledger", _ledger, "set ACESTEP_DATA_DIR or ACESTEP_DATABASE_URL"),
        ("output folder", _output, "set ACESTEP_OUTPUT_DIR"),
        ("decoder", _decoder, _AGAIN),
        ("encoding", _encoding, "set PYTHONUTF8=1"),
        ("server", _answers, _AGAIN),
    )
    bad = [_fault(each) for each in faults]
    return [*bad, *[await _checked(*each, found) for each in checks], *_clients(found)]


Check = tuple[str, Callable[[Settings], Awaitable[Seen]], str]
"""A name, what looks, and the mend where it falls over."""


async def _checked(
    name: str, check: Callable[[Settings], Awaitable[Seen]], mend: str, found: Settings
) -> Examined:
    try:
        seen = await check(found)
        return Examined(name, seen.ok, seen.detail, seen.mend)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is the finding
        return Examined(name, ok=False, detail=_said(error, found), mend=mend)


def _said(error: Exception, found: Settings) -> str:
    """The error in a line; of a group, its first. Neither the key nor a password is in it."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    text = _PASSWORD.sub("//…@", clean(str(error)))
    if found.key:
        text = text.replace(found.key, "[key]")
    return text if isinstance(error, settings.SettingsError) else f"{type(error).__name__}: {text}"


def _fault(line: str) -> Examined:
    name = re.split(r"\W", line, maxsplit=1)[0]
    return Examined(f"setting {name}", ok=False, detail=line, mend=f"change or unset {name}")


async def _versions(_: Settings) -> Seen:
    import sqlite3

    parts = [f"Python {platform.python_version()}", f"SQLite {sqlite3.sqlite_version}"]
    parts += [f"{name} {version(name)}" for name in ("acestep-mcp", "mcp", "httpx", "pydantic")]
    return Seen(ok=True, detail=", ".join(parts))


async def _launcher(_: Settings) -> Seen:
    from acestep_mcp.install.launcher import launcher

    found = launcher()
    command = shlex.join((found.command, *found.args))
    return Seen(ok=True, detail=command)


async def _key(found: Settings) -> Seen:
    if not found.key:
        looked = ", ".join(found.key_places)
        detail = f"{found.key_problem or 'none'}; looked at {looked}"
        return Seen(ok=False, detail=detail, mend=_GET_KEY)
    detail = f"found in {found.key_source}"
    if found.key_source in keys.VARIABLES:
        return Seen(ok=True, detail=detail)
    path = expanded(found.key_source)
    exposed = keys.exposed(path)
    mend = f"chmod 600 {shlex.quote(str(path))}" if exposed else ""
    if "replaced" in exposed:
        mend = f"chmod 700 {shlex.quote(str(path.parent))}"
    # Others may read many a key that a container's engine mounts; nobody else changes one.
    ok = not exposed or "read" in exposed
    return Seen(ok, f"{detail}, which {exposed}" if exposed else detail, mend)


async def _own_server(found: Settings) -> Seen:
    """Whether the user's own server is the right one, takes its key, and is new enough."""
    from acestep_mcp.clock import SystemClock
    from acestep_mcp.providers.acestep.client import AceStepServer
    from acestep_mcp.providers.verdicts import Broken

    if found.server_key_problem:
        return Seen(ok=False, detail=found.server_key_problem, mend=_SERVER_KEY)
    server = AceStepServer(found.server_url, found.server_key, clock=SystemClock())
    try:
        health = await server.health()
        known = await server.inventory()
    except Broken as broken:
        mend = "start it with acestep-api, or mend ACESTEP_SERVER_URL"
        return Seen(ok=False, detail=broken.cause, mend=mend)
    finally:
        await server.close()
    if known is None:
        return Seen(ok=False, detail="it refuses the key", mend=_SERVER_KEY)
    model = clean(health.get("loaded_model"), 60) or "no model loaded yet: the first song loads it"
    if not known:
        mend = "update it: seeds are honoured from March 2026 on"
        return Seen(ok=True, detail=f"an early release; {model}", mend=mend)
    heavy = "an XL model wants 12 GB with offloading, 20 GB without" if "xl" in model else ""
    return Seen(ok=True, detail=model, mend=heavy)


async def _network(found: Settings) -> Seen:
    """Proxy and certificates, as the environment names them."""
    from acestep_mcp.providers.http import Http
    from acestep_mcp.providers.verdicts import Broken

    http = Http(found.base_url)
    try:
        return Seen(ok=True, detail=http.settings())
    except Broken as broken:
        detail, _, mend = broken.cause.partition("; ")
        return Seen(ok=False, detail=detail, mend=mend)


async def _media(found: Settings) -> Seen:
    """Whether the hosts that keep finished songs may be, and can be, reached from here."""
    from acestep_mcp.providers.http import Http
    from acestep_mcp.providers.pixazo.client import media_origins

    http = Http(found.base_url)
    host = next(urlsplit(each).hostname for each in media_origins(found.base_url)) or ""
    try:
        return Seen(ok=True, detail=await http.looked_up(host))
    except OSError as error:
        mend = "check the network and its DNS; songs are made all the same, but not saved"
        return Seen(ok=False, detail=str(error), mend=mend)
    finally:
        await http.close()


async def _gateway(found: Settings) -> Seen:
    from acestep_mcp.domain.song import Observation
    from acestep_mcp.providers import Gone, Unanswered
    from acestep_mcp.providers.pixazo.client import Gateway

    gateway = Gateway(found.base_url, now=time.time)
    try:
        answer = await gateway.status(_PROBE, found.key or "none")
    finally:
        await gateway.close()
    refused = isinstance(answer, Unanswered) and answer.refused_key
    known = isinstance(answer, Gone) and not answer.once_known  # as it has to be of such an id
    if not isinstance(answer, Observation) and not refused and not known:
        mend = "check the network, a proxy, and ACESTEP_BASE_URL"
        return Seen(ok=False, detail=answer.cause, mend=mend)
    if not found.key:
        return Seen(ok=True, detail="reachable; there is no key to try on it")
    if not isinstance(answer, Observation) and refused:
        mend = f"the key was refused; get a valid one at {KEY_PAGE}"
        return Seen(ok=False, detail=f"reachable, but {answer.cause}", mend=mend)
    return Seen(ok=True, detail="reachable, and it accepts the key")


async def _clock(found: Settings) -> Seen:
    from acestep_mcp.providers.bodies import Request
    from acestep_mcp.providers.http import Http
    from acestep_mcp.providers.pixazo.client import STATUS_SECONDS
    from acestep_mcp.providers.verdicts import Broken

    http = Http(found.base_url)
    request = Request(method="GET", url=f"{found.base_url}/v2/requests/status/{_PROBE}")
    try:
        reply = await http.exchange(request, STATUS_SECONDS)
    except Broken:
        return Seen(ok=True, detail="not compared: the gateway was not reached")
    finally:
        await http.close()
    return _compared(reply)


def _compared(reply: "Reply") -> Seen:
    try:
        theirs = parsedate_to_datetime(reply.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return Seen(ok=True, detail="not compared: the gateway names no time")
    ahead = time.time() - theirs
    detail = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the gateway's"
    mend = "" if abs(ahead) <= _CLOCK_SLACK else "let the system set its clock from the network"
    return Seen(ok=not mend, detail=detail, mend=mend)


async def _ledger(found: Settings) -> Seen:
    from acestep_mcp.ledger import opened

    ledger = opened(found.ledger_path or found.data_problem, found.database_url)
    try:
        await ledger.beat("doctor", 0.0, 0.0)
        await ledger.retire("doctor")
        total = (await ledger.page(LOCAL_OWNER, limit=1)).total
    except LedgerDown as down:
        detail = f"{down.place}: {down.cause}" if down.place else down.cause
        return Seen(ok=False, detail=detail, mend=_mended(down, found))
    finally:
        await ledger.close()
    return Seen(ok=True, detail=f"{found.ledger_place}, {total} songs")


def _mended(down: LedgerDown, found: Settings) -> str:
    if "newer version" in down.cause:
        return "update this one: uv tool upgrade acestep-mcp"
    if found.database_url:
        return "start the database, or set ACESTEP_DATABASE_URL"
    if not found.ledger_path:
        return "set ACESTEP_DATA_DIR to an absolute path"
    return f"mend {found.ledger_path} or its folder or disk, or set ACESTEP_DATA_DIR"


async def _output(found: Settings) -> Seen:
    mend = "set ACESTEP_OUTPUT_DIR to an absolute path that can be written"
    if not found.save:
        return Seen(ok=True, detail="not used: ACESTEP_SAVE is off")
    if found.output_dir is None:
        return Seen(ok=False, detail=found.output_problem, mend=mend)
    try:
        found.output_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=found.output_dir, buffering=0) as file:
            file.write(bytes(4096))  # a full disk takes an empty file
    except OSError as error:
        detail = f"{found.output_dir}: {error.strerror}"
        return Seen(ok=False, detail=detail, mend=mend)
    return Seen(ok=True, detail=str(found.output_dir))


async def _decoder(_: Settings) -> Seen:
    """Whether a track would be measured and tagged; it is kept in any case."""
    import wave

    from acestep_mcp.domain.track import Track
    from acestep_mcp.library.decoder import Decoder

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tone.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(b"\0\x40\0\xc0" * 2000)
        heard = await Decoder().listen(path, Track(size=0, media_type="audio/wav"))
    if heard.track.heard:
        return Seen(ok=True, detail="measures, tags and converts tracks")
    detail = "it gave no answer: tracks are kept, but neither measured nor tagged"
    return Seen(ok=False, detail=detail, mend=_AGAIN)


async def _encoding(_: Settings) -> Seen:
    """Titles name files, so the file system must hold every script; messages are in UTF-8."""
    names = sys.getfilesystemencoding()
    detail = f"file names {names}, locale {locale.getencoding()}, output {sys.stdout.encoding}"
    try:
        _SUNG.encode(names)
    except UnicodeEncodeError:
        mend = "set PYTHONUTF8=1, or a UTF-8 locale such as LANG=C.UTF-8"
        return Seen(ok=False, detail=detail, mend=mend)
    return Seen(ok=True, detail=detail)


async def _answers(_: Settings) -> Seen:
    from acestep_mcp.install.handshake import Silent, handshake
    from acestep_mcp.install.launcher import launcher

    try:
        answered = await handshake(launcher())
    except Silent as silent:
        mend = "mend that setting" if "is not usable" in str(silent) else _AGAIN
        return Seen(ok=False, detail=f"does not start: {silent}", mend=mend)
    detail = f"{len(answered.tools)} tools after {answered.seconds:.1f} s, MCP {answered.protocol}"
    return Seen(ok=True, detail=detail)


def _clients(found: Settings) -> Iterator[Examined]:
    """What is said of each client that has been on this machine."""
    try:
        from acestep_mcp.install.clients import CLIENTS
        from acestep_mcp.install.places import here

        machine = here()
        with suppress(FileNotFoundError):
            machine.home.stat()
    except Exception as error:  # noqa: BLE001  # as above
        mend = "set HOME to an absolute path"
        yield Examined(
            "clients", ok=False, detail=f"not looked at: {_said(error, found)}", mend=mend
        )
        return
    for client in CLIENTS:
        try:
            seen = _client(client, machine)
        except Exception as error:  # noqa: BLE001  # as above
            name, mend = f"client {client.title}", "mend its configuration"
            seen = Examined(name, ok=False, detail=_said(error, found), mend=mend)
        if seen:
            yield seen


def _client(client: "Client", machine: "Machine") -> Examined | None:
    from acestep_mcp.install.installed import looked_at, resolved

    seen = looked_at(client, machine)
    if seen is None:
        return None
    name, mend = f"client {client.title}", f"acestep-mcp install {client.name}"
    if seen.trouble:
        return Examined(name, ok=False, detail=f"{seen.path} {seen.trouble}", mend="mend that file")
    if seen.entry is None:
        return Examined(name, ok=True, detail=f"not configured; to do so: {mend}")
    command = str(seen.entry.get("command") or seen.entry.get("cmd") or "")
    if not command:
        return Examined(name, ok=True, detail=f"configured in {seen.path}, without a command")
    program = resolved(command, client, machine)
    if program is None:
        detail = f"{seen.path} names {command}, which {client.title} will not find"
        return Examined(name, ok=False, detail=detail, mend=mend)
    return Examined(name, ok=True, detail=f"starts {program}, says {seen.path}")


def _print(findings: list[Examined]) -> None:
    try:
        from acestep_mcp.commands.console import Console
    except ImportError:  # one of the things that may be wrong
        for each in findings:
            mend = f"\n      mend: {each.mend}" if each.mend else ""
            print(f"{'ok ' if each.ok else 'BAD'}  {each.name}: {each.detail}{mend}")  # noqa: T201  # as above
        return
    console = Console()
    for each in findings:
        mark = "[green]ok[/green]  " if each.ok else "[red]BAD[/red] "
        console.print(mark, end=" ")
        console.print(f"{each.name}: {each.detail}", markup=False)
        if each.mend:
            console.print(f"      mend: {each.mend}", markup=False)
