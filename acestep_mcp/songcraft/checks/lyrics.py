"""L: the words themselves - line lengths, symmetry, symbols, scripts and languages."""

import re
from collections import defaultdict
from collections.abc import Collection

from acestep_mcp.songcraft.checks.model import Parsed
from acestep_mcp.songcraft.notation import kind, shown
from acestep_mcp.songcraft.scripts import scripts

MOST_SYLLABLES = 16  # one breath
MOST_SYLLABLES_RAP = 20
MOST_MORAE = 25  # Japanese lines run 1.65 times as many morae as English lines syllables
MOST_LATIN = 66  # characters
_SPREAD = 6  # syllables within a section
_DIFFERENCE = 2  # lines between parallel sections


_SPOKEN = re.compile(r"spoken|\brap|narrat", re.IGNORECASE)


def breathless(song: Parsed) -> str | None:
    """L1: a line too long to sing."""
    japanese = song.japanese or _is_romaji(song)
    most = MOST_SYLLABLES_RAP if song.needs.rap else MOST_MORAE if japanese else MOST_SYLLABLES
    long: list[tuple[str, float]] = []
    for measured in song.measured:
        if _SPOKEN.search(measured.section.tag or ""):
            continue
        for line, count in zip(measured.lines, measured.syllables, strict=True):
            wide = len(line) > MOST_LATIN and not (song.needs.rap or japanese)
            if count > most or (wide and _latin_length(line) > MOST_LATIN):
                long.append((line, count))
    if not long:
        return None
    line, count = long[0]
    more = f" and {len(long) - 1} more" if len(long) > 1 else ""
    return (
        f"'{shown(line)}' (~{count:.0f} syllables){more}: too long for one breath. "
        f"Break {'it' if len(long) == 1 else 'each'} into two lines; 6-10 syllables sing best."
    )


_ROMAJI = re.compile(
    r"(?:(?:[kgsztdnhbpmyrwjf]|ch|sh|ts|ky|gy|ny|hy|by|py|my|ry|kk|ss|tt|pp|tch|ssh)?[aiueo\u014d\u016b]"
    r"|n(?![aiueo]))+"
)
_ROMAN_SHARE = 0.85  # of the words


def _is_romaji(song: Parsed) -> bool:
    """Whether the words are Japanese in Latin letters, which are as long as in kana."""
    words = re.findall(r"[^\W\d_]+", " ".join(song.sung).lower())
    fitting = sum(bool(_ROMAJI.fullmatch(word)) for word in words)
    return len(words) > 3 and fitting >= _ROMAN_SHARE * len(words)  # noqa: PLR2004


def _latin_length(line: str) -> int:
    """Characters of a line in Latin script, without digits (pinyin writes its tones in them)."""
    latin = line.isascii() or next(iter(scripts(line)), "") == "Latin"
    return len(" ".join(re.sub(r"\d", "", line).split())) if latin else 0


def uneven(song: Parsed) -> str | None:
    """L2: lines or parallel sections of unlike length."""
    for measured in song.measured:
        counts = measured.syllables
        if counts and max(counts) - min(counts) > _SPREAD:
            return (
                f"[{shown(measured.section.tag or 'first lines')}] has lines from "
                f"{min(counts):.0f} to {max(counts):.0f} syllables; keep them within 2 or so "
                "for a steady melody."
            )
    return _unmatched(song)


def _unmatched(song: Parsed) -> str | None:
    lengths: dict[str, list[int]] = defaultdict(list)
    for measured in song.measured:
        role = kind(measured.section.tag or "")
        if measured.lines and role in {"verse", "chorus"}:
            lengths[role].append(len(measured.lines))
    for name, counts in lengths.items():
        if max(counts) - min(counts) > _DIFFERENCE:
            return (
                f"The {name} sections have {min(counts)} to {max(counts)} lines; parallel "
                "sections of equal length are sung more reliably."
            )
    return None


_SYMBOL = re.compile(
    r"https?://|www\.|\d|[&@%$€£+=]|[\u2600-\u27bf\u2b50\u2b55\U0001f000-\U0001faff]"
)


def spelled_out(song: Parsed) -> str | None:
    """L11: what has no one way to be sung."""
    for line in song.sung:
        if found := _SYMBOL.search(line):
            return (
                f"'{shown(line)}' holds '{shown(found[0])}'. Spell numbers and symbols out as "
                "they should be sung and drop emoji and links."
            )
    return None


#: Scripts that share a line in official lyrics; every other pair is a slip or a mispronunciation.
_COMPANY = ({"Latin", "Han", "Kana"}, {"Latin", "Hangul"}, {"Latin", "Han", "Hangul"})


def mixed_scripts(song: Parsed) -> str | None:
    """L12: two scripts in one line that do not go together."""
    if _together(song.scripts):
        return None
    for line in song.sung:
        found = () if line.isascii() else tuple(scripts(line))
        if not _together(found):
            return (
                f"'{shown(line)}' mixes {found[0]} and {found[1]} letters, which garbles the "
                "pronunciation. Write a line in one script."
            )
    return None


def _together(found: Collection[str]) -> bool:
    return len(found) <= 1 or any(company.issuperset(found) for company in _COMPANY)


_SCRIPT_OF = {
    "english": "Latin", "spanish": "Latin", "french": "Latin", "german": "Latin",
    "italian": "Latin", "portuguese": "Latin", "polish": "Latin", "dutch": "Latin",
    "turkish": "Latin", "vietnamese": "Latin", "indonesian": "Latin", "swedish": "Latin",
    "russian": "Cyrillic", "ukrainian": "Cyrillic", "bulgarian": "Cyrillic",
    "japanese": "Kana", "korean": "Hangul", "chinese": "Han", "mandarin": "Han",
    "cantonese": "Han", "arabic": "Arabic", "persian": "Arabic", "urdu": "Arabic",
    "hebrew": "Hebrew", "hindi": "Devanagari", "nepali": "Devanagari", "sanskrit": "Devanagari",
    "bengali": "Bengali", "tamil": "Tamil", "telugu": "Telugu", "punjabi": "Gurmukhi",
    "thai": "Thai", "greek": "Greek",
}  # fmt: skip
_TONGUE = "|".join(_SCRIPT_OF)
_SUNG_IN = re.compile(
    r"\b(?:(?:sung|sings?|singing|lyrics|vocals?|raps?|rapping|rapped|song|track|ballad) )?"
    rf"in (?:fluent |native )?({_TONGUE})\b(?! (?:style|tradition|folk|music|pop|rock|city|garden))"
    rf"|\b({_TONGUE})(?:[- ]language)? (?:(?:fe)?male |lead |rap |pop )*"
    r"(?:vocals?|lyrics|singer|rapper)\b"
    r"(?! (?:lines?|phrases?|hooks?|samples?|ad-?libs?)\b)"
)


def another_language(song: Parsed) -> str | None:
    """L12: a language is asked for whose script the lyrics never use."""
    named = {word for pair in _SUNG_IN.findall(song.caption) for word in pair if word}
    wanted = {_SCRIPT_OF[word] for word in named}
    if not wanted or not song.sung or wanted & _written(song):
        return None
    if any(re.match(r"\[[a-z]{2,3}\] *\S", line) for line in song.lines):
        return None
    main = next(iter(song.scripts), "no")
    return (
        f"The prompt asks for {', '.join(sorted(named)).title()} vocals, but the lyrics are in "
        f"{main} letters. Write them in the language's own script or change the prompt."
    )


def _written(song: Parsed) -> set[str]:
    """The scripts of the lyrics; lyrics in Han alone may be short Japanese lines, too."""
    found = {script for script, count in song.scripts.items() if count}
    return found | ({"Kana"} if "Han" in found else set())


#: Bengali and Tamil: weak by the maintainers' own account. The others: no language that ACE-Step
#: lists is written so.
_WEAK = {"Bengali": "Bengali", "Tamil": "Tamil"}
_UNLISTED = frozenset(
    {
        "Armenian", "Burmese", "Ethiopic", "Georgian", "Gujarati", "Kannada", "Khmer", "Lao",
        "Malayalam", "Odia", "Sinhala", "Tibetan",
    }
)  # fmt: skip


def little_data(song: Parsed) -> str | None:
    """L13: a script the model hardly knows."""
    main = next(iter(song.scripts), "")
    if not song.sung or main not in _WEAK.keys() | _UNLISTED:
        return None
    reason = "little training data" if main in _WEAK else "no place among its listed languages"
    return (
        f"{main}-script lyrics have {reason}, so pronunciation is likely poor. Try one short take "
        "first, or a language the model knows well."
    )
