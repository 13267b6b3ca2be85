"""What is in a key file: the forms that editors, shells and other programs leave a key in."""

import re
from collections.abc import Iterator

from acestep_mcp.environment import placeholder

_NAMES = "PIXAZO_API_KEY|PIXAZO_SUBSCRIPTION_KEY"
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
_OURS = re.compile(rf"{_COMMAND}?[\"']?(?:{_NAMES})[\"']?(?:\s*[:=]|\s)(.*)", re.IGNORECASE)
_OTHERS = re.compile(
    rf"{_COMMAND}[\"']?[a-z]\w*|[\"']?[a-z]\w*_\w+[\"']?(?:\s*=(?![=\s]*$)|\s*:\s)", re.IGNORECASE
)
_MEMBER = re.compile(rf"\"(?:{_NAMES})\"\s*:\s*\"([^\"]*)\"")
_QUOTED = re.compile(r"([\"'`])(.*?)\1")
_QUOTES = "\"'`\u201c\u201d\u2018\u2019\u00ab\u00bb"


def first(content: bytes) -> str:
    """The first key: a line of its own, or the value of one of the variables; `""` for none."""
    return next(_keys(_decoded(content)), "")


def in_line(text: str) -> str:
    """The key in one line; `""` for none, or only a placeholder that nobody filled in."""
    bare = _without_invisible(text)
    named = _OURS.fullmatch(bare)
    key = _without_invisible(named[1] if named else bare)
    if quoted := _QUOTED.match(key):
        key = quoted[2]
    else:
        key = _REMARK.sub("", key).strip(f"{_QUOTES},;" if named else _QUOTES)
    key = _without_invisible(key)
    return "" if placeholder(key) == key else key


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


def _keys(text: str) -> Iterator[str]:
    if text.lstrip().startswith("{"):
        lines = _MEMBER.findall(text)
    else:
        lines = [line for line in text.splitlines() if _may_be_key(_without_invisible(line))]
    yield from filter(None, map(in_line, lines))


def _may_be_key(line: str) -> bool:
    """Whether it is neither a comment nor about another variable."""
    return bool(_OURS.match(line)) or not (_COMMENT.match(line) or _OTHERS.match(line))


def _without_invisible(text: str) -> str:
    return text.strip().strip(_INVISIBLE).strip()
