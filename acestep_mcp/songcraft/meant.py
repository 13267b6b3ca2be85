r"""What a text was meant to be, where a program on its way here has escaped it.

Models and the frameworks around them escape a text once too often: `\n` arrives as two
characters, the lyrics as a JSON string or as a JSON list of lines, `&` as `&amp;`, a line break
as `<br>`. Sung like that they are lost, so they are undone; but a song may hold a backslash, an
ampersand or "100%" of its own, so only what no songwriter writes is. And what is no text at all
(`null`, a template that nobody filled in, a whole call in one argument) is named as such.

`meant` reads in rounds, each of which undoes one layer of every kind, until nothing is left to
undo. Therefore what it returns it leaves alone, and a text has one form however it was escaped.
Every pattern takes time in proportion to the text: none can be read in two ways.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html.entities import html5

from acestep_mcp.domain.text import clean

DEEPEST = 8
"""Rounds: layers of escaping. Wrappers double in size with each, so honest texts need three."""


@dataclass(frozen=True, slots=True)
class Meant:
    """A text as it was meant.

    `undone` names each kind of escaping that was taken off, in words. `fault` says why this is
    no text to make a song from, and what to write instead; then `text` is what was given.
    `doubt` is what else the caller should look at.
    """

    text: str
    undone: tuple[str, ...] = ()
    fault: str = ""
    doubt: str = ""


def meant(text: str, argument: str) -> Meant:
    """Read the `argument` of that name: "prompt", "lyrics" or "title". Total and idempotent."""
    left, undone = seen(text), dict[str, None]()
    for _ in range(DEEPEST):
        if fault := _no_text(left, argument):
            return Meant(text, fault=fault)
        before, now = left, _Round(argument, one_line="\n" not in left.strip())
        for name, undo in _WRAPPERS.items():
            if (after := undo(left, now)) != left:
                left, undone[name] = seen(after), None
                break  # what was inside is a text for itself: it may have lines
        else:
            for name, undo in _CODES.items():
                if (after := undo(left, now)) != left:
                    left, undone[name] = seen(after), None
        if left == before:
            return Meant(left, tuple(undone), doubt=_mojibake(text))
    return Meant(text, fault="it is escaped many times over; send the text itself")


def same(text: str) -> str:
    """The text as a person tells songs apart: equal for texts that look and read alike.

    Other Unicode forms of a letter, runs of blanks, blanks around lines, further blank lines and
    what chooses between two shapes of one sign make no other song.
    """
    plain = _SHAPES.sub("", unicodedata.normalize("NFKC", text))
    lines = [" ".join(line.split()) for line in plain.split("\n")]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")


_SHAPES = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_BLANK_LINES = re.compile(r"\n{3,}")


# --- what nobody sees ------------------------------------------------------------------------

_LINE_ENDS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_TERMINAL = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)"
# Unicode's Default_Ignorable_Code_Point, the controls, and what stands for no character. Not NUL,
# which says that this is no text.
_HIDDEN = (
    r"\x01-\x08\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    r"\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0"
    r"\ufff0-\ufffc\ufffe\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff"
)
_UNSEEN = re.compile(rf"{_TERMINAL}|[{_HIDDEN}]")
_JOINING = (  # letters of scripts in which a joiner changes the shape of its neighbours
    r"\u0620-\u06ff\u0710-\u08ff\u0900-\u0dff\u0f40-\u0fbc\u1000-\u109f\u1780-\u17b3\u17b6-\u17d3"
    r"\u1820-\u18aa\u1a20-\u1aad\u1b00-\u1b4b\ua840-\ua873\ua980-\ua9c0\uaa60-\uaa7f\ufb50-\ufdcf"
    r"\ufdf0-\ufdfb\ufe70-\ufefc\U00010a00-\U00011fff"
)
_VIRAMA = r"\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca\u1039\u17d2"
_PICTURE = r"[\xa9\xae\u203c-\u205f\u2070-\u2bff\u3030-\u3299\U0001f000-\U0001faff]"
_PICTURES = rf"{_PICTURE}[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]?"
# What of the hidden belongs where it stands: it is matched first, with what it belongs to.
_STAYS = "|".join(
    (
        "\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f",  # the flag of Scotland
        rf"{_PICTURES}(?:\u200d{_PICTURES})+",  # a family of emoji
        rf"[^\s{_HIDDEN}][\ufe00-\ufe0f\U000e0100-\U000e01ef]",  # a sign in one of its shapes
        rf"(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])",
        rf"(?<=[{_VIRAMA}])[\u200c\u200d]",
        r"(?<=[\u0300-\u036f\u0591-\u05c7])\u034f(?=[\u0300-\u036f\u0591-\u05c7])",
        r"(?<=[\u1820-\u18aa])(?:[\u180b-\u180d\u180f]|\u180e(?=[\u1820-\u18aa]))",
    )
)
_STAYS_OR_GOES = re.compile(rf"({_STAYS})|{_UNSEEN.pattern}")


def seen(text: str) -> str:
    """The text with line feeds for every kind of line end, and without what nobody sees."""
    broken = _LINE_ENDS.sub("\n", text).replace("\u2800", " ")  # a braille cell without dots
    if not _UNSEEN.search(broken):
        return broken
    return _STAYS_OR_GOES.sub(lambda found: found[1] or "", broken)


# --- one layer of escaping -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Round:
    """What a layer may know besides the text: the argument, and if this round began on one line."""

    argument: str
    one_line: bool


_DOUBLE = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_SINGLE = r"'[^'\\]*(?:\\.[^'\\]*)*'"
_STRING = re.compile(rf"(?P<prefix>[bu])?(?:{_DOUBLE}|{_SINGLE})", re.DOTALL)
_TRIPLE = re.compile(r'"""(.*)"""' + r"|'''(.*)'''", re.DOTALL)
_ITEM = rf"(?:{_DOUBLE}|{_SINGLE}|null|None)"
# A quantifier with a further "+" never gives back what it took.
_LIST = re.compile(rf"\[\s*+(?:{_ITEM}\s*+(?:,\s*+|(?=\])))*+\]", re.DOTALL)
_ITEMS = re.compile(rf"{_DOUBLE}|{_SINGLE}|null|None", re.DOTALL)
_TELLING = re.compile(r"""\\[nrtu"'\\/]|\\x[0-9a-fA-F]{2}""")


def _unquoted(text: str, now: _Round) -> str:
    """Out of a string literal of JSON or Python.

    Quotes without an escape inside may be the songwriter's own: a title in quotation marks, a
    line that begins and ends with an apostrophe, a dialogue. Only around all of a prompt, around
    lyrics of one line if they are double ones, or before a tag, did a program put them there.
    """
    bare = text.strip()
    if not bare.endswith(('"', "'")):
        return text
    if (triple := _TRIPLE.fullmatch(bare)) and len(bare) > len('""""""'):
        return triple[1] if triple[1] is not None else triple[2]
    found = _STRING.fullmatch(bare)
    if not found:
        return text
    inside = bare[2:-1] if found["prefix"] else bare[1:-1]
    told = _TELLING.search(inside) and (now.one_line or '\\"' in inside)
    marks = '"' in bare[:2] or (now.argument == "prompt" and inside[:1].isalpha())
    alone = marks and now.one_line and now.argument != "title"
    if not (told or alone or (bare[0] == '"' and inside.startswith("["))):
        return text
    plain = _unescaped(inside, _QUOTED)
    return _as_utf8(plain) if found["prefix"] == "b" else plain


def _listed(text: str, _: _Round) -> str:
    """The lines of a JSON or Python list."""
    bare = text.strip()
    if not bare.startswith("[") or not _LIST.fullmatch(bare):
        return text
    items = _ITEMS.findall(bare)
    if not any(item[0] in "\"'" for item in items):
        return text if items else ""
    return "\n".join("" if item[0] in "nN" else _unescaped(item[1:-1], _QUOTED) for item in items)


_ESCAPE = re.compile(
    r"\\(?:u\{(?P<braced>[0-9a-fA-F]{1,6})\}|u(?P<four>[0-9a-fA-F]{4})|U(?P<eight>[0-9a-fA-F]{8})"
    r"|(?P<bytes>x[0-9a-fA-F]{2}(?:\\x[0-9a-fA-F]{2})*+)|(?P<one>.))",
    re.DOTALL,
)
_LOOSE = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "/": "/", "\\": "\\"}
_QUOTED = {**_LOOSE, "b": "\b", "f": "\f", "v": "\v", "\n": ""}


def _unescaped(text: str, known: Mapping[str, str]) -> str:
    def plain(found: re.Match[str]) -> str:
        if one := found["one"]:
            return known.get(one, found[0])
        if several := found["bytes"]:
            return _as_utf8("".join(chr(int(each, 16)) for each in several[1:].split("\\x")))
        code = int(found["braced"] or found["four"] or found["eight"], 16)
        return chr(code) if code <= 0x10FFFF else found[0]  # noqa: PLR2004  # the last character

    return _paired(_ESCAPE.sub(plain, text))


def _as_utf8(text: str) -> str:
    """Characters that stand for bytes, decoded; as they are where they stand for none."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _paired(text: str) -> str:
    """Halves of surrogate pairs put together."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


_BREAK = re.compile(r"\\(?:r\\n|[nr]|u000[aAdD]|u202[89]|x0[aAdD])")
_DRIVE = re.compile(r"\b[C-Zc-z]:\\[^\s:]*+")


def _broken(text: str, now: _Round) -> str:
    r"""Escapes in a text of one line that should have several: `\n`, and the others with it.

    Beside real line ends a `\n` is somebody's own, and so it is in `C:\new`.
    """
    if "\\" not in text or not now.one_line or not _BREAK.search(_DRIVE.sub("", text)):
        return text
    return _unescaped(text, _LOOSE)


_HALF = r"[dD][89a-bA-B][0-9a-fA-F]{2}\\++u[dD][c-fC-F][0-9a-fA-F]{2}"
_UNICODE = re.compile(rf"(?<!\\)\\++u(?:{_HALF}|(?![dD][89a-fA-F])[0-9a-fA-F]{{4}})")
_STRAY = re.compile(r"""(?<!\\)\\++(?=["'])|(?<=\w)\\++(?=/\w)|(?m:^)\\(?=\[)|\\(?=\](?m:$))""")


def _strays(text: str, _: _Round) -> str:
    r"""Escapes that nobody writes, wherever they stand: `caf\u00e9`, `Don\'t`, `24\/7`, `\[Verse\]`."""  # noqa: E501
    if "\\" not in text:
        return text

    def character(found: re.Match[str]) -> str:
        return "".join(chr(int(each, 16)) for each in re.findall(r"[0-9a-fA-F]{4}", found[0]))

    return _STRAY.sub("", _paired(_UNICODE.sub(character, text)))


_OCTET = re.compile(r"%(?:25)*([0-9a-fA-F]{2})")
_OCTETS = re.compile(r"(?:%(?:25)*[0-9a-fA-F]{2})+")
_LINE_OCTET = re.compile(r"%(?:25)*+0[aAdD]")
_BLANK_OCTET = re.compile(r"(?<=\S)%(?:25)*+20(?=\S)")
_MANY = 3  # signs that could each be the songwriter's own, and together are not
_PLUS = re.compile(r"(?<=[^\s+])\+(?=[^\s+])")


def _percent(text: str, now: _Round) -> str:
    """Percent-encoding: `%0A` in a text of one line, `%20` in one without a blank, `%C3%A9`.

    "100%" is none, nor is a sequence that is no UTF-8.
    """
    if "%" not in text and "+" not in text:
        return text
    blank = " " in text.strip() or "\t" in text
    blanks = not blank and _BLANK_OCTET.search(text)
    lines = now.one_line and _LINE_OCTET.search(text)
    octets = len(_OCTET.findall(text))
    # As in the query of an address, where "+" is a blank; "pop+rock" may be the songwriter's.
    few = 1 if lines else 2 if octets else 8
    form = not blank and not blanks and len(_PLUS.findall(text)) >= few
    whole = blanks or lines or form or (not blank and octets >= _MANY)

    def decoded(found: re.Match[str]) -> str:
        try:
            plain = bytes(int(each, 16) for each in _OCTET.findall(found[0])).decode()
        except UnicodeDecodeError:
            return found[0]
        return plain if whole or not plain.isascii() else found[0]

    return _OCTETS.sub(decoded, text.replace("+", " ") if form else text)


_ENTITY = re.compile(
    r"&(?:amp;|#0*38;|#[xX]0*26;)*(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]\w{1,31});"
)
_TAG_BREAK = re.compile(r"<br\b[^<>]*>[ \t]*+\n?", re.IGNORECASE)
_BLOCK = re.compile(r"</(p|div|li|h[1-6])\s*>\s*+(?:<\1\b[^<>]*>)?", re.IGNORECASE)
_MARKUP = re.compile(
    r"</?(?:p|div|span|li|ul|ol|h[1-6]|b|i|u|em|strong|html|body|pre|blockquote)\b[^<>]*>",
    re.IGNORECASE,
)


def _html(text: str, _: _Round) -> str:
    """HTML: entities, line breaks, and other tags beside these. `R&B;` is no entity."""
    if "&" in text and ";" in text:
        text = _ENTITY.sub(_character, text)
    if "<" not in text or not (_TAG_BREAK.search(text) or _BLOCK.search(text)):
        return text
    broken = _BLOCK.sub(lambda found: "\n\n" if found[1] in "pP" else "\n", text)
    plain = _MARKUP.sub("", _TAG_BREAK.sub("\n", broken))
    return "\n".join(line.rstrip(" \t") for line in plain.split("\n")).strip("\n")


def _character(found: re.Match[str]) -> str:
    name = found[1]
    if name[0] != "#" and f"{name};" not in html5:
        return f"&{name};"
    return html.unescape(f"&{name};").replace("\xa0", " ")  # `&nbsp;` only kept words on a line


_MARKS = ("prompt", "lyrics", "title", "caption", "text", "string", "value", "content", "output")


def _unwrapped(text: str, _: _Round) -> str:
    """Out of `<lyrics>…</lyrics>` or `<![CDATA[…]]>` around all of it."""
    bare = text.strip()
    if bare.startswith("<![CDATA[") and bare.endswith("]]>"):
        return bare[len("<![CDATA[") : -len("]]>")]
    lower = bare[:20].lower()
    for name in _MARKS:
        head, tail = f"<{name}>", f"</{name}>"
        if lower.startswith(head) and bare[-len(tail) :].lower() == tail:
            return bare[len(head) : -len(tail)].strip("\n")
    return text


_Layer = Callable[[str, _Round], str]
_WRAPPERS: dict[str, _Layer] = {
    "a quoted string": _unquoted,
    "a list of lines": _listed,
    "XML": _unwrapped,
}
_CODES: dict[str, _Layer] = {
    "percent-encoding": _percent,
    "escaped line breaks": _broken,
    "stray backslashes": _strays,
    "HTML": _html,
}


# --- what is no text -------------------------------------------------------------------------

_INSTEAD = {
    "prompt": "describe the style in one to three sentences",
    "lyrics": "write the words, or leave it out; for no singing set instrumental=true",
    "title": "write a title or leave it out",
}
_NOTHING = frozenset({"null", "undefined", "nan", "n/a", "none", "nil"})
_NO_TITLE = frozenset({"null", "undefined", "NaN", "N/A", "n/a", "nil"})  # "None" may be one
_OBJECT = re.compile(
    r"\[object (?:Object|Array|Undefined|Null|Promise)\]|<[\w.]+ object at 0x[0-9a-fA-F]+>"
)
_NOUN = r"(?:lyrics?|prompt|title|caption|text|song|verse|chorus|words|style|description)"
_FILL = rf"(?:insert|paste|type|fill in|provide)(?: [\w'-]+){{0,3}} {_NOUN}"
_HERE = rf"(?:[\w'-]+ ){{0,4}}{_NOUN} (?:text |go |goes )?here"
_TEMPLATE = re.compile(  # wherever it stands
    r"\{\{[^{}\n]*\}\}|\{%[^{}\n]*%\}|<%[^<>\n]*%>|[$#@%]\{[^{}\n]*\}"
    rf"|^[\[<{{]+ ?(?:{_FILL}|{_HERE}|your (?:own )?{_NOUN}) ?[\]>}}]+[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_PLACEHOLDER = re.compile(  # where nothing else is there
    rf"=?\{{\{{.*\}}\}}|\{{[\w. ]*\}}|%\w+%|%s|%\(\w+\)s|\$(?:{_NOUN}|input|json)[\w.]*"
    r"|[<\[({](?:song )?(?:lyrics?|prompt|title|caption|text|string|empty|placeholder)[>\])}]"
    rf"|[<\[]?(?:todo|tbd|placeholder)[>\]]?|\.*{_HERE}\.*",
    re.IGNORECASE,
)
_ANGLES = re.compile(r"<[A-Za-z_][\w .:/-]*>")
_FIELD = r"(?:prompt|lyrics|title|caption|style|tags|model|duration|arguments|parameters|name|tool)"
_CALL = re.compile(
    r"""(?:```\w*\s*+)?(?:\[\s*+)?\{\s*+(?:"[^"\n]{1,40}"|'[^'\n]{1,40}')\s*+:"""
    rf"|\{{\s*+{_FIELD}\s*+:[^}}]*+\}}?\Z"  # not `{title: …}` on a line, which is ChordPro
    rf"""|generate_song\s*+\(|{_FIELD}\s*+=\s*+["']"""
    r"|<(?:tool_call|function_call|function=|invoke |parameter[ =])",
    re.IGNORECASE,
)
_CALL_MARK = re.compile(r"</(?:parameter|invoke|tool_call|function)>|<parameter[ =]", re.IGNORECASE)
_PROMPT_LINE = re.compile(r"^(?:prompt|caption)[ \t]*+[:=]", re.IGNORECASE | re.MULTILINE)
_LYRICS_LINE = re.compile(r"^lyrics[ \t]*+[:=]", re.IGNORECASE | re.MULTILINE)
_SONG_BELOW = re.compile(r"^lyrics[ \t]*+[:=]\s*+\[", re.IGNORECASE | re.MULTILINE)


def _no_text(text: str, argument: str) -> str:
    """Why this is nothing to make a song from; "" where it may be."""
    bare, instead = text.strip(), _INSTEAD[argument]
    if "\ufffd" in bare:
        return (
            "it holds U+FFFD, which is what is left of text read in a wrong encoding; "
            "send it again as UTF-8"
        )
    if _CALL.match(bare) or _CALL_MARK.search(bare) or bare == "{}" or _both(bare, argument):
        return (
            f"it holds a call or data ('{clean(bare, 40)}') instead of text; give prompt, lyrics "
            "and every other value in an argument of its own, as plain text"
        )
    word = bare.strip("\"'`.,; []()<>")
    if (word in _NO_TITLE) if argument == "title" else (word.lower() in _NOTHING):
        return f"'{clean(bare, 20)}' is what a program writes for no text; {instead}"
    found = _OBJECT.search(bare) or _TEMPLATE.search(bare) or _PLACEHOLDER.fullmatch(bare)
    if not found and argument != "title":
        found = _ANGLES.fullmatch(bare)
    if found or bare.lower() in ("string", argument):
        shown = clean(found[0] if found else bare, 40)
        return f"'{shown}' stands where a text was to be filled in; {instead}"
    return ""


def _both(text: str, argument: str) -> bool:
    """Whether one text has the prompt and the lyrics in it."""
    if argument == "prompt":
        return bool(_SONG_BELOW.search(text))
    return bool(_LYRICS_LINE.search(text) and _PROMPT_LINE.search(text))


# --- what it may be --------------------------------------------------------------------------

_READ_AS = {ord(bytes([code]).decode("cp1252", "ignore") or chr(code)): code for code in range(256)}
_WESTERN = re.compile(r"[\xa0-\u024f\u2010-\u203a\u20ac\u2122]")


def _mojibake(text: str) -> str:
    """What to say of UTF-8 that was read as a Western encoding: certain if all of it can be."""
    if text.isascii():
        return ""
    try:
        read = bytes(_READ_AS[ord(character)] for character in text).decode()
    except (KeyError, UnicodeDecodeError):
        return ""
    right = [character for character in read if not character.isascii()]
    if len(right) < _MANY and not all(map(_WESTERN.match, right)):
        return ""
    wrong = right[0].encode().decode("cp1252", "replace")
    return f"it has '{wrong}' where '{right[0]}' may be meant: UTF-8 read in another encoding"
