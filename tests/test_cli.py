"""The commands, run as a person runs them."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from tests.house import KEY, environment, gateway, served

PYTHON = [sys.executable, "-m", "acestep_mcp"]


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], **env}
    return subprocess.run(
        [*PYTHON, *arguments],
        capture_output=True,
        text=True,
        env=environ,
        timeout=60,
        check=False,
        encoding="utf-8",
    )


def test_version_and_help_do_not_import_the_sdk() -> None:
    code = (
        "import sys; from acestep_mcp.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "heavy = {'mcp', 'pydantic', 'httpx', 'anyio', 'rich', 'asyncio', 'sqlite3'}\n"
        "print('loaded', sorted(heavy & set(sys.modules)))"
    )
    for argument in ("--version", "--help"):
        done = subprocess.run(
            [sys.executable, "-c", code, argument], capture_output=True, text=True, check=True
        )
        assert done.stdout.endswith("loaded []\n")


def test_help_names_every_command() -> None:
    done = run("--help")

    assert done.returncode == 0
    for command in ("http", "demo", "sandbox", "doctor", "install", "songs", "export"):
        assert f"    {command} " in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [("frob",), ("songs", "--limit", "0"), ("sandbox", "--port", "x"), ("--verison",)],
    ids=" ".join,
)
def test_bad_usage_is_one_line_on_stderr_and_exit_2(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)

    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_the_demo_takes_a_clients_whole_path_to_a_file(tmp_path: Path) -> None:
    done = run("demo", HOME=str(tmp_path), COLUMNS="200")

    assert done.returncode == 0, done.stderr
    assert "sandbox" in done.stdout
    assert "http://127.0.0.1:" in done.stdout
    (song,) = (tmp_path / "Music" / "ACE-Step" / "sandbox").glob("*.wav")
    assert str(song) in done.stdout
    assert "sandbox" in song.name
    assert song.read_bytes()[:4] == b"RIFF"
    assert not (tmp_path / ".local").exists(), "the demonstration leaves the real ledger alone"


@pytest.mark.anyio
async def test_doctor_says_all_is_well_and_never_shows_the_key(tmp_path: Path) -> None:
    async with gateway() as sandbox:
        environ = environment(sandbox.base_url, tmp_path, ACESTEP_SAVE="on", HOME=str(tmp_path))
        done = await anyio.to_thread.run_sync(lambda: run("doctor", "--json", **environ))
        findings = {each["name"]: each for each in json.loads(done.stdout)}

    assert done.returncode == 0
    assert all(each["ok"] for each in findings.values())
    assert findings["key"]["detail"] == "found in PIXAZO_API_KEY"
    assert KEY not in done.stdout + done.stderr
    assert len(sandbox.submissions) == 0


@pytest.mark.anyio
async def test_doctor_names_what_is_wrong_and_how_to_mend_it(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    (tmp_path / "songs").write_text("no folder")
    async with gateway() as sandbox:
        environ = environment(
            sandbox.base_url,
            tmp_path,
            ACESTEP_SAVE="on",
            PIXAZO_API_KEY="wrong",
            HOME=str(tmp_path),
        )
        done = await anyio.to_thread.run_sync(lambda: run("doctor", "--json", **environ))
        bad = {each["name"]: each for each in json.loads(done.stdout) if not each["ok"]}

    assert done.returncode == 1
    assert set(bad) == {f"gateway {sandbox.base_url}", "ledger", "output folder"}
    assert all(each["mend"] for each in bad.values())


@pytest.mark.anyio
async def test_songs_lists_the_ledger_for_people_and_for_programs(tmp_path: Path) -> None:
    async with gateway() as sandbox:
        async with served(sandbox, tmp_path) as home:
            await home.finished(title="夜の海 [b]not markup[/b]")
        environ = environment(sandbox.base_url, tmp_path, PYTHONIOENCODING="cp1252")
        priced = {**environ, "ACESTEP_PRICE": "0.05 USD"}
        people = await anyio.to_thread.run_sync(lambda: run("songs", **priced))
        found = await anyio.to_thread.run_sync(
            lambda: run("songs", "--json", "--search", "夜", **environ)
        )
        none = await anyio.to_thread.run_sync(
            lambda: run("songs", "--json", "--search", "zither", **environ)
        )

    assert "夜の海 [b]not markup[/b]" in people.stdout
    assert "COMPLETED" in people.stdout
    assert "Tracks bought: 1, 0.05 USD at 0.05 USD each." in people.stdout
    assert json.loads(found.stdout)[0]["title"].startswith("夜の海")
    assert json.loads(none.stdout) == []


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="xdg-open is the Linux opener")
def test_songs_opens_the_folder_on_request_and_plays_nothing(tmp_path: Path) -> None:
    (tmp_path / "songs").mkdir()
    opener = tmp_path / "xdg-open"
    opener.write_text(f'#!/bin/sh\necho "$@" > "{tmp_path}/opened"\n')
    opener.chmod(0o755)
    done = run("songs", "--open", PATH=str(tmp_path), ACESTEP_OUTPUT_DIR=str(tmp_path / "songs"))

    assert done.returncode == 0
    assert (tmp_path / "opened").read_text() == f"{tmp_path / 'songs'}\n"


def test_without_a_file_manager_songs_prints_the_folder(tmp_path: Path) -> None:
    (tmp_path / "songs").mkdir()
    done = run("songs", "--open", PATH=str(tmp_path), ACESTEP_OUTPUT_DIR=str(tmp_path / "songs"))

    assert done.stdout == f"{tmp_path / 'songs'}\n"


def test_a_server_starts_without_what_only_other_commands_need() -> None:
    code = (
        "import sys; from acestep_mcp import server, settings\n"
        "server.build(settings.read({'ACESTEP_DATA_DIR': '/nowhere', 'HOME': '/'}))\n"
        "spared = {'httpx', 'mutagen', 'psycopg', 'rich', 'acestep_mcp.songcraft',\n"
        "          'acestep_mcp.sandbox', 'acestep_mcp.install', 'acestep_mcp.hosted'}\n"
        "print(sorted(spared & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def piped(
    *arguments: str, home: Path, stdout: int, stderr: int = subprocess.PIPE
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*PYTHON, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "ACESTEP_BASE_URL": "http://[::1]:9"},
        timeout=60,
        check=False,
    )


PRINTING = [
    ("--help",),
    ("--version",),
    ("songs",),
    ("songs", "--json"),
    ("doctor",),
    ("install", "cursor", "--dry-run"),
    ("sandbox", "--port", "0"),
    ("demo",),
]


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise there")
@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_a_command_whose_reader_has_gone_ends_quietly_as_other_tools_do(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = piped(*arguments, home=tmp_path, stdout=writer)
    finally:
        os.close(writer)

    assert done.stderr == b""
    assert done.returncode == 128 + 13, "what a shell says of grep and cat"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no device that is full")
@pytest.mark.parametrize("arguments", [("--help",), ("songs",), ("songs", "--json")], ids=" ".join)
def test_output_that_cannot_be_written_is_one_line(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    with Path("/dev/full").open("wb") as full:
        done = piped(*arguments, home=tmp_path, stdout=full.fileno())

    assert done.returncode == 1
    assert done.stderr.decode() == "acestep-mcp: it cannot go on: No space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell closes them")
@pytest.mark.parametrize(
    ("command", "status"), [("songs", 0), ("--help", 0), ("frob", 2), ("", 0)], ids=str
)
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_nothing_to_a_command(
    command: str, status: int, closed: str, tmp_path: Path
) -> None:
    line = f"'{sys.executable}' -m acestep_mcp {command} {closed}"
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        timeout=60,
        check=False,
    )

    assert done.returncode == status
    assert len(done.stderr.splitlines()) == (status == 2 and "2>" not in closed)


def a_folder(path: Path) -> None:
    path.mkdir()


def noise(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 64)


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("create table meta (version integer not null)")
        db.execute("insert into meta values (99)")


def half(path: Path) -> None:
    """A ledger that another program wrote over from the middle on."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("create table song (words text)")
        db.executemany("insert into song values (?)", [("la" * 500,)] * 50)
    path.write_bytes(path.read_bytes()[:8192] + b"\xff" * 40_000)


BROKEN: dict[Callable[[Path], None], str] = {
    a_folder: "Is a directory",
    noise: "file is not a database",
    newer: "a newer version",
    half: "malformed",
}


@pytest.mark.parametrize("breaks", BROKEN, ids=["folder", "noise", "newer", "half"])
def test_a_ledger_that_cannot_be_read_is_one_line(
    breaks: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "ledger.sqlite3"
    breaks(path)
    done = run("songs", "--json", ACESTEP_DATA_DIR=str(tmp_path), HOME=str(tmp_path))

    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("acestep-mcp: the ledger cannot be used: ")
    assert BROKEN[breaks] in line


@pytest.mark.anyio
async def test_a_song_in_the_ledger_that_is_no_song_is_one_line(tmp_path: Path) -> None:
    async with gateway() as sandbox, served(sandbox, tmp_path) as home:
        await home.finished()
    path = tmp_path / "data" / "ledger.sqlite3"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("update song set payload = '{'")
    done = await anyio.to_thread.run_sync(lambda: run("songs", ACESTEP_DATA_DIR=str(path.parent)))

    assert done.returncode == 1
    assert done.stderr == f"acestep-mcp: the ledger holds a song that cannot be read: {path}\n"


def test_a_slip_in_another_variable_stops_the_server_in_one_line(tmp_path: Path) -> None:
    for env in ({"ACESTEP_WAIT": "abc"}, {"ACESTEP_BASE_URL": "https://u:s3cret@host:abc"}):
        done = run(HOME=str(tmp_path), **env)
        (name,) = env

        assert (done.returncode, done.stdout) == (2, "")
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"acestep-mcp: {name}=")
        assert "s3cret" not in line


def test_a_hosted_server_without_a_folder_for_its_ledger_does_not_start(tmp_path: Path) -> None:
    done = run("http", "--port", "0", HOME=str(tmp_path), ACESTEP_DATA_DIR="${HOME}/${USER}")

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "${USER} cannot be expanded" in line
