"""From what a caller wants to exactly what will be sent; pure, and nothing is sent here."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from acestep_mcp.domain.errors import BadInput
from acestep_mcp.domain.models import LONGEST_TITLE, Field, Model, takers
from acestep_mcp.domain.request import DEFAULTS, FIELDS, SongRequest
from acestep_mcp.domain.song import Song
from acestep_mcp.domain.text import clean, is_well_formed, nearest
from acestep_mcp.songcraft import notation
from acestep_mcp.songcraft.checks import Finding, Parsed, findings
from acestep_mcp.songcraft.fit import Fit
from acestep_mcp.songcraft.meant import meant, same

MOST_WARNINGS = 5
_HIGHEST_DRAWN_SEED = 2**31 - 1  # fits every integer type a provider may keep it in
_TEXTS = ("prompt", "lyrics", "title")
_NOT_SENT = ("title", "model", "based_on")
_MEANT = frozenset({"instrumental", "seed", "batch_size", "thinking"})
"""Fields whose default says something where it is named: one take, a seed that is drawn anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A request ready to be sent.

    `payload` is what is sent, by the names of the arguments. `fingerprint` is equal for equal
    requests: an undrawn seed and an unfitted duration count as left open, and so does how the
    text was escaped. `exact` is equal where what is sent is, drawn seed and fitted duration
    included. Its seed is the caller's
    where it is `seeded`. `based_on` is the handle of the song whose arguments were taken, if any.
    `tracks` is the number of takes. `findings` is what was undone in the text and what songcraft
    thinks of it, dearest first, and `needs` how long it takes to sing.
    """

    model: Model
    title: str
    payload: Mapping[str, Any]
    fingerprint: str
    exact: str
    tracks: int
    findings: tuple[Finding, ...]
    needs: Fit
    seeded: bool
    based_on: str = ""

    def stop(self, *, force: bool = False) -> Finding | None:
        """Why it must not be sent; with `force`, only if that is certain."""
        stops = (each for each in self.findings if each.severity == "stop")
        return next((each for each in stops if not (force and each.overridable)), None)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to tell the caller although it is sent."""
        told = (each.message for each in self.findings if each.severity != "note")
        return tuple(told)[:MOST_WARNINGS]


def prepare(asked: SongRequest, models: Mapping[str, Model], draw: Callable[[], float]) -> Prepared:
    """Take the text as meant, check the fields and the song, fit the duration, draw the seed.

    `models` are those that there are, the default first; `draw` gives numbers in [0, 1).

    Raises:
        BadInput: An argument is unusable, or the model has no such field.
    """
    model = _model(asked.model, models)
    as_meant, undone = _as_meant(asked)
    request = _normal(as_meant)
    fields = {name: value for name, value in request.given.items() if name not in _NOT_SENT}
    if request.instrumental and "instrumental" not in model.fields:
        del fields["instrumental"]
        # By this the model knows that nobody sings; a plan of tags says the same.
        fields["lyrics"] = request.lyrics or notation.INSTRUMENTAL
    for name, value in fields.items():
        fields[name] = _checked(model, models, name, value)
    # The checks read the numbers that will be sent, but the lyrics that the caller wrote.
    numbers = {name: fields[name] for name in ("duration", "bpm") if name in fields}
    song = Parsed.of(replace(request, model=model.id, **numbers), free=model.free)
    payload = _completed(model, fields, song, draw)
    return Prepared(
        model=model,
        title=request.title,
        payload=payload,
        fingerprint=_fingerprint(model, fields),
        exact=_fingerprint(model, payload),
        tracks=request.batch_size,
        findings=tuple(sorted((*undone, *findings(song)), key=lambda found: -found.cost)),
        needs=song.needs,
        seeded="seed" in fields,
        based_on=asked.based_on,
    )


def varied(asked: SongRequest, earlier: Song, models: Mapping[str, Model]) -> SongRequest:
    """The request with what it leaves open taken from an earlier song, seed included.

    A length that had been fitted is fitted again, to what is sung now and how fast. Fields that the
    model which is asked for does not take are left out.

    Raises:
        BadInput: It is not known what the earlier song was made from.
    """
    if not earlier.payload.get("prompt"):
        raise BadInput(
            "based_on",
            "that song was not ordered here, so its prompt and lyrics are not known; give them",
        )
    known = {name: value for name, value in earlier.payload.items() if name in FIELDS}
    base = SongRequest(**known, title=earlier.title, model=_still(earlier.model, models))
    if _was_fitted(base, models):
        base = replace(base, duration=0)
    said = asked.given | {name: getattr(asked, name) for name in _MEANT & asked.named}
    if said.get("lyrics"):
        base = replace(base, instrumental=False)
    elif said.get("instrumental"):
        base = replace(base, lyrics="")
    takes = models[_model(asked.model, models).id if asked.model else base.model].fields
    left = {name: DEFAULTS[name] for name in known if name not in takes}
    return replace(base, **{**left, **said}, named=asked.named)


def _still(model: str, models: Mapping[str, Model]) -> str:
    """The model of an earlier song, or the default where there is no such model any more."""
    return model if model in models else next(iter(models))


def _was_fitted(base: SongRequest, models: Mapping[str, Model]) -> bool:
    """Whether the length of an earlier song is the one that would be fitted to it."""
    try:
        fitted = prepare(replace(base, duration=0), models, lambda: 0.0)
    except BadInput:  # what was sent once, under other rules
        return False
    return bool(base.lyrics) and fitted.payload.get("duration") == base.duration


def _model(name: str, models: Mapping[str, Model]) -> Model:
    if not name:
        return next(iter(models.values()))
    found = models.get(name.strip().lower())
    if found is None:
        near = nearest(name, models)
        hint = f" Did you mean '{near}'?" if near else ""
        raise BadInput("model", f"'{clean(name, 40)}' is not one of {', '.join(models)}.{hint}")
    return found


def _as_meant(asked: SongRequest) -> tuple[SongRequest, list[Finding]]:
    """The request with its texts as they were meant, and what to say of those that came escaped."""
    texts, told = {}, []
    for name in _TEXTS:
        given = meant(getattr(asked, name), name)
        if given.fault:
            raise BadInput(name, given.fault)
        _readable(name, given.text)
        texts[name] = given.text
        if given.undone:
            told.append(
                f"{name} came as {' in '.join(given.undone)}; that was undone. Give the text "
                "itself, with real line breaks."
            )
        elif given.doubt:
            told.append(f"{name}: {given.doubt}. If so, send it again.")
    read = replace(asked, prompt=texts["prompt"], lyrics=texts["lyrics"], title=texts["title"])
    # After the stops, before the warnings of songcraft: a text that was read wrong is a wrong song.
    return read, [Finding("T1", "warning", message, 90) for message in told]


def _normal(asked: SongRequest) -> SongRequest:
    """The request with nothing but what is sent of its texts, and names in one spelling."""
    if not asked.prompt.strip():
        raise BadInput(
            "prompt",
            "it is required, unless based_on names an earlier song; describe the style in one to "
            "three sentences",
        )
    try:
        key = notation.key(asked.key)
    except notation.NotationError as error:
        raise BadInput("key", str(error)) from error
    try:
        meter = notation.meter(asked.time_signature)
    except notation.NotationError as error:
        raise BadInput("time_signature", str(error)) from error
    return replace(
        asked,
        prompt=asked.prompt.strip(),
        lyrics=asked.lyrics if asked.lyrics.strip() else "",
        title=clean(asked.title, LONGEST_TITLE),
        key=key,
        time_signature=meter,
    )


def _readable(name: str, text: str) -> None:
    if not is_well_formed(text):
        raise BadInput(name, "it holds half of a surrogate pair, which no encoder accepts")
    if "\0" in text:
        raise BadInput(name, "it holds a NUL character")


def _checked(model: Model, models: Mapping[str, Model], name: str, value: Any) -> Any:  # noqa: ANN401  # one JSON value
    field = model.fields.get(name)
    if field is None:
        other = " or ".join(f"'{taker}'" for taker in takers(models, name))
        instead = f"use model {other}, or drop it" if other else "drop it"
        raise BadInput(name, f"model '{model.id}' does not take it; {instead}")
    if field.kind in ("string", "boolean"):
        return value
    return _in_range(name, field, value)


def _in_range(name: str, field: Field, value: float) -> float:
    """The value as the model takes it: a whole number where it must be one, but never 0.

    0 would say that it was left open. What is asked for is what must be in the range.
    """
    low = -math.inf if field.low is None else field.low
    high = math.inf if field.high is None else field.high
    if not low <= value <= high:
        raise BadInput(name, f"{value:g} is outside {low:g} to {high:g}")
    if field.kind == "integer" or value == int(value):
        return round(value) or math.ceil(value)
    return value


def _completed(
    model: Model, fields: Mapping[str, Any], song: Parsed, draw: Callable[[], float]
) -> Mapping[str, Any]:
    """What is sent, in the order of the model's document: with fitted duration and drawn seed."""
    body = dict(fields)
    if fields.get("lyrics") and song.duration is not None:
        body.setdefault("duration", song.duration)
    body.setdefault("seed", int(draw() * _HIGHEST_DRAWN_SEED))
    return {name: body[name] for name in model.fields if name in body}


def _fingerprint(model: Model, fields: Mapping[str, Any]) -> str:
    alike = {name: same(value) if name in _TEXTS else value for name, value in fields.items()}
    canonical = json.dumps([model.id, alike], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
