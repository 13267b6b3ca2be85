"""The fit estimator: hand-set rates, whose figures and limits are pinned here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acestep_mcp.songcraft.fit import Fit, estimate, fitted_duration, syllables

SEVEN = "Morning light is on the hill"  # seven syllables
SUNG_FIRST = "[verse]\nWoke up to a sky painted gold"


def song(*tags: str) -> str:
    """A song with intro and outro and four lines of seven syllables under each tag."""
    middle = "\n\n".join(f"[{tag}]\n" + "\n".join([SEVEN] * 4) for tag in tags)
    return f"[Intro]\n\n{middle}\n\n[Outro]"


VC = ("Verse", "Chorus")
SHAPES = {
    "verse and chorus": (VC, 16, 29, 60, 131),
    "two of each": (VC * 2, 29, 54, 105, 244),
    "two of each, bridge, chorus": ((*VC, *VC, "Bridge", "Chorus"), 42, 77, 150, 347),
    "with pre-choruses": (
        (*("Verse", "Pre-Chorus", "Chorus") * 2, "Bridge", "Chorus"),
        54,
        100,
        190,
        451,
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_common_shape_needs_what_the_reference_table_says_within_5_s(shape: str) -> None:
    tags, floor, crowded, recommended, sparse = SHAPES[shape]
    fit = estimate(song(*tags))
    assert fit.floor == pytest.approx(floor, abs=5)
    assert fit.crowded_below == pytest.approx(crowded, abs=5)
    assert fit.recommended == pytest.approx(recommended, abs=5)
    assert fit.sparse_above == pytest.approx(sparse, abs=5)


@pytest.mark.parametrize(
    ("line", "count"),
    [
        (SEVEN, 7),
        ("The kettle sings a note or two", 8),
        ("I loved the places where we danced", 8),
        ("You're my heartbeat, don't let go", 7),
        ("Hmm, oh yeah", 3),
        ("[whispered] hush now", 2),
        ("Я помню чудное мгновенье", 9),
        ("风吹过城市", 5),
        ("사랑해요 그대", 6),
        ("", 0),
        ("...", 0),
        ("שלום לך", 6 / 2.5),
    ],
)
def test_a_line_has_the_syllables_one_hears(line: str, count: float) -> None:
    assert syllables(line) == pytest.approx(count)


@pytest.mark.parametrize(
    ("line", "count"), [("夜を越えて", 7), ("きょうは", 3), ("ミラーボール", 6), ("ﾐﾗｰ", 3)]
)
def test_a_japanese_line_is_counted_in_morae(line: str, count: int) -> None:
    assert syllables(line, japanese=True) == count


def test_a_silent_e_is_sung_in_other_languages() -> None:
    assert syllables("la noche cae", english=False) == 4
    assert syllables("ich habe", english=False) == 3
    assert syllables("ich habe", english=True) == 2


def test_french_and_english_words_are_told_apart_by_the_whole_song() -> None:
    french = estimate("[Verse]\nJe marche dans les rues de la ville grise et froide encore")
    english = estimate("[Verse]\nI marche the the and the ville grise you froide encore my")
    assert french.typical > english.typical


@pytest.mark.parametrize(
    ("caption", "tag", "rap"),
    [
        ("a hip-hop track", "Verse", True),
        ("dark UK drill", "Verse", True),
        ("pop", "Verse - rap", True),
        ("a spoken word piece over piano", "Verse", True),
        ("pop", "Bridge - spoken word", False),
        ("wrapped in a strap of trapeze", "Verse", False),
    ],
)
def test_rap_is_named_by_the_caption_or_a_rap_tag(caption: str, tag: str, rap: bool) -> None:
    assert estimate(f"[{tag}]\nla la la", caption).rap is rap


def test_rap_needs_less_time() -> None:
    line = "a very long line that a rapper would get through in a single breath"
    lyrics = "[Verse]\n" + f"{line}\n" * 4
    assert estimate(lyrics, "rap").typical < estimate(lyrics, "pop").typical


@pytest.mark.parametrize(
    ("rap", "duration", "verdict"),
    [
        (False, 39, "floor"),
        (False, 40, "crowded"),
        (False, 41, "crowded"),
        (False, 42, "tight"),
        (True, 42, "tight"),
        (False, 79, "tight"),
        (False, 80, "good"),
        (False, 100, "good"),
        (False, 190, "good"),
        (False, 191, "sparse"),
    ],
)
def test_each_duration_falls_in_one_band(rap: bool, duration: float, verdict: str) -> None:
    assert Fit(floor=40, typical=100, sung_lines=20, rap=rap).verdict(duration) == verdict


def test_recommended_is_rounded_up_and_target_to_the_nearest_five_seconds() -> None:
    fit = Fit(floor=40, typical=102, sung_lines=20, rap=False)
    assert (fit.recommended, fit.target) == (85, 100)


@pytest.mark.parametrize("lyrics", ["", "  \n", "[Instrumental]", "[inst]", "..."])
def test_lyrics_that_plan_nothing_leave_the_length_to_the_model(lyrics: str) -> None:
    assert fitted_duration(lyrics) is None


def test_a_plan_of_tags_is_fitted_by_its_sections() -> None:
    assert fitted_duration("[Intro]\n[Piano Solo]\n[Outro]") == 30


def test_a_short_song_is_fitted_to_its_target() -> None:
    assert fitted_duration(song("Verse", "Chorus")) == 70


def test_a_long_song_is_fitted_to_no_more_than_it_needs_beyond_four_minutes() -> None:
    long, longer = song(*VC * 4, "Bridge"), song(*VC * 7)
    assert fitted_duration(long) == 240
    assert fitted_duration(longer) == estimate(longer).recommended
    assert estimate(longer).recommended > 240


def test_a_fitted_length_stays_within_what_the_model_renders() -> None:
    assert fitted_duration("la") == 10
    assert fitted_duration(song(*VC * 30)) == 600


@pytest.mark.parametrize(
    ("lyrics", "asked"), [(f"{SUNG_FIRST}\n\n[chorus]\nYou are my sunshine", 60)]
)
def test_two_lines_for_a_minute_are_sparse(lyrics: str, asked: int) -> None:
    assert estimate(lyrics).verdict(asked) == "sparse"


def test_a_manner_under_a_section_tag_is_no_passage_of_its_own() -> None:
    assert estimate("[Verse]\n[whispered]\nla") == estimate("[Verse]\nla")


def test_a_solo_takes_longer_than_an_intro() -> None:
    assert estimate("[Guitar Solo]").typical > estimate("[Intro]").typical
    assert estimate("[Instrumental fade out]").typical == estimate("[Intro]").typical


@given(st.text(), st.text(max_size=40))
def test_any_text_has_a_fit_and_a_length_the_model_takes(lyrics: str, caption: str) -> None:
    fit = estimate(lyrics, caption)
    assert 0 <= fit.floor <= max(fit.typical, fit.floor)
    assert fit == estimate(lyrics, caption)
    fitted = fitted_duration(lyrics, caption)
    assert fitted is None or 10 <= fitted <= 600


@given(st.lists(st.sampled_from(["la la la", "风吹过城市", "[Solo]", "[Verse]"]), max_size=30))
def test_more_song_never_needs_less_time(lines: list[str]) -> None:
    whole, part = estimate("\n".join(["[Verse]", "la", *lines])), estimate("[Verse]\nla")
    assert whole.floor >= part.floor
    assert whole.typical >= part.typical
