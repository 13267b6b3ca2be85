"""What the user's own server takes.

Source: the server's code (ace-step/ACE-Step-1.5, acestep/api). It checks no range itself; these are
the ones it was trained and documented for.
"""

from collections.abc import Mapping
from types import MappingProxyType

from acestep_mcp.domain.catalogue import Field, Model, ModelId

SEEDS = 2**32
"""One more than the highest seed."""

SELF_HOSTED = Model(
    id=ModelId("self-hosted"),
    title="ACE-Step 1.5 on your own server",
    free=True,
    seed_per_take=True,
    fields=MappingProxyType(
        {
            "prompt": Field("string"),
            "lyrics": Field("string"),
            "duration": Field("number", 10, 600),
            "seed": Field("integer", -1, SEEDS - 1),
            "bpm": Field("integer", 30, 300),
            "key": Field("string"),
            "time_signature": Field("string"),
            "batch_size": Field("integer", 1, 4),
            "thinking": Field("boolean"),
            "infer_steps": Field("integer", 1, 200),
            "guidance_scale": Field("number", 0, 30),
            "edit": Field("string"),
            "start": Field("number", 0, 600),
            "end": Field("number", 0, 600),
        }
    ),
)
MODELS: Mapping[str, Model] = MappingProxyType({SELF_HOSTED.id: SELF_HOSTED})
