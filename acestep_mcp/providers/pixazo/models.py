"""The catalogue of the gateway's models: what each is called, takes and documents.

Source: the gateway's API document for "Ace Step 1.5" and "Ace Step 1.5 XL". Where the document
gives no range, the range is upstream's (ace-step/ACE-Step-1.5). A new model is one entry here;
the tool schema, the README table and the checks follow from it.
"""

from collections.abc import Mapping
from types import MappingProxyType

from acestep_mcp.domain.catalogue import Field, Model, ModelId

_SAMPLES = (16.3, 110.9)
"""Seconds that the document's samples took from creation to completion."""
_SEED = Field("integer", -1, 4_294_967_295)

XL = Model(
    id=ModelId("ace-step-xl"),
    title="ACE-Step 1.5 XL",
    fields=MappingProxyType(
        {
            "prompt": Field("string"),
            "lyrics": Field("string"),
            "duration": Field("number", 0, 600),
            "seed": _SEED,
            "bpm": Field("number", 30, 300),
            "key": Field("string"),
            "time_signature": Field("string"),
            "batch_size": Field("integer", 1, 4),
            "thinking": Field("boolean"),
        }
    ),
    default_duration=30,
    documented_times=_SAMPLES,
)
STANDARD = Model(
    id=ModelId("ace-step"),
    title="ACE-Step 1.5",
    fields=MappingProxyType(
        {
            "prompt": Field("string"),
            "lyrics": Field("string"),
            "instrumental": Field("boolean"),
            "duration": Field("integer", 0, 600),
            "bpm": Field("integer", 30, 300),
            "infer_steps": Field("integer", 1, 200),
            "guidance_scale": Field("number", 0, 30),
            "seed": _SEED,
        }
    ),
    documented_times=_SAMPLES,
)
MODELS: Mapping[str, Model] = MappingProxyType({model.id: model for model in (XL, STANDARD)})
"""The first one is meant where nobody names one."""
