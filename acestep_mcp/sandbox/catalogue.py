"""The two models' request fields, as the gateway document's tables have them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

PRICE_CENTS: Final = 1
"""What a track costs, from the document's "Required: $0.01"."""


@dataclass(frozen=True, slots=True)
class Documented:
    """One parameter: whether a value is allowed, and the words that say what is."""

    allows: Callable[[object], bool]
    rule: str


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return isinstance(value, float) or _whole(value)


def _text(value: object) -> bool:
    return isinstance(value, str)


def _between(kind: Callable[[object], bool], low: float, high: float) -> Callable[[object], bool]:
    return lambda value: kind(value) and low <= float(str(value)) <= high


_NO_LIMIT = float("inf")
_TINY = 1e-9

_PROMPT = Documented(
    lambda value: isinstance(value, str) and bool(value.strip()), "a non-empty string"
)
_STRING = Documented(_text, "a string")
_FLAG = Documented(lambda value: isinstance(value, bool), "true or false")
_COUNT = Documented(_between(_whole, 1, _NO_LIMIT), "a positive integer")
_POSITIVE = Documented(_between(_number, _TINY, _NO_LIMIT), "a positive number")

FIELDS: Final[Mapping[str, Mapping[str, Documented]]] = {
    "ace-step": {
        "prompt": _PROMPT,
        "lyrics": _STRING,
        "instrumental": _FLAG,
        "duration": _COUNT,
        "bpm": _COUNT,
        "infer_steps": _COUNT,
        "guidance_scale": Documented(_number, "a number"),
        "seed": Documented(_whole, "an integer"),
    },
    "ace-step-xl": {
        "prompt": _PROMPT,
        "lyrics": _STRING,
        "duration": Documented(_between(_number, _TINY, 600), "a number of seconds up to 600"),
        "seed": Documented(_between(_whole, -1, _NO_LIMIT), "an integer, -1 for random"),
        "bpm": _POSITIVE,
        "key": _STRING,
        "time_signature": _STRING,
        "batch_size": Documented(_between(_whole, 1, 4), "an integer from 1 to 4"),
        "thinking": _FLAG,
    },
}


def objection(model: str, payload: Mapping[str, object]) -> str | None:
    """What is wrong with a payload, in one sentence; unknown fields are ignored."""
    if "prompt" not in payload:
        return "'prompt' is required"
    bad = (
        f"'{name}' must be {entry.rule}"
        for name, entry in FIELDS[model].items()
        if name in payload and not entry.allows(payload[name])
    )
    return next(bad, None)
