"""The guide fits its budget, and what it shows passes what the server checks."""

import json
import re
from typing import Any

import pytest

from acestep_mcp.domain.request import SongRequest
from acestep_mcp.songcraft.checks import check
from acestep_mcp.songcraft.checks.lyrics import MOST_SYLLABLES, MOST_SYLLABLES_RAP
from acestep_mcp.songcraft.fit import estimate, fitted_duration
from acestep_mcp.songcraft.guide import guide
from acestep_mcp.songcraft.notation import key, meter
from acestep_mcp.songcraft.scripts import scripts

from .cases import lines

EXAMPLES: dict[str, dict[str, Any]] = {
    name: json.loads(body)
    for name, body in re.findall(r"^(\w+):\n```json\n(.*?)```", guide(), re.DOTALL | re.MULTILINE)
}


def draft(name: str) -> SongRequest:
    return SongRequest(**{field: v for field, v in EXAMPLES[name].items() if field != "title"})


def test_the_guide_stays_within_2500_tokens() -> None:
    assert len(guide().encode()) / 4 <= 2500


def test_the_four_languages_and_an_instrumental_are_shown() -> None:
    assert {"English", "Spanish", "Japanese", "Chinese", "Instrumental"} <= EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_passes_every_check(name: str) -> None:
    assert check(draft(name)) == ()


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_written_in_the_notation_it_teaches(name: str) -> None:
    example = draft(name)
    assert key(example.key or "") == example.key
    assert meter(example.time_signature or "") == example.time_signature


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name != "Instrumental"])
def test_the_fitted_length_of_an_example_is_good(name: str) -> None:
    example = draft(name)
    seconds = fitted_duration(example.lyrics, example.prompt)
    assert seconds is not None
    assert estimate(example.lyrics, example.prompt).verdict(seconds) == "good"


@pytest.mark.parametrize(
    ("name", "script"), [("English", "Latin"), ("Japanese", "Kana"), ("Chinese", "Han")]
)
def test_an_example_is_in_its_own_script(name: str, script: str) -> None:
    sung = re.sub(r"\[.*?\]", "", str(EXAMPLES[name]["lyrics"]))
    assert next(iter(scripts(sung))) == script


def plan(*tags: str) -> str:
    """Four lines of seven syllables under each tag, with intro and outro."""
    sung = "\n\n".join(f"[{t}]\n" + "Morning light is on the hill\n" * 4 for t in tags)
    return f"[Intro]\n\n{sung}\n\n[Outro]"


@pytest.mark.parametrize(
    ("shape", "seconds"), [("V C ~", 70), ("V C V C ~", 130), ("V C V C B C ~", 180)]
)
def test_the_lengths_of_the_shapes_are_the_estimators(shape: str, seconds: int) -> None:
    tags = [{"V": "Verse", "C": "Chorus", "B": "Bridge"}[t] for t in shape.split()[:-1]]
    assert fitted_duration(plan(*tags)) == seconds
    assert f"{shape}{seconds} s" in guide()


def test_the_lines_of_a_length_are_the_estimators() -> None:
    rows = re.findall(r"(\d+) s (\d+)-(\d+)(?: lines| \u00b7)", guide())

    assert [row[0] for row in rows] == ["30", "60", "120", "180", "240"]
    for row in rows:
        seconds, fewest, most = map(int, row)
        for count in (fewest, most):
            assert estimate(lines(count)).verdict(seconds) == "good", row
        assert estimate(lines(fewest)).typical < seconds < estimate(lines(most)).typical * 1.05


def test_the_longest_lines_of_the_guide_are_those_of_the_check() -> None:
    assert f"never over {MOST_SYLLABLES} (rap {MOST_SYLLABLES_RAP})" in guide()
