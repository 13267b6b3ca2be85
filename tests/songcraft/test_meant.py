r"""Text as it was meant: what is undone, what is left alone, and what is no text at all.

The shapes come from reports against clients, servers and frameworks: line ends that arrive as
`\n` (llama.cpp 24667, openclaw 14452, strix 254, LlamaTale 84), `&amp;` and `\/` (kdeps 872),
`&#x27;` (open-interpreter 697), `\u00e9` (vllm 46308, langchain 32222), JSON lists as strings
(just-prompt 19, cecli 536), `["null"]` (claude-code 95239), `<nil>` (mcp-link 3),
`[object Object]` (DollhouseMCP 705), a call that ran on into an argument (llama.cpp 26763).
"""

import html
import json
import re
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acestep_mcp.songcraft.guide import guide
from acestep_mcp.songcraft.meant import meant, same

ARGUMENTS = ("prompt", "lyrics", "title")
ENGLISH = "[Verse 1]\nI said, \"Don't wait\" & drove away\n\n[Chorus]\nHold on, it's 100% / 24/7\n"
FRENCH = "[Couplet 1]\nJe t'ai cherchée là-bas, près du café\n\n[Refrain]\nÇa ira, mon cœur… ça ira"
JAPANESE = "[Verse]\n夜を越えて　歩いてく\n\n[Chorus]\n「さよなら」って言わないで"
PERSIAN = "[Verse]\nمی\u200cخواهم تو را ببینم\n\n[Chorus]\nخانه\u200cهای ما"
SINHALA = "[Verse]\nශ්\u200dරී ලංකා මාතා\n\n[Chorus]\nනමෝ නමෝ මාතා"
RAP = "[Verse - rap]\nC:\\new or \\o/ what you got\nR&B; soul; 100%, 50% more\n[Hook]\nnull\nnull"
SONGS = [ENGLISH, FRENCH, JAPANESE, PERSIAN, SINHALA, RAP, "[Instrumental]", "[Verse]\nLa la la"]
SONGS += [
    json.loads(each)["lyrics"] for each in re.findall(r"```json\n(.*?)```", guide(), re.DOTALL)
]
SONGS = [each for each in SONGS if each]


def escaped(text: str, line_end: str = "\\n") -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", line_end)


def paragraphs(text: str) -> str:
    blocks = text.strip("\n").split("\n\n")
    return "".join(f"<p>{html.escape(each)}</p>".replace("\n", "<br />\n") for each in blocks)


WAYS: dict[str, tuple[Callable[[str], str], str]] = {
    "as JSON": (json.dumps, "a quoted string"),
    "as JSON in UTF-8": (lambda text: json.dumps(text, ensure_ascii=False), "a quoted string"),
    "as JSON of PHP": (lambda text: json.dumps(text).replace("/", "\\/"), "a quoted string"),
    "as JSON in JSON": (lambda text: json.dumps(json.dumps(text)), "a quoted string"),
    "as a JSON list": (lambda text: json.dumps(text.split("\n")), "a list of lines"),
    "as an indented JSON list": (
        lambda text: json.dumps(text.split("\n"), indent=2),
        "a list of lines",
    ),
    "as a Python list": (lambda text: repr(text.split("\n")), "a list of lines"),
    "with its line ends escaped": (escaped, "escaped line breaks"),
    "with its line ends escaped twice": (lambda t: escaped(escaped(t)), "escaped line breaks"),
    "with the line ends of Windows escaped": (
        lambda text: escaped(text, "\\r\\n"),
        "escaped line breaks",
    ),
    "as HTML": (lambda text: html.escape(text).replace("\n", "<br>"), "HTML"),
    "as XHTML": (lambda text: html.escape(text).replace("\n", "<br/>\n"), "HTML"),
    "as paragraphs": (paragraphs, "HTML"),
    "as HTML in HTML": (
        lambda text: html.escape(html.escape(text).replace("\n", "<br>")),
        "HTML",
    ),
    "percent-encoded": (urllib.parse.quote, "percent-encoding"),
    "percent-encoded twice": (
        lambda text: urllib.parse.quote(urllib.parse.quote(text)),
        "percent-encoding",
    ),
    "percent-encoded as a form": (urllib.parse.quote_plus, "percent-encoding"),
    "with its line ends percent-encoded": (
        lambda text: text.replace("%", "%25").replace("\n", "%0A"),
        "percent-encoding",
    ),
    "in a tag": (lambda text: f"<lyrics>\n{text}\n</lyrics>", "XML"),
    "in CDATA": (lambda text: f"<![CDATA[{text}]]>", "XML"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("song", [each for each in SONGS if "\n" in each])
def test_lyrics_come_back_as_they_were_written_when_they_arrive(song: str, way: str) -> None:
    escape, name = WAYS[way]
    read = meant(escape(song), "lyrics")

    assert read.fault == ""
    assert same(read.text) == same(song)
    assert name in read.undone


@pytest.mark.parametrize("way", ["as JSON", "as a JSON list", "as JSON in JSON"])
@pytest.mark.parametrize("song", [each for each in SONGS if "\n" in each])
def test_json_loses_no_character(song: str, way: str) -> None:
    assert meant(WAYS[way][0](song), "lyrics").text == song


@pytest.mark.parametrize("song", SONGS)
def test_lyrics_that_need_nothing_are_left_alone_without_a_word(song: str) -> None:
    read = meant(song, "lyrics")

    assert (read.text, read.undone, read.fault, read.doubt) == (song, (), "", "")


UNDONE = {
    # what arrived: what was meant
    r"print('hello')\nprint('world')": "print('hello')\nprint('world')",
    r"[Verse]\nOne\n\tTwo\r\n\"Three\"": '[Verse]\nOne\n\tTwo\n"Three"',
    r"[Verse]\nCaf\u00e9 \ud83c\udfb5": "[Verse]\nCafé 🎵",
    r"a\u000ab": "a\nb",
    "a &amp;&amp; b": "a && b",
    "a &amp;amp; b": "a & b",
    "rock &amp;roll;": "rock &roll;",
    "input_dir = &#x27;/path&#x27;": "input_dir = '/path'",
    "I don&#39;t &quot;know&quot; &eacute;t&eacute;": 'I don\'t "know" été',
    "one&#10;two": "one\ntwo",
    "one&nbsp;two&#160;three": "one two three",
    "one<BR>two<br clear='all'/>three": "one\ntwo\nthree",
    "<p>one</p>\n<p><b>two</b></p>": "one\n\ntwo",
    "<div>one</div><div>two</div>": "one\ntwo",
    "one&lt;br&gt;two": "one\ntwo",
    "one%3Cbr%3Etwo%20three": "one\ntwo three",
    "first line%0Asecond line": "first line\nsecond line",
    "first+line%0Asecond+line": "first line\nsecond line",
    "Caf%C3%A9 at night": "Café at night",
    r"caf\u00e9 at night": "café at night",
    "Don\\'t stop\nbelieving": "Don't stop\nbelieving",
    'the \\"Motown\\" sound': 'the "Motown" sound',
    r"AC\/DC 24\/7": "AC/DC 24/7",
    "\\[Verse\\]\nLa la": "[Verse]\nLa la",
    '["[Verse]", "La la", null, "[Chorus]"]': "[Verse]\nLa la\n\n[Chorus]",
    "['it', \"isn't\", 'so',]": "it\nisn't\nso",
    "[]": "",
    '""': "",
    '"[Verse]\nLa la\nla"': "[Verse]\nLa la\nla",
    '"""[Verse]\nLa la"""': "[Verse]\nLa la",
    "b'[Verse]\\nCaf\\xc3\\xa9'": "[Verse]\nCafé",
    "u'[Verse]\\nLa'": "[Verse]\nLa",
    '"[Instrumental]"': "[Instrumental]",
    r"line one\\nline two": "line one\nline two",
}


@pytest.mark.parametrize("arrived", UNDONE)
def test_one_escaping_too_many_is_undone_and_named(arrived: str) -> None:
    read = meant(arrived, "lyrics")

    assert (read.text, read.fault) == (UNDONE[arrived], "")
    assert read.undone


def test_a_prompt_in_quotes_is_meant_without_them() -> None:
    for quoted in (json.dumps("Warm folk, soft voice"), repr("Warm folk, soft voice")):
        assert meant(quoted, "prompt").text == "Warm folk, soft voice"


LEFT_ALONE = {
    "lyrics": [
        '"I love you," she said',
        '[Verse]\n"I love you"\n"I know"',
        '"Hello," he said\nand she said "goodbye"',
        '"One of us is lying\nAll of us are trying"',
        "'Cause we keep on rollin'",
        "'Bout time\nwe were movin'",
        "Tom & Jerry; rock&roll; R&B; Q&A;",
        "100% of me, 50% of you, 100%",
        "100% ready, 0% afraid\n20%",
        "¯\\_(ツ)_/¯",
        "\\o/ hands up \\o/",
        "This has a \\n in it\nand a line end of its own",
        "C:\\new\\tunes",
        "[Verse]\nnull\nundefined\nNone of it matters",
        "I <3 you, 2 < 3 > 1",
        "[Verse]\n<whispered>\nhush",
        "[Verse]",
        "[Chorus]\n[Verse]",
        "[Add strings]\nLa la\n[Put your hands up]\nLa",
        "{title: Amazing Grace}\n{c: slow}\nAmazing grace",
        "[Intro]\n(write your name)\nSay my name here",
        "a + b = c",
        "pop+rock",
        "%",
        "&",
        "\\",
        "one  two\n   three",
        "[]",
        "50%20",
    ][:-2],
    "prompt": [
        "R&B & soul, 100% live",
        "'80s synth pop, drivin'",
        "drum&bass;",
        "Lyrics: in Spanish. Warm folk",
        "pop+rock+soul, 90% live",
        "Style: indie folk",
        "A song about null pointers",
        "lo-fi / chill \\ sleepy",
    ],
    "title": [
        "None",
        "Null",
        "Nil by Mouth",
        '"Heroes"',
        "'Round Midnight'",
        "100%",
        "50% Off",
        "AC\\DC",
        "Undefined",
        "<3",
        "!!!",
        "...",
        "$ave",
        "Your Song",
        "Q&A;",
        "[untitled]",
        "1+1",
        "Here",
    ],
}


@pytest.mark.parametrize(
    ("argument", "text"), [(name, each) for name in LEFT_ALONE for each in LEFT_ALONE[name]]
)
def test_what_a_songwriter_may_have_written_is_left_alone(argument: str, text: str) -> None:
    read = meant(text, argument)

    assert (read.text, read.undone, read.fault, read.doubt) == (text, (), "", "")


EVERYWHERE = [
    "null", "undefined", "NaN", "N/A", '"null"', '["null"]', "<nil>", " null ", "undefined.",
    "[object Object]", "[object Object],[object Object]", "<__main__.Song object at 0x7f2c1a>",
    "{{lyrics}}", "{{ $json.lyrics }}", "={{ $json.body.map(x => ({y: x})) }}", "{{#1711.text#}}",
    "${lyrics}", "#{lyrics}", "%{lyrics}", "{lyrics}", "{}", "{0}", "%LYRICS%", "%s",
    "<%= lyrics %>", "{% block lyrics %}", "<lyrics>", "<your lyrics here>",
    "[LYRICS HERE]", "[Insert lyrics here]",
    "Insert your lyrics here", "your lyrics here", "[your lyrics]", "TODO", "[placeholder]",
    "string",
    "$input.lyrics", "%7B%7Blyrics%7D%7D", "&lt;lyrics&gt;", '"{{lyrics}}"', "\ufeffnull",
    '{"prompt": "folk", "lyrics": "[Verse]\\nLa"}', "{'prompt': 'folk'}", '{"text": "La la"}',
    '{\n  "lyrics": "La", ', "{prompt: 'folk', lyrics: 'La'}", '[{"section": "Verse"}]',
    '```json\n{"prompt": "folk"}\n```', '"{\\"prompt\\": \\"folk\\"}"',
    'generate_song(prompt="folk")', 'prompt="folk", lyrics="La"',
    '<tool_call>{"name": "generate_song"}', "La la\n</parameter>\n<parameter=title>\nRain",
    "prompt: folk\nlyrics: [Verse]\nLa", "caf\ufffd", r"caf\ufffd", "caf&#xFFFD;",
]  # fmt: skip
NO_TEXT = {
    "prompt": [*EVERYWHERE, "none", "None", "Folk {{mood}}", "Warm folk\n\nLyrics:\n[Verse]\nLa"],
    "lyrics": [
        *EVERYWHERE, "None", "nil", "[Verse]\n{{verse_1}}", "[Verse]\n${verse}\n[Chorus]\nLa",
        "[Verse]\n[Insert verse here]", "[Verse]\n<insert chorus lyrics>", "[null]",
    ],
    "title": EVERYWHERE,
}  # fmt: skip


@pytest.mark.parametrize(
    ("argument", "text"), [(name, each) for name in NO_TEXT for each in NO_TEXT[name]]
)
def test_what_is_no_text_is_a_fault_that_says_what_to_write(argument: str, text: str) -> None:
    read = meant(text, argument)

    assert read.text == text
    assert re.search(r"; (describe|write|give|send) ", read.fault), read.fault
    assert len(f"{argument}: {read.fault}. Nothing was sent.") <= 300
    assert read.fault.isprintable()


def test_a_text_escaped_without_end_is_a_fault() -> None:
    text = "La\nla"
    for _ in range(12):
        text = json.dumps(text)

    assert "many times" in meant(text, "lyrics").fault
    assert meant(json.dumps(json.dumps(json.dumps("La\nla"))), "lyrics").text == "La\nla"


UNSEEN = {
    "a\u2028b\u2029c\x85d\x0be\x0cf\r\ng\rh\x1ci": "a\nb\nc\nd\ne\nf\ng\nh\ni",
    "\ufeffLa la\ufeff": "La la",
    "\u202eLa\u202c \u2066la\u2069\u200e\u200f\u061c": "La la",
    "La\u200bla\u2060la\u00adla\u180e": "Lalalala",
    "La\u200dla\u200cla": "Lalala",
    "La\u3164la\uffa0la\u115f": "Lalala",
    "La\U000e0070\U000e0061y": "Lay",
    "La\ufe0f\ufe0f\ufe0fla": "La\ufe0fla",
    "\x1b[31mred\x1b[0m \x1b]8;;http://x\x07link\x9b2J\x07": "red link",
    "a\ttab": "a\ttab",
    "La\u2800la": "La la",
    "\ufdd0La\uffff": "La",
}
STAYS = [
    "می\u200cخواهم",  # Persian
    "क्\u200dष क्\u200cष",  # Hindi
    "ශ්\u200dරී",  # Sinhala
    "ന്\u200d",  # an old Malayalam chillu, at the end of a word
    "র\u200d্য",  # Bengali
    "👩🏽\u200d❤️\u200d💋\u200d👨🏻 👁️\u200d🗨️ 🏳️\u200d⚧️",
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "❤️ 1️⃣ 葛\U000e0100",
    "לְ\u034fִ",
    "ᠠ\u180eᠠ᠋",
]


@pytest.mark.parametrize("given", UNSEEN)
def test_line_ends_become_one_and_the_unseen_goes_without_a_word(given: str) -> None:
    read = meant(given, "lyrics")

    assert (read.text, read.undone) == (UNSEEN[given], ())


@pytest.mark.parametrize("text", STAYS)
def test_joiners_stay_where_letters_and_pictures_need_them(text: str) -> None:
    assert meant(f"{text} {text}\n{text}", "lyrics").text == f"{text} {text}\n{text}"


@pytest.mark.parametrize(
    "wrong", ["cafÃ© au lait", "itâ€™s fine", "ðŸŽµ la la ðŸŽµ ðŸŽµ", "ÐŸÑ€Ð¸Ð²ÐµÑ‚"]
)
def test_certain_mojibake_is_doubted_but_sent(wrong: str) -> None:
    read = meant(wrong, "lyrics")

    assert (read.text, read.fault, read.undone) == (wrong, "", ())
    assert "encoding" in read.doubt


@pytest.mark.parametrize("right", ["NÃO", "Spaß… ’so’", "À la “ß”", "Ä°", "naïve café", "Ñandú’"])
def test_letters_of_the_west_are_not_doubted(right: str) -> None:
    assert meant(right if right != "Ä°" else "Ä.", "lyrics").doubt == ""


PIECES = st.lists(
    st.sampled_from(
        [
            "\\", "n", "u00e9", "x41", '"', "'", "[", "]", "{", "}", "<", ">", "br", "p", "/",
            "&", "amp;",
            "lt;", "#39;", "%", "25", "0A", "20", "C3%A9", "+", " ", "\n", "null", ",",
            "\u200d", "\u200b",
            "\ufe0f", "😀", "ک", "\u094d", "\ufeff", "\x1b", "[31m", "\r", "a", "Ã", "©", "lyrics",
            ":", "$",
            "<![CDATA[", "]]>", "</", "b", '"""', "\ud83d", "\ude00", "\u1820", "\u180b", "\u180e",
        ]
    ),
    max_size=30,
).map("".join)  # fmt: skip


@given(text=PIECES | st.text(), argument=st.sampled_from(ARGUMENTS))
def test_reading_is_total_and_what_was_read_is_read_alike_again(text: str, argument: str) -> None:
    read = meant(text, argument)

    assert meant(read.text, argument).text == read.text
    assert bool(read.fault) <= (read.text == text)


@given(
    lines=st.lists(st.text(st.characters(exclude_categories=("C", "Z"))), min_size=2),
    ascii_only=st.booleans(),
)
def test_json_of_any_lines_reads_like_the_lines(lines: list[str], *, ascii_only: bool) -> None:
    text = "\n".join((*lines, "[Outro]", "la"))
    plain, escaped = (
        meant(text, "lyrics"),
        meant(json.dumps(text, ensure_ascii=ascii_only), "lyrics"),
    )

    if not plain.fault and not plain.undone:
        assert escaped.text == plain.text


ALIKE = {
    "a trailing line break": ENGLISH + "\n\n",
    "line ends of Windows": ENGLISH.replace("\n", "\r\n"),
    "blanks at line ends": ENGLISH.replace("\n", "  \n"),
    "doubled blanks": ENGLISH.replace(" ", "  "),
    "no-break spaces": ENGLISH.replace(" ", "\u00a0"),
    "a zero-width space": ENGLISH.replace("I", "\u200bI"),
    "further blank lines": ENGLISH.replace("\n\n", "\n\n\n\n"),
}


@pytest.mark.parametrize("difference", ALIKE)
def test_no_person_tells_songs_apart_by(difference: str) -> None:
    assert ALIKE[difference] != ENGLISH
    assert same(meant(ALIKE[difference], "lyrics").text) == same(ENGLISH)


def test_words_lines_and_sections_tell_songs_apart() -> None:
    others = [
        ENGLISH.replace("wait", "weight"),
        ENGLISH.replace("\n\n[Chorus]", "\n[Bridge]"),
        ENGLISH.replace(" & drove", "\n& drove"),
        ENGLISH.lower(),
    ]
    assert same(ENGLISH) not in {same(each) for each in others}
