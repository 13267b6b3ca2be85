"""When a song is asked about: found out sooner, with no more questions than a fixed interval."""

import random
from math import ceil
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acestep_mcp.domain.timing import pause

SECONDS = st.floats(0.1, 600)


def asked_until(end: float, known: list[float], interval: float = 5.0) -> tuple[int, float]:
    """How many questions were put until the song was seen to have ended, and how late it was."""
    now, asked = 0.0, 0
    while now < end:
        now += pause(now, asked, known, interval)
        asked += 1
    return asked, now - end


@given(end=SECONDS, known=st.lists(SECONDS, max_size=20))
def test_never_more_questions_than_a_fixed_interval_would_put(
    end: float, known: list[float]
) -> None:
    asked, _ = asked_until(end, known)

    assert asked <= ceil(end / 5.0)


@given(end=SECONDS, known=st.lists(SECONDS, max_size=20))
def test_whatever_is_known_an_end_is_found_within_three_intervals(
    end: float, known: list[float]
) -> None:
    _, late = asked_until(end, known)

    assert late <= 15.0 + 5.0


@given(now=SECONDS, asked=st.integers(0, 200), known=st.lists(SECONDS, max_size=5))
def test_questions_are_at_least_a_second_apart(now: float, asked: int, known: list[float]) -> None:
    assert pause(now, asked, known, 5.0) >= 0.999


@pytest.mark.parametrize("typical", [16.3, 110.9], ids=["16 s", "111 s"])
@pytest.mark.parametrize("history", [[16.3, 110.9], None], ids=["documented", "learnt"])
def test_songs_of_the_documented_lengths_are_found_within_a_second_and_a_half(
    typical: float, history: list[float] | None
) -> None:
    chance = random.Random(1)
    lengths = [typical * chance.uniform(0.98, 1.1) for _ in range(200)]
    known = history or lengths[:20]
    found = [asked_until(length, known) for length in lengths[20:]]

    assert median(late for _, late in found) <= 1.5
    assert all(
        asked <= ceil(length / 5) for (asked, _), length in zip(found, lengths[20:], strict=True)
    )
