"""Imports run downwards, and each outside thing has one door."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "acestep_mcp"
FLOORS = (
    ("cli", "__main__"),
    ("commands",),
    ("hosted",),
    ("server", "sandbox"),
    ("surface", "install"),
    ("engine",),
    ("library", "ledger", "providers", "order", "front"),
    ("settings", "clock"),
    ("keys",),
    ("keyfile",),
    ("environment",),
    ("songcraft", "domain", "audio"),
)
FLOOR = {name: number for number, floor in enumerate(FLOORS) for name in floor}
FILES = sorted(PACKAGE.rglob("*.py"))
DOORS = {
    "httpx": {"providers/http.py"},
    "httpcore": {"providers/http.py", "providers/dialing.py"},
    "sqlite3": {"ledger/sqlite.py", "commands/doctor.py", "front/"},
    "rich": {"commands/console.py", "commands/demo.py", "commands/songs.py"},
    "h11": {"sandbox/"},
    "lameenc": {"audio/"},
    "mutagen": {"audio/"},
    "numpy": {"audio/"},
    "soundfile": {"audio/"},
    "opentelemetry": {"engine/telemetry.py"},
    "psycopg": {"ledger/postgres.py"},
}


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
            if node.module == "acestep_mcp":
                names = [f"acestep_mcp.{alias.name}" for alias in node.names]
            yield from names
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def floor(file: Path) -> int:
    return FLOOR[file.relative_to(PACKAGE).parts[0].removesuffix(".py")]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_run_downwards(file: Path) -> None:
    own = [name.split(".") for name in imports(file) if name.startswith("acestep_mcp.")]
    if file == PACKAGE / "__init__.py":
        assert own == []
        return
    here = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    above = [name for name in own if FLOOR[name[1]] < floor(file)]
    assert above == []
    assert here == "commands" or not any(name[1] == "sandbox" != here for name in own)


@pytest.mark.parametrize("library", DOORS)
def test_each_outside_thing_has_one_door(library: str) -> None:
    users = {
        file.relative_to(PACKAGE).as_posix()
        for file in FILES
        if any(name.split(".")[0] == library for name in imports(file))
    }
    assert users
    assert all(any(user.startswith(door) for door in DOORS[library]) for user in users), users
