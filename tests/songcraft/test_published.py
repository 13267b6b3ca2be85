"""Songs that came out well are fitted as they are, and let pass."""

import pytest

from .published import alarms, folder, groups, songs

AT = folder()
pytestmark = pytest.mark.skipif(AT is None, reason="no published songs here (ACESTEP_CORPUS)")

NEAR = {
    "official, rap": 0.60,
    "official, sung": 0.70,
    "published, rap": 0.45,
    "published, sung": 0.50,
}


def test_fitted_lengths_are_those_of_published_songs() -> None:
    assert AT is not None
    found = groups(tuple(songs(AT)))

    assert found.keys() == NEAR.keys()
    for name, group in found.items():
        assert 0.90 <= group.median <= 1.10, name
        assert group.near >= NEAR[name], name


def test_no_published_song_is_stopped_and_few_are_warned_of() -> None:
    assert AT is not None
    told = alarms(tuple(songs(AT)))

    assert [f.message for each in told.values() for _, f in each if f.severity == "stop"] == []
    assert len({song.name for song, _ in told["official"]}) <= 10
    assert len({song.name for song, f in told["published"] if f.rule == "D2"}) <= 39 / 20
