"""Whatever file the host delivers is kept as it came, is measured, and is named for what it is."""

import struct
from pathlib import Path
from typing import Any

import anyio
import mutagen
import pytest
from mcp_types import ResourceLink

from acestep_mcp.library.names import TYPES
from acestep_mcp.sandbox.faults import reply
from tests.house import House, house, shown, text
from tests.library import Host, library
from tests.library import song as plain
from tests.library.sounds import (
    HALF,
    MADE,
    ODD,
    PCM,
    RATE,
    UNREAD,
    floats,
    heard_by_ffmpeg,
    made,
    needs,
    wave,
)

pytestmark = [pytest.mark.anyio, pytest.mark.audio]


async def delivered(home: House, *files: bytes, seconds: int = 12) -> dict[str, Any]:
    """The song whose takes are these files."""
    for each in files:
        home.sandbox.faults.add("media", reply(200, each))
    return shown(await home.finished(duration=seconds, batch_size=len(files)))


@pytest.mark.parametrize("name", ODD)
async def test_an_odd_header_costs_no_sample_and_no_measurement(tmp_path: Path, name: str) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        song = await delivered(home, ODD[name])
    (path,) = map(Path, song["files"])
    content = path.read_bytes()

    assert path.suffix == ".wav"
    assert song["media_type"] == "audio/wav"
    assert song["warnings"] == []
    assert song["takes"][0].startswith("Take 1: 12.0 s of 12 asked, -")
    assert "begins and ends at rest" in song["takes"][0]
    start = ODD[name].index(b"data") + 8
    assert content[8 : len(ODD[name])] == ODD[name][8:]
    right = name in ("as it should be", "float")
    assert (len(content) > len(ODD[name])) == right, "only where sizes are right it is tagged"
    assert content[start:].startswith(ODD[name][start:])


async def test_a_take_is_judged_for_itself_whatever_the_other_is_like(tmp_path: Path) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        song = await delivered(home, wave(), ODD["sizes of a pipe"])

    assert [Path(each).stem[-2:] for each in song["files"]] == ["-1", "-2"]
    assert [each[:7] for each in song["takes"]] == ["Take 1:", "Take 2:"]
    assert all("12.0 s" in each for each in song["takes"])


async def test_an_infinite_sample_is_named_and_the_rest_is_measured(tmp_path: Path) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        song = await delivered(home, floats(infinite=True))

    assert song["warnings"] == ["The song has 1 samples that are no sound."]
    assert "true peak +0.0 dB" in song["takes"][0]
    assert floats(infinite=True)[44:] in Path(song["files"][0]).read_bytes()


@pytest.mark.parametrize("name", MADE)
async def test_what_other_programs_make_is_kept_and_sounds_the_same_to_the_last_bit(
    tmp_path: Path, name: str
) -> None:
    needs("ffmpeg")
    content = made(name, tmp_path)
    suffix = MADE[name][0]
    before = tmp_path / f"before{suffix}"
    before.write_bytes(content)
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        song = await delivered(home, content)
    (path,) = map(Path, song["files"])

    assert path.suffix == suffix
    assert song["media_type"] == TYPES[suffix]
    assert song["warnings"] == []
    assert path.read_bytes() == content or heard_by_ffmpeg(path) == heard_by_ffmpeg(before)
    if suffix in UNREAD:
        assert song["takes"] == [f"Take 1: {TYPES[suffix]}; not listened to"]
        assert path.read_bytes() == content
    else:
        assert song["takes"][0].startswith("Take 1: 12.0 s of 12 asked, -")


@pytest.mark.parametrize("name", ["ffmpeg MP3", "ffmpeg FLAC", "ffmpeg Vorbis"])
async def test_half_a_file_is_known_by_its_sound_to_be_half_as_long(
    tmp_path: Path, name: str
) -> None:
    content = made(name, tmp_path)
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        song = await delivered(home, content[: len(content) // 2])

    (warning,) = [each for each in song["warnings"] if "s long" in each]
    seconds = int(warning.split(" is ")[1].split()[0])
    assert 4 <= seconds <= 8
    assert "12 s were asked for" in warning


async def test_a_truncated_wave_is_measured_as_far_as_it_goes(tmp_path: Path) -> None:
    cut = wave()[: 44 + HALF]
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        song = await delivered(home, cut)

    assert "The song is cut off: its header announces more than there is." in song["warnings"]
    assert "The song is 6 s long; 12 s were asked for." in song["warnings"]
    assert Path(song["files"][0]).read_bytes() == cut


async def test_flac_behind_a_tag_is_flac(tmp_path: Path) -> None:
    tag = b"ID3\4\0\0\0\0\0\x14" + bytes(20)
    content = tag + made("ffmpeg FLAC", tmp_path)
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        home.sandbox.faults.add("media", reply(200, content))
        answer = await home.finished(duration=12)
    song = shown(answer)
    (link,) = [part for part in answer.content if isinstance(part, ResourceLink)]

    assert Path(song["files"][0]).suffix == ".flac"
    assert song["media_type"] == link.mime_type == "audio/flac"
    assert song["takes"][0].startswith("Take 1: 12.0 s")


SILENCE = wave(bytes(len(PCM)))


def _loud() -> bytes:
    """The chord ten times too loud, so that its crests are cut off."""
    samples = struct.unpack(f"<{len(PCM) // 2}h", PCM)
    return wave(struct.pack(f"<{len(samples)}h", *(_clipped(10 * each) for each in samples)))


def _clipped(value: int) -> int:
    return max(-32_768, min(32_767, value))


def _channels(left: float, right: float) -> bytes:
    """The chord's left channel on both sides, each this much as high."""
    samples = struct.unpack(f"<{len(PCM) // 2}h", PCM)[::2]
    pairs = (int(each * side) for each in samples for side in (left, right))
    return wave(struct.pack(f"<{2 * len(samples)}h", *pairs))


def _gap() -> bytes:
    """Three seconds of the chord, eleven of nothing, and the rest of it."""
    at = 3 * RATE * 4
    return wave(PCM[:at] + bytes(11 * RATE * 4) + PCM[at:] * 2)


VERDICTS: dict[str, tuple[bytes, str]] = {
    "empty": (wave(b""), "The song holds no sound."),
    "silent": (SILENCE, "The song is silent from end to end."),
    "8 bit silence": (
        wave(b"\x80" * (RATE * 2 * 12), bits=8),
        "The song is silent from end to end.",
    ),
    "mu-law silence": (
        wave(b"\xff" * (RATE * 2 * 12), tag=7, bits=8),
        "The song is silent from end to end.",
    ),
    "clipped": (_loud(), "is clipped in "),
    "left dead": (_channels(0, 1), "The song is silent in its left channel."),
    "right dead": (_channels(1, 0), "The song is silent in its right channel."),
    "inverted": (_channels(1, -1), "has one channel inverted"),
    "a gap": (_gap(), "The song is silent from 0:03 to 0:14."),
    "cut off in full sound": (wave(PCM[: 10 * RATE * 4]), "ends in full sound"),
}


@pytest.mark.parametrize("name", VERDICTS)
async def test_what_is_wrong_with_a_sound_is_a_warning(tmp_path: Path, name: str) -> None:
    content, says = VERDICTS[name]
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        song = await delivered(home, content, seconds=10)

    assert len(song["files"]) == 1
    assert any(says in each for each in song["warnings"]), song["warnings"]


@pytest.mark.parametrize("options", [("-b:a", "128k", "x.mp3"), ("x.flac",)], ids=["mp3", "flac"])
@pytest.mark.parametrize("name", ["silent", "clipped"])
async def test_what_is_wrong_is_heard_in_compressed_files_too(
    tmp_path: Path, options: tuple[str, ...], name: str
) -> None:
    needs("ffmpeg")
    content, says = VERDICTS[name]
    (tmp_path / "wrong.wav").write_bytes(content)
    *flags, target = options
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "wrong.wav"), *flags]
    await anyio.run_process([*command, str(tmp_path / target)])
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        song = await delivered(home, (tmp_path / target).read_bytes(), seconds=12)

    if name == "clipped" and target == "x.mp3":
        return  # an MP3 of a clipped sound has no flat crests any more
    assert any(says in each for each in song["warnings"]), song["warnings"]


async def test_an_unknown_container_is_kept_as_it_came_and_a_page_is_not(tmp_path: Path) -> None:
    unknown = bytes(range(128, 228)) * 40
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        song = await delivered(home, unknown)

    (path,) = map(Path, song["files"])
    assert path.read_bytes() == unknown
    assert path.suffix == ".wav", "as its URL says"
    assert "not listened to" in song["takes"][0]


@pytest.mark.parametrize("name", ["song.json", "song.exe", "song", "song.wav?x=.html", "../a.sh"])
async def test_no_url_names_a_file_that_is_no_audio(tmp_path: Path, name: str) -> None:
    unknown = bytes(range(128, 228)) * 40
    one = plain(media_urls=(f"https://host/{name}",))
    saved = await library(tmp_path, Host(unknown)).save(one)

    (path,) = map(Path, saved.files)
    assert path.suffix == (".wav" if ".wav" in name else ".audio")
    assert path.read_bytes() == unknown
    assert path.parent == tmp_path


async def test_the_tags_level_songs_in_players(tmp_path: Path) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        song = await delivered(home, wave())
    tags: Any = mutagen.File(song["files"][0]).tags
    loudness = float(song["takes"][0].split(" LUFS")[0].rsplit(" ", 1)[1])

    gain = float(str(tags["TXXX:REPLAYGAIN_TRACK_GAIN"].text[0]).removesuffix(" dB"))
    assert gain == pytest.approx(-18 - loudness, abs=0.06)
    assert 0.3 < float(tags["TXXX:REPLAYGAIN_TRACK_PEAK"].text[0]) <= 0.55


async def test_the_answer_says_it_cannot_hear_and_the_text_says_what_was_measured(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        answer = await home.finished(duration=10, batch_size=2)
    song = shown(answer)

    assert "cannot hear" in song["message"]
    assert len(song["takes"]) == 2
    assert all(line in text(answer) for line in song["takes"])
