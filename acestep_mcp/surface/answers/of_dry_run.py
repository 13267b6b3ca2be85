"""The answer of a dry run: what would be bought and sent, and what songcraft says of it."""

import json
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mcp_types import CallToolResult

from acestep_mcp.domain.catalogue import ProviderInfo
from acestep_mcp.domain.price import Price
from acestep_mcp.domain.request import SongRequest
from acestep_mcp.domain.song import Song
from acestep_mcp.domain.text import INVISIBLE, clean
from acestep_mcp.surface.answers.of_song import SongAnswer
from acestep_mcp.surface.answers.result import result, text

if TYPE_CHECKING:
    from acestep_mcp.songcraft.checks import Finding
    from acestep_mcp.songcraft.prepare import Prepared

_ROOM = 400
"""Bytes for what a dry run finds, the dearest first; the next one tells of what is left."""
_LONGEST_SHOWN = 80
"""Characters of a changed text in a dry run."""


class DryRunAnswer(SongAnswer):
    """What would be sent, and what songcraft thinks of it."""

    request: str
    fit: str
    stops: list[str]
    warnings: list[str]
    notes: list[str]


_NOTHING_YET = frozenset(SongAnswer.model_fields) - {
    *("request_id", "status", "message", "title", "model", "based_on", "duration", "seed"),
    "warnings",
}
"""What a song has only once it is ordered."""


def question(prepared: "Prepared", price: Price | None) -> str:
    """What a person is asked before their money is spent."""
    name = f"“{prepared.title}”" if prepared.title else "a song"
    length, model = _length_note(prepared), prepared.model.title
    cost = f"It costs {price.of(prepared.tracks)}." if price else "It costs money."
    return f"Generate {name} ({_takes(prepared)}{length}) with {model}? {cost}"


def dry_run(
    asked: SongRequest,
    prepared: "Prepared",
    earlier: Song | None,
    maker: ProviderInfo,
    price: Price | None,
) -> CallToolResult:
    """The answer of a dry run: what would be bought, and what would be sent beyond what was given.

    `earlier` is the song that answers the same request, which would buy nothing.
    """
    found, left = _shown_first(prepared.findings)
    shown = DryRunAnswer(
        request_id=earlier.handle if earlier and not prepared.stop() else "",
        status="DRY_RUN",
        message=_dry_message(prepared, earlier, maker, price, left),
        title=prepared.title,
        model=prepared.model.id,
        based_on=prepared.based_on,
        duration=float(prepared.payload.get("duration", prepared.model.default_duration or 0)),
        seed=prepared.payload["seed"] if prepared.seeded else -1,
        request=_visible(json.dumps(_beyond(asked, prepared), ensure_ascii=False)),
        fit=_fit(prepared),
        stops=[each.message for each in found if each.severity == "stop"],
        warnings=[each.message for each in found if each.severity == "warning"],
        notes=[each.message for each in found if each.severity == "note"],
    )
    told = [f"{each.severity.capitalize()}: {each.message}" for each in found]
    lines = (shown.message, shown.fit, *told, f"Sent beyond what you gave: {shown.request}")
    return result([text("\n".join(lines))], shown, without=_NOTHING_YET)


def _shown_first(findings: Sequence["Finding"]) -> tuple[list["Finding"], int]:
    """The findings for which there is room, at least one, and how many are left."""
    ranked = sorted(findings, key=lambda each: ("stop", "warning", "note").index(each.severity))
    shown: list[Finding] = []
    used = 0
    for each in ranked:
        used += len(each.message.encode())
        if shown and used > _ROOM:
            break
        shown.append(each)
    return shown, len(ranked) - len(shown)


def _beyond(asked: SongRequest, prepared: "Prepared") -> dict[str, Any]:
    """What would be sent that is not as it was given; long texts shortened."""
    changed = {
        name: clean(value, _LONGEST_SHOWN) if isinstance(value, str) else value
        for name, value in prepared.payload.items()
        if value != getattr(asked, name)
    }
    return changed if prepared.seeded else {**changed, "seed": "will be drawn"}


def _dry_message(
    prepared: "Prepared", earlier: Song | None, maker: ProviderInfo, price: Price | None, left: int
) -> str:
    stop = prepared.stop()
    buy = "buy" if maker.charges else "make"
    if stop is not None and stop.overridable:
        outcome = "would be refused; mend what the stop says, or insist with force=true"
    elif stop is not None:
        outcome = "would be refused; mend what the stops say"
    elif earlier is not None:
        outcome = (
            f"would {buy} nothing: it is answered by the song {earlier.handle}, {earlier.status}. "
            f"With new_take=true it would {buy} another"
        )
    elif maker.charges:
        cost = f", {price.of(prepared.tracks)}" if price else ""
        length = _length_note(prepared)
        outcome = f"would buy {_takes(prepared)} from {prepared.model.title}{length}{cost}"
    else:
        length = _length_note(prepared)
        outcome = f"would make {_takes(prepared)} on {maker.title}{length}; a song costs its time"
    more = f" {left} more findings are told once these are mended." if left else ""
    charged = ", nothing is charged" if maker.charges else ""
    return f"Nothing was sent{charged}. Without dry_run this request {outcome}.{more}"


def _takes(prepared: "Prepared") -> str:
    return f"{prepared.tracks} tracks" if prepared.tracks > 1 else "1 track"


def _length_note(prepared: "Prepared") -> str:
    if "duration" in prepared.payload:
        return f", {prepared.payload['duration']:g} s long"
    if prepared.model.default_duration:
        return f", {prepared.model.default_duration} s long (the model's default)"
    return ", of the model's default length"


def _fit(prepared: "Prepared") -> str:
    """How the length and the lyrics go together, in the words of an estimate."""
    needs, seconds = prepared.needs, prepared.payload.get("duration")
    if not needs.sung_lines:
        return "Nothing is sung in these lyrics, so no length is estimated."
    asked = f"; {seconds:g} s is likely {needs.verdict(seconds)}" if seconds else ""
    return (
        f"{needs.sung_lines} sung lines: {needs.recommended}-{needs.target} s recommended, "
        f"{needs.floor:.0f} s at the very least{asked} (a heuristic, not a measurement)."
    )


def _visible(body: str) -> str:
    """The same JSON with every character that would not be seen written as an escape."""
    return "".join(
        json.dumps(each)[1:-1] if unicodedata.category(each) in INVISIBLE else each for each in body
    )
