"""A song as FLAC or MP3: converted once, tagged, read back, never in place of what is better."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import mutagen
import pytest

from acestep_mcp import settings
from acestep_mcp.sandbox.faults import reply
from acestep_mcp.settings import SettingsError
from tests.house import KEY, House, house, shown
from tests.library import BROKEN, Host, contents, library, named, song
from tests.library.sounds import PCM, floats, heard_by_ffmpeg, made, needs, wave

pytestmark = [pytest.mark.anyio, pytest.mark.audio]


async def _ordered(home: House, content: bytes | None = None, takes: int = 1) -> dict[str, Any]:
    for _ in range(takes):
        if content is not None:
            home.sandbox.faults.add("media", reply(200, content))
    return shown(
        await home.finished(
            title="Rain", lyrics="[Verse]\nRain again", duration=12, seed=7, batch_size=takes
        )
    )


def _suffixes(found: dict[str, Any]) -> list[str]:
    return [Path(each).suffix for each in found["files"]]


@pytest.mark.parametrize(
    ("kept", "suffixes"),
    [
        ("original", [".wav"]),
        ("flac", [".flac"]),
        ("mp3", [".mp3"]),
        ("original,mp3", [".wav", ".mp3"]),
        (" FLAC , original ", [".wav", ".flac"]),
        ("mp3,flac", [".flac", ".mp3"]),
        ("original,flac,mp3", [".wav", ".flac", ".mp3"]),
    ],
)
async def test_the_formats_that_are_named_are_kept(
    tmp_path: Path, kept: str, suffixes: list[str]
) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on", ACESTEP_FORMAT=kept) as home:
        found = await _ordered(home, wave())

    assert _suffixes(found) == suffixes
    assert found["warnings"] == []
    assert all(Path(each).stat().st_size for each in found["files"])
    assert found["takes"][0].startswith("Take 1: 12.0 s")
    assert len(contents(tmp_path / "songs")) == len(suffixes) + 1  # and the sidecar


@pytest.mark.parametrize(
    "name",
    ["ffmpeg s16le", "ffmpeg s24le", "ffmpeg u8", "ffmpeg mulaw", "ffmpeg WAV through a pipe"],
)
async def test_flac_holds_every_sample_of_the_wave_it_stands_for(tmp_path: Path, name: str) -> None:
    needs("ffmpeg")
    original = tmp_path / "original.wav"
    original.write_bytes(made(name, tmp_path))
    async with house(tmp_path, ACESTEP_SAVE="on", ACESTEP_FORMAT="flac") as home:
        found = await _ordered(home, original.read_bytes())

    assert _suffixes(found) == [".flac"]
    assert heard_by_ffmpeg(Path(found["files"][0])) == heard_by_ffmpeg(original)


@pytest.mark.parametrize("name", ["float", "cut", "odd", "mp3"])
async def test_what_flac_cannot_hold_exactly_is_kept_as_it_came(tmp_path: Path, name: str) -> None:
    delivered: dict[str, Callable[[], bytes]] = {
        "float": floats,
        "cut": lambda: wave()[: len(PCM) // 2],
        "odd": lambda: floats(infinite=True),
        "mp3": lambda: made("ffmpeg MP3", tmp_path),
    }
    content = delivered[name]()
    async with house(tmp_path, ACESTEP_SAVE="on", ACESTEP_FORMAT="flac") as home:
        found = await _ordered(home, content)

    first = Path(found["files"][0])
    assert first.suffix == (".mp3" if name == "mp3" else ".wav")
    assert content[60:-2000] in first.read_bytes()


@pytest.mark.parametrize("kind", ["flac", "mp3"])
async def test_a_saved_song_is_converted_when_asked_and_found_again_after(
    tmp_path: Path, kind: str
) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        found = await _ordered(home, wave(), takes=2)
        handle = found["request_id"]
        first = shown(await home.status(handle, format=kind, wait=15))
        written = {each: Path(each).stat().st_mtime_ns for each in first["files"]}
        again = shown(await home.status(handle, format=kind, wait=15))
        plain = shown(await home.status(handle))

    wavs = [each for each in first["files"] if each.endswith(".wav")]
    assert first["files"] == wavs + [each.removesuffix("wav") + kind for each in wavs]
    assert len(wavs) == 2
    assert again["files"] == plain["files"] == first["files"]
    assert {each: Path(each).stat().st_mtime_ns for each in again["files"]} == written


@pytest.mark.parametrize("kind", ["flac", "mp3"])
async def test_it_is_tagged_like_the_original(tmp_path: Path, kind: str) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        found = await _ordered(home, wave())
        answer = shown(await home.status(found["request_id"], format=kind, wait=15))
    audio: Any = mutagen.File(answer["files"][-1])
    shown_as = audio.tags.pprint().lower()

    assert audio.info.length == pytest.approx(12, abs=0.1)
    for text in ("rain again", "rain", "warm folk ballad", "seed", "ace-step", "replaygain_track"):
        assert text in shown_as, text
    if kind == "mp3":
        assert audio.info.bitrate == 160_000, "the most there is at 24 kHz"


async def test_a_format_that_is_none_is_refused_in_a_line(tmp_path: Path) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        found = await _ordered(home, wave())
        refused = await home.status(found["request_id"], format="ogg")

    assert refused.is_error
    assert "flac or mp3" in str(refused.content)


async def test_a_server_that_saves_nothing_says_so(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        found = await _ordered(home)
        answer = shown(await home.status(found["request_id"], format="mp3"))

    assert "This server saves no files, so there is no MP3 of it." in answer["message"]


async def test_a_short_wait_is_kept_and_the_file_is_there_the_next_time(tmp_path: Path) -> None:
    """A minute of song takes a while; the call does not."""
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        found = await _ordered(home, wave(PCM * 20))
        began = anyio.current_time()
        first = shown(await home.status(found["request_id"], format="mp3"))
        took = anyio.current_time() - began
        second = shown(await home.status(found["request_id"], format="mp3", wait=30))

    assert took < 2
    assert ".mp3" in _suffixes(first) or "still being written" in first["message"]
    assert _suffixes(second) == [".wav", ".mp3"]


async def test_a_conversion_that_was_deleted_is_written_again(tmp_path: Path) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        found = await _ordered(home, wave())
        handle = found["request_id"]
        made_once = Path(shown(await home.status(handle, format="mp3", wait=15))["files"][-1])
        made_once.unlink()
        again = shown(await home.status(handle, format="mp3", wait=15))

    assert again["files"][-1] == str(made_once)
    assert made_once.stat().st_size


async def test_another_file_under_that_name_is_left_alone_and_named(tmp_path: Path) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        found = await _ordered(home, wave())
        other = Path(found["files"][0]).with_suffix(".mp3")
        other.write_bytes(b"somebody's")
        answer = shown(await home.status(found["request_id"], format="mp3", wait=15))

    assert other.read_bytes() == b"somebody's"
    assert "another file has the name" in answer["message"]
    assert _suffixes(answer) == [".wav"]


async def test_a_superseded_worker_names_no_conversion(tmp_path: Path) -> None:
    answers = iter([True, False])

    async def ours() -> bool:
        return next(answers)

    await library(tmp_path, Host(wave()), "original", "mp3").save(song(), ours)

    assert [Path(each).suffix for each in contents(tmp_path)] == [".wav"]


async def test_a_take_that_is_fetched_later_is_converted_then(tmp_path: Path) -> None:
    host = Host(wave())
    host.instead["2"] = BROKEN
    keeper = library(tmp_path, host, "original", "mp3")
    first = await keeper.save(song(2))
    host.instead.clear()
    second = await keeper.save(song(2, files=first.files, sound=first.tracks))

    assert named(first) == ["1.wav"]
    assert named(second) == ["1.wav", "2.wav"]
    assert [[Path(each).suffix for each in track.also] for track in second.tracks] == [[".mp3"]] * 2


def test_a_format_that_is_unknown_stops_the_server_with_a_line() -> None:
    with pytest.raises(SettingsError, match="ACESTEP_FORMAT='ogg' is not usable: name, by commas"):
        settings.read({"HOME": "/", "ACESTEP_FORMAT": "ogg"})


def _export(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {
        "PATH": os.environ["PATH"],
        "PIXAZO_API_KEY": KEY,
        "ACESTEP_DATA_DIR": str(folder / "data"),
        "ACESTEP_OUTPUT_DIR": str(folder / "songs"),
    }
    return subprocess.run(
        [sys.executable, "-m", "acestep_mcp", "export", *arguments],
        capture_output=True,
        text=True,
        env=environ,
        timeout=60,
        check=False,
    )


async def test_the_command_writes_beside_the_original_or_into_a_folder(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        handle = (await _ordered(home, wave(), takes=2))["request_id"]
    beside = _export(tmp_path, handle)
    one = _export(tmp_path, handle, "--format", "mp3", "--take", "2", "--to", str(elsewhere))
    again = _export(tmp_path, handle)
    copied = _export(tmp_path, handle, "--to", str(elsewhere))
    beside_flac = [path.read_bytes() for path in sorted((tmp_path / "songs").glob("*.flac"))]

    assert [Path(each).read_bytes() for each in copied.stdout.splitlines()] == beside_flac
    assert (beside.returncode, beside.stderr) == (0, "")
    paths = beside.stdout.splitlines()
    assert [Path(each).name[-6:] for each in paths] == ["1.flac", "2.flac"]
    assert all(Path(each).parent == tmp_path / "songs" for each in paths)
    assert again.stdout == beside.stdout
    assert (one.returncode, one.stdout) == (0, f"{next(elsewhere.glob('*.mp3'))}\n")
    assert [each[-6:] for each in contents(elsewhere)] == ["1.flac", "2.flac", "-2.mp3"]


async def test_what_is_in_the_format_already_is_copied_and_not_encoded_again(
    tmp_path: Path,
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    async with house(tmp_path, ACESTEP_SAVE="on", ACESTEP_FORMAT="mp3") as home:
        found = await _ordered(home, wave())
    done = _export(tmp_path, found["request_id"], "--format", "mp3", "--to", str(elsewhere))

    (source,) = map(Path, found["files"])
    assert Path(done.stdout.strip()).read_bytes() == source.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "says", "status"),
    [
        (("nothing",), "no song has request_id 'nothing'", 1),
        ((), "required", 2),
        (("x", "--format", "ogg"), "invalid choice", 2),
        (("x", "--take", "0"), "not a whole number", 2),
        (("x", "--to", "/no/such/folder"), "there is no folder", 1),
    ],
)
def test_the_command_complains_in_a_line(
    tmp_path: Path, arguments: tuple[str, ...], says: str, status: int
) -> None:
    done = _export(tmp_path, *arguments)

    assert (done.returncode, done.stdout) == (status, "")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
