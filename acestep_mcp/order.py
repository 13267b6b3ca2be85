"""From what a caller asked for to exactly what will be sent; pure, and nothing is sent here."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from acestep_mcp.domain.errors import BadInput
from acestep_mcp.domain.models import DEFAULT, LONGEST_TITLE, MODELS, Field, Model, takers
from acestep_mcp.domain.text import clean, is_well_formed, nearest
from acestep_mcp.songcraft import notation
from acestep_mcp.songcraft.checks import Draft, Finding, Song, findings
from acestep_mcp.songcraft.fit import Fit
from acestep_mcp.songcraft.meant import meant, same

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
_TEXTS = ("prompt", "lyrics", "title")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request ready to be sent.

    `payload` is the JSON body, `fingerprint` is equal for equal requests (an undrawn seed and
    an unfitted duration count as left open, and so does how the text was escaped), `tracks` is
    the number of takes. `findings` is what was undone in the text and what songcraft thinks of
    it, dearest first, and `needs` how long it takes to sing.
    """

    model: Model
    title: str
    payload: Mapping[str, Any]
    fingerprint: str
    tracks: int
    findings: tuple[Finding, ...]
    needs: Fit

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
    """Take the text as meant, check the fields and the song, fit the duration, draw the seed.

    `draw` gives numbers in [0, 1).

    Raises:
        BadInput: An argument is unusable, or the model has no such field.
    """
    model = _model(wish.model)
    read, undone = _read(wish)
    tidy = _tidy(read)
    asked = {name: value for name, value in _set(tidy).items() if name not in ("title", "model")}
    if tidy.instrumental and "instrumental" not in model.fields:
        del asked["instrumental"]
        # By this the model knows that nobody sings; a plan of tags says the same.
        asked["lyrics"] = tidy.lyrics or notation.INSTRUMENTAL
    for name, value in asked.items():
        asked[name] = _checked(model, name, value)
    song = Song.read(_draft(tidy, asked))
    return Order(
        model=model,
        title=tidy.title,
        payload=_completed(model, asked, song, draw),
        fingerprint=_fingerprint(model, asked),
        tracks=tidy.batch_size,
        findings=tuple(sorted((*undone, *findings(song)), key=lambda found: -found.cost)),
        needs=song.needs,
    )


def _draft(wish: Wish, asked: Mapping[str, Any]) -> Draft:
    """What the checks read: the numbers are those that will be sent."""
    return Draft(
        prompt=wish.prompt,
        lyrics=wish.lyrics,
        instrumental=wish.instrumental,
        duration=asked.get("duration"),
        bpm=asked.get("bpm"),
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


def _read(wish: Wish) -> tuple[Wish, list[Finding]]:
    """The wish with its texts as they were meant, and what to say of those that came escaped."""
    texts, told = {}, []
    for name in _TEXTS:
        given = meant(getattr(wish, name), name)
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
    # After the stops, before the warnings of songcraft: a text that was read wrong is a wrong song.
    read = replace(wish, prompt=texts["prompt"], lyrics=texts["lyrics"], title=texts["title"])
    return read, [Finding("T1", "warning", message, 90) for message in told]


def _tidy(wish: Wish) -> Wish:
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
    return replace(
        wish,
        prompt=wish.prompt.strip(),
        lyrics=wish.lyrics if wish.lyrics.strip() else "",
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
    model: Model, asked: Mapping[str, Any], song: Song, draw: Callable[[], float]
) -> Mapping[str, Any]:
    """The body in the document's order, with the fitted duration and the drawn seed."""
    body = dict(asked)
    if asked.get("lyrics") and song.duration is not None:
        body.setdefault("duration", song.duration)
    body.setdefault("seed", int(draw() * _HIGHEST_DRAWN_SEED))
    return {name: body[name] for name in model.fields if name in body}


def _fingerprint(model: Model, asked: Mapping[str, Any]) -> str:
    alike = {name: same(value) if name in _TEXTS else value for name, value in asked.items()}
    canonical = json.dumps([model.id, alike], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
