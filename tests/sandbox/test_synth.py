"""The songs themselves, checked by their figures."""

import math
import struct
from array import array

import pytest

from acestep_mcp.sandbox.band.lanes import mix, mono, peak, scale, signed, stereo
from acestep_mcp.sandbox.band.score import compose
from acestep_mcp.sandbox.band.synth import render
from acestep_mcp.sandbox.band.vocables import parts, syllables

LYRICS = """[verse]
Woke up to a sky painted gold
Soft light dancing on my window

[chorus]
You are my sunshine after the rain
Running wild through every vein

[verse - whispered]
Streets are humming down below
Coffee steaming in my hands

[chorus]
You are my sunshine after the rain
Running wild through every vein

[outro]
"""
SONG: dict[str, object] = {
    "prompt": "uplifting pop",
    "lyrics": LYRICS,
    "duration": 24,
    "bpm": 120,
    "key": "E minor",
}


def samples(payload: dict[str, object], seed: int = 1) -> "array[int]":
    return array("h", render(payload, seed)[44:])


def loudness(part: "array[int]") -> float:
    return math.sqrt(sum(value * value for value in part) / len(part))


def power(part: "array[int]", hertz: float) -> float:
    """Power at one frequency, by Goertzel's recurrence over the left channel."""
    turn = 2 * math.cos(2 * math.pi * hertz / 48_000)
    one = two = 0.0
    for value in part[0::2]:
        one, two = value + turn * one - two, one
    return one * one + two * two - turn * one * two


@pytest.mark.parametrize("duration", [0.01, 1, 7.5, 10.000_01, 31])
@pytest.mark.parametrize("meter", ["2/4", "6/8"])
def test_a_song_lasts_exactly_as_long_as_asked(duration: float, meter: str) -> None:
    content = render({"prompt": "x", "duration": duration, "time_signature": meter}, 1)
    assert len(content) == 44 + 4 * round(duration * 48_000)
    assert struct.unpack_from("<I", content, 40) == (len(content) - 44,)


def test_a_song_without_a_duration_lasts_thirty_seconds() -> None:
    assert len(render({"prompt": "x"}, 1)) == 44 + 30 * 192_000


def test_the_same_payload_and_seed_give_the_same_bytes() -> None:
    short = SONG | {"duration": 6}
    assert render(short, 5) == render(short, 5) != render(short, 6)


def test_the_prompt_matters() -> None:
    assert render({"prompt": "a", "duration": 3}, 1) != render({"prompt": "b", "duration": 3}, 1)


def test_the_level_is_that_of_a_finished_recording() -> None:
    """Peak near -1 dBFS, no offset, neither a square wave nor a few lonely spikes."""
    song = samples(SONG)
    top = max(map(abs, song))
    crest = 20 * math.log10(top / loudness(song))

    assert -1.3 < 20 * math.log10(top / 32_768) <= -0.99
    assert abs(sum(song) / len(song)) < 30
    assert 9 < crest < 17


def test_a_song_begins_and_ends_at_rest_without_a_click() -> None:
    song = samples(SONG)
    assert max(map(abs, song[:8])) < 50
    assert max(map(abs, song[-8:])) < 50


def test_bars_join_without_a_step() -> None:
    """Bars are cut and cached, so a note that was cut would show as a jump between two of them."""
    score = compose(SONG, 1)
    left = samples(SONG)[0::2]
    seams = range(score.bar, len(left), score.bar)
    assert all(abs(left[seam] - left[seam - 1]) < 900 for seam in seams)


def test_sections_differ_in_loudness_and_choruses_come_back_alike() -> None:
    score, song = compose(SONG, 1), samples(SONG)
    levels, start = [], 0
    for section in score.sections:
        end = start + 2 * score.bar * len(section.chords)
        levels.append(loudness(song[start:end]))
        start = end
    verse, chorus, second, again, outro = levels

    assert [section.kind for section in score.sections] == [
        "verse",
        "chorus",
        "verse",
        "chorus",
        "outro",
    ]
    assert chorus > 1.3 * verse
    assert abs(chorus - again) < 0.05 * chorus
    assert outro < min(verse, second)
    assert [n.degree for n in score.sections[1].lead] == [n.degree for n in score.sections[3].lead]


def test_one_note_is_sung_for_every_syllable() -> None:
    score, lyrics = compose(SONG, 1), parts(LYRICS)
    for section, part in zip(score.sections, lyrics, strict=True):
        assert len(section.lead) == sum(map(len, part.lines))


@pytest.mark.parametrize("key", ["C major", "F# minor", "Bb major", "A minor"])
def test_every_note_is_in_the_key(key: str) -> None:
    score = compose(SONG | {"key": key}, 3)
    letters = {"C": 0, "F#": 6, "Bb": 10, "A": 9}
    steps = (0, 2, 4, 5, 7, 9, 11) if "major" in key else (0, 2, 3, 5, 7, 8, 10)
    allowed = {(letters[key.split(maxsplit=1)[0]] + step) % 12 for step in steps}
    sung = {score.pitch(note.degree) % 12 for part in score.sections for note in part.lead}
    assert len(sung) >= 4
    assert sung <= allowed


def test_the_sound_has_its_energy_on_the_tonic_triad() -> None:
    """Measured on the outro's last chord, well away from any drum."""
    song = samples(
        {"prompt": "lullaby", "lyrics": "[intro]\n[outro]", "duration": 4.8, "bpm": 100}
        | {"key": "A minor"}
    )
    tail = song[2 * 150_000 : 2 * 150_000 + 2 * 24_000]
    triad = sum(power(tail, hertz) for hertz in (220.0, 261.63, 329.63))
    off_key = sum(power(tail, hertz) for hertz in (233.08, 277.18, 311.13))
    assert triad > 30 * off_key


def test_the_tempo_and_the_meter_set_the_bar() -> None:
    def bar(meter: str) -> int:
        return compose({"prompt": "x", "bpm": 120, "time_signature": meter}, 1).bar

    assert [bar(m) for m in ("2/4", "3/4", "4/4", "6/8")] == [48_000, 72_000, 96_000, 48_000]


def test_an_instrumental_has_a_lead_of_its_own() -> None:
    for payload in (
        {"prompt": "x", "lyrics": "[Instrumental]", "duration": 60},
        {"prompt": "x", "lyrics": LYRICS, "instrumental": True, "duration": 60},
        {"prompt": "x", "duration": 60},
    ):
        leads = [note.vowel for part in compose(payload, 1).sections for note in part.lead]
        assert len(leads) > 20
        assert set(leads) == {"flute"}


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("You are my sunshine after the rain", 9),
        ("hm", 1),
        ("窗外的雨下不停", 7),
        ("사랑해요", 4),
        ("élève café", 4),
        ("Я помню чудное мгновенье", 9),
        ("(oh, oh)", 2),
        ("...", 0),
    ],
)
def test_syllables_are_counted_roughly_in_many_scripts(line: str, count: int) -> None:
    assert abs(len(syllables(line)) - count) <= (count > 4)


def test_lyrics_fall_into_parts_by_their_tags() -> None:
    found = parts(
        "la la\n[Pre-Chorus]\noh\n[whispered]\nah\n[Guitar Solo]\n[Final Chorus - big]\nhey"
    )
    assert [(part.kind, len(part.lines)) for part in found] == [
        ("verse", 1),
        ("pre-chorus", 2),
        ("solo", 0),
        ("chorus", 1),
    ]


def test_lane_arithmetic_is_ordinary_arithmetic_on_every_sample() -> None:
    left, right = [0, 100, -100, 32_000, -32_000], [5, -7, 11, -13, 17]
    block = stereo(mono(left), mono(right))
    summed = array("h", signed(mix(block, stereo(mono(right), mono(left)))))
    halved = array("h", signed(scale(block, 0.5)))

    assert list(summed[0::2]) == [a + b for a, b in zip(left, right, strict=True)]
    assert list(halved[0::2]) == [0, 50, -50, 16_000, -16_000]
    assert 32_000 <= peak(block) <= 32_256
