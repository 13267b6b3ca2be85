"""What is to be known of a model, and of the provider that has it: the shape of every catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass
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
    """One model of a provider, and the fields of a request that it takes, in the order sent.

    A `free` one takes no money for songs; `seed_per_take` says that a seed fixes every take, not
    the first alone. `default_duration` is how many seconds a song has
    for which nobody asks for a length, None where that is not said; `documented_times` are seconds
    that songs are said to take.
    """

    id: ModelId
    title: str
    fields: Mapping[str, Field]
    free: bool = False
    seed_per_take: bool = False
    default_duration: int | None = None
    documented_times: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderInfo:
    """What is to be known of a provider of songs without asking it.

    `name` is what the ledger calls it, `title` what sentences do; it is `own` where its media are
    nobody's but its owner's. `models` is what it has, the default first. `key_page` is where a
    person gets a key and `billing_page` where they see what was charged and top up; `key_source` is
    where a key was read that is the server's and no caller's. `media_origins` are where its tracks
    are played from, and `id_shapes` are patterns of its ids, by which one is found within a text.
    """

    name: str
    title: str
    models: Mapping[str, Model]
    needs_key: bool
    charges: bool
    calls_back: bool
    own: bool = False
    key_page: str = ""
    key_source: str = ""
    billing_page: str = ""
    media_origins: tuple[str, ...] = ()
    id_shapes: tuple[str, ...] = ()

    def times(self, model: str) -> tuple[float, ...]:
        """Seconds that songs are documented to take, of a model that it may not have any more."""
        return self.models.get(model, next(iter(self.models.values()))).documented_times


def takers(models: Mapping[str, Model], field: str) -> tuple[str, ...]:
    """The ids of the models that take a field."""
    return tuple(model.id for model in models.values() if field in model.fields)
