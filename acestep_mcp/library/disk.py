"""What the library asks of a folder: files that appear whole, under names nobody else holds.

File systems differ in what they can do: hard links, syncing a folder, long or foreign names. What
can be done without is done without.
"""

import errno
import hashlib
import os
import platform
import re
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from io import FileIO
from pathlib import Path

if sys.platform != "win32":  # which has no such locks, and lets nobody remove an open file
    import fcntl

from acestep_mcp.domain.text import clean

_HERE = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
"""This machine in temporary names: on a share, only its own locks are certain to be seen here."""
_TEMPORARY = re.compile(r"\.acestep-([0-9a-f]{8})[0-9a-f]{24}\.part")
_ABANDONED = 86_400.0
"""Seconds after which another machine's temporary file is a dead one's: no download takes a day."""
_LARGEST_TEXT = 4 << 20  # bytes; no sidecar of ours is nearly as long
_CANNOT_SYNC = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF}
_NEW = os.O_CREAT | os.O_EXCL | os.O_RDWR
# Each where the system has it. A pipe that somebody put in a file's place must not make us wait.
_SAFE = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class DiskFault(OSError):
    """The disk did not take the bytes, so downloading them again at once is of no use."""


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DiskFault(error.errno, error.strerror or str(error)) from error


def reason(error: BaseException) -> str:
    """Why something failed, in a few words for people."""
    said = error.strerror if isinstance(error, OSError) else None
    return clean(said or str(error), 80) or type(error).__name__


def temporary(folder: Path) -> Path:
    """A name in the folder that nobody can have foreseen, and that `sweep` knows."""
    return folder / f".acestep-{_HERE}{secrets.token_hex(12)}.part"


def create(path: Path) -> FileIO:
    """A new file, open for writing and reading, and safe from `sweep` while it is.

    Whatever stands under that name, a link to somewhere else included, is left alone.

    Raises:
        DiskFault: There is something already, or nothing can be made there.
    """
    while True:
        with _writing():
            handle = os.open(path, _NEW | _SAFE | _NO_LINK, 0o666)
        file = FileIO(handle, "r+b")
        for _ in range(100):
            if _lock(handle) is not False:
                break
            time.sleep(0.001)  # another process is looking whether it is a dead one's, and unlinks
        if os.path.lexists(path):
            return file
        file.close()


def hold(file: FileIO) -> AbstractContextManager[object]:
    """Keep a file safe from `sweep` although it is closed before this is left.

    It has no name yet until then, and could be taken for what a dead process left.
    """
    if sys.platform == "win32":  # nor does it let anybody rename one
        return nullcontext()
    return FileIO(os.dup(file.fileno()), "r+b")


def _lock(handle: int) -> bool | None:
    """Whether the lock on an open file is ours now; None where there are no locks.

    The system drops it with the process, however that ends, and keeps it while it is stopped.
    """
    if sys.platform != "win32":
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return None
        return True
    return None


def write(file: FileIO, data: bytes) -> None:
    """Write all of `data`.

    Raises:
        DiskFault: The disk did not take it.
    """
    rest = memoryview(data)
    with _writing():
        while rest:
            rest = rest[file.write(rest) :]


def rewind(file: FileIO, size: int) -> None:
    """Keep the first `size` bytes and go on behind them."""
    with _writing():
        file.truncate(size)
        file.seek(size)


def finish(file: FileIO) -> None:
    """Close a complete file; what it holds outlasts a power cut, where the system can do that.

    Raises:
        DiskFault: The disk did not take everything.
    """
    with _writing():
        try:
            sync(file.fileno())
        finally:
            file.close()


def sync(handle: int) -> None:
    """Have the disk keep what was written; a file system without such an order is not asked twice.

    Raises:
        OSError: It was asked, and could not.
    """
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise


def sync_folder(folder: Path) -> None:
    """Have the disk keep the names in a folder, where it lets itself be asked.

    Network shares refuse it, as does a folder that may be written and not read, and Windows has no
    handle on a folder at all. The file is there in any case.
    """
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def give_name(part: Path, final: Path, *, over: bool = False) -> None:
    """Give a complete file its name, durably; with `over`, in place of what has that name.

    Raises:
        FileExistsError: Something has that name, be it a link to nothing; it is as it was.
        OSError: The file system does not take the name.
    """
    if over:
        part.replace(final)
    else:
        _link(part, final)
    sync_folder(final.parent)


def _link(part: Path, final: Path) -> None:
    try:
        os.link(part, final)
    except FileExistsError:
        raise
    except OSError:
        # FAT, some network shares and some clouds have no hard links. There a look must do, which
        # only a program that takes the name in the same microsecond escapes; Windows refuses by
        # itself to rename over a file.
        if os.path.lexists(final):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), final) from None
        part.rename(final)
    else:
        remove(part)


def remove(part: Path) -> None:
    """Take a temporary file away, if it is there and can be."""
    with suppress(OSError, ValueError):
        part.unlink(missing_ok=True)


def sweep(folder: Path, now: float) -> None:
    """Take away what killed processes left in the folder, and nothing that anybody still holds."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if found := _TEMPORARY.fullmatch(entry.name):
                with suppress(OSError):
                    _sweep(Path(entry.path), now, here=found[1] == _HERE)


def _sweep(part: Path, now: float, *, here: bool) -> None:
    with FileIO(os.open(part, os.O_RDWR | _SAFE | _NO_LINK), "r+b") as file:
        found, free = os.fstat(file.fileno()), _lock(file.fileno())
        age = now - found.st_mtime
        dead = age > _ABANDONED or (here and free)
        over = dead and free is not False and stat.S_ISREG(found.st_mode)
        if over and sys.platform != "win32":
            part.unlink()  # while it is locked, so that it is still the file that was looked at
    if over and sys.platform == "win32":
        part.unlink()


def size_of(path: Path, *, follow: bool = True) -> int:
    """Bytes of the regular file at `path`; 0 for whatever else is there.

    Raises:
        OSError: There is nothing, or it cannot be told.
    """
    found = path.stat() if follow else path.lstat()
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def is_file(path: Path) -> bool:
    """Whether a regular file, and no link to one, is at `path`."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def is_empty(path: Path) -> bool:
    """Whether a regular file without a byte is at `path`."""
    return is_file(path) and not stands(path)


def stands(path: Path, *, follow: bool = False) -> bool:
    """Whether a regular file that is not empty is at `path`."""
    try:
        return size_of(path, follow=follow) > 0
    except (OSError, ValueError):
        return False


def piece(path: Path, offset: int, most: int) -> bytes | None:
    """Up to `most` bytes of a regular file from `offset` on; None where there are none."""
    try:
        with FileIO(os.open(path, os.O_RDONLY | _SAFE), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or not 0 <= offset < found.st_size:
                return None
            file.seek(offset)
            return file.read(most) or None
    except (OSError, ValueError):
        return None


def text(path: Path) -> str | None:
    """What a regular UTF-8 file holds; None where there is nothing at all under that name.

    Raises:
        OSError: It is no regular file, or cannot be read.
        ValueError: It is not UTF-8, or the file system knows no such name.
    """
    try:
        handle = os.open(path, os.O_RDONLY | _SAFE | _NO_LINK)
    except FileNotFoundError:
        return None
    with FileIO(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        return file.read(_LARGEST_TEXT).decode("utf-8")


def room(folder: Path) -> int | None:
    """Free bytes; None where the file system does not tell."""
    try:
        found = shutil.disk_usage(folder)
    except OSError:
        return None
    return found.free if found.total else None


def scarce_room(folder: Path, least: int) -> int | None:
    """Free bytes where they are fewer than `least`; None where there are enough, or nobody knows.

    Of a disk that somebody made so small, a twentieth is enough.
    """
    try:
        found = shutil.disk_usage(folder)
    except OSError:
        return None
    return found.free if found.total and found.free < min(least, found.total // 20) else None


def no_room() -> DiskFault:
    """A disk that is known to be too full."""
    return DiskFault(errno.ENOSPC, os.strerror(errno.ENOSPC))
