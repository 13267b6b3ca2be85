"""A track that ends before its own header says so is not complete; what proves nothing is."""

import random
from io import FileIO
from pathlib import Path

import pytest

from acestep_mcp.library.whole import is_short
from tests.library import AUDIO

FILES = sorted(each.name for each in AUDIO.iterdir())
CUTS = 60


def judged(path: Path, content: bytes) -> bool:
    path.write_bytes(content)
    with FileIO(str(path)) as file:
        return is_short(file, len(content))


@pytest.mark.parametrize("name", FILES)
def test_what_an_encoder_wrote_is_whole(tmp_path: Path, name: str) -> None:
    assert not judged(tmp_path / "x", (AUDIO / name).read_bytes())


UNPROVABLE = {"piped.wav": CUTS, "bare.mp3": 2}
"""A placeholder for a size tells nothing, and an MP3 without a table may be cut between frames."""


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_anywhere_is_known_by_its_own_header(tmp_path: Path, name: str) -> None:
    content = (AUDIO / name).read_bytes()
    chance = random.Random(name)
    cuts = [len(content) - 1, len(content) // 2]
    cuts += [chance.randrange(44, len(content)) for _ in range(CUTS - 2)]
    missed = [cut for cut in cuts if not judged(tmp_path / "x", content[:cut])]

    assert len(missed) <= UNPROVABLE.get(name, 0), missed


@pytest.mark.parametrize("name", ["tone.flac", "info.mp3", "bare.mp3"])
def test_a_tag_behind_the_audio_is_no_cut(tmp_path: Path, name: str) -> None:
    tag = b"TAG" + b"Rain".ljust(125, b"\0")

    assert not judged(tmp_path / "x", (AUDIO / name).read_bytes() + tag)


@pytest.mark.parametrize("size", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x24\xf0\xff\x7f"])
def test_a_size_that_was_never_filled_in_proves_nothing(tmp_path: Path, size: bytes) -> None:
    whole = (AUDIO / "tone.wav").read_bytes()
    streamed = whole[:4] + size + whole[8:40] + size + whole[44:]

    assert not judged(tmp_path / "x", streamed)


@pytest.mark.parametrize("magic", [b"RIFF\0\0\0\0WAVE", b"OggS", b"fLaC", b"ID3\4", b"\xff\xfb"])
def test_no_bytes_behind_a_magic_number_break_the_judgement(tmp_path: Path, magic: bytes) -> None:
    chance = random.Random(magic)
    verdicts = {
        judged(tmp_path / "x", magic + chance.randbytes(chance.randrange(300))) for _ in range(60)
    }

    assert verdicts <= {True, False}
