"""From what a caller asked for to exactly what will be sent; pure, and nothing is sent here."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from acestep_mcp.domain.errors import BadInput
from acestep_mcp.domain.models import DEFAULT, LONGEST_TITLE, MODELS, Field, Model, takers
from acestep_mcp.domain.text import clean, is_well_formed, nearest
from acestep_mcp.songcraft import fit, notation
from acestep_mcp.songcraft.checks import Draft, Finding, check

MOST_WARNINGS = 5
_HIGHEST_DRAWN_SEED = 2**31 - 1  # fits every integer type a gateway may keep it in


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the caller set; a field at its default here was left to the model or to us."""

    prompt: str
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
    model: str = DEFAULT.id
    infer_steps: int = 0
    guidance_scale: float = 0


_UNSET = Wish(prompt="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request ready to be sent.

    `payload` is the JSON body, `fingerprint` is equal for equal requests (an undrawn seed and
    an unfitted duration count as left open), `tracks` is the number of takes. `findings` is what
    songcraft thinks of it, dearest first, and `needs` how long it takes to sing.
    """

    model: Model
    title: str
    payload: Mapping[str, Any]
    fingerprint: str
    tracks: int
    findings: tuple[Finding, ...]
    needs: fit.Fit

    def stop(self, *, force: bool = False) -> Finding | None:
        """Why it must not be sent; with `force`, only if that is certain."""
        stops = (each for each in self.findings if each.severity == "stop")
        return next((each for each in stops if not (force and each.overridable)), None)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to tell the caller although it is sent."""
        told = (each.message for each in self.findings if each.severity != "note")
        return tuple(told)[:MOST_WARNINGS]


def order(wish: Wish, draw: Callable[[], float]) -> Order:
    """Normalise, check against the model's documented fields, fit the duration, draw the seed.

    `draw` gives numbers in [0, 1).

    Raises:
        BadInput: An argument is unusable, or the model has no such field.
    """
    model = _model(wish.model)
    tidy = _tidy(wish)
    asked = {name: value for name, value in _set(tidy).items() if name not in ("title", "model")}
    if tidy.instrumental and "instrumental" not in model.fields:
        del asked["instrumental"]
        # By this the model knows that nobody sings; a plan of tags says the same.
        asked["lyrics"] = tidy.lyrics or notation.INSTRUMENTAL
    for name, value in asked.items():
        asked[name] = _checked(model, name, value)
    return Order(
        model=model,
        title=tidy.title,
        payload=_completed(model, asked, draw),
        fingerprint=_fingerprint(model, asked),
        tracks=tidy.batch_size,
        findings=check(_draft(tidy)),
        needs=fit.estimate(tidy.lyrics, tidy.prompt),
    )


def _draft(wish: Wish) -> Draft:
    return Draft(
        prompt=wish.prompt,
        lyrics=wish.lyrics,
        instrumental=wish.instrumental,
        duration=wish.duration or None,
        bpm=wish.bpm or None,
        key=wish.key or None,
        time_signature=wish.time_signature or None,
        seed=None if wish.seed < 0 else wish.seed,
        batch_size=wish.batch_size,
        thinking=wish.thinking,
        model=wish.model,
    )


def _model(name: str) -> Model:
    found = MODELS.get(name.strip().lower())
    if found is None:
        near = nearest(name, MODELS)
        hint = f" Did you mean '{near}'?" if near else ""
        raise BadInput("model", f"'{clean(name, 40)}' is not one of {', '.join(MODELS)}.{hint}")
    return found


def _tidy(wish: Wish) -> Wish:
    for name in ("prompt", "lyrics", "title"):
        _readable(name, getattr(wish, name))
    if not wish.prompt.strip():
        raise BadInput("prompt", "it is empty; describe the style in one to three sentences")
    try:
        key = notation.key(wish.key)
    except notation.NotationError as error:
        raise BadInput("key", str(error)) from error
    try:
        meter = notation.meter(wish.time_signature)
    except notation.NotationError as error:
        raise BadInput("time_signature", str(error)) from error
    lyrics = wish.lyrics.replace("\r\n", "\n").replace("\r", "\n")
    return replace(
        wish,
        prompt=wish.prompt.strip(),
        lyrics=lyrics if lyrics.strip() else "",
        title=clean(wish.title, LONGEST_TITLE),
        key=key,
        time_signature=meter,
    )


def _readable(name: str, text: str) -> None:
    if not is_well_formed(text):
        raise BadInput(name, "it holds half of a surrogate pair, which no encoder accepts")
    if "\0" in text:
        raise BadInput(name, "it holds a NUL character")


def _set(wish: Wish) -> dict[str, Any]:
    """The fields the caller set, by name."""
    unset = asdict(_UNSET)
    return {name: value for name, value in asdict(wish).items() if value != unset[name]}


def _checked(model: Model, name: str, value: Any) -> Any:  # noqa: ANN401  # one JSON value
    field = model.fields.get(name)
    if field is None:
        other = " or ".join(f"'{taker}'" for taker in takers(name))
        raise BadInput(name, f"model '{model.id}' does not take it; use model {other}, or drop it")
    if field.kind in ("string", "boolean"):
        return value
    return _in_range(name, field, value)


def _in_range(name: str, field: Field, value: float) -> float:
    rounded = round(value) if field.kind == "integer" or value == int(value) else value
    if (field.low is not None and rounded < field.low) or (
        field.high is not None and rounded > field.high
    ):
        raise BadInput(name, f"{value:g} is outside {field.low:g} to {field.high:g}")
    return rounded


def _completed(
    model: Model, asked: Mapping[str, Any], draw: Callable[[], float]
) -> Mapping[str, Any]:
    """The body in the document's order, with the fitted duration and the drawn seed."""
    body = dict(asked)
    fitted = fit.fitted_duration(asked.get("lyrics", ""), asked["prompt"])
    if "duration" not in asked and asked.get("lyrics") and fitted is not None:
        body["duration"] = fitted
    body.setdefault("seed", int(draw() * _HIGHEST_DRAWN_SEED))
    return {name: body[name] for name in model.fields if name in body}


def _fingerprint(model: Model, asked: Mapping[str, Any]) -> str:
    canonical = json.dumps([model.id, dict(asked)], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
