"""The server with something unusable: it starts, and the first call says what is wrong."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.house import LYRICS, SONG, gateway, served, text
from tests.peer import started

UNIX = pytest.mark.skipif(os.name == "nt", reason="user ids and modes are a Unix matter")
LONG = "/" + "x" * 300


def said(reply: dict[str, Any]) -> str:
    """The one line of a refusal."""
    (part,) = reply["result"]["content"]
    assert reply["result"]["isError"]
    assert "\n" not in part["text"]
    assert len(part["text"]) <= 300
    assert not part["text"].endswith("…"), "nothing is cut off"
    return str(part["text"])


@UNIX
@pytest.mark.anyio
async def test_with_everything_unusable_it_starts_and_tells_one_thing_after_the_other(
    tmp_path: Path,
) -> None:
    os.mkfifo(tmp_path / "key")
    env = {
        "PIXAZO_API_KEY": "",
        "PIXAZO_API_KEY_FILE": str(tmp_path / "key"),
        "ACESTEP_DATA_DIR": "${HOME}/x/${USER}",
        "ACESTEP_OUTPUT_DIR": LONG,
        "HOME": "relative",
    }
    order = {"name": "generate_song", "arguments": {**SONG, "wait": 0}}
    async with (
        gateway() as sandbox,
        started(sandbox, tmp_path, stderr=subprocess.PIPE, **env) as peer,
    ):
        await peer.greet()
        listed = await peer.ask(2, "tools/list")
        assert len(listed["result"]["tools"]) == 3
        about_key = said(await peer.ask(3, "tools/call", **order))
        songs = said(await peer.ask(4, "tools/call", name="list_outputs", arguments={}))
        dry = await peer.call(5, "generate_song", **SONG, lyrics=LYRICS, dry_run=True)
        assert peer.process.stdin is not None
        await peer.process.stdin.aclose()
        with anyio.fail_after(10):
            assert await peer.process.wait() == 0
        assert peer.process.stderr is not None
        errors = b"".join([piece async for piece in peer.process.stderr]).decode()

    assert "cannot be read: it is a pipe, not a file" in about_key
    assert "Looked at: PIXAZO_API_KEY, PIXAZO_SUBSCRIPTION_KEY, PIXAZO_API_KEY_FILE." in about_key
    assert "https://api-console.pixazo.ai/api_keys" in about_key
    assert "ACESTEP_DATA_DIR='${HOME}/x/${USER}' is not usable: ${USER} cannot be exp" in songs
    assert dry["status"] == "DRY_RUN"
    assert len(errors.splitlines()) <= 1
    assert sandbox.submissions == []


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"PIXAZO_API_KEY": "two words"}, "the key in PIXAZO_API_KEY has characters that no key"),
        ({"PIXAZO_API_KEY": "$PIXAZO_API_KEY"}, "No subscription key."),
        ({"ACESTEP_DATA_DIR": "relative"}, "ACESTEP_DATA_DIR='relative' is not usable: give an "),
        ({"ACESTEP_DATA_DIR": LONG}, "The ledger cannot be used (File name too long): /xxxx"),
        ({"ACESTEP_DATA_DIR": "/dev/null/x"}, "(Not a directory): /dev/null/x/ledger.sqlite3"),
        (
            {"ACESTEP_OUTPUT_DIR": "$HOMEWORK", "ACESTEP_SAVE": "on"},
            "ACESTEP_OUTPUT_DIR='$HOMEWORK' is not usable: $HOMEWORK cannot be expanded",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.anyio
async def test_what_an_order_needs_and_has_not_is_named_and_nothing_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, env: dict[str, Any], says: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    async with gateway() as sandbox, served(sandbox, tmp_path, **env) as home:
        answer = await home.generate()

        assert answer.is_error
        assert says in text(answer)
        assert len(text(answer)) <= 300
        assert "\n" not in text(answer)
        assert home.posts == 0
        assert not (await home.generate(dry_run=True)).is_error


@pytest.mark.anyio
async def test_a_folder_for_songs_is_not_missed_where_none_are_saved(tmp_path: Path) -> None:
    async with (
        gateway() as sandbox,
        served(sandbox, tmp_path, ACESTEP_OUTPUT_DIR="no path", ACESTEP_SAVE="off") as home,
    ):
        assert not (await home.generate()).is_error


@UNIX
@pytest.mark.anyio
async def test_without_a_home_an_order_names_the_variables_that_stand_in_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 54_321)  # nobody's
    monkeypatch.delenv("HOME")
    monkeypatch.chdir(tmp_path)
    async with gateway() as sandbox, served(sandbox, tmp_path, ACESTEP_DATA_DIR="") as home:
        answer = text(await home.generate())

    assert "ACESTEP_DATA_DIR is not set, and the home directory is unknown: set HOME" in answer
    assert len(answer) <= 300
    assert home.posts == 0
    assert [*tmp_path.iterdir()] == [], "no ledger in whichever folder it was started from"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user may enter; pytest's own is closed to others."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in folder.rglob("*"):
        path.chmod(0o700)
    shutil.rmtree(folder)


def as_somebody_else(code: str, *, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run code after the libraries are loaded, under a user id that has no entry."""
    preload = (
        "import os, sys, json, asyncio, email.parser, encodings.idna, sqlite3\n"
        "import acestep_mcp.front, acestep_mcp.ledger.sqlite, acestep_mcp.commands.songs\n"
        "import acestep_mcp.commands.install, acestep_mcp.commands.parser, acestep_mcp.keys\n"
        "import anyio._backends._asyncio, platformdirs.unix, pwd, rich.cells\n"
        "from acestep_mcp.cli import main\n"
    )
    if os.getuid() == 0:
        preload += "os.setgroups([]); os.setgid(54321); os.setuid(54321)\n"
    return subprocess.run(
        [sys.executable, "-c", preload + code],
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], **env},
        cwd=cwd,
        timeout=60,
        check=False,
    )


@UNIX
def test_folders_and_files_that_may_not_be_entered_are_a_line_each(open_folder: Path) -> None:
    home = open_folder / "home"
    for closed in (".pixazo", "data", ".cursor"):
        (home / closed).mkdir(parents=True)
    (home / ".pixazo" / "api-key").write_text("key")
    for closed in (".pixazo", "data", ".cursor"):
        (home / closed).chmod(0)
    env = {"HOME": str(home), "ACESTEP_DATA_DIR": str(home / "data")}
    code = (
        "from acestep_mcp import settings\n"
        "print(settings.read().key_problem)\n"
        "print(acestep_mcp.front.serve(settings.read()))\n"
        "print(main(['songs']), main(['install', 'cursor']))\n"
    )
    done = as_somebody_else(code, cwd=open_folder, **env)

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "~/.pixazo/api-key cannot be read: Permission denied"
    assert lines[1] == "None", "the front starts, and its client has gone at once"
    assert lines[-1] == "1 1"
    ledger, config = done.stderr.splitlines()
    assert ledger.endswith(f"cannot be used: Permission denied ({home}/data/ledger.sqlite3)")
    assert config.endswith("mcp.json cannot be read (Permission denied). Put this into it:")


@UNIX
@pytest.mark.skipif(
    os.name == "nt" or os.getuid() != 0, reason="only root can be a user without an entry"
)
def test_a_user_without_home_or_entry_is_told_so_in_a_line(open_folder: Path) -> None:
    for home in ({}, {"HOME": ""}, {"HOME": "relative"}):
        code = "sys.exit(main(['songs']) * 10 + main(['install', 'cursor']))"
        done = as_somebody_else(code, cwd=open_folder, **home)
        ledger, install = done.stderr.splitlines()

        assert done.returncode == 12
        assert "ACESTEP_DATA_DIR is not set, and the home directory is unknown" in ledger
        assert install == "acestep-mcp: the home directory is unknown; set HOME to an absolute path"
    assert [*open_folder.iterdir()] == []
