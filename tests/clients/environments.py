"""Environments of their own for what is tried, made once and kept under the cache folder."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import platformdirs

from tests.clients.subjects import Subject

ROOT = Path(__file__).parent.parent.parent
CACHE = Path(
    os.environ.get("ACESTEP_CLIENTS") or platformdirs.user_cache_dir("acestep-mcp-clients")
)
UV = str(Path(sys.executable).with_name("uv"))


class Unmade(Exception):
    """The environment could not be made; says why."""


def folder(subject: Subject) -> Path:
    """Where the subject's environment is, made if it is not there; rows may share one."""
    packages = " ".join((subject.kind, *subject.packages))
    place = CACHE / hashlib.sha256(packages.encode()).hexdigest()[:12]
    if not (place / "made").exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        _python(place, subject) if subject.kind == "python" else _node(place, subject)
        (place / "made").write_text(packages)
    return place


def command(subject: Subject, place: Path) -> list[str]:
    """What starts the subject's driver, in the folder."""
    if subject.driver.endswith(".mjs"):
        script = place / subject.driver  # packages are looked for beside the script
        shutil.copy(Path(__file__).parent / "drivers" / subject.driver, script)
        return ["node", str(script)]
    python = python_of(place) if subject.kind == "python" else Path(sys.executable)
    return [str(python), "-m", f"tests.clients.drivers.{subject.driver}"]


def python_of(place: Path) -> Path:
    """The interpreter of an environment."""
    return place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def run(*arguments: str, cwd: Path, home: Path | None = None) -> str:
    """Run a step of the making, at somebody else's home if one is named.

    Raises:
        Unmade: It failed.
    """
    env = {**os.environ, "HOME": str(home)} if home else None
    done = subprocess.run(
        arguments, cwd=cwd, env=env, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise Unmade(f"{' '.join(arguments)}: {done.stderr.strip()[-400:]}")
    return done.stdout


def _python(place: Path, subject: Subject) -> None:
    run(UV, "venv", "--quiet", "--allow-existing", "--python", sys.executable, ".", cwd=place)
    python = str(python_of(place))
    run(UV, "pip", "install", "--quiet", "--python", python, *subject.packages, cwd=place)


def _node(place: Path, subject: Subject) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise Unmade("npm is not on this machine")
    (place / "package.json").write_text('{"private": true}\n')
    run(npm, "install", "--silent", "--no-audit", "--no-fund", *subject.packages, cwd=place)
