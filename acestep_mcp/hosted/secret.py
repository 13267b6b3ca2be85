"""The secret that signs webhook addresses and turns what callers bring into names."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from acestep_mcp.settings import SettingsError

_SHORTEST = 32  # 128 bits in hexadecimal


def secret(given: str, data_dir: Path | None) -> bytes:
    """The secret that is `given`, else the one kept in the data directory, made when first needed.

    Raises:
        SettingsError: It is too short to keep anything secret, or cannot be kept.
    """
    if given:
        return _long_enough(given.encode(), "ACESTEP_SECRET")
    if data_dir is None:
        raise SettingsError("set ACESTEP_SECRET, or ACESTEP_DATA_DIR to a folder that can keep one")
    path = data_dir / "secret"
    try:
        if not path.exists():
            _make(path)
        _close(path)
        return _long_enough(path.read_bytes().strip(), f"the secret in {path}")
    except OSError as error:
        raise SettingsError(f"the secret cannot be kept in {path}: {error.strerror}") from None


def _long_enough(found: bytes, where: str) -> bytes:
    if len(found) < _SHORTEST:
        raise SettingsError(f"{where} is too short; give at least {_SHORTEST} random characters")
    return found


def _make(path: Path) -> None:
    """Write a new secret, unless another process does so first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, made = tempfile.mkstemp(dir=path.parent)  # readable by its owner only
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(_SHORTEST).encode())
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(made, path)
    finally:
        Path(made).unlink()


def _close(path: Path) -> None:
    """Take away what others may do with a file that was copied here with looser rights."""
    if path.stat().st_mode & 0o077:
        with suppress(OSError):  # another user's file, or a disk that is read only
            path.chmod(0o600)
