"""Files of published packages, fetched once and kept under the system's temporary folder."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

CACHE = Path(tempfile.gettempdir()) / f"acestep-mcp-packages-{os.getuid()}"
UV = str(Path(sys.executable).with_name("uv"))


def npm(package: str, release: str, file: str) -> Path:
    """A file of a package on npm; skips the test where that cannot be had."""
    program = shutil.which("npm") or pytest.skip("npm is not on this machine")
    folder = _folder(package, release)
    wanted = folder / "package" / file
    if not wanted.exists():
        _fetch([program, "pack", "--silent", f"{package}@{release}"], folder)
        (packed,) = folder.glob("*.tgz")
        shutil.unpack_archive(packed, folder, filter="data")
    return wanted


def pypi(package: str, release: str, file: str) -> Path:
    """A file of a package on PyPI; skips the test where that cannot be had."""
    folder = _folder(package, release)
    wanted = folder / file
    if not wanted.exists():
        spelled = f"{package}=={release}"
        _fetch([UV, "pip", "install", "--quiet", "--no-deps", "--target", ".", spelled], folder)
    return wanted


def _folder(package: str, release: str) -> Path:
    folder = CACHE / f"{package.strip('@').replace('/', '-')}-{release}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _fetch(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"the registry did not answer: {' '.join(command[1:])}")
    if done.returncode:
        pytest.skip(f"the registry is not to be reached: {done.stderr.strip()[-200:]}")


def built_wheel(folder: Path) -> Path:
    """A folder that holds the wheel of these sources."""
    wheels = folder / "wheels"
    root = Path(__file__).parent.parent.parent
    _fetch([UV, "build", "--quiet", "--wheel", "--out-dir", str(wheels), str(root)], folder)
    return wheels
