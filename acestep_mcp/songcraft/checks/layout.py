"""L: how the lyrics are laid out - tags, markup, words in the wrong place."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import groupby, pairwise

from acestep_mcp.songcraft.checks.model import Parsed
from acestep_mcp.songcraft.fit import CountedPart
from acestep_mcp.songcraft.notation import kind, qualifiers, several, shown, tagged
from acestep_mcp.songcraft.reading import Line, is_no_tag

LONGEST_TAG = 48  # characters
LONGEST_LYRICS = 4096  # characters; upstream's documented limit
MOST_LYRIC_TOKENS = 2040  # of the model's 2048
_UNTAGGED_LINES = 4
_COUPLET = 2
_COUPLETS = 3  # in a row under the same tag


def too_many_tokens(song: Parsed) -> str | None:
    """L14, stop: the end would be cut off, without fail."""
    used = song.tokens
    if used <= MOST_LYRIC_TOKENS:
        return None
    return (
        f"The lyrics are ~{used} tokens, the model reads {MOST_LYRIC_TOKENS}: the end would be "
        "cut off. Remove repeats or split them into two songs."
    )


def too_many_characters(song: Parsed) -> str | None:
    """L14: over the documented limit, within the one in tokens."""
    length = len(song.request.lyrics)
    if length <= LONGEST_LYRICS or too_many_tokens(song):
        return None
    return (
        f"The lyrics are {length} characters; {LONGEST_LYRICS} is the documented limit. "
        "Remove repeats or split them into two songs."
    )


def no_tags(song: Parsed) -> str | None:
    """L3: a song without sections."""
    if len(song.sung) < _UNTAGGED_LINES or any(section.tag for section in song.sections):
        return None
    return (
        f"{len(song.sung)} lines and no section tag: the model follows the structure better with "
        "[Verse], [Chorus], ... on lines of their own."
    )


_MOST_QUALIFIERS = 2
_MOST_WORDS = 8
_SENTENCE = re.compile(r"[.!?\u3002\uff01\uff1f](?:\s|$)")


def tag_is_prose(song: Parsed) -> str | None:
    """L4: a tag long enough to be sung."""
    for tag in song.tags:
        if (
            len(tag) > LONGEST_TAG
            or len(qualifiers(tag)) > _MOST_QUALIFIERS
            or len(tag.split()) > _MOST_WORDS
            or _SENTENCE.search(tag)
        ):
            return (
                f"The tag [{shown(tag)}] is long enough to be sung. Keep a tag to a section and "
                "one or two qualifiers, e.g. [Chorus - anthemic]; move the rest to the prompt."
            )
    return None


_MARKED = re.compile(r"[\[\]{}<>\u3010\u3011\uff3b\uff3d]")
_MARKUP = re.compile(r"[{}]|<[^<>]*>|[【】［］]")  # noqa: RUF001  # full-width ones


def untidy(song: Parsed) -> str | None:
    """L5: tags and marks in a form the model takes for words."""
    faults: dict[str, list[str]] = defaultdict(list)
    for section in song.sections:
        for line in section.read:
            if (line.role == "markup" or _MARKED.search(line.sung)) and (fault := _fault(line)):
                faults[fault].append(line.text)
    for row in (row for row in song.lines if "[" in row or "]" in row):
        tags, rest = tagged(row)
        if row.count("[") != row.count("]"):
            faults["a bracket is not closed; put each tag in [ ] on a line of its own"].append(row)
        elif tags and rest and not is_no_tag(row):
            faults["text behind a tag may be lost; put the tag on its own line"].append(row)
    return " ".join(f"{several(lines)}: {fault}." for fault, lines in faults.items()) or None


def _fault(line: Line) -> str:
    if line.role == "markup":
        return f"markup would be sung; write '{shown(line.sung, 30)}'"
    if line.role != "sung":
        return ""
    if "[" in line.sung and "]" in line.sung:
        return "a tag inside a line may be sung; put it on a line of its own"
    return "markup would be sung; use plain lines and [Tags]" if _MARKUP.search(line.sung) else ""


_REPEAT_TAG = re.compile(
    r"\brepeat|[x×]\s?\d|\d\s?[x×]|\bbis\b|\btwice\b|重复|重複|くり返し|繰り返し|반복",  # noqa: RUF001
    re.IGNORECASE,
)


def repeats(song: Parsed) -> str | None:
    """L22: tags that ask for a repetition."""
    found = [tag for tag in song.tags if _REPEAT_TAG.search(tag)]
    if not found:
        return None
    return (
        f"{several([f'[{tag}]' for tag in found])}: the model knows no repeat. Write the section "
        "out again, with its words."
    )


_MOST_TAGS = 2  # one under the other


def stacked(song: Parsed) -> str | None:
    """L23: several tags for one section."""
    run: list[str] = []
    for raw in song.request.lyrics.splitlines():
        row = raw.strip()
        if not row.startswith("[") or is_no_tag(row):
            run = []
            continue
        tags, rest = tagged(row)
        run = [*run, *tags] if tags else []
        if len(tags) > 1 or len(run) > _MOST_TAGS:
            return _stacked(run)
        if rest:
            run = []
    return None


def _stacked(tags: Sequence[str]) -> str:
    first, *rest = tags
    one = f"[{first} - {rest[0].lower()}]"
    return (
        f"[{shown(first, 20)}] has {len(rest)} more tag{'s' if len(rest) > 1 else ''} with it; "
        f"stacked tags get sung. Write one, such as {shown(one, 40)}, and move the rest to the "
        "prompt."
    )


_SPACED = re.compile(
    r"(?:[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3] ){3}[\u3041-\u30ff\u3400-\u9fff]"
)


def chopped(song: Parsed) -> str | None:
    """L6: layouts known to lose lines. Raps have been published that were written so."""
    for line in () if song.needs.rap else song.sung:
        if _SPACED.search(line):
            return (
                f"'{shown(line)}': spaces between characters make the model drop lines. "
                "Write words as they are normally written."
            )
    if tag := _couplets(song.measured):
        return (
            f"[{shown(tag)}] stands before every couplet, which makes the model drop lines. "
            "Put it once, before a group of four to eight lines."
        )
    return None


def _couplets(measured: Iterable[CountedPart]) -> str | None:
    """The tag of three neighbouring sections of at most two lines each."""
    for tag, run in groupby(measured, key=lambda m: _unnumbered(m.section.tag or "")):
        short = [m for m in run if 0 < len(m.lines) <= _COUPLET]
        if tag and len(short) >= _COUPLETS:
            return tag
    return None


def _unnumbered(tag: str) -> str:
    return tag.casefold().rstrip(" 0123456789")


_INTERJECTION = re.compile(
    r"(?:\W|\b(?:a+h+|o+h*|ye+a+h+|hey+|h+m+|mm+|la|na|da|doo|woo+|whoa|wo|uh+|ha|hoo)\b)+"
)


_WITH_WORDS = r"vocal|ad-?lib|spoken|word|rap|voice|chant|whisper|sung|sing|choir|narrat|scat"


def words_under_solo(song: Parsed) -> str | None:
    """L10: words under a tag that announces none."""
    for measured in song.measured:
        tag = measured.section.tag or ""
        if not measured.lines or kind(tag) not in {"solo", "instrumental"}:
            continue
        words = [line for line in measured.lines if not _INTERJECTION.fullmatch(line.lower())]
        if words and not re.search(_WITH_WORDS, tag, re.IGNORECASE):
            return (
                f"'{shown(words[0])}' stands under [{shown(tag)}], an instrumental "
                "passage. Put a tag like [Verse] before the words or take them out."
            )
    return None


_LATIN_WORD = re.compile(r"[a-zà-ɏ]{4,}")
_FILLER = frozenset({"with", "that", "this", "from", "your", "have", "like", "into", "over"})
_OVERLAP = 0.6
_FEWEST_WORDS = 4
_FEWEST_STYLES = 2
#: Words of styles: a line may share its words with the prompt without describing the music.
_STYLE = re.compile(
    r"\b(?:guitars?|piano|drums?|bass|synth\w*|strings|vocals?|beats?|brass|pads?|808s?|acoustic"
    r"|electric|ballad|pop|rock|folk|jazz|trap|house|techno|ambient|orchestral|production|reverb"
    r"|tempo|bpm|mix|hi-hats?|percussion|brushed|distorted|lo-?fi|indie|rhythm|melody|chorus)\b"
)


def caption_in_lyrics(song: Parsed) -> str | None:
    """L8: a line made of the words of the prompt."""
    known = frozenset(_LATIN_WORD.findall(song.caption)) - _FILLER
    pairs = frozenset(map("".join, pairwise(song.caption)))
    for line in song.sung:
        if len(line) <= _FEWEST_PAIRS:
            continue
        words = [w for w in _LATIN_WORD.findall(line.lower()) if w not in _FILLER]
        shared = sum(word in known for word in words)
        styled = len(set(_STYLE.findall(line.lower()))) >= _FEWEST_STYLES
        if styled and len(words) >= _FEWEST_WORDS and shared >= _OVERLAP * len(words):
            return _repeated(line)
        if not (line.isascii() or song.caption.isascii()) and _cjk_overlap(line, pairs) >= _OVERLAP:
            return _repeated(line)
    return None


def _repeated(line: str) -> str:
    return f"'{shown(line)}' repeats the prompt and would be sung. Keep style words in the prompt."


_CJK_RUN = re.compile(r"[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]+")
_FEWEST_PAIRS = 6


def _cjk_overlap(line: str, known: Collection[str]) -> float:
    pairs = [a + b for run in _CJK_RUN.findall(line) for a, b in pairwise(run)]
    if len(pairs) < _FEWEST_PAIRS:
        return 0.0
    return sum(pair in known for pair in pairs) / len(pairs)
