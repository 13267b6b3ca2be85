"""The subscription key: where it may be, and what people and their tools make of such a file.

A key that is there but cannot be used ends the search. Going on might find another one, and spend
the money of another account than its owner chose.
"""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from acestep_mcp.environment import Environment, expanded, placeholder, shortened, text_of

VARIABLES = ("PIXAZO_API_KEY", "PIXAZO_SUBSCRIPTION_KEY")
FILE_VARIABLE = "PIXAZO_API_KEY_FILE"
HOME_FILE = "~/.pixazo/api-key"

_LONGEST_FILE = 4096
_MARKS = (  # the longer ones first: UTF-32 begins as UTF-16 does
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\u00ad\x1a\0"
"""What copying from a page, joining files or MS-DOS leaves at the ends of a line."""
_COMMENT = re.compile(r"#|;|//|--|::|rem\b|@echo|\[.*\]$|$", re.IGNORECASE)
_REMARK = re.compile(r"\s(?:#|//|;).*")
_COMMAND = r"(?:(?:export|declare|typeset|setx?|setenv|env)\s+(?:-\w+\s+)*|\$env:)"
_OURS = re.compile(
    rf"{_COMMAND}?[\"']?(?:{'|'.join(VARIABLES)})[\"']?(?:\s*[:=]|\s)(.*)", re.IGNORECASE
)
_OTHERS = re.compile(
    rf"{_COMMAND}[\"']?[a-z]\w*|[\"']?[a-z]\w*_\w+[\"']?(?:\s*=(?![=\s]*$)|\s*:\s)", re.IGNORECASE
)
_MEMBER = re.compile(rf"\"(?:{'|'.join(VARIABLES)})\"\s*:\s*\"([^\"]*)\"")
_QUOTED = re.compile(r"([\"'`])(.*?)\1")
_QUOTES = "\"'`\u201c\u201d\u2018\u2019\u00ab\u00bb"


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


def find(environ: Environment) -> Key:  # noqa: C901  # one place after the other
    """The first key there is."""
    places: list[str] = []
    for name in VARIABLES:
        places.append(name)
        text = _without_invisible(text_of(environ, name))
        value = text if len(text.splitlines()) > 1 else _value(text)
        if _says(value):
            return _judged(value, name, tuple(places), name)
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
        if text := next(_lines(content or ""), ""):
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


def _judged(text: str, place: str, places: tuple[str, ...], source: str) -> Key:
    left = placeholder(text)
    if left and "{" in left:
        return Key(None, "", places, f"the key in {place} holds a placeholder nobody filled in")
    if not all("!" <= c <= "~" for c in text):
        problem = f"the key in {place} has characters that no key has; copy it again"
        return Key(None, "", places, problem)
    return Key(text, source, places)


def _place(path: str) -> str:
    """How a place is called to others. A key where its file's name should be is not repeated."""
    if path == HOME_FILE:
        return path
    is_path = path.startswith(("/", "~", "$", "%", "\\")) or path[1:3] in (":\\", ":/")
    return f"{FILE_VARIABLE} ({path if is_path else 'which names no path'})"


def _content(named: str) -> str | None:
    """What the file says, None where there is none.

    Raises:
        _Unusable: There is something, but nothing that could be read as a key.
        ValueError: No path is named.
    """
    path = expanded(named)
    try:
        status = path.stat()
        if stat.S_ISCHR(status.st_mode) and status.st_rdev == Path(os.devnull).stat().st_rdev:
            return ""  # a container's way to say that there is none
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
    return _decoded(raw)


def _unblocked(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"


def _decoded(raw: bytes) -> str:
    """The text in whichever encoding; what fits none stays visible as a character no key has."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(encoding, "replace")
    # UTF-16 without a mark: of its first character, one half is NUL.
    if 0 in raw[:2]:
        return raw.decode("utf-16-le" if raw[0] else "utf-16-be", "replace")
    # PowerShell's >> puts UTF-16 behind whatever a file begins with.
    return raw.decode("utf-8", "replace").replace("\0", "")


def _lines(content: str) -> Iterator[str]:
    """The keys in a file: bare, or as the value of one of the variables. Comments are none."""
    if content.lstrip().startswith("{"):
        yield from filter(_says, _MEMBER.findall(content))
        return
    for line in content.splitlines():
        bare = _without_invisible(line)
        if _OURS.match(bare) or not (_COMMENT.match(bare) or _OTHERS.match(bare)):
            value = _value(bare)
            if _says(value):
                yield value


def _value(line: str) -> str:
    """The key in a line, without the variable's name, quotes and remarks."""
    named = _OURS.fullmatch(line)
    text = _without_invisible(named[1] if named else line)
    if quoted := _QUOTED.match(text):
        return _without_invisible(quoted[2])
    text = _REMARK.sub("", text).strip(_QUOTES if not named else f"{_QUOTES},;")
    return _without_invisible(text)


def _says(value: str) -> bool:
    """Whether it is anything: not empty, and not just a placeholder that nobody filled in."""
    return bool(value) and placeholder(value) != value


def _without_invisible(text: str) -> str:
    return text.strip().strip(_INVISIBLE).strip()
