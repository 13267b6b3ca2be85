"""Lyrics as a composer needs them: sections, lines and syllables.

Rough on purpose. A vowel group is a syllable, a CJK character is one, and so is a kana or a
hangul block; it decides how many notes a line gets, not how it would be pronounced.
"""

import re
import unicodedata
from dataclasses import dataclass

Line = tuple[str, ...]
"""The vowel ("a", "e", "i", "o", "u") of each syllable of one sung line."""

_TAG = re.compile(r"^\s*\[([^\]]*)\]\s*$")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]|[^\W\d_]+|\d")
_LETTERS = "aeiouyаеёиоуыэюяіїє"  # noqa: RUF001  # Cyrillic vowels are meant
_SOUNDS = dict(zip(_LETTERS, "aeiouiaeoiouieuaiie", strict=True))
_GROUPS = re.compile(f"[{_LETTERS}]+")
_VOWELS = "aeiou"

_KINDS = {
    "pre-chorus": "pre-chorus",
    "prechorus": "pre-chorus",
    "build": "pre-chorus",
    "chorus": "chorus",
    "hook": "chorus",
    "refrain": "chorus",
    "drop": "chorus",
    "climax": "chorus",
    "verse": "verse",
    "bridge": "bridge",
    "breakdown": "bridge",
    "intro": "intro",
    "outro": "outro",
    "fade": "outro",
    "ends": "outro",
    "inst": "solo",
    "solo": "solo",
    "interlude": "solo",
    "break": "solo",
    "theme": "solo",
}
"""The part a tag stands for, by a word in it; the first match wins, other tags start nothing."""


@dataclass(frozen=True, slots=True)
class Part:
    """One section of the lyrics; `lines` is empty where nothing is sung."""

    kind: str
    lines: tuple[Line, ...] = ()


def parts(lyrics: str) -> list[Part]:
    """The sections in order; text before the first tag counts as a verse."""
    found: list[tuple[str, list[Line]]] = []
    for row in filter(str.strip, lyrics.splitlines()):
        tag = _TAG.match(row)
        if tag is None:
            _open(found)[1].append(syllables(row))
        elif kind := _kind(tag[1]):
            found.append((kind, []))
    return [Part(kind, tuple(filter(None, lines))) for kind, lines in found]


def _open(found: list[tuple[str, list[Line]]]) -> tuple[str, list[Line]]:
    if not found:
        found.append(("verse", []))
    return found[-1]


def _kind(tag: str) -> str | None:
    label = tag.casefold()
    return next((kind for word, kind in _KINDS.items() if word in label), None)


def syllables(row: str) -> Line:
    """The vowels of a sung line, one per syllable; at least one for every word."""
    # Hangul must stay composed, a block is a syllable; Latin accents are of no interest.
    return tuple(sound for word in _WORD.findall(row.casefold()) for sound in _sounds(word))


def _sounds(word: str) -> list[str]:
    if _WIDE.match(word):
        return [_VOWELS[ord(word) % 5]]
    plain = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    groups = _GROUPS.findall(plain)
    if len(groups) > 1 and word.endswith("e") and not word.endswith("le"):
        groups.pop()  # a final e is mute in English and French
    if not groups:
        return [_VOWELS[ord(c) % 5] for c in plain[::3]]
    return [_SOUNDS[group[0]] for group in groups]
