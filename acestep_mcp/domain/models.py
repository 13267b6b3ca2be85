"""The catalogue: what each model is called, takes and documents, as data.

Source: the gateway's API document for "Ace Step 1.5" and "Ace Step 1.5 XL". Where the document
gives no range, the range is upstream's (ace-step/ACE-Step-1.5). A new model is one entry here;
the tool schema, the README table and the checks follow from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NewType

ModelId = NewType("ModelId", str)
Kind = Literal["string", "integer", "number", "boolean"]

METERS = ("2/4", "3/4", "4/4", "6/8")
"""The time signatures the models were trained on."""
LONGEST_PROMPT = 2_000
LONGEST_LYRICS = 10_000
LONGEST_TITLE = 120
"""Characters. Far above what a model reads; beyond them an argument is a mistake."""


@dataclass(frozen=True, slots=True)
class Field:
    """One documented request field.

    `low` and `high` bound numbers, inclusive; None leaves that side open.
    """

    kind: Kind
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """One model of the gateway and the request fields it documents, in the document's order."""

    id: ModelId
    title: str
    fields: Mapping[str, Field]
    default_duration: int | None = None
    """Seconds the gateway documents for a request without a duration; None: it does not say."""
    documented_times: tuple[float, ...] = (16.3, 110.9)
    """Seconds that the document's samples took from creation to completion."""

    @property
    def submit_path(self) -> str:
        """The path of its generate endpoint on the gateway's origin."""
        return f"/{self.id}/v1/generate"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderInfo:
    """What is to be known of a provider of songs without asking it.

    `name` is what the ledger calls it, `models` what it has, the default first. `key_page` is
    where a person gets a key, `billing_page` where they see what was charged and top up; both are
    empty where there is neither. `media_origins` are where its tracks are played from.
    """

    name: str
    models: Mapping[str, Model]
    needs_key: bool
    charges: bool
    calls_back: bool
    key_page: str = ""
    billing_page: str = ""
    media_origins: tuple[str, ...] = ()

    def times(self, model: str) -> tuple[float, ...]:
        """Seconds that songs are documented to take, of a model that it may not have any more."""
        return self.models.get(model, next(iter(self.models.values()))).documented_times


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
)
MODELS: Mapping[str, Model] = MappingProxyType({model.id: model for model in (XL, STANDARD)})
DEFAULT = XL


def takers(field: str) -> tuple[str, ...]:
    """The ids of the models that document `field`."""
    return tuple(model.id for model in MODELS.values() if field in model.fields)
