"""What a caller wants: one type from the published arguments to the provider's request.

An argument has its name and its default here, its words for the reader of a schema in
`surface.arguments`, and its bounds in the models that take it. Everything in between hands this
type on.
"""

from dataclasses import dataclass, fields
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class SongRequest:
    """A song as somebody asks for it. Seconds, beats per minute, takes.

    A field at its default is left open: `duration` 0 is fitted to the lyrics, `seed` -1 drawn,
    `model` "" the server's own default, and the other numbers and texts are the model's choice.
    `title` names the file and is never sent. `based_on` is the handle of an earlier song, from
    which everything is taken that is left open. `edit` is what is done to its audio: `cover` sings
    it in another style, `repaint` makes the seconds from `start` to `end` anew (0: to its end), and
    `extend` makes it as long as `duration`. `named` are the fields that the caller named, be it
    with their defaults.
    """

    prompt: str = ""
    lyrics: str = ""
    title: str = ""
    instrumental: bool = False
    duration: float = 0
    bpm: float = 0
    key: str = ""
    time_signature: str = ""
    seed: int = -1
    batch_size: int = 1
    thinking: bool = False
    model: str = ""
    infer_steps: int = 0
    guidance_scale: float = 0
    based_on: str = ""
    edit: str = ""
    start: float = 0
    end: float = 0
    named: frozenset[str] = frozenset()

    @property
    def given(self) -> dict[str, Any]:
        """The fields that are not left open, by name."""
        each = ((name, getattr(self, name)) for name in FIELDS)
        return {name: value for name, value in each if value != DEFAULTS[name]}


DEFAULTS: Final = {
    field.name: field.default for field in fields(SongRequest) if field.name != "named"
}
EDITS: Final = ("cover", "repaint", "extend")
FIELDS: Final = tuple(DEFAULTS)
"""What a caller gives, in the order in which it is published."""
