"""Songs that end in words nobody documented, or never."""

from pathlib import Path

import anyio
import pytest

from acestep_mcp.sandbox import reply
from tests.house import Wall, gateway, house, served, shown, text

pytestmark = pytest.mark.anyio
DAY = 86_400.0


def status(word: str, request_id: str = "", **more: str) -> reply:
    fields = {"request_id": request_id, "status": word, **more}
    shown = ", ".join(f'"{name}": "{value}"' for name, value in fields.items() if value)
    return reply(200, f"{{{shown}}}".encode(), headers={"Content-Type": "application/json"})


@pytest.mark.parametrize(
    "word",
    ["CANCELLED", "Canceled", "TIMEOUT", "timed-out", "EXPIRED", "ABORTED", "REJECTED", "KILLED"],
)
async def test_a_song_that_ends_in_an_undocumented_word_ends_as_an_error_with_that_word(
    tmp_path: Path, word: str
) -> None:
    async with house(tmp_path) as home:
        handle = shown(await home.generate())["request_id"]
        home.sandbox.faults.add("status", status(word, handle), times=None)
        with anyio.fail_after(5):
            answer = await home.status(handle, wait=5)

        assert shown(answer)["status"] == "ERROR"
        assert word in shown(answer)["error"]
        assert f"“{word}”" in text(answer)
        assert "not charged" not in text(answer)


async def test_a_song_that_was_taken_for_ended_and_comes_back_is_followed_to_its_end(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        handle = shown(await home.generate())["request_id"]
        home.sandbox.faults.add("status", status("TIMEOUT", handle), times=None)
        with anyio.fail_after(5):
            assert shown(await home.status(handle, wait=5))["status"] == "ERROR"
        home.sandbox.faults.clear()
        home.sandbox.advance(handle, "PROCESSING")
        with anyio.fail_after(5):
            while (back := shown(await home.status(handle)))["status"] == "ERROR":
                pass
        home.sandbox.complete(handle)
        with anyio.fail_after(5):
            found = shown(await home.status(handle, wait=5))

        assert back["status"] == "PROCESSING"
        assert back["error"] == ""
        assert found["status"] == "COMPLETED"
        assert len(found["media_urls"]) == 1


async def test_words_of_going_on_are_no_end(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        handle = shown(await home.generate())["request_id"]
        for word in ("IN_QUEUE", "STARTING", "GENERATING", "RETRYING", "", "42"):
            home.sandbox.faults.add("status", status(word, handle) if word else reply(200, b"{}"))
        await home.sandbox.arrived("status", 6)

        assert shown(await home.status(handle))["status"] in ("QUEUED", "PROCESSING")


async def test_a_song_the_gateway_does_not_know_ends_as_lost_after_a_day_and_not_before(
    tmp_path: Path,
) -> None:
    clock = Wall()
    async with gateway() as sandbox:
        async with served(sandbox, tmp_path, clock=clock) as home:
            handle = shown(await home.generate())["request_id"]
            sandbox.faults.add("status", reply(404, b"no such request"), times=None)
            await sandbox.arrived("status", 5)
            assert shown(await home.status(handle))["status"] == "QUEUED"
        clock.ahead += DAY + 1
        async with served(sandbox, tmp_path, clock=clock) as later:
            with anyio.fail_after(20):
                answer = await later.status(handle, wait=20)

        assert shown(answer)["status"] == "ERROR"
        assert "does not know it any more" in shown(answer)["error"]


async def test_a_song_that_never_ends_is_given_up_after_a_week(tmp_path: Path) -> None:
    clock = Wall()
    async with gateway() as sandbox:
        async with served(sandbox, tmp_path, clock=clock) as home:
            handle = shown(await home.generate())["request_id"]
        clock.ahead += 6 * DAY
        async with served(sandbox, tmp_path, clock=clock) as home:
            assert shown(await home.status(handle))["status"] == "QUEUED"
        clock.ahead += 2 * DAY
        async with served(sandbox, tmp_path, clock=clock) as home:
            with anyio.fail_after(20):
                given_up = shown(await home.status(handle, wait=20))
            sandbox.complete(handle)
            with anyio.fail_after(20):
                found = given_up
                while found["status"] == "ERROR":
                    found = shown(await home.status(handle))

        assert given_up["status"] == "ERROR"
        assert "7 days" in given_up["error"]
        assert found["status"] == "COMPLETED"
