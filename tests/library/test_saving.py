"""Saving is called until there are files: nothing twice, nothing half, nothing over another's."""

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import mutagen
import pytest

from acestep_mcp.clock import SystemClock
from acestep_mcp.domain.errors import MediaGone
from acestep_mcp.domain.song import RequestId
from acestep_mcp.library import Library, disk, download
from acestep_mcp.library.download import download_track
from acestep_mcp.library.names import stem
from acestep_mcp.providers import Media
from tests.house import served, shown
from tests.library import AUDIO, BROKEN, GONE, TONE, Host, contents, library, named, song
from tests.proofs.hostile import RawGateway, body, http

pytestmark = pytest.mark.anyio

SAMPLES = TONE[44:]


@pytest.fixture(autouse=True)
def _brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE", 0.001)


@pytest.mark.parametrize("takes", [2, 3, 4])
async def test_a_take_that_fails_hides_no_other_and_alone_is_fetched_again(
    tmp_path: Path, takes: int
) -> None:
    host = Host()
    host.instead["1"] = GONE
    first = await library(tmp_path, host).save(song(takes))

    assert named(first) == [f"{take}.wav" for take in range(2, takes + 1)]
    assert len(first.tracks) == takes - 1
    assert first.missing is not None
    assert first.missing.gone
    assert first.warnings == ("Take 1 was not saved: the media host answered HTTP 404.",)

    host.asked.clear()
    del host.instead["1"]
    second = await library(tmp_path, host).save(song(takes))

    assert host.asked == ["1"]
    assert named(second) == [f"{take}.wav" for take in range(1, takes + 1)]
    assert second.missing is None
    assert second.warnings == ()


async def test_it_is_gone_only_when_the_host_said_so_of_every_missing_take(tmp_path: Path) -> None:
    host = Host()
    host.instead |= {"1": GONE, "2": BROKEN}
    saved = await library(tmp_path, host).save(song(2))

    assert saved.files == ()
    assert saved.missing is not None
    assert not saved.missing.gone
    assert saved.missing.cause == "the connection broke"

    host.instead["2"] = b"<!doctype html><title>Sign in</title>"
    saved = await library(tmp_path, host).save(song(2))

    assert saved.missing is not None
    assert saved.missing.gone
    assert saved.warnings[1] == "Take 2 was not saved: what the media host sent is not audio."


@pytest.mark.parametrize("takes", [1, 2])
@pytest.mark.parametrize("left", ["ledger", "sidecar", "tags"])
async def test_what_stands_is_known_by_any_one_of_ledger_sidecar_and_tags(
    tmp_path: Path, takes: int, left: str
) -> None:
    host = Host()
    saved = await library(tmp_path, host).save(song(takes))
    if left != "sidecar":
        (tmp_path / f"{stem(song())}.json").unlink()
    if left != "tags":
        for file in saved.files:
            audio: Any = mutagen.File(file)
            audio.delete()
    host.asked.clear()
    recorded = saved.files if left == "ledger" else ()
    again = await library(tmp_path, host).save(song(takes, files=recorded))

    assert host.asked == []
    assert again.files == saved.files
    assert again.missing is None
    assert [track.seconds for track in again.tracks] == [0.6] * takes
    assert f"{stem(song())}.json" in contents(tmp_path)


async def test_what_stands_in_the_folder_of_before_is_kept_and_the_rest_comes_to_the_new_one(
    tmp_path: Path,
) -> None:
    host = Host()
    host.instead["2"] = BROKEN
    before = await library(tmp_path / "old", host).save(song(2))
    host.instead.clear()
    after = await library(tmp_path / "new", host).save(song(2, files=before.files))

    assert after.files == (before.files[0], str(tmp_path / "new" / f"{stem(song())}-2.wav"))
    assert host.asked == ["1", "2", "2", "2", "2"]


async def test_another_file_under_the_songs_name_is_neither_overwritten_nor_taken_for_it(
    tmp_path: Path,
) -> None:
    other = tmp_path / f"{stem(song())}.wav"
    other.write_bytes((AUDIO / "piped.wav").read_bytes())
    saved = await library(tmp_path, Host()).save(song())

    assert other.read_bytes() == (AUDIO / "piped.wav").read_bytes()
    assert saved.missing is None
    assert Path(saved.files[0]) != other
    assert SAMPLES in Path(saved.files[0]).read_bytes()


async def test_a_song_of_the_same_name_keeps_its_file_and_its_sidecar(tmp_path: Path) -> None:
    host = Host()
    (theirs,) = (await library(tmp_path, host).save(song(title="rain"))).files
    sidecar = Path(theirs).with_suffix(".json")
    ours = song(title="rain", request_id=RequestId("g-2"))
    # A digest of eight digits repeats among four billion songs; here the other song's name is ours.
    shutil.move(theirs, tmp_path / f"{stem(ours)}.wav")
    shutil.move(sidecar, tmp_path / f"{stem(ours)}.json")
    before = {name: (tmp_path / name).read_bytes() for name in contents(tmp_path)}
    saved = await library(tmp_path, host).save(ours)
    again = await library(tmp_path, host).save(ours)

    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert saved.missing is None
    assert again.files == saved.files
    assert len(contents(tmp_path)) == 4


async def test_a_name_without_a_byte_behind_it_is_given_to_the_song(tmp_path: Path) -> None:
    left = tmp_path / f"{stem(song())}.wav"
    left.touch()
    (tmp_path / f"{stem(song())}.json").touch()
    saved = await library(tmp_path, Host()).save(song())

    assert saved.files == (str(left),)
    assert SAMPLES in left.read_bytes()
    assert saved.warnings == ()


@pytest.mark.parametrize("name", [".{}.part", "{}.wav", "{}.json", ".{}.json.part"])
@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "folder"])
async def test_nothing_planted_under_a_name_of_ours_is_written_through_or_waited_for(
    tmp_path: Path, name: str, kind: str
) -> None:
    victim = tmp_path / "victim"
    folder = tmp_path / "songs"
    folder.mkdir()
    planted = folder / name.format(stem(song()))
    match kind:
        case "link":
            victim.write_bytes(TONE)
            planted.symlink_to(victim)
        case "dangling link":
            planted.symlink_to(victim)
        case "pipe":
            os.mkfifo(planted)
        case _:
            planted.mkdir()
    before = planted.lstat()
    with anyio.fail_after(5):
        saved = await library(folder, Host()).save(song())
        again = await library(folder, Host()).save(song(files=saved.files))

    assert saved.missing is None
    assert again.files == saved.files
    assert SAMPLES in Path(saved.files[0]).read_bytes()
    assert Path(saved.files[0]) != planted
    assert planted.lstat() == before
    assert victim.read_bytes() == TONE if kind == "link" else not victim.exists()


async def test_a_worker_stopped_in_mid_download_leaves_what_its_successor_saved(
    tmp_path: Path,
) -> None:
    """Stopped by the system, A goes on after B took the song over and saved it."""
    halfway, resumed = anyio.Event(), anyio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield TONE[:5000]
        halfway.set()
        await resumed.wait()
        yield TONE[5000:]

    @asynccontextmanager
    async def stopped(*_: Any) -> AsyncIterator[Media]:
        yield Media(0, len(TONE), "", pieces())

    asked = []

    async def ours() -> bool:
        asked.append(contents(tmp_path))
        return False

    first = Library(tmp_path, lambda _: stopped, SystemClock())
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first.save, song(), ours)
            await halfway.wait()
            saved = await library(tmp_path, Host()).save(song())
            (path,) = map(Path, saved.files)
            before = path.read_bytes(), path.stat().st_ino
            resumed.set()

    assert (path.read_bytes(), path.stat().st_ino) == before
    assert contents(tmp_path) == [path.with_suffix(".json").name, path.name]
    assert len(asked) == 1  # and once it knew, it looked no further


async def test_two_workers_that_both_believe_the_song_theirs_end_with_the_same_file(
    tmp_path: Path,
) -> None:
    host, both = Host(), anyio.Event()

    async def together() -> bytes:
        if host.asked.count("1") == 2:
            both.set()
        await both.wait()
        return TONE

    host.instead["1"] = together
    results = []

    async def save() -> None:
        results.append(await library(tmp_path, host).save(song()))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(save)
            tasks.start_soon(save)

    assert results[0].files == results[1].files
    assert [each.missing for each in results] == [None, None]
    assert contents(tmp_path) == [f"{stem(song())}.json", f"{stem(song())}.wav"]


async def test_a_worker_that_is_superseded_after_the_audio_writes_no_sidecar(
    tmp_path: Path,
) -> None:
    answers = iter([True, False])

    async def ours() -> bool:
        return next(answers)

    await library(tmp_path, Host()).save(song(), ours)

    assert contents(tmp_path) == [f"{stem(song())}.wav"]


async def test_a_ledger_that_does_not_answer_whose_the_song_is_costs_this_attempt(
    tmp_path: Path,
) -> None:
    async def ours() -> bool:
        raise RuntimeError("the ledger is away")

    saved = await library(tmp_path, Host()).save(song(), ours)

    assert saved.missing is not None
    assert not saved.missing.gone
    assert contents(tmp_path) == []
    assert (await library(tmp_path, Host()).save(song())).missing is None


async def test_a_save_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    with anyio.CancelScope() as scope:

        async def cancelled() -> bytes:
            scope.cancel()
            await anyio.sleep_forever()
            return b""

        host = Host()
        host.instead["1"] = cancelled
        await library(tmp_path, host).save(song())

    assert scope.cancelled_caught
    assert contents(tmp_path) == []


async def test_what_other_machines_left_is_swept_after_a_day_and_nothing_else(
    tmp_path: Path,
) -> None:
    ours = f".acestep-{'0f' * 16}.part"
    others = [ours + "x", ".acestep-0f.part", ".Rain-12345678.part", "x.part", ".acestep-x.part"]
    fresh = f".acestep-{'1e' * 16}.part"
    linked = f".acestep-{'2d' * 16}.part"
    piped = f".acestep-{'3c' * 16}.part"
    for name in (ours, *others, fresh):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / linked).symlink_to(tmp_path / "x.part")
    os.mkfifo(tmp_path / piped)
    long_ago = time.time() - 90_000
    for name in (ours, *others, linked, piped):
        os.utime(tmp_path / name, (long_ago, long_ago), follow_symlinks=False)
    with anyio.fail_after(5):
        await library(tmp_path, Host()).save(song())

    left = set(contents(tmp_path))
    assert ours not in left
    assert {*others, fresh, linked, piped} <= left


_LEFT = """
import sys, time
from pathlib import Path
from acestep_mcp.library import disk
file = disk.create(disk.temporary(Path(sys.argv[1])))
disk.write(file, b"RIFF")
print("written", flush=True)
time.sleep(60)
"""


async def test_a_file_is_held_from_its_first_moment_on(tmp_path: Path) -> None:
    """Others sweep without a pause while a thousand files are made and held."""
    done, lost = anyio.Event(), []

    async def sweep() -> None:
        while not done.is_set():
            await anyio.to_thread.run_sync(disk.sweep, tmp_path, time.time())

    def make() -> None:
        for _ in range(1000):
            part = disk.temporary(tmp_path)
            with disk.create(part):
                lost.extend([] if part.exists() else [part])
                part.unlink(missing_ok=True)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sweep)
        tasks.start_soon(sweep)
        await anyio.to_thread.run_sync(make)
        done.set()

    assert lost == []


@pytest.mark.skipif(sys.platform == "win32", reason="no signal stops a process there")
async def test_what_a_process_left_is_swept_once_it_is_dead_and_not_while_it_is_stopped(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", _LEFT, str(tmp_path)]
    with anyio.fail_after(10):
        async with await anyio.open_process(command, stderr=None) as process:
            try:
                assert process.stdout is not None
                await process.stdout.receive()
                (part,) = contents(tmp_path)
                process.send_signal(signal.SIGSTOP)
                await library(tmp_path, Host()).save(song())
                assert part in contents(tmp_path)
            finally:
                process.kill()
            await process.wait()
        await library(tmp_path, Host()).save(song())

    assert contents(tmp_path) == [f"{stem(song())}.json", f"{stem(song())}.wav"]


async def test_songs_saved_at_once_sweep_nothing_of_each_other(tmp_path: Path) -> None:
    """Each sweeps the folder as it begins, while others download, tag, or wait for the ledger."""
    results = []

    async def slowly() -> bool:
        for number in range(4):
            await library(tmp_path, Host()).save(song(request_id=RequestId(f"n-{number}")))
        return True

    async def save(number: int) -> None:
        one = song(2, request_id=RequestId(f"g-{number}"))
        results.append(await library(tmp_path, Host()).save(one, slowly if number == 0 else None))

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(save, number)

    assert [each.missing for each in results] == [None] * 8
    assert [name for name in contents(tmp_path) if name.endswith(".part")] == []


MAGIC = [
    b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0",
    b"fLaC\0\0\0\x22",
    b"OggS\0\2",
    b"ID3\4\0\0",
    b"\xff\xfb\x90",
]


@pytest.mark.audio
@pytest.mark.parametrize("magic", MAGIC)
async def test_an_odd_audio_file_costs_its_measurement_or_its_tags_and_never_itself(
    tmp_path: Path, magic: bytes
) -> None:
    chance = random.Random(magic)
    for number in range(15):
        odd = magic + chance.randbytes(chance.randrange(16, 2000))
        host = Host(odd)
        saved = await library(tmp_path, host).save(song(request_id=RequestId(f"g-{number}")))

        assert saved.missing is None
        assert len(saved.files) == len(saved.tracks) == 1
        assert not [each for each in saved.warnings if "not saved" in each or "fault" in each]
        assert odd[16:] in Path(saved.files[0]).read_bytes()


@pytest.mark.parametrize(
    ("name", "tagged"),
    [(each.name, each.name != "piped.wav") for each in sorted(AUDIO.iterdir())],
)
async def test_tagging_changes_no_sample_of_any_encoders_file(
    tmp_path: Path, name: str, *, tagged: bool
) -> None:
    """A tag behind a WAVE file without a length would be heard as a click, so it gets none."""
    audio = (AUDIO / name).read_bytes()
    (file,) = (await library(tmp_path, Host(audio)).save(song())).files
    found: Any = mutagen.File(file)

    assert bool(found.tags) == tagged
    assert audio[-500:] in Path(file).read_bytes()
    assert found.info.length == pytest.approx(mutagen.File(AUDIO / name).info.length)


class Slow(SystemClock):
    """A clock on which every look takes ten seconds."""

    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        self.at += 10
        return self.at


async def test_a_host_that_drips_is_given_up_before_the_day_is_over(tmp_path: Path) -> None:
    sent = []

    async def drops() -> AsyncIterator[bytes]:
        yield TONE[:16]
        while True:
            sent.append(1)
            yield b"x"

    @asynccontextmanager
    async def fetch(*_: Any) -> AsyncIterator[Media]:
        yield Media(0, None, "", drops())

    saved = await Library(tmp_path, lambda _: fetch, Slow()).save(song())

    assert saved.missing is not None
    assert saved.missing.cause == "the media host sends next to nothing"
    assert len(sent) <= 3 * 7


def _parts(audio: bytes, *replies: tuple[int, int | None, str, int, int]) -> tuple[Any, list[Any]]:
    """A host that answers with (start, total, validator, from, to) of the audio in turn."""
    asked: list[Any] = []
    waiting = list(replies)

    async def pieces(content: bytes) -> AsyncIterator[bytes]:
        yield content
        if len(content) < len(audio) and waiting:
            raise OSError("the connection broke")

    @asynccontextmanager
    async def fetch(_url: str, start: int, validator: str) -> AsyncIterator[Media]:
        asked.append((start, validator))
        first, total, tag, begin, end = waiting.pop(0)
        yield Media(first, total, tag, pieces(audio[begin:end]))

    return fetch, asked


SIZE = len(TONE)
HALF = (0, SIZE, '"a"', 0, 5000)
WRONG_PARTS = {
    "later than asked": (6000, SIZE, '"a"', 6000, SIZE),
    "earlier than asked": (4000, SIZE, '"a"', 4000, SIZE),
    "of another version": (5000, SIZE, '"b"', 5000, SIZE),
    "of a version unnamed": (5000, SIZE, "", 5000, SIZE),
    "of a longer file": (5000, SIZE + 1, '"a"', 5000, SIZE),
    "of a shorter file": (5000, SIZE - 1, '"a"', 5000, SIZE - 1),
}


@pytest.mark.parametrize("part", WRONG_PARTS.values(), ids=WRONG_PARTS)
async def test_a_part_that_was_not_asked_for_is_refused_and_the_track_begun_anew(
    tmp_path: Path, part: tuple[int, int, str, int, int]
) -> None:
    fetch, asked = _parts(TONE, HALF, part, (0, SIZE, '"a"', 0, SIZE))
    await download_track("u", tmp_path / "x", fetch, SystemClock())

    assert (tmp_path / "x").read_bytes() == TONE
    assert asked == [(0, ""), (5000, '"a"'), (0, "")]


async def test_a_part_in_answer_to_a_request_for_everything_is_refused(tmp_path: Path) -> None:
    fetch, asked = _parts(TONE, (5000, SIZE, '"a"', 5000, SIZE), (0, SIZE, '"a"', 0, SIZE))
    await download_track("u", tmp_path / "x", fetch, SystemClock())

    assert (tmp_path / "x").read_bytes() == TONE
    assert asked == [(0, ""), (0, "")]


async def test_a_track_cut_in_its_first_bytes_is_judged_when_they_are_all_here(
    tmp_path: Path,
) -> None:
    page = b"<html><body>Your link has expired</body></html>"
    fetch, _ = _parts(page, (0, len(page), '"a"', 0, 5), (5, len(page), '"a"', 5, len(page)))

    with pytest.raises(MediaGone, match="not audio"):
        await download_track("u", tmp_path / "x", fetch, SystemClock())


@pytest.mark.parametrize("name", ["tone.wav", "tone.flac", "vorbis.ogg", "info.mp3"])
async def test_a_reply_of_unknown_length_that_was_cut_is_fetched_again(
    tmp_path: Path, name: str
) -> None:
    whole = (AUDIO / name).read_bytes()
    host = Host(whole)
    host.announced = False
    host.instead["1"] = whole[:-700]
    first = await library(tmp_path, host).save(song())

    assert first.files == ()
    assert first.missing is not None
    assert not first.missing.gone
    assert "ended early" in first.warnings[0]
    assert host.asked == ["1"] * 3

    host.instead.clear()
    second = await library(tmp_path, host).save(song())

    assert second.missing is None
    assert len(second.files) == 1


async def test_after_many_failures_what_the_host_has_is_saved_and_said_to_be_cut_off(
    tmp_path: Path,
) -> None:
    host = Host(TONE[:-700])
    host.announced = False
    saved = await library(tmp_path, host).save(song(save_attempts=8))

    assert len(saved.files) == 1
    assert saved.warnings == ("The song is cut off: its header announces more than there is.",)


async def test_a_placeholder_for_a_length_is_no_cut(tmp_path: Path) -> None:
    host = Host((AUDIO / "piped.wav").read_bytes())
    host.announced = False
    saved = await library(tmp_path, host).save(song())

    assert saved.missing is None
    assert host.asked == ["1"]


class Script(RawGateway):
    """A media host that gives one scripted reply after the other, as bytes on a socket."""

    def __init__(self, *replies: bytes) -> None:
        super().__init__()
        self.replies = list(replies)

    def _reply(self, request: bytes) -> bytes:
        if request.startswith(b"GET /media"):
            return self.replies.pop(0)
        return super()._reply(request)


def _closed(content: bytes) -> bytes:
    return b'HTTP/1.1 200 OK\r\nETag: "a"\r\nConnection: close\r\n\r\n' + content


def _ranged(first: int, total: int, tag: bytes, content: bytes) -> bytes:
    span = b"Content-Range: bytes %d-%d/%d" % (first, first + len(content) - 1, total)
    return http(b"206 Partial Content", content, span, b"ETag: " + tag)


def _cut(content: bytes) -> bytes:
    return b'HTTP/1.1 200 OK\r\nETag: "a"\r\nContent-Length: %d\r\n\r\n' % SIZE + content


WHOLE = http(b"200 OK", TONE, b'ETag: "a"')
SCRIPTS = {
    "a part that begins later": [
        _cut(TONE[:5000]),
        _ranged(6000, SIZE, b'"a"', TONE[6000:]),
        WHOLE,
    ],
    "a part of another file": [_cut(TONE[:5000]), _ranged(5000, SIZE, b'"b"', TONE[5000:]), WHOLE],
    "a part of a longer file": [
        _cut(TONE[:5000]),
        _ranged(5000, 99_999, b'"a"', TONE[5000:]),
        WHOLE,
    ],
    "cut twice without a length": [_closed(TONE[:4000]), _closed(TONE[:6000]), WHOLE],
    "cut, then the rest": [_cut(TONE[:5000]), _ranged(5000, SIZE, b'"a"', TONE[5000:])],
    "empty once": [http(b"200 OK"), WHOLE],
}


async def test_whatever_a_real_connection_brings_the_file_has_every_sample(
    tmp_path: Path,
) -> None:
    host = Script()
    async with anyio.create_task_group() as tasks:
        await tasks.start(partial(host.serve))
        media = {"media_url": [f"{host.url}/media/song.wav"]}
        host.status = http(b"200 OK", body({"status": "COMPLETED", "output": media}))
        async with served(host, tmp_path, ACESTEP_SAVE="on") as home:  # type: ignore[arg-type]  # has the URL
            for name, script in SCRIPTS.items():
                host.replies = list(script)
                host.submit = http(
                    b"202 Accepted", body({"request_id": f"ace-step-xl_{len(name)}"})
                )
                answer = shown(await home.generate(prompt=name, wait=10))

                assert host.replies == [], name
                (file,) = answer["files"]
                assert SAMPLES in Path(file).read_bytes(), name
                assert mutagen.File(file).info.length == pytest.approx(0.6, abs=0.001), name
        tasks.cancel_scope.cancel()
