"""What a variable of the environment says, after hosts and shells have had their way with it.

Hosts fill placeholders in before they start a server, and leave those they do not know as they
are. Such a value says nothing, or, inside a path, something that nobody meant.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

Environment = Mapping[str, str]

_PLACEHOLDER = re.compile(
    r"\$\{\{[^{}]*\}\}|\$\{[^{}]*\}|\{\{[^{}]*\}\}|\$\([A-Za-z_]\w*\)"
    r"|(?<![A-Za-z0-9])\$(?:env:)?[A-Za-z_]\w*|%[A-Za-z_]\w*%"
)
"""As shells, containers, workflows and clients write them. `A$AP` is a name and no placeholder."""
_HOME = r"\$\{?(env:)?(HOME|USERPROFILE)\}?|\$\{userHome\}|%USERPROFILE%"
"""The placeholders that stand for the home directory, on whichever system they were written."""
_OURS = r"\W*(env:)?(PIXAZO|ACESTEP)_\w+\W*"
_LONGEST = 80


def text_of(environ: Environment, name: str, *, path: bool = False) -> str:
    """The value; unset, empty and a placeholder that nobody filled in are the same nothing.

    As a `path`, a placeholder for the home directory is a value, and so is `$ANOTHER_NAME`, which
    `expanded` will name: a folder that its owner chose is not quietly another one.
    """
    text = environ.get(name, "").strip()
    if not _PLACEHOLDER.fullmatch(text):
        return text
    kept = path and (re.fullmatch(_HOME, text) or not ("{" in text or re.fullmatch(_OURS, text)))
    return text if kept else ""


def placeholder(text: str) -> str:
    """The first placeholder within the text, `""` where there is none."""
    found = _PLACEHOLDER.search(text)
    return found[0] if found else ""


def expanded(text: str) -> Path:
    """The absolute path that is meant; `~` and `$HOME` may begin it.

    Raises:
        ValueError: It is none. The text says what is wrong and what would be right.
    """
    begins = _PLACEHOLDER.match(text)
    base, rest = None, text
    if begins and re.fullmatch(_HOME, begins[0]):
        base, rest = home(), text[begins.end() :]
    elif text[:1] == "~" and text[1:2] in ("", "/", os.sep):
        base, rest = home(), text[1:]
    if left := placeholder(rest):
        raise ValueError(f"{left} cannot be expanded; write the path out")
    if base is None:
        path = Path(os.path.expanduser(rest))  # noqa: PTH111  # Path's raises another error
    else:  # the home of some users is the root
        path = base / rest.lstrip(f"/{os.sep}") if rest[:1] in "/\\" else Path(f"{base}{rest}")
    if not path.is_absolute():
        raise ValueError("give an absolute path, or one that begins with ~")
    return path


def home() -> Path:
    """The home directory of whoever started this.

    A `HOME` that is no absolute path is none: below it, one song would have another ledger in
    every folder that a client is started from.

    Raises:
        ValueError: It is unknown, as for a container's user without an entry.
    """
    found = os.environ.get("HOME", "")
    if os.name == "nt":
        found = os.path.expanduser("~")  # noqa: PTH111  # as above
    elif not found.startswith("/"):
        import pwd  # noqa: PLC0415  # not on Windows, and hardly ever needed

        try:
            found = pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:
            found = ""
    path = Path(found)
    if not path.is_absolute():
        raise ValueError("the home directory is unknown; give an absolute path")
    return path


def shown(value: str) -> str:
    """The value as a complaint may repeat it: on one line, not too long, without a password."""
    # Whatever stands before the last @ may belong to a password, even a slash.
    before, _, host = value.rpartition("@")
    scheme, slashes, login = before.partition("//") if "//" in before else ("", "", before)
    text = f"{scheme}{slashes}…@{host}" if ":" in login else value
    if "://" in text and "?" in text:
        text = f"{text.partition('?')[0]}?…"
    return repr(text[:_LONGEST])[: _LONGEST + 20]


def shortened(path: str) -> str:
    """A path in at most 44 characters, of which the end tells most."""
    return path if len(path) <= 44 else f"{path[:10]}…{path[-33:]}"  # noqa: PLR2004  # as it says
