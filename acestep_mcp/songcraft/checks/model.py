"""What the rules read and what they answer."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

from acestep_mcp.domain.catalogue import Model
from acestep_mcp.domain.request import SongRequest
from acestep_mcp.songcraft.fit import CountedPart, Fit, aimed, fit_of, is_japanese, measure
from acestep_mcp.songcraft.notation import Section
from acestep_mcp.songcraft.scripts import scripts

Severity = Literal["stop", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a song that is asked for.

    `message` is one line of at most 200 characters that says what to change; what it quotes of
    the request is shortened and free of control characters. `cost` ranks findings, dearest first.
    Only an `overridable` stop may be waved through by the caller.
    """

    rule: str
    severity: Severity
    message: str
    cost: int
    overridable: bool = False


@dataclass(frozen=True, slots=True)
class Parsed:
    """A song that is asked for, read once for all rules.

    `caption` is the prompt in lower case with runs of space collapsed; `lines` are the raw
    non-empty lines of the lyrics, `sung` those somebody sings; `duration` is in seconds, fitted
    where the request leaves it open, None where the model decides; `model` is the one that
    sings, where that is known; `tokens` is the estimate for the lyrics.
    """

    request: SongRequest
    model: Model | None
    caption: str
    lines: tuple[str, ...]
    measured: tuple[CountedPart, ...]
    sung: tuple[str, ...]
    syllables: tuple[float, ...]
    needs: Fit
    duration: float | None
    sections: tuple[Section, ...]
    tags: tuple[str, ...]
    tokens: int
    scripts: dict[str, int]
    japanese: bool

    @classmethod
    def of(cls, request: SongRequest, model: Model | None = None) -> Self:
        """`request` with everything parsed and counted that more than one rule asks for."""
        measured = measure(request.lyrics)
        needs = fit_of(measured, request.prompt, request.bpm or None)
        return cls(
            request=request,
            model=model,
            caption=" ".join(request.prompt.lower().split()),
            lines=tuple(line.strip() for line in request.lyrics.splitlines() if line.strip()),
            measured=measured,
            sung=tuple(line for m in measured for line in m.lines),
            syllables=tuple(n for m in measured for n in m.syllables),
            needs=needs,
            duration=request.duration or aimed(measured, needs),
            sections=tuple(m.section for m in measured),
            tags=tuple(m.section.tag for m in measured if m.section.tag and m.section.written),
            tokens=tokens(request.lyrics, LYRIC_RATE),
            scripts=scripts(" ".join(line for m in measured for line in m.lines)),
            japanese=is_japanese("\n".join(line for m in measured for line in m.lines)),
        )

    @property
    def english_caption(self) -> bool:
        """Whether the prompt is known to be English, so that English words can be missed in it."""
        found = scripts(self.caption)
        if found.get("Latin", 0) * 2 <= sum(found.values()):
            return False
        english = len(_ENGLISH_CAPTION.findall(self.caption))
        return english > len(_OTHER_CAPTION.findall(self.caption))


_ENGLISH_CAPTION = re.compile(
    r"\b(?:the|and|with|of|an|in|over|by|for|from|that|this|is|on|to|into|song|slow|fast|female|male"
    r"|drums?|strings|guitars?|voices?|vocals?|sad|happy|warm|dark|soft|loud|upbeat|dreamy|beats?"
    r"|track|driving|gentle|acoustic|electric|singers?|singing|piece|music|sounds?|bright|heavy"
    r"|modern|deep|smooth|quiet|nothing|energetic)\b"
)
_OTHER_CAPTION = re.compile(
    r"\b(?:de|la|el|los|las|con|en|una?|del|y|le|les|et|avec|des|du|une|au|und|mit|der|die|das|ein"
    r"|eine|von|im|il|che|di|per|gli|ve|ile|bir|z|na|w|em|com|uma|dan|met|och|med|og|yang|v\u1edbi)\b"
    r"|[\u00df-\u00ff\u0100-\u024f\u1ea0-\u1eff]"
)

#: Returns what to say when the rule fires, None when it does not.
Test = Callable[[Parsed], str | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table in `checks`."""

    id: str
    severity: Severity
    cost: int
    test: Test
    overridable: bool = False


LYRIC_RATE = 3.4  # characters per token; the scarcest of English lyrics
CAPTION_RATE = 4.2  # of English prose
_CJK = re.compile(r"[\u3005-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003134f]")


def tokens(text: str, characters_per_token: float) -> int:
    """Estimated tokens: one per CJK character, the rest at the given rate (words are shared)."""
    cjk = len(_CJK.findall(text))
    return round(cjk + (len(text) - cjk) / characters_per_token)
