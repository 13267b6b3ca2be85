"""What an argument is taken to mean that is not put as the schema says.

Models, forms and workflow tools write 210 as "3:30", 2 as 2.0 and "4/4" as 4. What can mean only
one thing is taken; whatever could mean two is refused by name, before anything is paid for.
Each function here is the first reader of its arguments and leaves what it does not know as it is.
"""

import re
from typing import Any

_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d)(?:\.0+)?")
_NUMBER = r"(\d+(?:\.\d+)?)"
_UNITS = re.compile(
    rf"(?:{_NUMBER} ?(?:m|min|mins|minutes?))?(?: ?(?:and )?{_NUMBER} ?(?:s|secs?|seconds?))?"
)
_BEATS = re.compile(rf"{_NUMBER} ?bpm")


def number(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """A number: no truth value, which would count as 1."""
    if isinstance(value, bool):
        raise ValueError("give a number, not true or false")  # noqa: TRY004  # pydantic's protocol
    return value.strip() if isinstance(value, str) else value


def seconds(value: Any) -> Any:  # noqa: ANN401  # as above
    """A length in seconds, also as "3:30", "210 s" or "3 min 30 s"."""
    value = number(value)
    if not isinstance(value, str):
        return value
    text = value.casefold()
    if found := _CLOCK.fullmatch(text):
        return int(found[1]) * 60 + int(found[2])
    found = _UNITS.fullmatch(text)
    return float(found[1] or 0) * 60 + float(found[2] or 0) if text and found else value


def beats(value: Any) -> Any:  # noqa: ANN401  # as above
    """Beats per minute, also as "120 bpm"."""
    value = number(value)
    found = _BEATS.fullmatch(value.casefold()) if isinstance(value, str) else None
    return found[1] if found else value


def words(value: Any) -> Any:  # noqa: ANN401  # as above
    """A text that may well look like a number: a title comes as 1984, a meter as 4."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def lines(value: Any) -> Any:  # noqa: ANN401  # as above
    """A text of several lines, also as a list of them."""
    return _joined(value, "\n")


def phrases(value: Any) -> Any:  # noqa: ANN401  # as above
    """A caption, also as a list of its parts."""
    return _joined(value, ", ")


def _joined(value: Any, by: str) -> Any:  # noqa: ANN401  # as above
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return by.join(value)
    return value
