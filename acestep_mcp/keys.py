"""The subscription key: where it may be, and what people and their tools make of such a file.

A key that is there but cannot be used ends the search. Going on might find another one, and spend
the money of another account than its owner chose.
"""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from acestep_mcp.environment import Environment, expanded, placeholder, shortened, text_of

VARIABLES = ("PIXAZO_API_KEY", "PIXAZO_SUBSCRIPTION_KEY")
FILE_VARIABLE = "PIXAZO_API_KEY_FILE"
SERVER_VARIABLE = "ACESTEP_SERVER_KEY"
SERVER_FILE_VARIABLE = "ACESTEP_SERVER_KEY_FILE"
HOME_FILE = "~/.pixazo/api-key"

_LONGEST_FILE = 4096


@dataclass(frozen=True, slots=True)
class Key:
    """What the search came to.

    `text` is None where there is no usable key; `problem` then says what is wrong, unless there is
    simply none. `source` is where it was found, `places` where it was looked for, in order.
    """

    text: str | None = field(repr=False)
    source: str
    places: tuple[str, ...]
    problem: str = ""


class _Unusable(Exception):
    """What is wrong with a file, as the rest of a sentence about it."""


def of_server(environ: Environment) -> Key:
    """The key of the user's own server, from a variable or from the file that another one names."""
    if text := _plain(text_of(environ, SERVER_VARIABLE)):
        return _judged(text, SERVER_VARIABLE, (SERVER_VARIABLE,), SERVER_VARIABLE)
    path = text_of(environ, SERVER_FILE_VARIABLE, path=True)
    if not path:
        return Key(None, "", (SERVER_VARIABLE,))
    place = _place(shortened(path), SERVER_FILE_VARIABLE)
    try:
        content = _content(path)
    except (_Unusable, ValueError) as why:
        return Key(None, "", (place,), f"{place} {why}")
    if content and (text := _in_file(content)):
        return _judged(text, place, (place,), path)
    return Key(None, "", (place,), f"{place} holds no key")


def find(environ: Environment) -> Key:  # noqa: C901  # one place after the other
    """The first key there is."""
    places: list[str] = []
    for name in VARIABLES:
        places.append(name)
        if text := _plain(text_of(environ, name)):
            return _judged(text, name, tuple(places), name)
    problem = ""
    for path in (text_of(environ, FILE_VARIABLE, path=True), HOME_FILE):
        if not path:
            continue
        places.append(_place(path))
        place = _place(shortened(path))
        try:
            content = _content(path)
        except _Unusable as why:
            return Key(None, "", tuple(places), f"{place} {why}")
        except ValueError as error:  # the home directory is unknown, or no path is named
            if path != HOME_FILE:
                return Key(None, "", tuple(places), f"{place}: {error}")
            problem = problem or f"{place}: {error}"
            continue
        if content and (text := _in_file(content)):
            return _judged(text, place, tuple(places), path)
        if content is not None:
            problem = problem or f"{place} holds no key"
        elif path != HOME_FILE:
            problem = f"{place} does not exist"
    return Key(None, "", tuple(places), problem)


def exposed(path: Path) -> str:
    """Who else can read or change a key file, `""` where nobody can.

    Raises:
        OSError: It cannot be looked at.
    """
    if os.name == "nt":  # there the mode says nothing about others
        return ""
    mode, folder = path.stat().st_mode, path.parent.stat().st_mode
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "can be changed by other users"
    if folder & stat.S_IWOTH and not folder & stat.S_ISVTX:
        return "can be replaced by other users, who may write in its folder"
    return "can be read by every user" if mode & stat.S_IROTH else ""


def _plain(text: str) -> str:
    """The key in a variable, which may be quoted as in a file."""
    if not text or text.isalnum():
        return text
    from acestep_mcp import keyfile  # noqa: PLC0415  # a millisecond that most starts can spare

    return text if len(text.splitlines()) > 1 else keyfile.in_line(text)


def _in_file(content: bytes) -> str:
    """The first key in a file."""
    if content.strip().isalnum():
        return content.decode().strip()
    from acestep_mcp import keyfile  # noqa: PLC0415  # as above

    return keyfile.first(content)


def _judged(text: str, place: str, places: tuple[str, ...], source: str) -> Key:
    left = placeholder(text)
    if left and "{" in left:
        return Key(None, "", places, f"the key in {place} holds a placeholder nobody filled in")
    if not all("!" <= c <= "~" for c in text):
        problem = f"the key in {place} has characters that no key has; copy it again"
        return Key(None, "", places, problem)
    return Key(text, source, places)


def _place(path: str, variable: str = FILE_VARIABLE) -> str:
    """How a place is called to others. A key where its file's name should be is not repeated."""
    if path == HOME_FILE:
        return path
    is_path = path.startswith(("/", "~", "$", "%", "\\")) or path[1:3] in (":\\", ":/")
    return f"{variable} ({path if is_path else 'which names no path'})"


def _content(named: str) -> bytes | None:
    """What the file holds, None where there is none.

    Raises:
        _Unusable: There is something, but nothing that could be read as a key.
        ValueError: No path is named.
    """
    path = expanded(named)
    try:
        status = path.stat()
        if stat.S_ISCHR(status.st_mode) and status.st_rdev == Path(os.devnull).stat().st_rdev:
            return b""  # a container's way to say that there is none
        if not stat.S_ISREG(status.st_mode):
            raise _Unusable(f"cannot be read: it is {_kind(status.st_mode)}, not a file")
        # Without waiting: it might have become a pipe by now.
        with open(path, "rb", buffering=0, opener=_unblocked) as file:  # Path's has no opener
            raw = file.read(_LONGEST_FILE + 1) or b""
    except FileNotFoundError:
        if path.is_symlink():
            raise _Unusable("cannot be read: it is a link to nothing") from None
        return None
    except OSError as error:
        raise _Unusable(f"cannot be read: {error.strerror}") from None
    if len(raw) > _LONGEST_FILE:
        raise _Unusable("cannot be read: it is longer than 4 kB")
    return raw


def _unblocked(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"
