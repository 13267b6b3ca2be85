"""The arguments of the tools as they are published: types, bounds, and a few words each.

The words cost every conversation tokens, so they say what the name does not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from acestep_mcp.domain.catalogue import (
    LONGEST_LYRICS,
    LONGEST_PROMPT,
    LONGEST_TITLE,
    METERS,
    Model,
    takers,
)
from acestep_mcp.domain.request import FIELDS
from acestep_mcp.surface import reading

LONGEST_WAIT = 50
LONGEST_HANDLE = 2_000
"""Characters of a request_id with whatever it stands in: a sentence, a URL, a whole answer."""
STATUSES = ("QUEUED", "PROCESSING", "COMPLETED", "FAILED", "ERROR", "UNKNOWN")


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument: its type, the words that describe it, its bounds, and who reads it first."""

    kind: type
    words: str
    bounds: Mapping[str, Any]
    read: Callable[[Any], Any] | None = None

    def published(self, *, free: bool, only: str = "") -> Any:  # noqa: ANN401  # a type
        """The type of which the SDK makes the schema; `only` says which models take it.

        Where all of them are `free`, nothing is said of money.
        """
        words = self.words.format(**(_FREE if free else _PAID))
        words = f"{words}; {only}" if only else words
        first = () if self.read is None else (BeforeValidator(self.read),)
        return Annotated[(self.kind, Field(description=words, **self.bounds), *first)]


_PAID = {"each": ", each paid", "another": "Pay for another"}
_FREE = {"each": "", "another": "Make another"}

ARGUMENTS: Mapping[str, Argument] = {
    "prompt": Argument(
        str,
        "Style caption, 1-3 sentences; required",
        {"max_length": LONGEST_PROMPT},
        reading.phrases,
    ),
    "lyrics": Argument(
        str, "Lyrics with section tags in brackets", {"max_length": LONGEST_LYRICS}, reading.lines
    ),
    "title": Argument(
        str, "Names the file; never sent", {"max_length": LONGEST_TITLE}, reading.words
    ),
    "instrumental": Argument(bool, "Nobody sings", {}),
    "duration": Argument(
        float, "Seconds; 0 = fitted to the lyrics", {"ge": 0, "le": 600}, reading.seconds
    ),
    "bpm": Argument(float, "30-300; 0 = auto", {"ge": 0, "le": 300}, reading.beats),
    "key": Argument(str, "Like 'A minor'; empty = auto", {"max_length": 40}),
    "time_signature": Argument(
        str, f"{', '.join(METERS)}; empty = auto", {"max_length": 20}, reading.words
    ),
    "seed": Argument(
        int, "-1 = drawn and reported", {"ge": -1, "le": 4_294_967_295}, reading.number
    ),
    "batch_size": Argument(int, "Takes{each}", {"ge": 1, "le": 4}, reading.number),
    "thinking": Argument(bool, "Plan first", {}),
    "model": Argument(str, "Model to use", {}),
    "infer_steps": Argument(int, "0 = default", {"ge": 0, "le": 200}, reading.number),
    "guidance_scale": Argument(float, "0 = default", {"ge": 0, "le": 30}, reading.number),
    "based_on": Argument(
        str,
        "request_id of an earlier song to make anew: what is left out is taken from it",
        {"max_length": LONGEST_HANDLE},
        reading.words,
    ),
    "edit": Argument(
        str,
        "Change the audio of based_on: cover = new style, repaint = start to end anew, "
        "extend = to duration",
        {"max_length": 20},
        reading.words,
    ),
    "start": Argument(float, "repaint: from this second", {"ge": 0, "le": 600}, reading.seconds),
    "end": Argument(
        float, "repaint: to this second; 0 = the end", {"ge": 0, "le": 600}, reading.seconds
    ),
    "wait": Argument(
        float, "Seconds to wait in this call", {"ge": 0, "le": LONGEST_WAIT}, reading.seconds
    ),
    "dry_run": Argument(bool, "Check and show what would be sent; free", {}),
    "force": Argument(bool, "Send although the fit check stopped it", {}),
    "new_take": Argument(bool, "{another} song although this request has one", {}),
    "request_id": Argument(
        str,
        "As given by generate_song",
        {"min_length": 1, "max_length": LONGEST_HANDLE},
        reading.words,
    ),
    "format": Argument(
        str,
        "flac or mp3: have the saved song in that format, too",
        {"max_length": 40},
        reading.words,
    ),
    "limit": Argument(int, "Songs per page", {"ge": 1, "le": 50}, reading.number),
    # No enum: with the empty text in it, some models' makers refuse every call.
    "status": Argument(
        str, f"Only {', '.join(STATUSES[:-1])} or {STATUSES[-1]}", {"max_length": 40}
    ),
    "search": Argument(
        str, "Words of title, prompt, lyrics, id or file name", {"max_length": 200}, reading.words
    ),
    "cursor": Argument(str, "next_cursor of the previous page", {"max_length": 200}, reading.words),
}
"""Every argument that any tool takes, under its name."""

_ALWAYS = frozenset({"prompt", "lyrics", "title", "instrumental", "based_on"})
"""Fields of a request that mean something whatever its model takes."""


def published(name: str, models: Mapping[str, Model]) -> Any | None:  # noqa: ANN401  # a type
    """The type of an argument, where these models are to be had; None where none takes it."""
    argument, free = ARGUMENTS[name], all(model.free for model in models.values())
    if name == "model":
        bounds = {"json_schema_extra": {"enum": list(models)}}
        return replace(argument, bounds=bounds).published(free=free)
    taking = takers(models, name)
    if name not in FIELDS or name in _ALWAYS or len(taking) == len(models):
        return argument.published(free=free)
    missing = [each for each in models if each not in taking]
    only = f"{taking[0]} only" if len(taking) == 1 else f"not on {' or '.join(missing)}"
    return argument.published(free=free, only=only) if taking else None


FREE_TEXT = frozenset({"prompt", "lyrics", "title", "search"})
"""Arguments in which every text means itself."""
COSTLY = frozenset({"batch_size", "force", "new_take"})
"""Arguments that spend money or lift a check: nobody is to be led to them by a misspelling."""
NOTHING = frozenset({"", "null", "none", "undefined"})
"""Texts by which forms and models leave out an argument that is no free text."""
OPEN: Mapping[str, frozenset[object]] = {
    "batch_size": frozenset({0, "0"}),
    "limit": frozenset({0, "0"}),
    "duration": frozenset({"auto"}),
    "bpm": frozenset({"auto"}),
    "seed": frozenset({"random"}),
}
"""Values beyond those of the schema that leave an argument open just as its absence does."""
