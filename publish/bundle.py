"""The MCPB bundle: `python -m publish.bundle [FILE]`, run in the source tree.

The same sources make the same bytes on every machine: members are sorted, dated alike and
stored, since two builds of zlib do not compress alike.
"""

import io
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).parent.parent
_BESIDE = ("pyproject.toml", "uv.lock", "README.md", "LICENSE")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16
_SHIM = b'''\
"""Where hosts that start Python files, and not commands, come in."""

import sys

from acestep_mcp.cli import main

sys.exit(main())
'''


def build(root: Path = _ROOT) -> bytes:
    """The bundle of the sources under `root`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(_members(root)):
            member = zipfile.ZipInfo(name, _EPOCH)
            member.external_attr = _MODE
            member.create_system = 3  # Unix; else the machine that builds would show
            archive.writestr(member, content)
    return packed.getvalue()


def _members(root: Path) -> Iterator[tuple[str, bytes]]:
    yield "server/main.py", _SHIM
    for name in ("manifest.json", "icon.png"):
        yield name, (root / "manifests" / "mcpb" / name).read_bytes()
    for name in _BESIDE:
        yield name, (root / name).read_bytes()
    for path in (root / "acestep_mcp").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts and path.name[0] != ".":
            yield path.relative_to(root).as_posix(), path.read_bytes()


def main() -> None:
    """Write the bundle to the file that is named, or to `dist/`."""
    target = Path(sys.argv[1] if sys.argv[1:] else "dist/acestep-mcp.mcpb")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(build())
    print(target)  # noqa: T201  # where it is


if __name__ == "__main__":
    main()
