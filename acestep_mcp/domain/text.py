"""Text that came from elsewhere, made safe to show.

Whatever the gateway sends is data. Before it is stored or shown, everything that can steer a
terminal, hide from a reader or break an encoder is removed and its length is capped.
"""

import re
import unicodedata
from collections.abc import Iterable

INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Unicode categories of characters that steer or hide instead of being seen."""
_SPACES = re.compile(r"\s+")
_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|.)?")
"""Terminal escape sequences (ECMA-48 CSI and OSC), whole: their printable rest is no text."""


def clean(text: object, limit: int = 300) -> str:
    """One line of visible characters, at most `limit` long; `""` for anything not a string.

    Terminal escapes, control, format (bidi, zero-width, tag), private-use, unassigned and
    surrogate characters are dropped, white space is folded, and a cut is marked with "…".
    """
    if not isinstance(text, str):
        return ""
    # A megabyte of hostile text is cut before it is walked character by character.
    folded = _SPACES.sub(" ", _ESCAPES.sub("", text[: 4 * limit]))
    kept = "".join(c for c in folded if unicodedata.category(c) not in INVISIBLE).strip()
    shown = _SPACES.sub(" ", kept)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def well_formed(text: str) -> str:
    """The same text with lone surrogates replaced, so that it can be encoded as UTF-8."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def is_well_formed(text: str) -> bool:
    """Whether the text can be encoded as UTF-8, and so be sent at all."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The entry of `known` that `word` was probably meant to be, or None."""
    import difflib  # noqa: PLC0415  # needed only once something was misspelt

    found = difflib.get_close_matches(word.casefold(), list(known), n=1)
    return found[0] if found else None
