"""The arguments of the tools as they are published: types, bounds, and a few words each.

The words cost every conversation tokens, so they say what the name does not.
"""

from typing import Annotated

from pydantic import Field

from acestep_mcp.domain.models import (
    LONGEST_LYRICS,
    LONGEST_PROMPT,
    LONGEST_TITLE,
    METERS,
    MODELS,
)

LONGEST_WAIT = 50
STATUSES = ("", "QUEUED", "PROCESSING", "COMPLETED", "FAILED", "ERROR", "UNKNOWN")

Prompt = Annotated[
    str,
    Field(
        max_length=LONGEST_PROMPT,
        description="Style caption, 1-3 sentences",
    ),
]
Lyrics = Annotated[
    str, Field(max_length=LONGEST_LYRICS, description="Lyrics with section tags in brackets")
]
Title = Annotated[str, Field(max_length=LONGEST_TITLE, description="Names the file; never sent")]
Instrumental = Annotated[bool, Field(description="Nobody sings")]
Duration = Annotated[float, Field(ge=0, le=600, description="Seconds; 0 = fitted to the lyrics")]
Bpm = Annotated[float, Field(ge=0, le=300, description="30-300; 0 = auto")]
Key = Annotated[
    str, Field(max_length=40, description="Like 'A minor'; empty = auto; ace-step-xl only")
]
Meter = Annotated[
    str, Field(max_length=20, description=f"{', '.join(METERS)}; empty = auto; ace-step-xl only")
]
Seed = Annotated[int, Field(ge=-1, le=4_294_967_295, description="-1 = drawn and reported")]
Batch = Annotated[int, Field(ge=1, le=4, description="Takes, each paid; ace-step-xl only")]
Thinking = Annotated[bool, Field(description="Plan first; ace-step-xl only")]
ModelName = Annotated[
    str, Field(json_schema_extra={"enum": list(MODELS)}, description="Model to use")
]
Steps = Annotated[int, Field(ge=0, le=200, description="0 = default; ace-step only")]
Guidance = Annotated[float, Field(ge=0, le=30, description="0 = default; ace-step only")]
Wait = Annotated[float, Field(ge=0, le=LONGEST_WAIT, description="Seconds to wait in this call")]
DryRun = Annotated[bool, Field(description="Check and show what would be sent; free")]
Force = Annotated[bool, Field(description="Send although the fit check stopped it")]
NewTake = Annotated[
    bool, Field(description="Pay again although the same request is running or undelivered")
]
RequestId = Annotated[
    str, Field(min_length=1, max_length=200, description="As given by generate_song")
]
Limit = Annotated[int, Field(ge=1, le=50, description="Songs per page")]
Status = Annotated[
    str, Field(json_schema_extra={"enum": list(STATUSES)}, description="Only this status")
]
Search = Annotated[str, Field(max_length=200, description="Text in title, prompt or lyrics")]
Cursor = Annotated[str, Field(max_length=200, description="next_cursor of the previous page")]
