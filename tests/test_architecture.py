"""Imports run downwards, and each outside thing has one door."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
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
    ("library", "ledger", "providers", "front"),
    ("settings", "clock", "logs"),
    ("variables",),
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
    "uvicorn": {"hosted/", "sandbox/"},
    "lameenc": {"audio/"},
    "mutagen": {"audio/"},
    "numpy": {"audio/"},
    "soundfile": {"audio/"},
    "opentelemetry": {"engine/telemetry.py"},
    "psycopg": {"ledger/postgres.py"},
}


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def imported(file: Path) -> tuple[str, ...]:
    return tuple(imports(file))


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(parsed(file)):
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
    own = [name.split(".") for name in imported(file) if name.startswith("acestep_mcp.")]
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
        if any(name.split(".")[0] == library for name in imported(file))
    }
    assert users
    assert all(any(user.startswith(door) for door in DOORS[library]) for user in users), users


VENDOR = re.compile(
    r"pixazo|ocp-apim|r2\.dev|/v1/generate|/v2/requests|x-webhook|release_task|query_result",
    re.IGNORECASE,
)
AT_HOME = (
    *("providers/", "sandbox/", "commands/", "install/", "hosted/"),
    *("settings.py", "environment.py", "keys.py", "keyfile.py", "server.py"),
)
"""Where a vendor's words belong, or where its settings, pages and headers are told to people."""


def spoken(file: Path) -> Iterator[str]:
    """The texts and names of a file, without comments and docstrings."""
    tree = parsed(file)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value
        elif isinstance(node, ast.Name):
            yield node.id


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_vendors_words_stand_with_its_provider(file: Path) -> None:
    if file.relative_to(PACKAGE).as_posix().startswith(AT_HOME):
        return
    found = [each[:60] for each in spoken(file) if VENDOR.search(each)]
    # Rows that 0.1.0 wrote name no provider, and the migration says which it was.
    assert found == [] or file.name == "schema.py", found


@pytest.mark.parametrize("folder", ["domain", "songcraft"])
def test_what_is_pure_does_no_io_and_knows_no_clock(folder: str) -> None:
    outside = {"os", "socket", "time", "pathlib", "anyio", "asyncio", "subprocess", "random", "io"}
    files = (PACKAGE / folder).rglob("*.py")
    used = {name.split(".")[0] for file in files for name in imported(file)} & outside

    assert used == set()


def test_the_walk_of_one_song_is_in_the_code() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    walk = page.partition("<!-- walk -->")[2].partition("<!-- /walk -->")[0]
    hops = re.findall(r"^\d+\. `([\w/.]+)` `([\w.]+)`: \S", walk, re.MULTILINE)

    assert len(hops) == len({*hops}) == walk.count("\n") - 1
    for file, name in hops:
        body: list[ast.stmt] = ast.parse((PACKAGE / file).read_text(encoding="utf-8")).body
        for part in name.split("."):
            (found,) = (each for each in body if getattr(each, "name", "") == part)
            body = getattr(found, "body", [])


def test_no_class_has_the_name_of_another_and_no_module_that_of_two_others() -> None:
    classes = [
        node.name
        for file in FILES
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.ClassDef)
    ]
    modules = [
        file.parent.name if file.stem == "__init__" else file.stem
        for file in FILES
        if file.parent != PACKAGE or file.stem != "__init__"
    ]

    assert [name for name, count in Counter(classes).items() if count > 1] == []
    assert [name for name, count in Counter(modules).items() if count > 2] == []
