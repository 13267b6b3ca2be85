"""Does the song fit its duration?

An estimate: its rates were fitted to the example songs published with ACE-Step 1.5, whose length
was asked for, and to songs that its authors published as audio, whose length is known (`make fit`).
One song in four is a quarter longer or shorter all the same, so every verdict is worded "likely"
and "floor" can be overridden.
"""

import math
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from acestep_mcp.songcraft.notation import Section, kind, sections
from acestep_mcp.songcraft.scripts import script, scripts

Verdict = Literal["floor", "crowded", "tight", "good", "sparse"]

SHORTEST: Final = 10  # seconds the model renders at least
LONGEST: Final = 600
LONG: Final = 240  # the longest of upstream's demos; longer takes tend to repeat themselves
USUAL_BPM: Final = 100.0  # where none is given; the median of the published examples


@dataclass(frozen=True, slots=True)
class WordRate:
    """How fast words go: syllables per second, and seconds of breath after a line.

    Where the tempo is given, a line takes at least `least` and at most `most` bars.
    """

    speed: float
    breath: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Rates:
    """Every number of the estimator; `make fit` holds them against published songs.

    What is played is counted in bars, as the songs that were published go by bars: `around` all
    of it, after each sung section, for an empty solo, break or drop, and for an empty intro or
    outro. The bands are multiples of the length that is fitted.
    """

    sung: WordRate = WordRate(speed=2.5, breath=0.9, least=1.0, most=2.8)
    rap: WordRate = WordRate(speed=7.0, breath=0.3, least=1.1, most=4.0)
    line: float = 0.8  # seconds; the shortest a line can be
    around: float = 5.0
    section: float = 5.0
    around_line: float = 2.0  # at most so many for each line
    passage: float = 4.0
    edge: float = 2.0
    floor: WordRate = WordRate(speed=5.0, breath=0.2, least=0.0, most=math.inf)
    floor_rap: WordRate = WordRate(speed=7.0, breath=0.25, least=0.0, most=math.inf)
    crowded: float = 0.42
    tight: float = 0.8
    sparse: float = 1.9


RATES: Final = Rates()


@dataclass(frozen=True, slots=True)
class Fit:
    """How long a song likely takes, in seconds.

    Below `floor` it is very unlikely to be sung in full; `typical` is what published songs of as
    many words and sections took, in the middle.
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
        """The duration to aim at, rounded to 5 s."""
        return round(self.typical / 5) * 5

    @property
    def crowded_below(self) -> float:
        """The duration under which lines are likely rushed or dropped."""
        return RATES.crowded * self.typical

    @property
    def sparse_above(self) -> float:
        """The duration over which repeats, humming and long breaks are likely."""
        return RATES.sparse * self.typical

    def verdict(self, duration: float) -> Verdict:
        """The band `duration` (seconds) falls in."""
        if duration < self.floor:
            return "floor"
        if duration < self.crowded_below:
            return "crowded"
        if duration < RATES.tight * self.typical:
            return "tight"
        return "sparse" if duration > self.sparse_above else "good"


@dataclass(frozen=True, slots=True)
class CountedPart:
    """A section, the lines somebody sings in it, and the syllables of each."""

    section: Section
    lines: tuple[str, ...]
    syllables: tuple[float, ...]


def fitted_duration(lyrics: str, caption: str = "", bpm: float | None = None) -> int | None:
    """Whole seconds for a song whose caller named no duration, 10…600.

    The target of its `estimate`, but above 240 s, where takes tend to repeat themselves, no more
    than is recommended; a plan of tags alone is fitted by its sections. None where the lyrics
    plan nothing (empty, or just `[Instrumental]`): the model's own default then stands.
    """
    measured = measure(lyrics)
    return aimed(measured, fit_of(measured, caption, bpm))


def aimed(measured: tuple[CountedPart, ...], needs: Fit) -> int | None:
    """`fitted_duration` for lyrics already measured."""
    if all(not m.syllables and _is_switch(m.section) for m in measured):
        return None
    return max(SHORTEST, min(LONGEST, needs.target, max(LONG, needs.recommended)))


def estimate(lyrics: str, caption: str = "", bpm: float | None = None) -> Fit:
    """Floor and typical length of these lyrics. Accepts any text; never raises."""
    return fit_of(measure(lyrics), caption, bpm)


def measure(lyrics: str) -> tuple[CountedPart, ...]:
    """The sections in order with the syllables of their sung lines."""
    plan = [(section, section.sung) for section in sections(lyrics)]
    words = {line for _, sung in plan for line in sung}
    whole = "\n".join(line for _, sung in plan for line in sung)
    japanese, english = is_japanese(whole), is_english(whole)
    # A chorus is counted once, however often it comes.
    counts = {line: syllables(line, japanese=japanese, english=english) for line in words}
    return tuple(
        CountedPart(section, sung, tuple(counts[line] for line in sung)) for section, sung in plan
    )


def fit_of(measured: tuple[CountedPart, ...], caption: str = "", bpm: float | None = None) -> Fit:
    """The estimate for lyrics already measured."""
    rap = is_rap(tuple(m.section for m in measured), caption)
    bar = 4 * 60 / (bpm or USUAL_BPM)  # seconds of four beats
    pace = RATES.rap if rap else RATES.sung
    # Where the tempo is not given, the bars that bound a line are not known.
    lines = [_line(n, pace, bar if bpm else None) for m in measured for n in m.syllables]
    fast = [
        _line(n, RATES.floor_rap if rap else RATES.floor, None)
        for m in measured
        for n in m.syllables
    ]
    sings = bool(lines)
    bars = sum(_bars(m, sings=sings) for m in measured)
    played = bar * (bars + RATES.around if bars else 0.0)
    if sings and bars:  # a couple of lines has no room for so much
        played = min(played, bar * RATES.around_line * len(lines))
    unsung = sum(_bars(m, sings=sings) for m in measured if not m.syllables)
    return Fit(sum(fast) + bar * unsung / 3, sum(lines) + played, len(lines), rap)


def _line(count: float, pace: WordRate, bar: float | None) -> float:
    """Seconds of a line of so many syllables."""
    seconds = max(count / pace.speed, RATES.line) + pace.breath
    if bar is None:
        return seconds
    return min(max(seconds, pace.least * bar), pace.most * bar)


_WHOLE_SONG = frozenset({"instrumental", "inst"})
_PLAYED_KINDS = frozenset({"solo", "instrumental", "break", "drop", "build"})
_EDGES = frozenset({"intro", "outro", "ending"})
_PLAYED = re.compile(r"solo|instrumental|interlude|break|drop|build|riff|melody")
_ENDING = re.compile(r"\bfad(?:e|es|ing)\b|\bends?\b|\bending\b|silence")


def _is_switch(section: Section) -> bool:
    """Whether the tag says what the whole song is, rather than naming a passage with a length."""
    return section.tag is None or section.tag.casefold() in _WHOLE_SONG


def _bars(measured: CountedPart, *, sings: bool) -> float:
    """Bars that are played for a section; a tag of a manner or an effect takes none.

    Where nobody sings, every tag stands for a passage.
    """
    tag = (measured.section.tag or "").casefold()
    if measured.syllables:
        return RATES.section
    if not tag:
        return 0.0
    role = kind(tag)
    ends = role in _EDGES or _ENDING.search(tag)
    if not ends and (role in _PLAYED_KINDS or _PLAYED.search(tag)):
        return RATES.passage
    return RATES.edge if ends or not sings else 0.0


def _up_to_5(seconds: float) -> int:
    return math.ceil(round(seconds, 6) / 5) * 5


# --- what is counted -------------------------------------------------------------------------

_RAP = re.compile(
    r"(?<!no )(?<!without )(?<!not )\b(?:rap(?:s|ped|per|pers|ping)?|hip[\s-]?hop|trap|drill|phonk"
    r"|spoken word|rapeo|raper[oa]s?|rapeado|rapeur|rappeuse|рэп\w*|реп|хип-?хоп|хіп-?хоп)\b"
    r"|说唱|說唱|嘻哈|ラップ|ヒップホップ|랩|힙합|แร็พ|แร็ป|ฮิปฮอป|रैप|हिप-?हॉप|راب"
    r"|هيب هوب|ראפ|היפ הופ",
    re.IGNORECASE,
)
_RAP_TAG = re.compile(r"\brap(?:ped|per|ping)?\b|说唱|說唱|ラップ|랩|рэп|реп", re.IGNORECASE)


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
