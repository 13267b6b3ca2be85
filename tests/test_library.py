"""Songs on disk: names, whole files, honest refusals."""

import json
import random
import struct
from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from acestep_mcp.clock import SystemClock
from acestep_mcp.domain.song import RequestId, Song
from acestep_mcp.library import Library
from acestep_mcp.library.names import stem, suffix
from acestep_mcp.providers import Media
from acestep_mcp.sandbox import limit_data, reply, reset_peer
from tests.house import house, shown, text
from tests.test_ledger import song as plain

pytestmark = pytest.mark.anyio


def wave_file(code: str, samples: Sequence[float], *, tag: int = 1, size: int = -1) -> bytes:
    """A stereo 48 kHz WAVE file of these samples; `size` overrides what its header claims."""
    if code == "24":
        body = b"".join(int(each).to_bytes(3, "little", signed=True) for each in samples)
        width = 3
    else:
        values = array(code, samples)
        body, width = values.tobytes(), values.itemsize
    shape = struct.pack("<HHIIHH", tag, 2, 48_000, 96_000 * width, 2 * width, 8 * width)
    claimed = len(body) if size < 0 else size
    head = b"WAVEfmt " + struct.pack("<I", 16) + shape + b"data" + struct.pack("<I", claimed)
    return b"RIFF" + struct.pack("<I", len(head) + len(body)) + head + body


WAV = wave_file("h", [0, 16_384] * 4_800)


def song(**fields: Any) -> Song:
    return plain(**{"request_id": RequestId("g-1"), "media_urls": ("u",), **fields})


@asynccontextmanager
async def wav(_url: str, _start: int, _validator: str) -> AsyncIterator[Media]:
    async def pieces() -> AsyncIterator[bytes]:
        yield WAV

    yield Media(0, len(WAV), "", pieces())


@pytest.mark.parametrize(
    "title",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "C:\\Windows\\system32",
        "CON",
        "nul.wav",
        "a" * 500,
        "夜" * 200,
        "...",
        " . ",
        "x\0y\nz",
        "\u202egnp.exe",
        'a<b>:"c|d?e*f',
        ".hidden",
        "",
    ],
    ids=repr,
)
async def test_no_title_writes_outside_the_folder_or_in_a_name_some_system_refuses(
    tmp_path: Path, title: str
) -> None:
    folder = tmp_path / "songs"
    (path,) = (await Library(folder, lambda _: wav, SystemClock()).save(song(title=title))).files
    name = Path(path).name

    assert Path(path).parent == folder
    assert Path(path).read_bytes()[:4] == b"RIFF"
    assert not set(name) & set('<>:"/\\|?*\0\n')
    assert len(name.encode()) <= 143
    assert name.split(".")[0].upper() not in {"CON", "NUL", ""}
    assert not name.startswith((".", " "))
    assert {each.name for each in tmp_path.iterdir()} == {"songs"}


def test_names_say_the_title_or_the_first_words() -> None:
    lyrics = {"prompt": "p", "lyrics": "[Verse]\nThe lamp is low, the road is long and more"}

    assert stem(song(title="Rain")).startswith("Rain-")
    assert stem(song(payload=lyrics)).startswith("The lamp is low, the road-")
    assert stem(song(payload={"prompt": "slow tango"})).startswith("slow tango-")
    assert stem(song(title="Rain")) != stem(song(title="Rain", request_id=RequestId("g-2")))


@pytest.mark.parametrize(
    ("head", "extension"),
    [
        (b"RIFF\x24\0\0\0WAVEfmt ", ".wav"),
        (b"fLaC\0\0\0\x22", ".flac"),
        (b"OggS\0\x02", ".ogg"),
        (b"ID3\x04", ".mp3"),
        (b"\xff\xfb\x90\x64", ".mp3"),
    ],
)
def test_the_extension_comes_from_the_bytes(head: bytes, extension: str) -> None:
    assert suffix(head) == extension


@pytest.mark.parametrize("head", [b"<html><body>", b"RIFF\0\0\0\0AVI ", b"", b"\xff", b"{}"])
def test_what_is_no_audio_is_refused(head: bytes) -> None:
    with pytest.raises(OSError, match="not audio"):
        suffix(head)


async def test_a_saved_song_has_a_sidecar_that_can_make_it_again(tmp_path: Path) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        answer = shown(await home.finished(title="Rain", duration=1, seed=9, batch_size=2))
        sidecar = json.loads(next((tmp_path / "songs").glob("*.json")).read_text())

    assert sidecar["request_id"] == answer["request_id"]
    assert sidecar["request"]["seed"] == 9
    assert sidecar["files"] == answer["files"]
    assert [Path(file).name[-6:] for file in answer["files"]] == ["-1.wav", "-2.wav"]


async def test_saving_again_overwrites_nothing_of_another_song(tmp_path: Path) -> None:
    library = Library(tmp_path, lambda _: wav, SystemClock())
    first = song(title="Rain")
    await library.save(first)
    sidecar = tmp_path / f"{stem(first)}.json"
    sidecar.write_text('{"request_id": "somebody else"}')
    (path,) = (await library.save(first)).files

    assert len(Path(path).stem) > len(stem(first))
    assert json.loads(sidecar.read_text())["request_id"] == "somebody else"


@pytest.mark.parametrize(
    ("toxic", "says"),
    [
        (reply(200, b"<html>expired</html>"), "not audio"),
        (reply(404), "HTTP 404"),
        (limit_data(600), "connection broke"),
        (reset_peer("before"), "connection broke"),
    ],
    ids=["HTML", "expired", "cut short", "reset"],
)
async def test_a_track_that_cannot_be_had_is_said_and_the_url_still_given(
    tmp_path: Path, toxic: Any, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("acestep_mcp.library.download.PAUSE", 0.001)
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        home.sandbox.faults.add("media", toxic, times=None)
        answer = await home.finished(duration=1)

        assert shown(answer)["status"] == "COMPLETED"
        assert len(shown(answer)["media_urls"]) == 1
        assert shown(answer)["files"] == []
        assert says in shown(answer)["warnings"][0]
        assert shown(answer)["warnings"][0] in text(answer)
        assert list((tmp_path / "songs").iterdir()) == []


async def test_a_fault_in_saving_leaves_the_song_finished_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Library, "save", broken)
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        answer = shown(await home.finished())

        assert answer["status"] == "COMPLETED"
        assert answer["warnings"] == ["The audio is not saved yet: an internal fault."]


def test_five_thousand_hostile_titles_all_become_one_harmless_name(tmp_path: Path) -> None:
    chance = random.Random(9)
    parts = ["..", "/", "\\", ":", "\0", "CON", "nul", "~", "$HOME", "%2e%2e", "\u202e", "\u200b"]
    parts += ["|", "*", "?", '"', "<", ">", "\n", "\x7f", " ", ".", "a", "é", "夜", "🎵", "::$DATA"]
    for _ in range(5_000):
        title = "".join(chance.choices(parts, k=chance.randrange(1, 12)))
        name = f"{stem(song(title=title))}.wav"

        assert (tmp_path / name).resolve().parent == tmp_path.resolve()
        assert not set(name[:-4]) & set('<>:"/\\|?*\0\n\x7f.')
        assert name.isprintable()
        assert name[0] not in " ~-"
        assert len(name.encode()) <= 143
