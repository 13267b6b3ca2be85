"""No text takes long to read, whatever its shape: its writer may be out to stop the server."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acestep_mcp.domain.catalogue import LONGEST_LYRICS, LONGEST_PROMPT
from acestep_mcp.domain.errors import BadInput
from acestep_mcp.domain.request import SongRequest
from acestep_mcp.providers.pixazo.models import MODELS
from acestep_mcp.songcraft import notation
from acestep_mcp.songcraft.checks import RULES, Parsed, check
from acestep_mcp.songcraft.prepare import prepare

LONGEST = 0.050
"""Seconds of this thread for the longest text."""
ORDINARY = 0.010
"""Seconds for 4,096 characters of a song; about half of it is needed."""

# Runs of one piece. Each gives some pattern a choice: how often a blank, a word, a sign repeats.
RUNS = [
    " ", "\t", "\n", "\r", "\r\n", "\u2028", "\x85", "\x0b", "\u00a0", "\u3000", " \n",
    "(", ")", "[", "]", "{", "}", "<", ">", "（", "）", "()", "[]", "(]", "([", ")(", "{{", "}}",
    "0", "1", "12 ", "1.", "1-", "x", "×", "x2 ", "-", "- ", " - ", "–", "—", "_", "#", "*",
    "'", '"', "' ", '" ', "\\", "\\\\", "\\n", "\\u00e9", "\\x41", '\\"', "/", "\\/", ",", ":",
    ";", "|",
    ".", "! ", "&", "&amp;", "&#38;", "&lt;", "%", "%25", "%0A", "%C3%A9", "+", "a+", "$", "${",
    "a", "w-", "pop-", "e", "é", "e\u0301", "\u0301", "\u0300\u0301", "\u200b", "\u200d", "\ufe0f",
    "\u00ad", "\ufeff", "\u202e", "\x1b[", "\x1b]", "\x9b", "\U000e0061", "😀", "😀\u200d",
    "\u0915\u094d\u200d",
    "夜", "夜 ", "か", "カ", "한", "ж", "ا", "א", "क", "ক", "த", "ก", "က", "ა",
    "ﷺ", "ﬁ", "İ", "ß", "𝔸",
    "la ", "la,", "oh", "la la ", "a b ", "no any ", "english lead ", "bpm ", "tempo :", "choir ",
    "repeat the chorus ", "guitar and ", "a guitar solo ", "1 bar ", "sung in ", "key of ", "calm ",
    "<br>", "<p>", "</p>", "<br ", "</p><p>", "<lyrics>", "{{a}}", "[object ", "insert lyrics ",
    '"a",', "'a',", '["', "null,", "your lyrics ", "lyrics:\n", "prompt:\n", '{"a":',
    "[Verse]", "[Verse]\n", "[Verse]\na\n", "[en] a\n", "[a] ", "[ ", "(a)\n", "a\n", "[Solo]\na\n",
]  # fmt: skip
# What never comes twice, so that nothing is answered from memory.
COUNTED = [
    "{}\n", "[{}]", "[{}]\n", "[{}]{}\n", "[chorus - {}]", "[guitar {}]", "[happy {}]",
    "[rap {}]\n", "[a male {}]\nx\n", "[Solo {}]\nla\n", "({})\n", "la {} ", "{} ж\n",
    "a\n{}\n", "abcd {} efgh\n", "夜か{}夜\n", "{}: {}\n",
    "verse {}\n", "&{};", "%{}", "<{}>", "\\{}", '"{}",',
]  # fmt: skip
FRAMES = [("", ""), ("(", "!"), ("[Verse]\n[", " x2"), ('"', '"'), ("[", "]"), ("b'", "\\")]
CAPTIONS = [
    "folk", "guitar piano drums violin, happy, sad, calm", "夜か한" * 700, "sad " + "w-" * 990,
    "abcd efgh " * 200, "no any lead " * 160,
]  # fmt: skip


def word(number: int, first: str) -> str:
    """A word of its own for every number: letters from `a` on, or one character from 夜 on."""
    if first == "夜":
        return chr(0x4E00 + number)
    return chr(97 + number % 26) + (word(number // 26 - 1, first) if number > 25 else "")


def pumped(piece: str, head: str, tail: str) -> str:
    """The longest lyrics that are a run of this piece between these two."""
    return head + piece * ((LONGEST_LYRICS - len(head) - len(tail)) // len(piece)) + tail


def counted(shape: str, first: str) -> str:
    """The longest lyrics of this shape, filled with another word each time."""
    pieces = (shape.replace("{}", word(number, first)) for number in range(LONGEST_LYRICS))
    return "".join(pieces)[:LONGEST_LYRICS]


def shapes(step: int) -> dict[str, str]:
    """Blanks in every frame, other runs in every `step`-th so that all frames come, all counted."""
    every = [(piece, *frame) for piece in RUNS for frame in FRAMES]
    blank = [each for each in every if each[0].isspace()]
    runs = {repr(each): pumped(*each) for each in (*blank, *every[::step])}
    return runs | {f"{shape!r} from {a}": counted(shape, a) for shape in COUNTED for a in "a夜"}


SHAPES = shapes(len(FRAMES) + 1)


def spent(work: Callable[[], object], enough: float = LONGEST) -> float:
    """The least time that `work` took this thread in a few runs; other programs disturb some."""
    least = float("inf")
    for _ in range(5):
        before = time.thread_time()
        work()
        least = min(least, time.thread_time() - before)
        if least < enough:
            break
    return least


def ordered(wish: SongRequest) -> None:
    with suppress(BadInput):
        prepare(wish, MODELS, lambda: 0.5)


def slow(text: str, caption: str) -> dict[str, float]:
    """What takes longer than it may with this text as lyrics and, cut, as the prompt."""
    wrong: dict[str, float] = {}
    for name, lyrics, prompt in (
        ("lyrics", text, caption),
        ("prompt", "[Solo]\nla words here now\n" * 9, text[:LONGEST_PROMPT]),
    ):
        draft = SongRequest(prompt=prompt, lyrics=lyrics, duration=100, bpm=170, key="C major")
        song = Parsed.of(draft)
        taken = {f"{rule.id} {rule.cost}": spent(partial(rule.test, song)) for rule in RULES}
        taken["all"] = sum(taken.values()) + spent(partial(Parsed.of, draft))
        if taken["all"] >= LONGEST:
            taken["all"] = spent(partial(check, draft))
        taken["order"] = spent(
            partial(ordered, SongRequest(prompt=prompt, lyrics=lyrics)), 2 * LONGEST
        )
        taken["order"] /= 2  # what was meant, the checks and the fingerprint
        wrong |= {f"{name}: {what}": each for what, each in taken.items() if each >= LONGEST}
    return wrong


@pytest.mark.parametrize("part", range(4))
def test_ten_thousand_characters_of_any_shape_are_read_in_50_ms(part: int) -> None:
    """Each rule alone and all together, in lyrics and prompt, and an order in twice that."""
    wrong = {
        name: found
        for number, (name, text) in enumerate(SHAPES.items())
        if number % 4 == part and (found := slow(text, CAPTIONS[number // 4 % len(CAPTIONS)]))
    }
    assert wrong == {}


@given(
    head=st.text(max_size=8),
    pieces=st.lists(
        st.text(min_size=1, max_size=6) | st.sampled_from(RUNS), min_size=1, max_size=4
    ),
    tail=st.text(max_size=8),
    caption=st.sampled_from(CAPTIONS),
)
@settings(max_examples=20)
def test_so_are_those_that_nobody_thought_of(
    head: str, pieces: list[str], tail: str, caption: str
) -> None:
    times = LONGEST_LYRICS // len("".join(pieces)) // 2
    row = "".join(piece * times for piece in pieces)
    mixed = "".join(pieces) * times
    assert slow((head + row + mixed + tail)[:LONGEST_LYRICS], caption) == {}


@pytest.mark.parametrize("read", [notation.key, notation.meter, notation.kind, notation.qualifiers])
def test_keys_meters_and_tags_are_read_as_fast(read: Callable[[str], object]) -> None:
    def total(text: str) -> None:
        with suppress(notation.NotationError):
            read(text)

    taken = {name: spent(partial(total, text)) for name, text in SHAPES.items()}
    assert {name: each for name, each in taken.items() if each >= LONGEST} == {}


@pytest.mark.parametrize(
    "line",
    [
        "Morning light is on the hill, and I am walking down to the sea",
        "夜を越えて歩いてく、君の声がまだ響いてる",
        "길을 따라 걷는 밤 너의 노래가 들려와",
        "Всё пройдёт и снова будет свет над рекой",
    ],
)
def test_an_ordinary_song_takes_some_five_milliseconds(line: str) -> None:
    verses = "".join(f"[Verse {n}]\n" + f"{line}\n" * 4 + "\n" for n in range(99))[:4096]
    draft = SongRequest(prompt="Warm folk with piano and a soft female voice", lyrics=verses)

    assert spent(lambda: check(draft), ORDINARY) < ORDINARY
