"""Does the song fit its duration?

An estimate, not a measurement: the rates were set by hand, their bands were checked against the
lyric/duration pairs published with ACE-Step 1.5, and nobody compared them with audio. They agree
with upstream's advice on section lengths and with users' reports that too little time loses lines
and too much makes the model wander. So every verdict is worded "likely" and "floor" can be
overridden. Tempo is left out on purpose: seconds per line are flat from 40 to 200 bpm there.
"""

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import Final, Literal

from acestep_mcp.songcraft.notation import Section, kind, sections
from acestep_mcp.songcraft.scripts import script, scripts

Verdict = Literal["floor", "crowded", "tight", "good", "sparse"]

SHORTEST: Final = 10  # seconds the model renders at least
LONGEST: Final = 600
LONG: Final = 240  # the longest of upstream's demos; longer takes tend to repeat themselves


@dataclass(frozen=True, slots=True)
class Rates:
    """Every number of the estimator; seconds, syllables per second, or multiples of `typical`."""

    floor_speed: float = 5.0
    floor_speed_rap: float = 7.0
    floor_line: float = 1.0  # the shortest a line can be
    floor_breath: float = 0.2
    typical_speed: float = 2.8
    typical_speed_rap: float = 4.5
    typical_line: float = 2.5
    typical_breath: float = 1.0
    section_gap: float = 2.0  # between sung sections, typical only
    floor_passage: float = 4.0  # an empty solo, break, drop, …
    typical_passage: float = 12.0
    floor_edge: float = 2.0  # an empty intro, outro, fade, …
    typical_edge: float = 8.0
    crowded: float = 0.85
    crowded_rap: float = 0.75
    tight: float = 1.35
    target: float = 1.7
    sparse: float = 2.4


RATES: Final = Rates()


@dataclass(frozen=True, slots=True)
class Fit:
    """How long a song likely needs, in seconds.

    Below `floor` it is very unlikely to be sung in full; `typical` is an unhurried performance
    without repeats.
    """

    floor: float
    typical: float
    sung_lines: int
    rap: bool

    @property
    def recommended(self) -> int:
        """The shortest duration that leaves room, rounded up to 5 s."""
        return _up_to_5(RATES.tight * self.typical)

    @property
    def target(self) -> int:
        """The duration to aim at, rounded up to 5 s: the median of the published pairs."""
        return _up_to_5(RATES.target * self.typical)

    @property
    def crowded_below(self) -> float:
        """The duration under which lines are likely rushed or dropped."""
        return (RATES.crowded_rap if self.rap else RATES.crowded) * self.typical

    @property
    def sparse_above(self) -> float:
        """The duration over which repeats, humming and long breaks are likely."""
        return RATES.sparse * self.typical

    def verdict(self, duration: float) -> Verdict:
        """The band `duration` (seconds) falls in; "good" reaches from 1.35 to 2.4 times typical."""
        if duration < self.floor:
            return "floor"
        if duration < self.crowded_below:
            return "crowded"
        if duration < RATES.tight * self.typical:
            return "tight"
        return "sparse" if duration > self.sparse_above else "good"


@dataclass(frozen=True, slots=True)
class Measured:
    """A section, the lines somebody sings in it, and the syllables of each."""

    section: Section
    lines: tuple[str, ...]
    syllables: tuple[float, ...]


def fitted_duration(lyrics: str, caption: str = "") -> int | None:
    """Whole seconds for a song whose caller named no duration, 10…600.

    The target of its `estimate`, but above 240 s, where takes tend to repeat themselves, no more
    than is recommended; a plan of tags alone is fitted by its sections. None where the lyrics
    plan nothing (empty, or just `[Instrumental]`): the model's own default then stands.
    """
    measured = measure(lyrics)
    return aimed(measured, fit_of(measured, caption))


def aimed(measured: tuple[Measured, ...], needs: Fit) -> int | None:
    """`fitted_duration` for lyrics already measured."""
    if all(not m.syllables and _is_switch(m.section) for m in measured):
        return None
    return max(SHORTEST, min(LONGEST, needs.target, max(LONG, needs.recommended)))


def estimate(lyrics: str, caption: str = "") -> Fit:
    """Floor and typical length of these lyrics. Accepts any text; never raises."""
    return fit_of(measure(lyrics), caption)


def measure(lyrics: str) -> tuple[Measured, ...]:
    """The sections in order with the syllables of their sung lines."""
    japanese, english = is_japanese(lyrics), is_english(lyrics)
    plan = sections(lyrics)
    counts = {  # a chorus is counted once, however often it comes
        line: syllables(line, japanese=japanese, english=english)
        for line in {line for section in plan for line in section.lines}
    }
    return tuple(
        Measured(section, sung, tuple(counts[line] for line in sung))
        for section in plan
        for sung in (section.sung,)
    )


def fit_of(measured: tuple[Measured, ...], caption: str = "") -> Fit:
    """The estimate for lyrics already measured."""
    rap = is_rap(tuple(m.section for m in measured), caption)
    spans = [
        _sung(m.syllables, rap=rap) if m.syllables else _unsung(m.section.tag or "")
        for m in _passages(measured)
    ]
    floor, typical = sum(least for least, _ in spans), sum(usual for _, usual in spans)
    return Fit(floor, typical, sum(len(m.syllables) for m in measured), rap)


_SUNG_KINDS = frozenset({"verse", "pre-chorus", "chorus", "post-chorus", "hook", "bridge"})
_WHOLE_SONG = frozenset({"instrumental", "inst"})


def _is_switch(section: Section) -> bool:
    """Whether the tag says what the whole song is, rather than naming a passage with a length."""
    return section.tag is None or section.tag.casefold() in _WHOLE_SONG


def _passages(measured: tuple[Measured, ...]) -> Iterator[Measured]:
    """The sections that take time: `[Verse]` directly before `[whispered]` is one, not two."""
    for this, following in zip_longest(measured, measured[1:]):
        tag = this.section.tag
        headed = tag is not None and kind(tag) in _SUNG_KINDS
        if this.syllables or (tag and not (headed and following and _is_manner(following))):
            yield this


def _is_manner(measured: Measured) -> bool:
    return bool(measured.syllables) and kind(measured.section.tag or "") in {"voice", "mood"}


def _sung(counts: tuple[float, ...], *, rap: bool) -> tuple[float, float]:
    fast = RATES.floor_speed_rap if rap else RATES.floor_speed
    usual = RATES.typical_speed_rap if rap else RATES.typical_speed
    floor = sum(max(n / fast, RATES.floor_line) + RATES.floor_breath for n in counts)
    typical = sum(max(n / usual, RATES.typical_line) + RATES.typical_breath for n in counts)
    return floor, typical + RATES.section_gap


_PLAYED = re.compile(r"solo|instrumental|interlude|break|drop|build|riff|melody")
_ENDING = re.compile(r"\bfad(?:e|es|ing)\b|\bends?\b|\bending\b|silence")


def _unsung(tag: str) -> tuple[float, float]:
    if _PLAYED.search(tag.casefold()) and not _ENDING.search(tag.casefold()):
        return RATES.floor_passage, RATES.typical_passage
    return RATES.floor_edge, RATES.typical_edge


def _up_to_5(seconds: float) -> int:
    return math.ceil(round(seconds, 6) / 5) * 5


# --- what is counted -------------------------------------------------------------------------

_RAP = re.compile(
    r"\b(?:rap(?:s|ped|per|pers|ping)?|hip[\s-]?hop|trap|drill|spoken word)\b", re.IGNORECASE
)
_RAP_TAG = re.compile(r"\brap(?:ped|per|ping)?\b", re.IGNORECASE)


def is_rap(plan: tuple[Section, ...], caption: str) -> bool:
    """Whether the caption names rap, hip-hop, trap, drill or spoken word, or a tag names rap.

    One `[Bridge - spoken word]` does not make a song rap.
    """
    return bool(_RAP.search(caption)) or any(_RAP_TAG.search(s.tag or "") for s in plan)


def is_japanese(lyrics: str) -> bool:
    """Whether kana make up a sixth of the CJK characters; a lone の does not count."""
    found = scripts(lyrics)
    return found.get("Kana", 0) * 5 >= found.get("Han", 0) and "Kana" in found


_ENGLISH = re.compile(r"\b(?:the|and|you|your|my|this|that|with|are|for|of|to|i'm|don't|it's)\b")
_OTHER_LATIN = re.compile(
    r"\b(?:que|de|la|las|los|el|les|des|et|est|je|tu|un|una|une|y|para|por|und|ich|der|die|das|ist"
    r"|nicht|il|che|di|e|na|nie|się|az|és|yang|dan|van|het|een|och|det|bir|ve)\b|[à-ɏ]"
)


def is_english(lyrics: str) -> bool:
    """Whether Latin words likely follow English spelling; also assumed where nothing tells.

    Common English words are weighed against those of other languages and accented letters.
    Latin words in CJK lyrics are taken for English.
    """
    found, text = scripts(lyrics), lyrics.lower()
    foreign = sum(found.get(script, 0) for script in ("Han", "Kana", "Hangul"))
    if foreign * 2 > found.get("Latin", 0):
        return True
    return len(_ENGLISH.findall(text)) >= len(_OTHER_LATIN.findall(text))


_BRACKETED = re.compile(r"\[[^\[\]]*\]")
_SMALL_KANA = frozenset("ゃゅょぁぃぅぇぉャュョァィゥェォ")
_CYRILLIC_VOWELS = frozenset("аеёиоуыэюяіїєѣ")
_OTHER_LETTERS = 2.5  # letters per syllable in scripts without a rule of their own
_LATIN = re.compile(r"[a-zª-ɏ\u1e00-\u1eff]")
_NOT_LATIN = re.compile(r"[^\sa-zª-ɏ\u1e00-\u1eff-]+")
_V = "aeiouyà-æè-ïò-öøù-ýÿāăąēĕėęěĩīĭįıōŏőœũūŭůűųŷơưạ-ỹ"
_VOWELS = re.compile(rf"[{_V}]+")
_MUTE_WORDS = re.compile(rf"\b[^\W\d_{_V}]+\b")  # "hmm" is sung, too
_FINAL_E = r"(?:[^\W\d_aeiouyl]e|[aeiouy]le|[^\W\d_aeiouytd]ed|[^\W\d_aeiouyscxzgh]es)\b"
_SILENT = re.compile(_FINAL_E)
_ONLY_VOWEL = re.compile(rf"\b[^\W\d_{_V}]*(?![aeiouy]le){_FINAL_E}")  # "the", "red": not silent


def syllables(line: str, *, japanese: bool = False, english: bool = True) -> float:
    """Sung syllables (morae for Japanese) of one line, bracketed tags left out.

    Han characters count 1 (2 in Japanese), kana 1, Hangul blocks 1, Cyrillic vowels 1, Latin
    words their vowel groups, with `english` less a silent e, at least 1. Other scripts: letters
    / 2.5. Digits count nothing, as they should be written out.
    """
    text = (_BRACKETED.sub(" ", line) if "[" in line else line).lower().replace("'", "")
    if text.isascii():
        return float(_latin(text, english=english))
    text = unicodedata.normalize("NFC", text)
    total = sum(map(_weight, text))
    text = unicodedata.normalize("NFKC", text).replace("’", "")  # noqa: RUF001  # it occurs
    if japanese:
        total += sum(script(character) == "Han" for character in text)
    if _LATIN.search(text):
        total += _latin(_NOT_LATIN.sub(" ", text), english=english)
    return total


@lru_cache(maxsize=8192)
def _weight(character: str) -> float:
    """The syllables of a character that is not Latin."""
    if not unicodedata.is_normalized("NFKC", character):  # one may stand for eighteen
        return sum(map(_weight, unicodedata.normalize("NFKC", character)))
    match script(character):
        case None | "Latin":
            return 0.0
        case "Han" | "Kana" | "Hangul":
            return float(character not in _SMALL_KANA)
        case "Cyrillic":
            return float(character in _CYRILLIC_VOWELS)
        case _:
            return 1 / _OTHER_LETTERS


def _latin(text: str, *, english: bool) -> int:
    heard = len(_VOWELS.findall(text)) + len(_MUTE_WORDS.findall(text))
    if not english:
        return heard
    return heard - len(_SILENT.findall(text)) + len(_ONLY_VOWEL.findall(text))
