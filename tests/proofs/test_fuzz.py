"""Two thousand files whose headers were changed at random: none is lost, none sounds different."""

import random
from functools import partial
from pathlib import Path

import anyio
import pytest

from acestep_mcp.domain.song import RequestId
from tests.library import Host, library, song
from tests.library.sounds import made, rf64, wave

pytestmark = [pytest.mark.anyio, pytest.mark.proof]

EACH = 200
PROGRAMS = ("MS ADPCM", "extensible", "AIFF", "CAF", "W64", "FLAC", "MP3", "Vorbis")
FILES = ("WAV", "RF64", *(f"ffmpeg {each}" for each in PROGRAMS))


@pytest.mark.parametrize("name", FILES)
async def test_no_file_is_lost_and_no_sample_changed_whatever_a_header_says(
    tmp_path: Path, name: str
) -> None:
    pcm = wave()[44 : 44 + 96_000]
    short = {"WAV": wave(pcm), "RF64": rf64()[:96_000]}
    content = short.get(name) or made(name, tmp_path)
    header = _header(content)
    chance = random.Random(name)
    mutants = [_mutated(content, header, chance) for _ in range(EACH)]
    turns, wrong = anyio.Semaphore(4), []

    async def check(number: int, mutant: bytes) -> None:
        async with turns:
            one = song(request_id=RequestId(f"g-{number}"))
            saved = await library(tmp_path / "songs", Host(mutant)).save(one)
        if saved.missing is not None:
            wrong.append((number, saved.missing.cause))
            return
        kept = Path(saved.files[0]).read_bytes()
        if kept != mutant and not _sounds_alike(kept, mutant, header):
            wrong.append((number, "other samples"))
        if [each for each in saved.warnings if "fault" in each or "not saved" in each]:
            wrong.append((number, saved.warnings[0]))

    async with anyio.create_task_group() as tasks:
        for number, mutant in enumerate(mutants):
            tasks.start_soon(partial(check, number, mutant))

    assert wrong == []


def _header(content: bytes) -> int:
    """Bytes before the first one of the audio."""
    if content[:4] == b"fLaC":
        return content.index(b"\xff\xf8")
    for name in (b"data", b"SSND"):
        if 0 < (at := content.find(name)) < 4096:
            return at + 8
    return 256


def _mutated(content: bytes, header: int, chance: random.Random) -> bytes:
    """The content with some bytes of its header changed; never the four that say what it is."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(4, header)
        if 8 <= at < 12:
            continue
        changed[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    if chance.random() < 0.2:
        del changed[chance.randrange(header, len(changed)) :]
    return bytes(changed)


def _sounds_alike(kept: bytes, mutant: bytes, header: int) -> bool:
    """Whether all audio bytes of the file are in the tagged one, in one piece."""
    return mutant[header:][-4096:] in kept and mutant[header : header + 4096] in kept
