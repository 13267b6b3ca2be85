"""A fresh-resolve check: `python -m tests.clients.fresh`.

The wheel is built and installed without the lock file, as users install it: on the oldest and on
the newest Python of this machine with whatever is newest today, and on the oldest again with the
lowest releases that `pyproject.toml` claims to be enough. There it starts, lists its tools to the
official client, and plays the demonstration.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.clients.environments import ROOT, UV, Unmade, python_of, run

_OLDEST = (3, 11)
_LISTS = """\
import asyncio, sys
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

async def main():
    async with Client(StdioServerParameters(command=sys.argv[1])) as client:
        print(sorted(tool.name for tool in (await client.list_tools()).tools))

asyncio.run(main())
"""
_TOOLS = "['generate_song', 'get_status', 'list_outputs']"


def main() -> int:
    """Check each combination; 1 where one does not work."""
    pythons = sorted(set(_pythons()))
    if not pythons:
        sys.stderr.write("there is no Python 3.11 or newer on this machine\n")
        return 1
    wanted = dict.fromkeys(((pythons[0], "highest"), (pythons[-1], "highest")))
    wanted[pythons[0], "lowest-direct"] = None
    with tempfile.TemporaryDirectory() as folder:
        wheel = _wheel(Path(folder))
        troubles = [_tried(wheel, *each, Path(folder) / str(i)) for i, each in enumerate(wanted)]
    bad = sum(map(bool, troubles))
    print(f"\n{len(troubles) - bad} passed, {bad} failed")
    return 1 if bad else 0


def _pythons() -> Iterator[tuple[tuple[int, ...], str]]:
    """Release and path of every interpreter that is found, on PATH or beside pyenv's others."""
    names = [f"python3.{minor}" for minor in range(_OLDEST[1], 30)]
    folders = [*Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser().glob("versions/*/bin")]
    places = os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")])
    for found in filter(None, (shutil.which(name, path=places) for name in names)):
        try:
            release = run(found, "-c", "import sys; print(*sys.version_info[:3])", cwd=ROOT)
        except Unmade:
            continue
        yield tuple(map(int, release.split())), found


def _wheel(folder: Path) -> Path:
    run(UV, "build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT), cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


def _tried(wheel: Path, python: tuple[tuple[int, ...], str], resolution: str, place: Path) -> str:
    release = ".".join(map(str, python[0]))
    try:
        place.mkdir()
        versions, trouble = _installed(wheel, python[1], resolution, place), ""
    except Unmade as error:
        versions, trouble = "", " ".join(str(error).split())
    print(f"Python {release}, {resolution}: {trouble or 'ok'} ({versions})", flush=True)
    return trouble


def _installed(wheel: Path, python: str, resolution: str, place: Path) -> str:
    run(UV, "venv", "--quiet", "--python", python, "venv", cwd=place)
    own = str(python_of(place / "venv"))
    install = (UV, "pip", "install", "--quiet", "--python", own, "--resolution", resolution)
    # To uv a wheel's requirements are not "direct" ones; the project's own are.
    run(*install, "--requirements", str(ROOT / "pyproject.toml"), cwd=place)
    run(*install, str(wheel), cwd=place)
    command = str(Path(own).with_name("acestep-mcp"))
    run(command, "--version", cwd=place, home=place)
    listed = run(own, "-c", _LISTS, command, cwd=place, home=place)
    if listed.strip() != _TOOLS:
        raise Unmade(f"it lists {listed}")
    run(command, "demo", cwd=place, home=place)
    frozen = run(UV, "pip", "freeze", "--python", own, cwd=place).split()
    return ", ".join(each for each in frozen if each.startswith(("mcp==", "httpx==", "pydantic==")))


if __name__ == "__main__":
    sys.exit(main())
