"""What `manifests/` must hold: `python -m tests.install.generated` writes it, a test compares."""

from pathlib import Path

from acestep_mcp.hosted import options
from acestep_mcp.install import manifests
from tests import generated

ROOT = generated.ROOT


def tools() -> list[tuple[str, str]]:
    """Name and first sentence of each tool."""
    return [
        (tool["name"], tool["description"].partition(". ")[0].rstrip(".") + ".")
        for tool in generated.tools()
    ]


def files() -> dict[str, bytes]:
    """Every generated file by its path from the root."""
    return manifests.files(tools(), options.VARIABLES)


def present() -> set[str]:
    """The paths of the files that are there, generated or left over; `.env` is its user's."""
    folders = (ROOT / "manifests", ROOT / ".claude-plugin")
    found = [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".env"
    ]
    return {path.relative_to(ROOT).as_posix() for path in found}


def write() -> None:
    """Write every file, and remove what is no longer generated."""
    for name, content in files().items():
        path: Path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for name in present() - set(files()):
        (ROOT / name).unlink()


if __name__ == "__main__":
    write()
