"""Replacing somebody's file: whole or not at all, with a copy of what it was."""

import errno
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_PRIVATE = 0o600


class Changed(Exception):
    """Somebody else wrote the file after it was read."""


@dataclass(frozen=True, slots=True)
class Original:
    """A file as it was read; `content` is None where there was none.

    `path` is the file itself, where a symbolic link to it was named.
    """

    path: Path
    content: bytes | None


def read(path: Path) -> Original:
    """Read the file, or see that there is none.

    Raises:
        OSError: Something is there that cannot be read, or is no file.
    """
    real = path.resolve()
    if real.exists() and not real.is_file():
        raise OSError(errno.EINVAL, "it is no file")  # a pipe would be waited for without end
    return Original(real, real.read_bytes() if real.exists() else None)


def replace(original: Original, content: bytes) -> Path | None:
    """Put `content` in its place, and say where the copy of the old one is.

    Raises:
        Changed: It is not what was read any more; nothing is written.
        OSError: It cannot be written; what was there is there still.
    """
    original.path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=original.path.parent, prefix=f".{original.path.name}.")
    written = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return _exchange(original, written)
    finally:
        written.unlink(missing_ok=True)


def _exchange(original: Original, written: Path) -> Path | None:
    if original.content is None:
        written.chmod(_PRIVATE)
    else:
        _take_after(written, original.path)
    if read(original.path).content != original.content:
        raise Changed
    kept = None if original.content is None else _copy(original.path)
    written.replace(original.path)
    return kept


def _take_after(written: Path, model: Path) -> None:
    """Mode and owner of the file that goes."""
    status = model.stat()
    written.chmod(status.st_mode & 0o7777)
    with suppress(OSError, AttributeError):  # another's file stays another's, where we may do that
        os.chown(written, status.st_uid, status.st_gid)


def _copy(path: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    kept = path.with_name(f"{path.name}.{stamp}.bak")
    shutil.copy2(path, kept)
    return kept
