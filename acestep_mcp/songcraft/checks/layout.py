"""L: how the lyrics are laid out - tags, markup, what would be sung by mistake."""

import re
from collections.abc import Collection, Iterable
from itertools import groupby, pairwise

from acestep_mcp.songcraft.checks.model import Song
from acestep_mcp.songcraft.fit import Measured
from acestep_mcp.songcraft.notation import kind, qualifiers, shown, tagged

LONGEST_TAG = 40  # characters
LONGEST_LYRICS = 4096  # characters; upstream's documented limit
MOST_LYRIC_TOKENS = 2040  # of the model's 2048
_UNTAGGED_LINES = 4
_COUPLET = 2
_COUPLETS = 3  # in a row under the same tag


def too_many_tokens(song: Song) -> str | None:
    """L14, stop: the end would be cut off, without fail."""
    used = song.tokens
    if used <= MOST_LYRIC_TOKENS:
        return None
    return (
        f"The lyrics are ~{used} tokens, the model reads {MOST_LYRIC_TOKENS}: the end would be "
        "cut off. Remove repeats or split them into two songs."
    )


def too_many_characters(song: Song) -> str | None:
    """L14: over the documented limit, within the one in tokens."""
    length = len(song.draft.lyrics)
    if length <= LONGEST_LYRICS or too_many_tokens(song):
        return None
    return (
        f"The lyrics are {length} characters; {LONGEST_LYRICS} is the documented limit. "
        "Remove repeats or split them into two songs."
    )


def no_tags(song: Song) -> str | None:
    """L3: a song without sections."""
    if len(song.sung) < _UNTAGGED_LINES or song.tags:
        return None
    return (
        f"{len(song.sung)} lines and no section tag: the model follows the structure better with "
        "[Verse], [Chorus], ... on lines of their own."
    )


_MOST_QUALIFIERS = 2
_MOST_WORDS = 7
_SENTENCE = re.compile(r"[.!?\u3002\uff01\uff1f](?:\s|$)")


def tag_is_prose(song: Song) -> str | None:
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


_MARKUP = re.compile(r"[{}【】]|<[^<>]*>|\*\*|__|^#+\s|^#\w|^[-*•]\s|```")
_HEAD = re.compile(
    r"^(?:(?:verse|chorus|pre-chorus|bridge|hook|intro|outro|refrain|solo)(?: ?\d+)?\s*[:\uff1a]"
    r"|(?:title|lyrics|song|artist|style|genre)\s*[:\uff1a])",
    re.IGNORECASE,
)
_BARE_HEAD = re.compile(
    r"^\(?(?:verse|chorus|pre-chorus|bridge|intro|outro)(?: ?\d+)?\)?$", re.IGNORECASE
)


def untidy(song: Song) -> str | None:
    """L5: tags and headings in a form the model takes for words."""
    for line in song.lines:
        fault = _fault(line)
        if fault:
            return f"'{shown(line)}': {fault}"
    return None


def _fault(line: str) -> str | None:
    tags, rest = tagged(line) if "[" in line else ((), line)
    if line.count("[") != line.count("]"):
        return "a bracket is not closed. Put each tag in [ ] on a line of its own."
    if tags and rest:
        return "text behind a tag may be lost. Put the tag on a line of its own."
    if "[" in rest:
        return "a tag inside a line may be sung. Put it on a line of its own."
    if _HEAD.search(rest) or _BARE_HEAD.search(rest):
        return "this heading would be sung. Write sections as tags like [Verse 1], drop titles."
    if _MARKUP.search(rest):
        return "markup would be sung. Use plain lines and [Tags] only."
    return None


_SPACED = re.compile(
    r"(?:[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3] ){3}[\u3041-\u30ff\u3400-\u9fff]"
)


def chopped(song: Song) -> str | None:
    """L6: layouts known to lose lines."""
    for line in song.sung:
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


def _couplets(measured: Iterable[Measured]) -> str | None:
    """The tag of three neighbouring sections of at most two lines each."""
    for tag, run in groupby(measured, key=lambda m: _unnumbered(m.section.tag or "")):
        short = [m for m in run if 0 < len(m.lines) <= _COUPLET]
        if tag and len(short) >= _COUPLETS:
            return tag
    return None


def _unnumbered(tag: str) -> str:
    return tag.casefold().rstrip(" 0123456789")


_BAND = r"guitars?|piano|sax(?:ophone)?|drums?|synth|bass|violin|flute|trumpet|strings|instrumental"
_PART = r"solo|riff|break(?:down)?|fill|interlude|section|intro|outro|passage"
_REPEATED = r"(?:the )?(?:chorus|verse|hook|bridge|line|all)"
_NOTE = re.compile(
    rf"(?:\w+ ){{0,2}}(?:{_BAND})(?: and \w+)? (?:{_PART})|instrumental|interlude"
    r"|(?:the )?(?:beat drops?|music (?:stops|fades|plays|swells)(?: (?:in|out|up))?)"
    r"|fad(?:e|es|ing)[- ](?:in|out)|\d+ bars?(?: .{0,30})?|(?:short )?pause"
    rf"|repeat(?:s|ed)?(?: {_REPEATED})?(?: .{{0,10}})?|[x×] ?\d+|\d+ ?[x×]",  # noqa: RUF001  # both occur
    re.IGNORECASE,
)
_PARENTHESES = re.compile(r"[(\uff08]([^()\uff08\uff09]*)[)\uff09]")
_REPEAT = re.compile(r"\s(?:[x×]\s?\d{1,2}|\d{1,2}\s?[x×])$", re.IGNORECASE)  # noqa: RUF001  # both
_BARE_NOTE = re.compile(
    rf"\W*(?:(?:{_BAND}) (?:solo|break)|instrumental|repeat {_REPEATED}|\(solo\))\W*",
    re.IGNORECASE,
)


def sung_notes(song: Song) -> str | None:
    """L7: directions to the band, where words are."""
    for line in song.sung:
        inside = any(_NOTE.fullmatch(text.strip()) for text in _PARENTHESES.findall(line))
        if inside or _REPEAT.search(line) or _BARE_NOTE.fullmatch(line):
            return (
                f"'{shown(line)}': this note would be sung. Write passages as tags like "
                "[Guitar Solo] and repeated lines out in full."
            )
    return None


_INTERJECTION = re.compile(
    r"(?:\W|\b(?:a+h+|o+h*|ye+a+h+|hey+|h+m+|mm+|la|na|da|doo|woo+|whoa|wo|uh+|ha|hoo)\b)+"
)


def words_under_solo(song: Song) -> str | None:
    """L10: words under a tag that announces none."""
    for measured in song.measured:
        tag = measured.section.tag or ""
        if not measured.lines or kind(tag) not in {"solo", "instrumental"}:
            continue
        words = [line for line in measured.lines if not _INTERJECTION.fullmatch(line.lower())]
        if words and not re.search(r"vocal|ad-?lib", tag, re.IGNORECASE):
            return (
                f"'{shown(words[0])}' stands under [{shown(tag)}], an instrumental "
                "passage. Put a tag like [Verse] before the words or take them out."
            )
    return None


_LATIN_WORD = re.compile(r"[a-zà-ɏ]{4,}")
_FILLER = frozenset({"with", "that", "this", "from", "your", "have", "like", "into", "over"})
_OVERLAP = 0.6
_FEWEST_WORDS = 4


def caption_in_lyrics(song: Song) -> str | None:
    """L8: a line made of the words of the prompt."""
    known = frozenset(_LATIN_WORD.findall(song.caption)) - _FILLER
    pairs = frozenset(map("".join, pairwise(song.caption)))
    for line in song.sung:
        if len(line) <= _FEWEST_PAIRS:
            continue
        words = [w for w in _LATIN_WORD.findall(line.lower()) if w not in _FILLER]
        shared = sum(word in known for word in words)
        if len(words) >= _FEWEST_WORDS and shared >= _OVERLAP * len(words):
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
