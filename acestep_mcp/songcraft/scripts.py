"""Which scripts a text is written in, by Unicode range."""

from bisect import bisect_right
from collections import Counter
from functools import lru_cache

_RANGES: dict[str, tuple[tuple[int, int], ...]] = {
    "Latin": (
        (0x41, 0x5A),
        (0x61, 0x7A),
        (0xAA, 0xAA),
        (0xBA, 0xBA),
        (0xC0, 0xD6),
        (0xD8, 0xF6),
        (0xF8, 0x24F),
        (0x1E00, 0x1EFF),
        (0xFF21, 0xFF3A),
        (0xFF41, 0xFF5A),
    ),
    "Greek": ((0x370, 0x3FF), (0x1F00, 0x1FFF)),
    "Cyrillic": ((0x400, 0x52F), (0x2DE0, 0x2DFF)),
    "Armenian": ((0x530, 0x58F),),
    "Hebrew": ((0x590, 0x5FF),),
    "Arabic": ((0x600, 0x6FF), (0x750, 0x77F), (0x8A0, 0x8FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFF)),
    "Devanagari": ((0x900, 0x97F),),
    "Bengali": ((0x980, 0x9FF),),
    "Gurmukhi": ((0xA00, 0xA7F),),
    "Gujarati": ((0xA80, 0xAFF),),
    "Odia": ((0xB00, 0xB7F),),
    "Tamil": ((0xB80, 0xBFF),),
    "Telugu": ((0xC00, 0xC7F),),
    "Kannada": ((0xC80, 0xCFF),),
    "Malayalam": ((0xD00, 0xD7F),),
    "Sinhala": ((0xD80, 0xDFF),),
    "Thai": ((0xE00, 0xE7F),),
    "Lao": ((0xE80, 0xEFF),),
    "Tibetan": ((0xF00, 0xFFF),),
    "Burmese": ((0x1000, 0x109F),),
    "Georgian": ((0x10A0, 0x10FF),),
    "Ethiopic": ((0x1200, 0x137F),),
    "Khmer": ((0x1780, 0x17FF),),
    "Kana": (
        (0x3041, 0x3096),
        (0x309D, 0x309F),
        (0x30A1, 0x30FA),
        (0x30FC, 0x30FF),
        (0xFF66, 0xFF9D),
    ),
    "Hangul": ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7A3)),
    "Han": (
        (0x3005, 0x3005),
        (0x3007, 0x3007),
        (0x3400, 0x4DBF),
        (0x4E00, 0x9FFF),
        (0xF900, 0xFAFF),
        (0x20000, 0x3134F),
    ),
}
_SPANS = sorted((first, last, name) for name, spans in _RANGES.items() for first, last in spans)
_FIRSTS = [first for first, _, _ in _SPANS]


@lru_cache(maxsize=8192)
def script(character: str) -> str | None:
    """The script of one letter; None for anything else."""
    at = bisect_right(_FIRSTS, ord(character)) - 1
    return _SPANS[at][2] if at >= 0 and ord(character) <= _SPANS[at][1] else None


def scripts(text: str) -> dict[str, int]:
    """Letters per script ("Latin", "Cyrillic", "Han", "Kana", "Hangul", …), most letters first.

    Vowel signs written as characters of their own count as letters; digits and signs do not.
    """
    return dict(_counted(text))


@lru_cache(maxsize=8)  # the same lyrics are counted for several rules
def _counted(text: str) -> tuple[tuple[str, int], ...]:
    counts: Counter[str] = Counter()
    for character, number in Counter(text).items():
        if name := script(character):
            counts[name] += number
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
