"""What `manifests/` must hold: `python -m tests.install.generated` writes it, a test compares."""

from pathlib import Path

from publish import manifests
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
    return manifests.files(tools())


def present() -> set[str]:
    """The paths of the files that are there, generated or left over; the icon is drawn."""
    folders = ("manifests", ".claude-plugin", ".agents", ".github/plugin", "skills")
    found = [
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix != ".png"
    ]
    found += [ROOT / name for name in ("plugin.json", "mcp.json", "gemini-extension.json")]
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
