"""`acestep-mcp songs`: the ledger for people."""

import json
import os
import shutil
import subprocess
import sys

import anyio
from rich.table import Table

from acestep_mcp import settings
from acestep_mcp.clock import SystemClock
from acestep_mcp.commands.console import Console
from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.domain.price import spent
from acestep_mcp.domain.song import LOCAL_OWNER, Song
from acestep_mcp.domain.text import clean
from acestep_mcp.ledger import Bought, Page, opened
from acestep_mcp.library.sidecar import instant, record


def run(*, search: str, limit: int, as_json: bool) -> int:
    """Print the songs, newest first."""
    found = settings.read()
    try:
        page, bought = anyio.run(_page, found, search, limit)
    except LedgerDown as down:
        where = f" ({down.place})" if down.place else ""
        sys.stderr.write(f"acestep-mcp: the ledger cannot be used: {down.cause}{where}\n")
        return 1
    except (KeyError, TypeError, ValueError):
        place = found.ledger_place
        sys.stderr.write(f"acestep-mcp: the ledger holds a song that cannot be read: {place}\n")
        return 1
    if as_json:
        print(json.dumps([_plain(song) for song in page.songs], ensure_ascii=False, indent=2))  # noqa: T201  # the command's output
    else:
        # Who has nothing but a server of their own reads no word of money.
        free = found.surface == "own" and not bought.tracks + bought.unknown
        cost = "" if free else spent(bought.tracks, bought.unknown, found.price)
        _print(page, "No such song." if search else "No songs yet.", cost)
    return 0


def open_folder() -> int:
    """Show the folder with the songs in the desktop's file manager."""
    found = settings.read()
    folder = found.output_dir
    if folder is None:
        raise settings.SettingsError(found.output_problem)
    there = os.path.isdir(folder)  # noqa: PTH112  # Path's raises where it may not look
    opener = {"darwin": "open", "win32": "explorer"}.get(sys.platform, "xdg-open")
    program = shutil.which(opener)
    if program is None or not there:
        print(folder)  # noqa: T201  # the next best thing
        return 0 if there else 1
    return subprocess.run([program, str(folder)], check=False).returncode  # noqa: S603  # the desktop's own opener


async def _page(found: settings.Settings, search: str, limit: int) -> tuple[Page, Bought]:
    ledger = opened(found.ledger_path or found.data_problem, found.database_url)
    try:
        page = await ledger.page(LOCAL_OWNER, limit=limit, search=search)
        return page, await ledger.bought(LOCAL_OWNER, SystemClock().now())
    finally:
        await ledger.close()


def _plain(song: Song) -> dict[str, object]:
    return {**record(song), "request_id": song.handle}


def _print(page: Page, none: str, cost: str) -> None:
    console = Console()
    if not page.songs:
        console.print(none)
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("Ordered (UTC)", "Status", "Title", "Where"):
        table.add_column(heading, overflow="fold")
    for song in page.songs:
        title = song.title or clean(song.payload.get("prompt"), 40) or "-"
        where = "\n".join(song.files or song.media_urls) or song.handle
        table.add_row(instant(song.created_at)[:16].replace("T", " "), song.status, title, where)
    console.print(table, markup=False)
    if page.total > len(page.songs):
        console.print(f"{len(page.songs)} of {page.total} songs; see more with --limit.")
    if cost:
        console.print(cost)
