"""How a song is written down: keys, meters, section tags (and, re-exported, scripts).

Everything here is pure and total: `key` and `meter` raise `NotationError` and nothing else,
the readers of lyrics accept any text. Source of the vocabulary: ACE-Step 1.5's parser and its
published examples.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from acestep_mcp.domain.catalogue import METERS
from acestep_mcp.domain.text import clean
from acestep_mcp.songcraft import reading
from acestep_mcp.songcraft.reading import Line

MAX_MESSAGE = 200  # characters; a message is one line of a tool answer


class NotationError(ValueError):
    """A key or meter the model has no word for.

    The message is one line of at most 200 characters, names what was given and what to write
    instead, and quotes the given text only as `shown` leaves it.
    """


def shown(text: str, limit: int = 40) -> str:
    """`text` as one safe line of at most `limit` characters, for quoting in a message."""
    return clean(text, limit)


def several(lines: Sequence[str]) -> str:
    """The first of the lines, and how many more there are."""
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    return f"'{shown(lines[0], 30)}'{more}"


# --- keys ------------------------------------------------------------------------------------

_ROOTS = "C C# Db D D# Eb E F F# Gb G G# Ab A A# Bb B".split()  # noqa: SIM905  # reads as music
KEYS: tuple[str, ...] = tuple(f"{root} {mode}" for root in _ROOTS for mode in ("major", "minor"))

_ENHARMONIC = {"E#": "F", "Fb": "E", "B#": "C", "Cb": "B"}  # legal for the parser, never trained
_SOLFEGE = {"do": "C", "re": "D", "mi": "E", "fa": "F", "sol": "G", "la": "A", "si": "B"}
_GERMAN = re.compile(r"^([a-gh])(is|es|s)(?=[\W_]*(?:dur|moll)?$)", re.IGNORECASE)
_SHARP = r"#|sharp|sostenido|diesis|dièse|diese"
_FLAT = r"b|flat|bemolle|bemol|bémol"
_MAJOR = r"M|(?i:maj(?:or|\.)?|dur|mayor|maior|majeur|maggiore|大调|大調|長調|メジャー)"
_MINOR = (
    r"m|(?i:(?:natural|harmonic|melodic)?\W*min(?:or|\.)?|moll|menor|mineur|minore"
    r"|小调|小調|短調|マイナー)"
)
_KEY = re.compile(
    r"(?P<root>(?i:do|r[eé]|mi|fa|sol|la|si)(?![a-z])|(?i:[a-h]))"
    rf"[\s_-]*(?:(?P<sharp>(?i:{_SHARP}))|(?P<flat>(?i:{_FLAT})))?"
    rf"[\s_-]*(?:(?P<minor>{_MINOR})|(?P<major>{_MAJOR}))?"
)
_AROUND = re.compile(r"^(?:in )?(?:the )?(?:key (?:of )?)?|[\s-]*(?:key|scale)?\.?$", re.IGNORECASE)
_MODES = {
    "dorian": "minor",
    "phrygian": "minor",
    "locrian": "minor",
    "aeolian": "minor",
    "blues": "minor",
    "ionian": "major",
    "lydian": "major",
    "mixolydian": "major",
    "pentatonic": "major",
}
_MODE = re.compile(
    "|".join(sorted(_MODES, reverse=True)), re.IGNORECASE
)  # mixolydian before lydian
_AUTO = {"", "auto", "any", "none"}


def key(text: str) -> str:
    """One of `KEYS` for any common spelling; `""` for an empty text or "auto".

    Understands "Am", "f#min", "B♭ Maj", "d-flat major", "fis-moll", "la menor"; a bare letter
    is major. Raises `NotationError` for modes (naming the nearest key), the German H and B
    (which B is meant?), and anything else.
    """
    bare = _AROUND.sub("", " ".join(_plain(text).split()))
    if bare.casefold() in _AUTO:
        return ""
    found = _KEY.fullmatch(_english_root(bare))
    if found is None:
        raise NotationError(_unknown_key(text, bare))
    root = _root(found, bare)
    return f"{_ENHARMONIC.get(root, root)} {'minor' if found['minor'] else 'major'}"


def _plain(text: str) -> str:
    composed = unicodedata.normalize("NFKC", text[:200])
    return composed.replace("♯", "#").replace("♭", "b").strip()


def _english_root(bare: str) -> str:
    """German "Fis" as "F#", "Es" as "Eb", "As" as "Ab"."""
    found = _GERMAN.match(bare)
    if found is None or (found[2].lower() == "s" and found[1].lower() not in "ea"):
        return bare
    return found[1] + ("#" if found[2].lower() == "is" else "b") + bare[found.end() :]


def _root(found: re.Match[str], bare: str) -> str:
    name = found["root"].lower().replace("é", "e")
    letter = _SOLFEGE.get(name, name.upper())
    german = re.search(r"dur|moll", bare, re.IGNORECASE)
    if letter == "H" or (letter == "B" and german and not found["sharp"] and not found["flat"]):
        raise NotationError(
            f"'{shown(bare, 30)}' is German notation, where H is B and B is Bb. "
            "Write the key in English: 'B minor' or 'Bb minor', 'B major' or 'Bb major'."
        )
    return letter + ("#" if found["sharp"] else "b" if found["flat"] else "")


def _unknown_key(text: str, bare: str) -> str:
    mode = _MODE.search(bare)
    tonic = _KEY.fullmatch(bare[: mode.start()].strip()) if mode else None
    if mode and tonic and tonic["root"].lower() != "h":
        name = mode[0].lower()
        nearest = f"{_root(tonic, bare)} {'minor' if tonic['minor'] else _MODES[name]}"
        return (
            f"'{shown(text)}' is not a key ACE-Step knows; it has major and minor only. "
            f"Use '{nearest}' and put '{name}' in the prompt."
        )
    return (
        f"'{shown(text)}' is not a key ACE-Step knows. Use a note A-G with optional # or b and "
        "major or minor, e.g. 'C major', 'F# minor', 'Bb major'."
    )


# --- meters ----------------------------------------------------------------------------------

_METER = re.compile(r"(\d{1,2})(?:\s*[/:]\s*(\d{1,2}))?(?:\s*time)?", re.IGNORECASE)
_METER_NAMES = {"common time": "4/4", "c": "4/4", "𝄴": "4/4"}


def meter(text: str) -> str:
    """One of `METERS` for "4", "4/4", "common time"…; `""` for an empty text or "auto".

    Raises `NotationError` for every other meter: only these four were in the training data.
    """
    bare = " ".join(_plain(text).casefold().split())
    if bare in _AUTO:
        return ""
    found = _METER.fullmatch(bare)
    numerals = found.group(1, 2) if found else ("", "")
    for known in METERS:
        top, bottom = known.split("/")
        if numerals in ((top, bottom), (top, None)):
            return known
    if bare in _METER_NAMES:
        return _METER_NAMES[bare]
    raise NotationError(f"'{shown(text)}' {_meter_help(numerals[0])}")


def _meter_help(top: str | None) -> str:
    only = "is not a meter ACE-Step knows: only 2/4, 3/4, 4/4 and 6/8."
    if top in {"9", "12"}:
        return f"{only} Use 6/8, or 4/4 with 'triplet swing' in the prompt."
    if top in {"5", "7", "11", "13"}:
        return f"{only} Odd meters are unreliable; use 4/4 or 3/4."
    return only


# --- lyrics ----------------------------------------------------------------------------------

INSTRUMENTAL = "[Instrumental]"

_CODES = (
    "ar az bg bn ca cs da de el en es fa fi fr he hi hr ht hu id is it ja ko la lt ms ne nl no pa "
    "pl pt ro ru sa sk sr sv sw ta te th tl tr uk ur vi yue zh"
)
#: The language codes ACE-Step 1.5 lists; a line may begin with one in brackets ("[zh] …").
LANGUAGES = frozenset(_CODES.split())

Kind = Literal[
    "verse", "pre-chorus", "chorus", "post-chorus", "hook", "bridge", "intro", "outro",
    "solo", "instrumental", "break", "drop", "build", "ending", "voice", "mood", "other",
]  # fmt: skip

_VOICE = (
    r"\bwhisper|\bfalsetto|\bvocals?\b|\bbelting|\bspoken|\bharmon|\bduet|\bad-?libs?\b|\bchoir"
    r"|\bcall and response|\b(?:fe)?male\b|\brap(?:ped|ping)?\b|\bsinger|\bscat"
)
_KIND_WORDS: dict[Kind, str] = {  # first match wins
    "pre-chorus": r"\bpre[\s-]?(?:chorus|hook)",
    "post-chorus": r"\bpost[\s-]?chorus",
    "chorus": r"\bchorus|\brefrain",
    "verse": r"\bverse|\bstrophe",
    "bridge": r"\bbridge|\bmiddle (?:8|eight)",
    "hook": r"\bhook",
    "solo": r"\bsolo\b",
    "instrumental": r"\binst(?:rumental)?s?\b|\binterlude|\briff\b|\btheme\b",
    "break": r"\bbreak(?:down)?\b",
    "drop": r"\bdrop\b",
    "build": r"\bbuild(?:[\s-]?up)?\b|\bclimax|\bcrescendo",
    "intro": r"\bintro",
    "ending": r"\bfad(?:e|es|ing)\b|\bsilence|\bends?\b|\bending",
    "outro": r"\boutro|\bcoda",
    "voice": _VOICE,
    "mood": r"\benergy|\bexplosive|\bmelanchol|\beuphori|\bdreamy|\baggressive",
}
_KINDS = [(name, re.compile(words)) for name, words in _KIND_WORDS.items()]
_ANY_KIND = re.compile("|".join(_KIND_WORDS.values()))
_DASH = r"\s[-–—]\s"  # noqa: RUF001  # dashes are meant
_LONGEST_HEAD = 200  # characters
_HEAD_END = re.compile(rf"{_DASH}|:")
_BETWEEN = re.compile(rf"{_DASH}|[,;|/]")

_TAG = re.compile(r"\[([^\[\]]*)\]\s*")
_BRACKETED = re.compile(r"\[[^\[\]]*\]")


@dataclass(frozen=True, slots=True)
class Section:
    """A tag and the text under it.

    `tag` is the text inside the brackets, trimmed, or None for text before any tag; a heading
    without brackets begins a section, too, with the tag that should stand for it (`written` is
    False then). `read` is what each non-empty line is, without a language prefix.
    """

    tag: str | None
    read: tuple[Line, ...] = ()
    written: bool = True

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines as they stand."""
        return tuple(line.text for line in self.read)

    @property
    def sung(self) -> tuple[str, ...]:
        """What somebody sings, line by line."""
        return tuple(line.sung for line in self.read if is_sung(line.sung))


def sections(lyrics: str) -> tuple[Section, ...]:
    """The song in order. Text behind a tag on its line counts as the section's first line."""
    rows = [_row(raw) for raw in lyrics.splitlines() if raw.strip()]
    read = iter(reading.read(rest for _, rest in rows if rest))
    found: list[tuple[str | None, list[Line], bool]] = [(None, [], True)]
    for tags, rest in rows:
        found.extend((tag, [], True) for tag in tags)
        if not rest:
            continue
        line = next(read)
        if line.role == "heading":
            found.append((line.cure.strip("[]"), [], False))
        found[-1][1].append(line)
    return tuple(
        Section(tag, tuple(lines), written)
        for tag, lines, written in found
        if tag is not None or lines
    )


def _row(raw: str) -> tuple[tuple[str, ...], str]:
    """The tags of a line and the text behind them; stamps and chords in brackets are no tags."""
    text = raw.strip()
    return ((), text) if text[0] != "[" or reading.is_no_tag(text) else tagged(text)


@lru_cache(maxsize=4096)  # three rules read the same lines
def tagged(line: str) -> tuple[tuple[str, ...], str]:
    """The tags a line begins with and the text behind them; language prefixes are dropped."""
    text, at, tags = line.strip(), 0, []
    if not text.startswith("["):
        return (), text
    while found := _TAG.match(text, at):
        at = found.end()
        if found[1].strip() and found[1].strip().lower() not in LANGUAGES:
            tags.append(" ".join(found[1].split()))
    return tuple(tags), text[at:]


def kind(tag: str) -> Kind:
    """What a tag stands for, read from its head ("Chorus - anthemic" is a chorus)."""
    return _kind(tag[:_LONGEST_HEAD])  # what is remembered must not be as long as lyrics


@lru_cache(maxsize=4096)  # more tags than the longest lyrics have
def _kind(tag: str) -> Kind:
    head = _HEAD_END.split(tag.casefold(), maxsplit=1)[0]
    if not _ANY_KIND.search(head):
        return "other"
    return next((name for name, words in _KINDS if words.search(head)), "other")


def qualifiers(tag: str) -> tuple[str, ...]:
    """What follows the head: ("male vocal", "soft") for "Verse 2 - male vocal, soft"."""
    _, *rest = _HEAD_END.split(tag, maxsplit=1)
    parts = _BETWEEN.split(rest[0]) if rest else []
    return tuple(part.strip() for part in parts if part.strip())


_WORD = re.compile(r"[^\W_]")


def is_sung(line: str) -> bool:
    """Whether a line holds a letter or digit outside square brackets."""
    return bool(_WORD.search(_BRACKETED.sub("", line) if "[" in line else line))


def is_instrumental(lyrics: str) -> bool:
    """Whether these lyrics make the model play without singing.

    True for at least one tag and no sung line: `[Instrumental]`, `[inst]`, or a plan of tags
    only. False for empty lyrics: with nothing to read, the model has been heard to sing.
    """
    plan = sections(lyrics)
    return any(section.tag for section in plan) and not any(section.sung for section in plan)
