"""A finished song stays wanted on the disk until it is there, whatever stood in the way."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from acestep_mcp.domain.song import GONE_AFTER, GONE_FOR_GOOD, Song, not_saved, save_now
from acestep_mcp.sandbox import Toxic, limit_data, reply
from tests.faults.test_states import fresh
from tests.house import House, Wall, gateway, house, served, shown, text
from tests.test_tasks import Claiming, ask

pytestmark = pytest.mark.anyio
ON: dict[str, Any] = {"ACESTEP_SAVE": "on"}
HTML = reply(200, b"<!doctype html><title>Log in</title>", headers={"Content-Type": "text/html"})
TROUBLES = [reply(404), reply(403), reply(503), HTML, limit_data(20_000)]
TROUBLE = pytest.mark.parametrize("trouble", TROUBLES, ids=["404", "403", "503", "login", "half"])


async def unsaved(home: House, trouble: Toxic) -> str:
    """A song that is finished, and that the media host does not deliver."""
    home.sandbox.faults.add("media", trouble, times=None)
    answer = await home.finished(duration=10)
    assert shown(answer)["status"] == "COMPLETED"
    assert shown(answer)["files"] == []
    assert "not saved yet" in shown(answer)["message"]
    assert len(shown(answer)["warnings"]) == 1
    return str(shown(answer)["request_id"])


@TROUBLE
async def test_get_status_fetches_what_the_media_host_did_not_deliver_before(
    tmp_path: Path, trouble: Toxic
) -> None:
    clock = Wall()
    async with house(tmp_path, clock=clock, **ON) as home:
        handle = await unsaved(home, trouble)
        home.sandbox.faults.clear()
        clock.ahead += 6
        found = shown(await home.status(handle, wait=15))

        assert [Path(file).stat().st_size > 100_000 for file in found["files"]] == [True]
        assert found["warnings"] == []
        assert "It is saved" in found["message"]


async def test_list_outputs_fetches_it_too(tmp_path: Path) -> None:
    clock = Wall()
    async with house(tmp_path, clock=clock, **ON) as home:
        handle = await unsaved(home, reply(404))
        home.sandbox.faults.clear()
        clock.ahead += 6
        with anyio.fail_after(15):
            row: dict[str, Any] = {"files": []}
            while not row["files"]:
                (row,) = shown(await home.call("list_outputs"))["songs"]

        assert row["request_id"] == handle
        assert (tmp_path / "songs" / row["files"][0]).is_file()


@pytest.mark.parametrize("key", ["sandbox-key", ""], ids=["with a key", "without a key"])
async def test_the_next_start_fetches_it_by_itself_with_or_without_a_key(
    tmp_path: Path, key: str
) -> None:
    async with gateway() as sandbox:
        async with served(sandbox, tmp_path, **ON) as home:
            handle = await unsaved(home, reply(404))
        sandbox.faults.clear()
        env: dict[str, Any] = {**ON, "PIXAZO_API_KEY": key, "HOME": str(tmp_path)}
        async with served(sandbox, tmp_path, **env) as home:
            with anyio.fail_after(15):
                found = shown(await home.status(handle, wait=15))
                while not found["files"]:
                    found = shown(await home.status(handle, wait=15))

        assert Path(found["files"][0]).is_file()
        assert found["warnings"] == []


async def test_another_take_that_is_there_is_listed_while_one_is_not(tmp_path: Path) -> None:
    clock = Wall()
    async with house(tmp_path, clock=clock, **ON) as home:
        for _ in range(6):  # as often as the first take is tried at once, and no more
            home.sandbox.faults.add("media", reply(404))
        first = shown(await home.finished(duration=10, batch_size=2))
        while not first["files"]:
            clock.ahead += 6
            first = shown(await home.status(first["request_id"], wait=15))
        home.sandbox.faults.clear()
        clock.ahead += 6
        both = shown(await home.status(first["request_id"], wait=15))

        assert len(both["files"]) == 2
        assert "not saved" not in " ".join(both["warnings"])


@pytest.mark.parametrize("way", ["a file", "a dangling link", "nothing that can be made"])
async def test_a_folder_that_goes_while_a_song_is_made_is_waited_for(
    tmp_path: Path, way: str
) -> None:
    clock, folder = Wall(), tmp_path / "songs"
    async with house(tmp_path, clock=clock, **ON) as home:
        handle = shown(await home.generate(duration=10))["request_id"]
        folder.rmdir()
        if way == "a file":
            folder.write_text("in the way")
        else:
            folder.symlink_to(tmp_path / "gone" / "away" if way[0] == "a" else "/proc/nowhere/x")
        home.sandbox.complete(handle)
        first = shown(await home.status(handle, wait=15))
        folder.unlink()
        clock.ahead += 6
        then = shown(await home.status(handle, wait=15))

        assert first["files"] == []
        assert "in its place" in " ".join(first["warnings"])
        assert Path(then["files"][0]).is_file()


async def test_a_folder_that_takes_nothing_is_found_before_anything_is_paid(
    tmp_path: Path,
) -> None:
    (tmp_path / "songs").write_text("in the way")
    async with house(tmp_path, **ON) as home:
        answer = await home.generate()

        assert answer.is_error
        assert "ACESTEP_OUTPUT_DIR" in text(answer)
        assert str(tmp_path / "songs") in text(answer)
        assert home.posts == 0


async def test_a_saved_file_that_was_deleted_is_fetched_again_when_asked_for(
    tmp_path: Path,
) -> None:
    clock = Wall()
    async with house(tmp_path, clock=clock, **ON) as home:
        first = shown(await home.finished(duration=10))
        Path(first["files"][0]).unlink()
        clock.ahead += 6
        again = shown(await home.status(first["request_id"], wait=15))

        assert again["files"] == first["files"]
        assert Path(again["files"][0]).is_file()


async def test_a_task_is_completed_when_its_song_is_saved_or_known_not_to_be(
    tmp_path: Path,
) -> None:
    client = Claiming()
    async with house(tmp_path, client={"extensions": [client]}, **ON) as home:
        await home.generate(duration=10)
        (task,) = client.tasks
        home.sandbox.complete(task["taskId"])
        seen: list[dict[str, Any]] = []
        with anyio.fail_after(15):
            while not seen or seen[-1]["status"] == "working":
                seen.append(await ask(home, "get", task["taskId"]))

        assert len(seen[-1]["result"]["structuredContent"]["files"]) == 1


async def test_a_task_whose_song_can_not_be_saved_now_does_not_wait_for_ever(
    tmp_path: Path,
) -> None:
    client = Claiming()
    async with house(tmp_path, client={"extensions": [client]}, **ON) as home:
        home.sandbox.faults.add("media", reply(404), times=None)
        await home.generate(duration=10)
        (task,) = client.tasks
        home.sandbox.complete(task["taskId"])
        with anyio.fail_after(15):
            while (done := await ask(home, "get", task["taskId"]))["status"] == "working":
                pass

        assert done["result"]["structuredContent"]["files"] == []
        assert "404" in " ".join(done["result"]["structuredContent"]["warnings"])


def tried(song: Song, at: float, gone_for: float | None) -> Song:
    kept: dict[str, Any] = {"files": (), "sound": (), "warnings": ()}
    return not_saved(song, song.worker, gone_for=gone_for, pause=1.0, now=at, **kept)


@pytest.mark.parametrize(
    ("seconds", "seen", "saving"),
    [
        (1.0, True, "wanted"),  # nine attempts in nine seconds
        (GONE_AFTER, True, "lost"),
        (GONE_AFTER, False, "wanted"),  # that many passed by the wall clock only
        (GONE_FOR_GOOD, False, "lost"),
    ],
)
def test_a_host_that_has_nothing_is_believed_after_ten_minutes_and_several_attempts(
    seconds: float, seen: bool, saving: str
) -> None:
    song = of_folder = fresh("COMPLETED")
    for attempt in range(9):
        passed = attempt * seconds
        song = tried(song, 100.0 + passed, passed if seen else 0.0)
        of_folder = tried(of_folder, 100.0 + passed, None)

    assert song.saving == saving
    assert of_folder.saving == "wanted"


def test_what_is_lost_is_tried_again_for_whoever_asks_but_not_at_every_question() -> None:
    lost = replace(fresh("COMPLETED"), saving="lost", save_attempts=9, updated_at=100.0)

    assert save_now(lost, "me", 101.0, idle=True) is lost
    again = save_now(lost, "me", 106.0, idle=True)
    assert (again.saving, again.worker) == ("wanted", "me")
    assert save_now(replace(again, updated_at=0), "you", 106.0, idle=False).worker == "me"


async def test_songs_without_a_media_url_are_asked_about_until_there_is_one(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, **ON) as home:
        handle = shown(await home.generate(duration=10))["request_id"]
        await home.sandbox.arrived("status")
        for _ in range(3):
            home.sandbox.faults.add("status", bare(handle))
        home.sandbox.complete(handle)
        with anyio.fail_after(15):
            found = shown(await home.status(handle, wait=15))
            while not found["files"]:
                found = shown(await home.status(handle, wait=15))

        assert Path(found["files"][0]).is_file()


def bare(handle: str) -> reply:
    body = f'{{"request_id": "{handle}", "status": "COMPLETED"}}'
    return reply(200, body.encode(), headers={"Content-Type": "application/json"})
