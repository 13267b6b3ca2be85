"""From what a caller wants to exactly what will be sent; pure, and nothing is sent here."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from acestep_mcp.domain.catalogue import LONGEST_TITLE, Field, Model, takers
from acestep_mcp.domain.errors import BadInput
from acestep_mcp.domain.request import DEFAULTS, EDITS, FIELDS, SongRequest
from acestep_mcp.domain.song import Song
from acestep_mcp.domain.text import clean, is_well_formed, nearest
from acestep_mcp.songcraft import notation
from acestep_mcp.songcraft.checks import Finding, Parsed, findings
from acestep_mcp.songcraft.fit import Fit
from acestep_mcp.songcraft.meant import meant, same

MOST_WARNINGS = 5
_HIGHEST_DRAWN_SEED = 2**31 - 1  # fits every integer type a provider may keep it in
_TEXTS = ("prompt", "lyrics", "title")
_LEAST_ADDED = 1.0
"""Seconds: of less, nobody hears that anything was made."""
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
    if (asked.edit or asked.start or asked.end) and not asked.based_on:
        named = next(name for name in ("edit", "start", "end") if getattr(asked, name))
        raise BadInput(named, "give based_on, too: the request_id of the song that it changes")
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
    song = Parsed.of(replace(request, model=model.id, **numbers), model)
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
    if asked.edit:
        base = _edited(base, asked, earlier)
    said = asked.given | {name: getattr(asked, name) for name in _MEANT & asked.named}
    for name in ("edit", "start", "end"):
        said.pop(name, None)
    if said.get("lyrics"):
        base = replace(base, instrumental=False)
    elif said.get("instrumental"):
        base = replace(base, lyrics="")
    takes = models[_model(asked.model, models).id if asked.model else base.model].fields
    left = {name: DEFAULTS[name] for name in known if name not in takes}
    return replace(base, **{**left, **said}, named=asked.named)


def _edited(base: SongRequest, asked: SongRequest, earlier: Song) -> SongRequest:
    """The earlier song's request as that of an edit, whose length is that of the audio."""
    edit = asked.edit.strip().lower()
    length = earlier.sound[0].seconds if earlier.sound else earlier.duration or 0.0
    if edit not in EDITS:
        raise BadInput("edit", f"use {', '.join(EDITS[:-1])} or {EDITS[-1]}, or leave it out")
    if not earlier.files or not length:
        raise BadInput(
            "based_on",
            "there is no saved file of that song to edit; call get_status for it, then try again",
        )
    if edit != "repaint" and (asked.start or asked.end):
        raise BadInput("start" if asked.start else "end", "it is for edit=repaint only")
    if edit == "extend":
        if not asked.duration > length + _LEAST_ADDED:
            raise BadInput(
                "duration", f"the song is {length:.1f} s long; say how long it is to become"
            )
        # What is made anew begins where the song ends, and ends where the new one does.
        return replace(base, edit=edit, duration=asked.duration, start=length, end=asked.duration)
    last = asked.end or length
    if asked.start >= last - _LEAST_ADDED or last > length + _LEAST_ADDED:
        raise BadInput(
            "start" if asked.start >= last - _LEAST_ADDED else "end",
            f"the song is {length:.1f} s long; give start and end within it, a second apart",
        )
    if asked.duration:
        raise BadInput("duration", f"{edit} keeps the length of the song; leave it out")
    start, end = (asked.start, min(last, length)) if edit == "repaint" else (0.0, 0.0)
    return replace(base, edit=edit, duration=length, start=start, end=end)


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
