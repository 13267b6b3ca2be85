"""The words by which a song is found, and what a search asks of them.

A song's `document` is a line of its words, those of the title before a `|`. A search is a few
terms, and the song is found when its document satisfies every one of them. The start of a word
is enough, case and accents do not matter, and `lo-fi`, `lofi` and `lo fi` are one thing. Scripts
that put no blanks between words are found by any part of the text.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from acestep_mcp.domain.song import Song

TERMS = 8
"""Words of a search that are looked at; nobody remembers more of a song."""
LONGEST = 40
"""Characters of a word that count."""
_TITLE_ENDS = "|"
_ID = "#"
"""Before a word that nobody means by chance: a part of a handle, or of a file name's number."""
_LEAST_OF_ID = 4
"""Characters of such a word that have to be given: among its first three, every song has some."""
_SCRIPTS = (
    "\u0e00-\u109f"  # Thai, Lao, Tibetan, Burmese
    "\u1780-\u17ff"  # Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\u3031-\u30ff\u31f0-\u31ff"  # kana
)
_UNBROKEN = re.compile(f"[{_SCRIPTS}]")
_RUN = re.compile(f"[{_SCRIPTS}]+|[^{_SCRIPTS}]+")
_JOINING = frozenset("-'\u2010\u2011\u2012\u2013\u2212\u2019\u02bc\uff0d\uff07\u05be")
"""Hyphens and apostrophes: what stands on both sides is one word, and two."""
_SPELT = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i"}
"""Letters that people without the keyboard type otherwise, and that have no accent to drop."""
_ACCENTS = ((0x300, 0x36F), (0x591, 0x5C7), (0x610, 0x61A), (0x64B, 0x65F), (0xFE00, 0xFE0F))
"""Marks without which a word is the same. In other scripts marks are vowels, and stay."""


class _Kept(dict[int, str]):
    """What becomes of each character once a text is folded; worked out when first met."""

    def __missing__(self, code: int) -> str:
        self[code] = kept = _kept(chr(code))
        return kept


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if character in _JOINING:
        return "-"
    if category == "Cf" or any(first <= ord(character) <= last for first, last in _ACCENTS):
        return ""
    if character.isalnum() or category.startswith("M"):
        return _SPELT.get(character, character)
    return f" {character} " if category == "So" else " "  # a heart is a word


_KEPT = _Kept()


def _tokens(text: str) -> list[list[str]]:
    """The words of a text, each as the parts that hyphens and apostrophes make of it."""
    folded = unicodedata.normalize("NFKD", text.casefold()).translate(_KEPT)
    tokens = unicodedata.normalize("NFC", folded).split()
    parted = ([part for part in token.split("-") if part] for token in tokens)
    return [parts for parts in parted if parts]


def _is_unbroken(text: str) -> bool:
    return not text.isascii() and bool(_UNBROKEN.match(text))


def _runs(part: str) -> list[str]:
    """`ラブsong` as `ラブ` and `song`."""
    return [part] if part.isascii() else _RUN.findall(part)


def _words(tokens: Iterable[list[str]], *, pairs: bool = False) -> Iterator[str]:
    """Every part, and joined what belongs together; with `pairs`, also each two neighbours."""
    joined = []
    for parts in tokens:
        whole = "".join(parts)
        joined.append(whole)
        for part in (*parts, whole) if len(parts) > 1 else parts:
            for run in _runs(part):
                yield run if _is_unbroken(run) else run[:LONGEST]
    if pairs:
        for one, two in pairwise(joined):
            if not _is_unbroken(one) and not _is_unbroken(two):
                yield (one + two)[:LONGEST]


def document(song: Song) -> str:
    """The words of title, caption, lyrics, both handles and file names, each once."""
    title = dict.fromkeys(_words(_tokens(song.title), pairs=True))
    caption, lyrics = (str(song.payload.get(name, "")) for name in ("prompt", "lyrics"))
    more = dict.fromkeys(_words(_tokens(caption), pairs=True))  # where `synth wave` is said
    more |= dict.fromkeys(_words(_tokens(lyrics)))
    for handle in filter(None, (song.id, song.request_id)):
        more |= dict.fromkeys(_of_handle(handle))
    for path in song.files:
        names = _words(_tokens(re.split(r"[\\/]", path)[-1]))
        more |= dict.fromkeys(name if name.isalpha() else _ID + name for name in names)
    others = (word for word in more if word not in title)
    return f" {' '.join((*title, _TITLE_ENDS, *others))} "


def _of_handle(handle: str) -> Iterator[str]:
    """A handle whole and in parts, but for those that every handle has: `local`, `ace`, `step`."""
    pieces = [parts for piece in handle.split("_") for parts in _tokens(piece)]
    yield _ID + "".join(part for parts in pieces for part in parts)[:LONGEST]
    for parts in pieces:
        for part in ("".join(parts), *parts):
            if len(part) > len("local") or not part.isalpha():
                yield _ID + part[:LONGEST]


def indexed(text: str) -> set[str]:
    """What a document is to be found by: its words, and of unbroken text each two neighbours."""
    found: set[str] = set()
    for word in text.split():
        if word == _TITLE_ENDS:
            continue
        if _is_unbroken(word):
            found.update(word[at : at + 2] for at in range(len(word)))
        else:
            found.add(word)
    return found


@dataclass(frozen=True, slots=True)
class Term:
    """One condition on a document.

    It holds where the document contains all texts of one of the `options`. Every song where it
    holds is indexed under a word that begins with one of the `prefixes`.
    """

    prefixes: tuple[str, ...]
    options: tuple[tuple[str, ...], ...]

    def holds(self, text: str) -> bool:
        """Whether a document satisfies it."""
        return any(all(each in text for each in option) for option in self.options)


def terms(search: str) -> tuple[Term, ...]:
    """What a search asks for; nothing where it has no word."""
    found: dict[Term, None] = {}
    before = ""
    for parts in _tokens(search)[:TERMS]:
        whole = "".join(parts)
        runs = _runs(whole)
        if any(map(_is_unbroken, runs)):
            found |= dict.fromkeys(term for run in runs for term in _of_run(run))
            before = ""
        else:
            found[_of_word(parts, before)] = None
            before = whole if len(parts) == 1 else ""
    return tuple(found)[: 2 * TERMS]


def _of_run(run: str) -> Iterator[Term]:
    if not _is_unbroken(run):
        yield Term((run[:LONGEST],), ((f" {run[:LONGEST]}",),))
    for at in range(max(1, len(run) - 1) if _is_unbroken(run) else 0):
        yield Term((run[at : at + 2],), ((run,),))


def _of_word(parts: list[str], before: str) -> Term:
    whole = "".join(parts)[:LONGEST]
    options: list[tuple[str, ...]] = [(f" {whole}",)]
    prefixes = [whole]
    if len(whole) >= _LEAST_OF_ID:
        options.append((f" {_ID}{whole}",))
        prefixes.append(_ID + whole)
    if len(parts) > 1:
        *firsts, last = (part[:LONGEST] for part in parts)
        options.append((*(f" {first} " for first in firsts), f" {last}"))
        prefixes.append(max((*firsts, last), key=len))
    if before:  # `lo fi` is `lofi`, too
        joined = (before + whole)[:LONGEST]
        options.append((f" {joined}",))
        prefixes.append(joined)
    return Term(tuple(prefixes), tuple(options))
