"""Full disks and folders nobody may write: said before anything is paid for, and nothing lost."""

import os
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

if sys.platform != "linux":
    pytest.skip("made of Linux's limits and namespaces", allow_module_level=True)

from acestep_mcp.sandbox import Sandbox, hold
from tests.house import SONG, gateway, house, text
from tests.peer import Peer
from tests.proofs.disks import Disk, Limit, Tmpfs, read_only, rows, started, tool

pytestmark = [pytest.mark.anyio, pytest.mark.attack]

DISKS = pytest.mark.parametrize("disk", [Tmpfs(), Limit()], ids=["tmpfs", "limit"])


def refused(answer: dict[str, Any]) -> str:
    """The one clear sentence of an error about the ledger."""
    (part,) = answer["content"]
    assert answer["isError"]
    assert part["text"].startswith("The ledger cannot be used (")
    assert "Nothing was sent" in part["text"]
    assert "ACESTEP_DATA_DIR" in part["text"]
    assert len(part["text"]) <= 300
    assert "\n" not in part["text"]
    return str(part["text"])


@pytest.mark.parametrize(
    "disk", [pytest.param(Tmpfs(), marks=pytest.mark.proof), Limit()], ids=["tmpfs", "limit"]
)
@pytest.mark.parametrize("songs", [0, 1], ids=["new ledger", "old ledger"])
async def test_on_a_full_disk_nothing_is_paid_for_and_once_there_is_room_it_is(
    tmp_path: Path, disk: Disk, songs: int
) -> None:
    data = tmp_path / "data"
    async with gateway() as sandbox, started(sandbox, tmp_path, disk.command(data)) as peer:
        for _ in range(songs):
            await tool(peer, 10, "generate_song", **SONG, wait=0)
        disk.fill(peer, data)
        answer = await tool(peer, 11, "generate_song", prompt="Another song", wait=0)

        refused(answer)
        assert len(sandbox.submissions) == songs

        disk.free(peer, data)
        again = await tool(peer, 12, "generate_song", prompt="Another song", wait=0)

        assert again["structuredContent"]["status"] == "QUEUED"
        assert len(sandbox.submissions) == songs + 1


async def filled_while_the_gateway_answers(
    sandbox: Sandbox, peer: Peer, disk: Disk, data: Path
) -> tuple[str, str]:
    """Order a song, and fill the disk before the reply is let go; both of its handles."""
    held = hold()
    sandbox.faults.add("submit", held)
    early = await tool(peer, 10, "generate_song", **SONG, wait=0)
    disk.fill(peer, data)
    held.release()
    return str(early["structuredContent"]["request_id"]), next(iter(sandbox.jobs))


@pytest.mark.proof  # what was postponed is written after 5 s
@DISKS
async def test_a_disk_that_fills_while_the_gateway_answers_loses_nothing(
    tmp_path: Path, disk: Disk
) -> None:
    data = tmp_path / "data"
    async with gateway() as sandbox, started(sandbox, tmp_path, disk.command(data)) as peer:
        handle, song = await filled_while_the_gateway_answers(sandbox, peer, disk, data)
        await peer.call(11, "get_status", request_id=handle, wait=0)

        assert rows(disk, peer, data) == [["sending", None]]

        disk.free(peer, data)
        with anyio.fail_after(10):
            while rows(disk, peer, data) != [["QUEUED", song]]:
                await peer.call(12, "get_status", request_id=handle, wait=0.5)
        sandbox.complete(song)
        done = await peer.call(13, "get_status", request_id=song, wait=10)

        assert done["status"] == "COMPLETED"
        assert len(sandbox.submissions) == 1


async def test_while_the_disk_is_full_the_gateways_id_is_shown(tmp_path: Path) -> None:
    disk, data = Limit(), tmp_path / "data"
    async with gateway() as sandbox, started(sandbox, tmp_path, []) as peer:
        handle, song = await filled_while_the_gateway_answers(sandbox, peer, disk, data)
        with anyio.fail_after(5):
            await sandbox.arrived("status", 2)
        told = await peer.call(11, "get_status", request_id=handle, wait=0)
        again = await peer.call(12, "generate_song", **SONG, wait=0)

        assert (told["status"], told["request_id"]) == ("QUEUED", song)
        assert (again["status"], again["request_id"]) == ("QUEUED", song)
        assert len(sandbox.submissions) == 1


async def test_while_the_disk_is_full_the_gateways_id_can_be_asked_about(tmp_path: Path) -> None:
    disk, data = Limit(), tmp_path / "data"
    async with gateway() as sandbox, started(sandbox, tmp_path, []) as peer:
        _, song = await filled_while_the_gateway_answers(sandbox, peer, disk, data)
        with anyio.fail_after(5):
            await sandbox.arrived("status")
        answer = await tool(peer, 11, "get_status", request_id=song)

        assert not answer["isError"], answer["content"]


@pytest.mark.proof
async def test_once_there_is_room_again_the_song_is_followed_although_nobody_asks(
    tmp_path: Path,
) -> None:
    disk, data = Limit(), tmp_path / "data"
    async with gateway() as sandbox, started(sandbox, tmp_path, []) as peer:
        _, song = await filled_while_the_gateway_answers(sandbox, peer, disk, data)
        with anyio.fail_after(10):
            await sandbox.arrived("status")
            disk.free(peer, data)
            await sandbox.arrived("status", 3)
            sandbox.complete(song)
            while rows(disk, peer, data) != [["COMPLETED", song]]:
                await peer.call(12, "list_outputs", search="nothing")


@pytest.mark.parametrize("songs", [0, 1], ids=["no ledger", "a ledger"])
async def test_a_read_only_data_folder_is_said_before_anything_is_paid_for(
    tmp_path: Path, songs: int
) -> None:
    async with gateway() as sandbox:
        if songs:
            async with started(sandbox, tmp_path, []) as peer:
                await tool(peer, 10, "generate_song", **SONG, wait=0)
        async with started(sandbox, tmp_path, read_only(tmp_path / "data")) as peer:
            answer = await tool(peer, 10, "generate_song", prompt="Another song", wait=0)

        assert "Read-only file system" in refused(answer)
        assert len(sandbox.submissions) == songs


@pytest.mark.skipif(os.getuid() == 0, reason="root writes whatever the mode says")
async def test_a_data_folder_without_write_permission_is_said_before_anything_is_paid_for(
    tmp_path: Path,
) -> None:
    (tmp_path / "data").mkdir(mode=0o500)
    async with house(tmp_path) as home:
        answer = await home.generate()

        assert answer.is_error
        assert "Permission denied" in text(answer)
        assert home.posts == 0


async def test_a_data_folder_that_no_one_can_make_is_said_before_anything_is_paid_for(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, ACESTEP_DATA_DIR="/proc/acestep") as home:
        for _ in range(2):
            answer = await home.generate()
            assert answer.is_error
            assert text(answer).startswith("The ledger cannot be used (No such file or directory)")
        assert home.posts == 0


UNUSABLE = {"/proc/songs": "No such file or directory", "/dev/null/songs": "Not a directory"}


@pytest.mark.parametrize(("folder", "says"), UNUSABLE.items())
async def test_a_song_that_could_not_be_saved_is_not_bought(
    tmp_path: Path, folder: str, says: str
) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on", ACESTEP_OUTPUT_DIR=folder) as home:
        answer = await home.generate(duration=1)

        assert answer.is_error
        assert text(answer).startswith(f"The output folder {folder} cannot be used: {says}.")
        assert "ACESTEP_OUTPUT_DIR" in text(answer)
        assert home.posts == 0


@pytest.mark.proof
@DISKS
async def test_a_full_output_folder_is_said_with_the_urls_and_leaves_no_piece_of_a_file(
    tmp_path: Path, disk: Disk
) -> None:
    songs = tmp_path / "songs"
    async with (
        gateway() as sandbox,
        started(sandbox, tmp_path, disk.command(songs), ACESTEP_SAVE="on") as peer,
    ):
        song = await peer.call(10, "generate_song", **SONG, duration=10, wait=2)
        if isinstance(disk, Limit):
            disk._allow(peer, 1 << 18)  # the ledger fits, a track does not
        sandbox.complete(song["request_id"])
        arguments = {"request_id": song["request_id"], "wait": 15}
        await peer.call(11, "get_status", **arguments)
        done = await peer.call(12, "get_status", **arguments)

        assert done["status"] == "COMPLETED"
        assert len(done["media_urls"]) == 1
        assert done["files"] == []
        assert any(word in done["warnings"][-1] for word in ("No space left", "File too large"))
        assert list(disk.inside(peer, songs).iterdir()) == []
