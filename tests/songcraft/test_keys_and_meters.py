"""Keys and meters: every common spelling is understood, everything else is refused with help."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acestep_mcp.domain.catalogue import METERS
from acestep_mcp.songcraft.notation import KEYS, NotationError, key, meter

SPELLINGS = {
    "A minor": "Am|a min|a moll|A-minor|Aminor|amin|A min.|a_minor|in A minor|the key of A minor"
    "|A minor key|Am scale|A natural minor|A harmonic minor|la menor|La mineur|a小调|Aマイナー|Am ",
    "A major": "A|AM|Amaj|a major|A dur|LA MAYOR",
    "F# minor": "f#min|F♯ minor|F sharp minor|f-sharp minor|fis-moll|F # m"
    "|fa# menor|F#m|F\uff03 minor",
    "Bb major": "Bb Maj|B♭|b flat|B-flat major|bb|si bemol mayor|Bes|Bbmaj",
    "Bb minor": "bbm|Bbm|B♭ minor|b flat min",
    "B minor": "Bm|b minor|B min|si menor",
    "B major": "b|B|B Major|Bmaj",
    "C# minor": "C♯ minor|c#m|C Sharp Minor|cis-moll|do sostenido menor",
    "Db major": "d-flat major|Db|D♭ Maj|re bemol mayor",
    "Eb major": "E-flat|Eb|Es-Dur|es|mi bémol majeur",
    "Ab major": "Ab|As-dur|A flat|a♭",
    "C major": "C|Cmaj|c|CM|C Dur|do mayor|Do majeur|C大调|C.",
    "D minor": "Ré mineur|Dm|D min|re minore",
    "G major": "G|Gmaj.|sol maggiore|G scale",
    "F major": "E#|E# major",
    "E major": "Fb",
    "": "| |auto|Auto|any",
}
TABLE = [(given, wanted) for wanted, row in SPELLINGS.items() for given in row.split("|")]


@pytest.mark.parametrize(("given", "wanted"), TABLE, ids=[f"{g!r} is {w!r}" for g, w in TABLE])
def test_a_common_spelling_of_a_key_is_understood(given: str, wanted: str) -> None:
    assert key(given) == wanted


@pytest.mark.parametrize("name", KEYS)
def test_an_offered_key_stays_as_it_is(name: str) -> None:
    assert key(name) == name


def test_thirty_four_keys_are_offered() -> None:
    assert len(set(KEYS)) == 34


@pytest.mark.parametrize(
    ("given", "help_"),
    [
        ("C dorian", "'C minor'"),
        ("F# mixolydian", "'F# major'"),
        ("B♭ Lydian", "'Bb major'"),
        ("D phrygian mode", "'D minor'"),
        ("A minor pentatonic", "'A minor'"),
        ("E blues", "'E minor'"),
    ],
)
def test_a_mode_is_refused_with_the_nearest_key(given: str, help_: str) -> None:
    with pytest.raises(NotationError, match=help_):
        key(given)


@pytest.mark.parametrize("given", ["H", "h-moll", "H dur", "B-Dur", "b moll"])
def test_a_german_b_is_asked_about(given: str) -> None:
    with pytest.raises(NotationError, match="'B minor' or 'Bb minor'"):
        key(given)


@pytest.mark.parametrize(
    "given", ["banana", "Am7", "C##", "12", "dorian", "A minor/C major", "🎵", "x" * 999, "C\ud800"]
)
def test_what_is_no_key_is_refused_with_examples(given: str) -> None:
    with pytest.raises(NotationError, match="'C major'"):
        key(given)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("4/4", "4/4"),
        ("4", "4/4"),
        (" 4 / 4 ", "4/4"),
        ("4/4 time", "4/4"),
        ("common time", "4/4"),
        ("\uff13/\uff14", "3/4"),
        ("3", "3/4"),
        ("6", "6/8"),
        ("6/8", "6/8"),
        ("2", "2/4"),
        ("", ""),
        ("auto", ""),
    ],
)
def test_a_common_spelling_of_a_meter_is_understood(given: str, wanted: str) -> None:
    assert meter(given) == wanted


@pytest.mark.parametrize(
    ("given", "help_"),
    [
        ("12/8", "triplet swing"),
        ("9/8", "triplet swing"),
        ("5/4", "Odd meters"),
        ("7/8", "Odd meters"),
        ("2/2", "only 2/4, 3/4, 4/4 and 6/8"),
        ("44", "only 2/4"),
        ("waltz", "only 2/4"),
    ],
)
def test_another_meter_is_refused_with_what_to_use(given: str, help_: str) -> None:
    with pytest.raises(NotationError, match=help_):
        meter(given)


@given(st.text(max_size=300))
def test_any_text_is_a_key_nothing_or_one_readable_line(text: str) -> None:
    for read, known in ((key, KEYS), (meter, METERS)):
        try:
            assert read(text) in {"", *known}
        except NotationError as refusal:
            message = str(refusal)
            assert len(message) <= 200
            assert message.isprintable()
