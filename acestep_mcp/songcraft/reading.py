"""Reading lyrics once: which of what stands there is to be sung, and what it is otherwise.

People paste lyrics from chord sheets, karaoke files, chats and notebooks. The model sings whatever
is not in square brackets, so every line is told apart here, and the estimator and all checks go by
that. Pure and total: any text can be read. What it knows of languages stands in `words`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from acestep_mcp.songcraft import words

Role = Literal[
    "sung",
    "heading",
    "chords",
    "stamp",
    "sheet",
    "direction",
    "singer",
    "chat",
    "reading",
    "markup",
]
"""What a line holds besides words: `sheet` is about the song (a title, a tempo), `stamp` is when it
is sung, `reading` how its characters are read, `singer` who sings it."""

_LONGEST_LINE = 300  # characters; a longer line is prose, and read as words


@dataclass(frozen=True, slots=True)
class Line:
    """One line outside of tags: `text` as it stands, and `sung`, what of it is meant to be sung.

    `cure` is what to write instead where that can be said, such as `[Verse 1]`.
    """

    text: str
    role: Role = "sung"
    sung: str = ""
    cure: str = ""


def _listed(tables: Mapping[str, str]) -> dict[str, str]:
    """Every word of these lists, by what it stands for; of two lists, the first one counts."""
    found: dict[str, str] = {}
    for meaning, listed in tables.items():
        for word in listed.split("|"):
            found.setdefault(word.casefold(), meaning)
    return found


# --- headings --------------------------------------------------------------------------------

_HEADS = _listed(words.HEADINGS)
_DECORATION = ' \t*_#=~-–—<>【】［］[]{}()（）.:：|·•"“”'
_LEAD = re.compile(
    r"\d{1,2}[\s.ªº]+|(?:1st|2nd|3rd|first|second|third|last|final)\s|第.\s?(?:段|节|節)\s?"
)
_TAIL = re.compile(rf"[\s.#№-]*(?P<number>{words.NUMBERS})$|[\s(（]*(?:[x×]\s?\d|\d\s?[x×])$")
_SHORT_HEAD = 40
_IN_FULL = {"one": 1, "two": 2, "three": 3, "four": 4, "first": 1, "second": 2, "third": 3}
_MARKED = re.compile(r"[:：*#=【［<(（—–_|]|-$|^-")
#: What is a heading although nothing marks it. Other words may well be sung alone on a line.
_SURE = _listed({"": words.SURE_HEADINGS})


def heading(text: str) -> str:
    """The tag to write for a line that only heads a section, such as `[Verse 1]`; else `""`."""
    if len(text) > _SHORT_HEAD:
        return ""
    core = text.strip(_DECORATION).casefold()
    lead = _LEAD.match(core)
    bare = core[lead.end() :] if lead else core
    tail = _TAIL.search(bare)
    for word, number in ((core, ""), (bare, ""), (bare[: tail.start()] if tail else "", tail)):
        if word.strip(_DECORATION) not in _HEADS:
            continue
        tag = _HEADS[word.strip(_DECORATION)]
        if not (number or lead or _MARKED.search(text) or word in _SURE):
            return ""
        count = _number(tail["number"] if number and tail else lead[0] if lead else "")
        numbered = count and tag in {"Verse", "Chorus", "Bridge"}
        return f"[{tag} {count}]" if numbered else f"[{tag}]"
    return ""


def _number(text: str | None) -> str:
    word = (text or "").strip(" .#№-ªº")
    if word in _IN_FULL:
        return str(_IN_FULL[word])
    return word if word.isdecimal() else ""


# --- chords ----------------------------------------------------------------------------------

_CHORD = (
    r"[A-H][#b♯♭]?(?:maj|min|dim|aug|sus|add|m|M|º|°|\+|-)?(?:\d{1,2})?(?:(?:maj|sus|add|[#b])\d{1,2})*"
    r"(?:/[A-H][#b♯♭]?)?"
)
_ONE_CHORD = re.compile(rf"\(?(?:{_CHORD})\)?")
_BAR = re.compile(r"[|:%/\-–—.x×\d]+|N\.?C\.?")  # both occur
_LONG_CHORD = 8  # letters
_CHORD_IN_BRACKETS = re.compile(rf"\[(?:{_CHORD})\]")
_WIDE = re.compile(r"\S\s{2,}\S")


def is_chords(text: str) -> bool:
    """Whether a line is chords alone: `Am  F  C  G`, `| C | G |`. `A` and `I` are words as well."""
    tokens = text.replace("|", " | ").split()
    chords = [token for token in tokens if _ONE_CHORD.fullmatch(token)]
    if not chords or any(token not in chords and not _BAR.fullmatch(token) for token in tokens):
        return False
    if "|" in tokens:
        return True
    telling = [token for token in chords if len(token) > 1]
    return len(chords) > 1 and (bool(telling) or bool(_WIDE.search(text)))


# --- what stands in and around a line ----------------------------------------------------------

_STAMP = re.compile(r"^(?:[\[<(]\s?\d{1,3}:\d{2}(?:[.:]\d{1,3})?\s?[\]>)]\s*)+")
_STAMPS_WITHIN = re.compile(r"<\d{1,3}:\d{2}(?:[.:]\d{1,3})?>\s?")
_SRT = re.compile(r"\d{2}:\d{2}:\d{2}[,.]\d{3}\s*-->\s*\d{2}:\d{2}:\d{2}[,.]\d{3}.*")
_KARAOKE = re.compile(
    r"\[(?:ar|ti|al|au|by|re|ve|offset|length|la|id|#)\s?:[^\]]*\]", re.IGNORECASE
)
_DIRECTIVE = re.compile(r"\{[^{}]*\}")
_COLON = re.compile(r"\s*[:：]\s*")
_PLACES = frozenset(_listed({"": words.PLACES}))
_ABOUT = re.compile(
    r"capo\s*(?:on\s*)?\d.*|tuning\s.*|(?:words|lyrics|music|written|composed) by\s.*|©.*"
    r"|copyright\b.*|(?:tempo|bpm)\s?=?\s?\d+.*|\d{2,3}\s?bpm",
    re.IGNORECASE,
)
_CHAT = re.compile(rf"[\s*_\"“]*(?:{words.CHAT})", re.IGNORECASE)
_CHAT_AT = 3  # lines from either end
_SINGERS = _listed(words.SINGERS)
_IN_FRONT = re.compile(r"[(（]\s?([^()（）]{1,20}?)\s?[)）]\s?[:：]?\s*(\S.*)")
_PARENTHESES = re.compile(r"[(（*]([^()（）*]{1,60})[)）*]")
_FILL = frozenset(words.FILL.split("|"))
_MANNER = re.compile(words.MANNERS, re.IGNORECASE)
_INSTRUMENT = re.compile(words.INSTRUMENTS, re.IGNORECASE)
_ACTION = re.compile(words.ACTIONS, re.IGNORECASE)
_JOINED = re.compile(
    rf"(?:{words.INSTRUMENTS})\s?(?:の|が|은|는|이|\uac00)?\s?(?:{words.ACTIONS})",
    re.IGNORECASE,
)
_REPEATS = re.compile(
    r"(?:repeat(?:s|ed)?\b.{0,30}|[x×]\s?\d{1,2}|\d{1,2}\s?[x×]|\d{1,2} times"
    r"|\d+ bars?.{0,30}"
    r"|(?:重复|重複|반복|くり返し|繰り返し).{0,10})",
    re.IGNORECASE,
)
_LAST_REPEAT = re.compile(r"\s(?:[x×]\s?\d{1,2}|\d{1,2}\s?[x×])$", re.IGNORECASE)
_FURIGANA = re.compile(r"(?<=[\u3400-\u9fff々])[(（]([\u3041-\u309f\u30a0-\u30ff]+)[)）]")
_MARKS = re.compile(r"\*\*|__|```|^#{1,6}\s|^[-*•]\s|^>\s")


def read(lines: Iterable[str]) -> tuple[Line, ...]:
    """What each of these lines is; they are trimmed, not empty, and no tags."""
    given = tuple(lines)
    ends = {*range(_CHAT_AT), *range(len(given) - _CHAT_AT, len(given))}
    return tuple(
        Line(text, "chat") if at in ends and _is_chat(text) else _read(text)
        for at, text in enumerate(given)
    )


def _is_chat(text: str) -> bool:
    return len(text) <= _LONGEST_LINE and bool(_CHAT.match(text))


@lru_cache(maxsize=4096)  # a chorus comes often
def _read(text: str) -> Line:
    if len(text) > _LONGEST_LINE or _is_plain(text):
        return Line(text, sung=text)
    return next((found for reader in _READERS if (found := reader(text))), Line(text, sung=text))


_SIGN = re.compile(r"[\d\[\]<>(){}（）:：*_#=|~©【［—–]|^[-•]|-$")
_FIRST = {word.split()[0] for word in (*_HEADS, *_listed({"": words.INTRODUCING}))}


def _is_plain(text: str) -> bool:
    """Whether a line holds no sign, and begins with no word, that anything but words has."""
    if _SIGN.search(text):
        return False
    first = text.split(None, 1)[0]
    chord = first[0] in "ABCDEFGH" and len(first) < _LONG_CHORD
    return not (chord or first.casefold() in _FIRST or _TECHNICAL.search(text))


_TELLING = re.compile(r"\[\s?(?:\d|[A-H]|[a-zA-Z#]{1,6}\s?:)")  # before the dearer looks


def is_no_tag(text: str) -> bool:
    """Whether brackets at the beginning of a line hold a time, a chord or a file's own data."""
    if not _TELLING.match(text):
        return False
    return bool(_STAMP.match(text) or _KARAOKE.fullmatch(text) or _CHORD_IN_BRACKETS.match(text))


def _as_stamp(text: str) -> Line | None:
    if not text.startswith(("[", "<", "(")) and "<" not in text and "-->" not in text:
        return None
    if _SRT.fullmatch(text):
        return Line(text, "stamp")
    rest = _STAMPS_WITHIN.sub("", _STAMP.sub("", text)).strip()
    return Line(text, "stamp", rest, rest) if rest != text else None


def _as_sheet(text: str) -> Line | None:
    head, *rest = _COLON.split(text.strip(" *_#>"), maxsplit=1)
    named = bool(rest) and head.strip(" *_-").casefold() in _PLACES
    if named or _KARAOKE.fullmatch(text) or _DIRECTIVE.fullmatch(text) or _ABOUT.fullmatch(text):
        return Line(text, "sheet")
    return None


def _as_chords(text: str) -> Line | None:
    if is_chords(text):
        return Line(text, "chords")
    if "[" not in text:
        return None
    rest = " ".join(_CHORD_IN_BRACKETS.sub("", text).split())
    return Line(text, "chords", rest, rest) if rest != " ".join(text.split()) else None


def _as_heading(text: str) -> Line | None:
    if tag := heading(text):
        return Line(text, "heading", cure=tag)
    head, *rest = _COLON.split(text, maxsplit=1)
    if rest and rest[0] and (tag := heading(f"{head}:")):
        return Line(text, "heading", rest[0], tag)
    return None


def _as_singer(text: str) -> Line | None:
    head, *rest = _COLON.split(text, maxsplit=1)
    if in_front := _IN_FRONT.fullmatch(text):
        head, rest = in_front[1], [in_front[2]]
    who = _SINGERS.get(head.strip(" *_").rstrip(" 12").casefold()) if rest and rest[0] else None
    return Line(text, "singer", rest[0], f"[Verse - {who}]") if who else None


def _as_direction(text: str) -> Line | None:
    # "(solo)" behind words is Spanish, and alone.
    notes = [
        note
        for note in _PARENTHESES.findall(text)
        if is_direction(note) and note.strip().casefold() != "solo"
    ]
    rest = _PARENTHESES.sub(lambda found: "" if found[1] in notes else found[0], text)
    rest = " ".join(_LAST_REPEAT.sub("", rest).split())
    if not notes and _TECHNICAL.search(rest) and is_direction(rest):
        rest = ""
    if rest == " ".join(text.split()):
        return None
    return Line(text, "direction", rest if _WORD.search(rest) else "", _tag_for(notes, text))


_WORD = re.compile(r"\w")
_SOLO = re.compile(
    r"solo|ソロ|独奏|獨奏|솔로|соло",
    re.IGNORECASE,
)
_TECHNICAL = re.compile(rf"\b(?:instrumental|repeat|break)\b|{_SOLO.pattern}", re.IGNORECASE)


@lru_cache(maxsize=4096)
def is_direction(note: str) -> bool:
    """Whether a text in parentheses says what to do instead of what to sing."""
    plain = note.strip(" .!…*").casefold()
    if not plain:
        return False
    if _MANNER.fullmatch(plain) or _REPEATS.fullmatch(plain) or heading(f"({plain})"):
        return True
    if _JOINED.fullmatch(plain):
        return True
    parts = re.split(r"[\s,-]+", plain)
    does = [bool(_ACTION.fullmatch(part)) for part in parts]
    plays = [bool(_INSTRUMENT.fullmatch(part)) for part in parts]
    manner = [bool(_MANNER.fullmatch(part)) for part in parts]
    known = all(
        part in _FILL or any(said) for part, *said in zip(parts, does, plays, manner, strict=True)
    )
    return known and (any(manner) or (any(does) and any(plays)))


def _tag_for(notes: Iterable[str], text: str) -> str:
    for note in notes:
        if tag := heading(f"({note.strip()})"):
            return tag
        if _SOLO.search(note):
            return "[Solo]"
    return "[Solo]" if not notes and _SOLO.search(text) else ""


def _as_reading(text: str) -> Line | None:
    if text.isascii():
        return None
    rest = _FURIGANA.sub("", text)
    return Line(text, "reading", rest, rest) if rest != text else None


def _as_markup(text: str) -> Line | None:
    rest = _MARKS.sub("", text).strip()
    return Line(text, "markup", rest, rest) if rest != text else None


_READERS = (
    _as_stamp,
    _as_sheet,
    _as_chords,
    _as_heading,
    _as_singer,
    _as_direction,
    _as_reading,
    _as_markup,
)
