"""Lyrics are read into sections, tags and scripts, whatever text they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acestep_mcp.songcraft.notation import (
    INSTRUMENTAL,
    Section,
    is_instrumental,
    is_sung,
    kind,
    qualifiers,
    sections,
    shown,
    tagged,
)
from acestep_mcp.songcraft.reading import read
from acestep_mcp.songcraft.scripts import scripts


def section(tag: str | None, *lines: str) -> Section:
    """A section whose lines are all sung as they stand."""
    return Section(tag, read(lines))


def test_a_tag_opens_a_section_that_holds_the_lines_below_it() -> None:
    assert sections("[Intro]\n\n[Verse 1]\n one \n\ntwo\n[Chorus]\nthree") == (
        section("Intro"),
        section("Verse 1", "one", "two"),
        section("Chorus", "three"),
    )


def test_lines_before_any_tag_form_a_section_without_one() -> None:
    assert sections("one\ntwo") == (section(None, "one", "two"),)


def test_text_behind_a_tag_is_its_first_line() -> None:
    assert sections("[Chorus] sing") == (section("Chorus", "sing"),)


def test_a_language_prefix_is_no_tag() -> None:
    assert sections("[Verse]\n[zh] ni hao\n[ko] annyeong") == (
        section("Verse", "ni hao", "annyeong"),
    )


def test_two_tags_on_a_line_are_two_tags() -> None:
    assert tagged("[Verse][whispered] hush") == (("Verse", "whispered"), "hush")


def test_empty_lyrics_have_no_sections() -> None:
    assert sections(" \n\n") == ()


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [
        ("Verse 1", "verse"),
        ("VERSE", "verse"),
        ("Pre-Chorus", "pre-chorus"),
        ("Post-Chorus", "post-chorus"),
        ("Final Chorus", "chorus"),
        ("Chorus - anthemic", "chorus"),
        ("Hook", "hook"),
        ("Bridge: spoken", "bridge"),
        ("Guitar Solo", "solo"),
        ("inst", "instrumental"),
        ("Piano Interlude", "instrumental"),
        ("Drum Break", "break"),
        ("Breakdown", "break"),
        ("Final Drop", "drop"),
        ("Build-Up", "build"),
        ("Intro - guitar riff", "intro"),
        ("Outro - fade out", "outro"),
        ("Fade Out", "ending"),
        ("Song ends abruptly", "ending"),
        ("whispered", "voice"),
        ("high energy", "mood"),
        ("Kaboom", "other"),
    ],
)
def test_a_tag_is_known_by_its_head(tag: str, wanted: str) -> None:
    assert kind(tag) == wanted


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [
        ("Verse 2", ()),
        ("Pre-Chorus", ()),
        ("Verse - male vocal", ("male vocal",)),
        ("Verse - male vocal, soft", ("male vocal", "soft")),
        ("Intro: guitar - slow", ("guitar", "slow")),
    ],
)
def test_what_follows_the_dash_qualifies(tag: str, wanted: tuple[str, ...]) -> None:
    assert qualifiers(tag) == wanted


@pytest.mark.parametrize("line", ["la", "你好", "1999", "(oh)", "[soft] hush", "नमस्ते"])
def test_a_line_with_a_letter_or_digit_is_sung(line: str) -> None:
    assert is_sung(line)


@pytest.mark.parametrize("line", ["", "...", "—", "[Verse 1]", "♪ ♪", "!?"])
def test_signs_alone_are_not_sung(line: str) -> None:
    assert not is_sung(line)


@pytest.mark.parametrize(
    "lyrics",
    [INSTRUMENTAL, "[inst]", " [INSTRUMENTAL]\n", "[Intro - pads]\n[Climax]\n...\n[Outro]"],
)
def test_tags_without_words_make_an_instrumental(lyrics: str) -> None:
    assert is_instrumental(lyrics)


@pytest.mark.parametrize("lyrics", ["", "  ", "...", "la", "[Verse]\nla", "[Verse] la"])
def test_words_or_no_tag_make_no_instrumental(lyrics: str) -> None:
    assert not is_instrumental(lyrics)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("hello wörld", {"Latin": 10}),
        ("Привет", {"Cyrillic": 6}),
        ("夜を越えて", {"Kana": 3, "Han": 2}),
        ("사랑 love me", {"Latin": 6, "Hangul": 2}),
        ("السلام", {"Arabic": 6}),
        ("தமிழ்", {"Tamil": 5}),
        ("12 !?", {}),
    ],
)
def test_scripts_are_counted_most_letters_first(text: str, wanted: dict[str, int]) -> None:
    assert list(scripts(text).items()) == list(wanted.items())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a\nb\tc", "a b c"),
        ("x\x00\u200b\u202ey", "xy"),
        ("ab\ud800c", "abc"),
        ("é 日本", "é 日本"),
    ],
)
def test_a_quotation_is_one_clean_line(text: str, wanted: str) -> None:
    assert shown(text) == wanted


def test_a_long_quotation_is_cut_with_an_ellipsis() -> None:
    assert shown("word " * 50, 12) == "word word w…"


@given(st.text())
def test_any_text_can_be_read_and_quoted(text: str) -> None:
    for section in sections(text):
        assert all(line == line.strip() for line in section.lines)
        assert section.tag is None or kind(section.tag)
    assert len(shown(text)) <= 40
    assert sum(scripts(text).values()) <= len(text)
    assert isinstance(is_instrumental(text), bool)
