"""What a caller wants: one type from the published arguments to the provider's request.

An argument has its name and its default here, its words for the reader of a schema in
`surface.arguments`, and its bounds in the models that take it. Everything in between hands this
type on.
"""

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SongRequest:
    """A song as somebody asks for it. Seconds, beats per minute, takes.

    A field at its default is left open: `duration` 0 is fitted to the lyrics, `seed` -1 drawn,
    `model` "" the server's own default, and the other numbers and texts are the model's choice.
    `title` names the file and is never sent.
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

    @property
    def given(self) -> dict[str, Any]:
        """The fields that are not left open, by name."""
        each = ((field.name, getattr(self, field.name), field.default) for field in fields(self))
        return {name: value for name, value, default in each if value != default}
