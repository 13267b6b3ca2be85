"""Folders as they are: said before anything is paid for, and no fault of theirs is for ever."""

import errno
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from acestep_mcp.library import LARGEST_PIECE, LEAST_ROOM, Saved, disk, download
from acestep_mcp.library.names import stem
from tests.house import house, shown
from tests.library import AUDIO, TONE, Host, contents, library, mounted, remount, song

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE", 0.001)


def dangling(folder: Path) -> Callable[[], None]:
    folder.symlink_to(folder.parent / "drive")
    return (folder.parent / "drive").mkdir


def dangling_above(folder: Path) -> Callable[[], None]:
    folder.parent.joinpath("music").symlink_to(folder.parent / "drive")
    return (folder.parent / "drive").mkdir


def a_file(folder: Path) -> Callable[[], None]:
    folder.write_text("my notes")
    return folder.unlink


def a_file_above(folder: Path) -> Callable[[], None]:
    folder.parent.joinpath("music").write_text("my notes")
    return folder.parent.joinpath("music").unlink


FAULTS = {
    "a dangling link": (dangling, "songs", "a link to nothing is in its place"),
    "a dangling link above": (dangling_above, "music/songs", "a link to nothing is in its place"),
    "a file": (a_file, "songs", "a file is in its place"),
    "a file above": (a_file_above, "music/songs", "Not a directory"),
}


def refused(said: str, why: str) -> None:
    """One line for the assistant: the reason and the mend."""
    assert why in said
    assert "ACESTEP_OUTPUT_DIR" in said
    assert len(said) <= 300
    assert said.isprintable()


@pytest.mark.parametrize(("fault", "name", "why"), FAULTS.values(), ids=FAULTS)
async def test_a_folder_that_cannot_be_is_said_beforehand_and_once_mended_holds_the_song(
    tmp_path: Path, fault: Callable[[Path], Callable[[], None]], name: str, why: str
) -> None:
    mend = fault(tmp_path / "songs")
    host = Host()
    songs = library(tmp_path / name, host)
    before = contents(tmp_path)

    refused(await songs.usable(), why)
    saved = await songs.save(song())
    assert saved.warnings == (f"The audio was not saved: {why}.",)
    assert saved.missing is not None
    assert not saved.missing.gone
    assert host.asked == []  # nothing is downloaded that has nowhere to go
    assert contents(tmp_path) == before

    mend()
    assert await songs.usable() == ""
    assert (await songs.save(song())).missing is None


async def test_a_read_only_file_system_is_said_and_once_writable_holds_the_song(
    tmp_path: Path,
) -> None:
    with mounted(tmp_path / "songs", "size=200m,ro") as folder:
        host = Host()
        songs = library(folder, host)
        refused(await songs.usable(), "Read-only file system")
        saved = await songs.save(song(2))

        assert saved.warnings == ("The audio was not saved: Read-only file system.",)
        assert saved.missing is not None
        assert not saved.missing.gone
        assert host.sent == 0

        remount(folder, "rw")
        assert await songs.usable() == ""
        assert len((await songs.save(song(2))).files) == 2


@pytest.mark.parametrize("announced", [True, False], ids=["of known size", "of unknown size"])
async def test_a_full_disk_has_the_track_downloaded_once_at_most(
    tmp_path: Path, *, announced: bool
) -> None:
    with mounted(tmp_path / "songs", "size=12k") as folder:
        host = Host(TONE * 3)
        host.announced = announced
        songs = library(folder, host)
        (folder / "filler").write_bytes(bytes(8192))
        saved = await songs.save(song())

        assert saved.warnings == ("The audio was not saved: No space left on device.",)
        assert saved.missing is not None
        assert not saved.missing.gone
        assert host.asked == ["1"]
        assert host.sent == 0 if announced else host.sent <= len(TONE) * 3
        assert contents(folder) == ["filler"]

        remount(folder, "size=1m")
        assert (await songs.save(song())).missing is None


@pytest.mark.parametrize(
    ("left", "why"),
    [(0, "No space left on device"), (3 << 19, "only 1 MiB are free, too few for a song")],
)
async def test_a_disk_that_is_full_or_nearly_is_said_beforehand(
    tmp_path: Path, left: int, why: str
) -> None:
    """Of a disk of 40 MiB a twentieth has to be free, of any larger one 64 MiB."""
    with mounted(tmp_path / "songs", "size=40m") as folder:
        songs = library(folder, Host())
        with (folder / "filler").open("wb") as filler:
            os.posix_fallocate(filler.fileno(), 0, (40 << 20) - left)
        refused(await songs.usable(), why)
        assert contents(folder) == ["filler"]

        (folder / "filler").unlink()
        assert await songs.usable() == ""


async def test_a_disk_with_room_for_one_take_keeps_that_one(tmp_path: Path) -> None:
    with mounted(tmp_path / "songs", "size=48k") as folder:
        saved = await library(folder, Host(TONE * 3)).save(song(2))

        assert [Path(file).name[-6:] for file in saved.files] == ["-1.wav"]
        assert saved.warnings[0] == "Take 2 was not saved: No space left on device."


async def test_a_disk_that_fills_up_while_tagging_leaves_the_audio_as_it_was(
    tmp_path: Path,
) -> None:
    with mounted(tmp_path / "songs", "size=16k") as folder:
        saved = await library(folder, Host()).save(song())

        assert saved.missing is None
        assert Path(saved.files[0]).read_bytes() == TONE


async def test_with_few_names_left_on_the_disk_what_stands_is_told_and_the_rest_a_warning(
    tmp_path: Path,
) -> None:
    """A file system out of inodes fails at every place where a file is made, one after another."""
    outcomes: dict[int, Saved] = {}
    for names in range(1, 6):
        with mounted(tmp_path / str(names), f"size=1m,nr_inodes={names}") as folder:
            outcomes[names] = await library(folder, Host()).save(song())
            assert [Path(file).read_bytes()[:4] for file in outcomes[names].files] in (
                [],
                [b"RIFF"],
            )
            assert [name for name in contents(folder) if name.endswith(".part")] == []

    assert outcomes[1].missing is not None
    assert any(
        outcome.missing is None
        and outcome.warnings
        == ("What the song was made from was not written beside it: No space left on device.",)
        for outcome in outcomes.values()
    ), outcomes
    assert outcomes[5].warnings == ()


@contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """Without root's privileges, under which no mode of a folder means anything."""
    if os.geteuid() != 0:
        yield
        return
    os.chown(folder, 65534, 65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_a_folder_that_may_be_written_and_not_read_cannot_be_synced_and_holds_the_song(
    tmp_path: Path,
) -> None:
    await library(tmp_path, Host()).save(song())  # what root alone may import is imported now
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o300)
        with as_nobody(folder):
            with pytest.raises(PermissionError):
                os.open(folder, os.O_RDONLY)  # so there is nothing to call fsync on
            songs = library(folder, Host())

            assert await songs.usable() == ""
            saved = await songs.save(song(2))
            assert len(saved.files) == 2
            assert saved.warnings == ()
            assert saved.missing is None


def test_what_knows_no_sync_is_no_fault() -> None:
    reading, writing = os.pipe()
    try:
        with pytest.raises(OSError, match="Invalid argument"):
            os.fsync(writing)
        disk.sync(writing)
    finally:
        os.close(reading)
        os.close(writing)


def test_a_disk_that_takes_nothing_more_is_a_fault_of_the_disk_and_not_of_the_network() -> None:
    with (
        Path("/dev/full").open("r+b", buffering=0) as file,
        pytest.raises(disk.DiskFault) as caught,
    ):
        disk.write(file, b"x")

    assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize("room", [46 + 20, 46 + 1])
async def test_where_the_path_leaves_little_room_the_song_has_a_short_name(
    tmp_path: Path, room: int
) -> None:
    """Linux takes 4,095 bytes of path, Windows 259: a deep folder leaves little for a title."""
    most = 4095 - len(str(tmp_path)) - room - 1
    parts = ["d" * 200] * (most // 201)
    parts.append("d" * (most - 201 * len(parts) - 1))
    folder = tmp_path.joinpath(*parts)
    folder.mkdir(parents=True)
    assert 4095 - len(str(folder)) - 1 in (room, room + 1)
    songs = library(folder, Host())
    saved = await songs.save(song(title="夜" * 80))
    again = await songs.save(song(title="夜" * 80))

    assert await songs.usable() == ""
    assert [Path(file).name[:5] for file in saved.files] == ["song-"]
    assert saved.missing is None
    assert again.files == saved.files
    assert saved.warnings == ()


_ASCII = """
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import anyio

from acestep_mcp.clock import SystemClock
from acestep_mcp.domain.song import Song
from acestep_mcp.library import Library

async def pieces(audio):
    yield audio

@asynccontextmanager
async def fetch(url, start, validator):
    audio = Path(url).read_bytes()
    yield SimpleNamespace(start=0, total=len(audio), validator="", pieces=pieces(audio))

async def main():
    assert sys.getfilesystemencoding() == "ascii"
    songs = Library(Path(sys.argv[1]), lambda _: fetch, SystemClock())
    song = Song(
        id="local-1", owner="me", fingerprint="", provider="p", model="ace-step-xl", payload={},
        tracks=1, state="COMPLETED", created_at=0.0, request_id="g-1", media_urls=(sys.argv[2],),
        title="\\u041d\\u043e\\u0447\\u044c",
    )
    assert await songs.usable() == ""
    saved = await songs.save(song)
    assert saved.missing is None, saved
    assert (await songs.save(song)).files == saved.files
    print(*saved.files, *saved.warnings)

anyio.run(main)
"""


async def test_where_names_are_ascii_only_the_song_has_one_in_ascii(tmp_path: Path) -> None:
    environ = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    root = Path(__file__).parents[2]
    printed = await anyio.run_process(
        [sys.executable, "-c", _ASCII, str(tmp_path), str(AUDIO / "tone.wav")],
        env=environ,
        cwd=root,
        stderr=None,
    )
    (path,) = map(Path, printed.stdout.decode().split())

    assert path.name.startswith("song-")
    assert path.is_file()


async def test_a_folder_whose_name_is_no_text_is_said_and_costs_no_internal_fault(
    tmp_path: Path,
) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    for each in (folder, tmp_path / "a\0b"):
        songs = library(each, Host())
        refused(await songs.usable(), "cannot be used")
        saved = await songs.save(song())

        assert saved.missing is not None
        assert not saved.missing.gone
        assert saved.missing.cause in ("its name is not valid UTF-8", "embedded null byte")
        assert contents(tmp_path) == []


async def test_trying_a_folder_leaves_it_there_and_empty(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "songs"

    assert await library(folder, Host()).usable() == ""
    assert contents(folder) == []
    assert LEAST_ROOM == 64 << 20


async def test_a_folder_that_vanishes_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "songs"
    host = Host()

    async def vanishing() -> bytes:
        for each in folder.iterdir():
            each.unlink()
        folder.rmdir()
        return TONE

    host.instead["1"] = vanishing
    songs = library(folder, host)
    first = await songs.save(song())

    assert first.missing is not None
    assert first.warnings == ("The audio was not saved: No such file or directory.",)

    host.instead.clear()
    assert (await songs.save(song())).missing is None


async def test_a_file_is_absent_only_where_its_folder_can_be_looked_into(tmp_path: Path) -> None:
    songs = library(tmp_path / "songs", Host())
    saved = await songs.save(song(2))
    kept = song(2, files=saved.files)
    second = Path(saved.files[1])

    assert not await songs.absent(kept)
    second.write_bytes(b"")
    assert await songs.absent(kept)
    second.unlink()
    assert await songs.absent(kept)
    second.mkdir()
    assert await songs.absent(kept)
    second.rmdir()
    (tmp_path / "songs").rename(tmp_path / "away")
    assert not await songs.absent(kept)
    (tmp_path / "songs").write_text("a file where the drive was")
    assert not await songs.absent(kept)
    assert not await songs.absent(song())


async def test_a_vanished_file_alone_is_fetched_again(tmp_path: Path) -> None:
    host = Host()
    songs = library(tmp_path, host)
    saved = await songs.save(song(2))
    Path(saved.files[0]).unlink()
    host.asked.clear()
    again = await songs.save(song(2, files=saved.files))

    assert host.asked == ["1"]
    assert again.files == saved.files


async def test_reading_answers_nothing_for_what_is_not_there(tmp_path: Path) -> None:
    songs = library(tmp_path, Host())
    host = Host()
    host.instead["1"] = OSError("the connection broke")
    saved = await library(tmp_path, host).save(song(2))
    kept = song(2, files=saved.files)
    size = Path(saved.files[0]).stat().st_size

    assert await songs.read(kept, 1, 0) is None  # the first take is not here, and is no other
    assert await songs.read(kept, 2, 0) == Path(saved.files[0]).read_bytes()[:LARGEST_PIECE]
    assert await songs.read(kept, 2, size - 1) == Path(saved.files[0]).read_bytes()[-1:]
    for offset in (size, 2**31, 2**63 - 1, 2**63, 2**64, 10**400, -1, -(2**63), -(10**400)):
        assert await songs.read(kept, 2, offset) is None
    for take in (0, -1, 3, 2**63, 10**400):
        assert await songs.read(kept, take, 0) is None
    Path(saved.files[0]).unlink()
    os.mkfifo(saved.files[0])
    with anyio.fail_after(5):
        assert await songs.read(kept, 2, 0) is None


async def test_an_offset_no_file_has_is_answered_in_a_sentence(tmp_path: Path) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        made = shown(await home.finished(duration=1))
        for offset in (2**63, 2**64, 10**400):
            with pytest.raises(Exception, match="no saved audio there"):
                await home.client.read_resource(
                    f"acestep://outputs/{made['request_id']}/audio/1/{offset}"
                )


def test_the_name_of_a_song_whose_id_is_written_out_fits_the_tightest_file_system() -> None:
    long = song(title="夜" * 80)

    assert max(len(f"{stem(long, length)}-4.flac".encode()) for length in (8, 64)) <= 143
