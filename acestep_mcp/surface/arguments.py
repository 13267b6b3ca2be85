"""The arguments of the tools as they are published: types, bounds, and a few words each.

The words cost every conversation tokens, so they say what the name does not.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field

from acestep_mcp.domain.models import (
    LONGEST_LYRICS,
    LONGEST_PROMPT,
    LONGEST_TITLE,
    METERS,
    MODELS,
)
from acestep_mcp.surface import reading

LONGEST_WAIT = 50
LONGEST_HANDLE = 2_000
"""Characters of a request_id with whatever it stands in: a sentence, a URL, a whole answer."""
STATUSES = ("QUEUED", "PROCESSING", "COMPLETED", "FAILED", "ERROR", "UNKNOWN")

Prompt = Annotated[
    str,
    Field(max_length=LONGEST_PROMPT, description="Style caption, 1-3 sentences"),
    BeforeValidator(reading.phrases),
]
Lyrics = Annotated[
    str,
    Field(max_length=LONGEST_LYRICS, description="Lyrics with section tags in brackets"),
    BeforeValidator(reading.lines),
]
Title = Annotated[
    str,
    Field(max_length=LONGEST_TITLE, description="Names the file; never sent"),
    BeforeValidator(reading.words),
]
Instrumental = Annotated[bool, Field(description="Nobody sings")]
Duration = Annotated[
    float,
    Field(ge=0, le=600, description="Seconds; 0 = fitted to the lyrics"),
    BeforeValidator(reading.seconds),
]
Bpm = Annotated[
    float, Field(ge=0, le=300, description="30-300; 0 = auto"), BeforeValidator(reading.beats)
]
Key = Annotated[
    str, Field(max_length=40, description="Like 'A minor'; empty = auto; ace-step-xl only")
]
Meter = Annotated[
    str,
    Field(max_length=20, description=f"{', '.join(METERS)}; empty = auto; ace-step-xl only"),
    BeforeValidator(reading.words),
]
Seed = Annotated[
    int,
    Field(ge=-1, le=4_294_967_295, description="-1 = drawn and reported"),
    BeforeValidator(reading.number),
]
Batch = Annotated[
    int,
    Field(ge=1, le=4, description="Takes, each paid; ace-step-xl only"),
    BeforeValidator(reading.number),
]
Thinking = Annotated[bool, Field(description="Plan first; ace-step-xl only")]
ModelName = Annotated[
    str, Field(json_schema_extra={"enum": list(MODELS)}, description="Model to use")
]
Steps = Annotated[
    int,
    Field(ge=0, le=200, description="0 = default; ace-step only"),
    BeforeValidator(reading.number),
]
Guidance = Annotated[
    float,
    Field(ge=0, le=30, description="0 = default; ace-step only"),
    BeforeValidator(reading.number),
]
Wait = Annotated[
    float,
    Field(ge=0, le=LONGEST_WAIT, description="Seconds to wait in this call"),
    BeforeValidator(reading.seconds),
]
DryRun = Annotated[bool, Field(description="Check and show what would be sent; free")]
Force = Annotated[bool, Field(description="Send although the fit check stopped it")]
NewTake = Annotated[
    bool, Field(description="Pay again although the same request is running or undelivered")
]
RequestId = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_HANDLE, description="As given by generate_song"),
    BeforeValidator(reading.words),
]
Format = Annotated[
    str,
    Field(max_length=40, description="flac or mp3: have the saved song in that format, too"),
    BeforeValidator(reading.words),
]
Limit = Annotated[
    int, Field(ge=1, le=50, description="Songs per page"), BeforeValidator(reading.number)
]
Status = Annotated[  # no enum: with the empty text in it, some models' makers refuse every call
    str, Field(max_length=40, description=f"Only {', '.join(STATUSES[:-1])} or {STATUSES[-1]}")
]
Search = Annotated[
    str,
    Field(max_length=200, description="Text in title, prompt or lyrics"),
    BeforeValidator(reading.words),
]
Cursor = Annotated[
    str,
    Field(max_length=200, description="next_cursor of the previous page"),
    BeforeValidator(reading.words),
]

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
