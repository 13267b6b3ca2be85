"""Never pay twice, never lose a paid song: same requests, cut-off calls, several processes."""

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import anyio
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError

from acestep_mcp.domain.song import Owner, Song
from acestep_mcp.ledger import Ledger
from acestep_mcp.sandbox import hold
from tests.house import LYRICS, SONG, Later, environment, gateway, house, served, shown, text

pytestmark = pytest.mark.anyio


async def test_the_same_request_returns_the_running_song_and_says_so(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        first = shown(await home.generate(lyrics=LYRICS, key="Am"))
        second = await home.generate(lyrics=LYRICS, key="A minor", title="Another title")

        assert shown(second)["request_id"] == first["request_id"]
        assert "nothing new was bought" in text(second)
        assert home.posts == 1


@pytest.mark.parametrize(
    "again",
    [LYRICS + "\n", LYRICS.replace("\n", "\r\n"), LYRICS.replace("I", "\u200bI")],
    ids=["a trailing line break", "line ends of Windows", "a zero-width space"],
)
async def test_lyrics_that_no_person_tells_apart_are_the_same_request(
    tmp_path: Path, again: str
) -> None:
    async with house(tmp_path) as home:
        first = shown(await home.generate(lyrics=LYRICS))
        second = shown(await home.generate(lyrics=again))

        assert second["request_id"] == first["request_id"]
        assert home.posts == 1


async def test_an_accepted_song_whose_row_was_deleted_meanwhile_is_written_anew(
    tmp_path: Path,
) -> None:
    """As by whoever restores a backup while an order is on its way."""
    async with house(tmp_path) as home, anyio.create_task_group() as tasks:
        reply = hold()
        home.sandbox.faults.add("submit", reply)
        answers = []

        async def ordered() -> None:
            answers.append(shown(await home.generate(wait=10)))

        tasks.start_soon(ordered)
        await home.sandbox.arrived("submit")
        with closing(sqlite3.connect(tmp_path / "data" / "ledger.sqlite3")) as ledger, ledger:
            assert ledger.execute("delete from song").rowcount == 1
        reply.release()
        await home.sandbox.arrived("status")
        (handle,) = home.sandbox.jobs
        home.sandbox.complete(handle)
        with anyio.fail_after(10):
            while not answers:
                await anyio.lowlevel.checkpoint()
        listed = shown(await home.call("list_outputs"))["songs"]

        assert [each["request_id"] for each in (*answers, *listed)] == [handle, handle]
        assert [each["status"] for each in (*answers, *listed)] == ["COMPLETED", "COMPLETED"]
        assert home.posts == 1


async def test_a_finished_song_that_nobody_was_told_of_answers_the_same_request(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        first = shown(await home.generate())["request_id"]
        home.sandbox.complete(first)
        await home.sandbox.arrived("status")
        again = shown(await home.generate(wait=5))

        assert again["request_id"] == first
        assert again["status"] == "COMPLETED"
        assert home.posts == 1


async def test_for_ten_minutes_after_delivery_the_same_request_returns_the_song_and_says_so(
    tmp_path: Path,
) -> None:
    clock = Later()
    async with house(tmp_path, clock=clock) as home:
        first = shown(await home.finished())
        for later in (10.0, 590.0):
            clock.ahead = later
            again = shown(await home.generate())
            assert (again["request_id"], again["status"]) == (first["request_id"], "COMPLETED")
            assert "nothing new was bought" in again["message"]
            assert "new_take=true" in again["message"]
        assert home.posts == 1
        clock.ahead = 620.0
        second = shown(await home.generate())

        assert second["request_id"] != first["request_id"]
        assert first["seed"] != second["seed"]
        assert home.posts == 2


async def test_the_same_music_is_never_bought_twice_however_long_ago_it_was_made(
    tmp_path: Path,
) -> None:
    clock = Later()
    async with house(tmp_path, clock=clock) as home:
        fixed = shown(await home.finished(seed=5))
        drawn = shown(await home.finished(prompt="Slow waltz with a warm male voice"))
        clock.ahead = 30 * 86_400.0
        for asked, made in (
            ({"seed": 5}, fixed),
            ({"prompt": "Slow waltz with a warm male voice", "seed": drawn["seed"]}, drawn),
        ):
            dry = shown(await home.generate(**asked, dry_run=True))
            again = shown(await home.generate(**asked))
            assert again["request_id"] == dry["request_id"] == made["request_id"]
            assert "would buy nothing" in dry["message"]
        assert home.posts == 2
        await home.generate(seed=5, new_take=True)
        await home.generate(seed=6)
        assert home.posts == 4


async def test_a_song_that_failed_may_be_ordered_again_at_once(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        first = shown(await home.generate(seed=5))["request_id"]
        home.sandbox.advance(first, "FAILED")
        assert shown(await home.status(first, wait=5))["status"] == "FAILED"

        assert shown(await home.generate(seed=5))["request_id"] != first
        assert home.posts == 2


async def test_a_dry_run_of_a_song_that_runs_says_that_it_would_buy_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        running = shown(await home.generate())["request_id"]
        dry = shown(await home.generate(dry_run=True))
        another = shown(await home.generate(dry_run=True, new_take=True))

        assert dry["request_id"] == running
        assert f"would buy nothing: it is answered by the song {running}, QUEUED" in dry["message"]
        assert "would buy 1 track" in another["message"]
        assert home.posts == 1


async def test_new_take_pays_again_while_the_same_request_runs(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.generate()
        await home.generate(new_take=True)

        assert home.posts == 2


async def test_a_thousand_identical_calls_at_once_make_one_song(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        handles: list[str] = []

        async def one() -> None:
            handles.append(shown(await home.generate())["request_id"])

        async with anyio.create_task_group() as tasks:
            for _ in range(1000):
                tasks.start_soon(one)

        # A busy machine may answer some before the gateway's reply is there, by the local handle.
        songs = {shown(await home.status(handle))["request_id"] for handle in {*handles}}
        assert home.posts == 1
        assert len(handles) == 1000
        assert songs == {*home.sandbox.jobs}


class Hesitant(Ledger):
    """A ledger whose first change waits until `go`, while the others do not."""

    go = anyio.Event()

    async def change(self, owner: Owner, handle: str, fact: Callable[[Song], Song]) -> Song | None:
        go, Hesitant.go = Hesitant.go, _now()
        await go.wait()
        return await Ledger.change(self, owner, handle, fact)


def _now() -> anyio.Event:
    event = anyio.Event()
    event.set()
    return event


async def test_an_answer_that_nobody_got_is_none_in_whichever_order_the_ledger_would_write_it(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        engine, account = home.app.engine, home.app.account
        handle = shown(await home.generate())["request_id"]
        home.sandbox.complete(handle)
        assert (await engine.status(account, handle, wait=10)).song.ended
        go = Hesitant.go = anyio.Event()
        engine._ledger = Hesitant(engine._ledger.driver)
        engine.heard(account, handle)
        engine.heard(account, handle, heard=False)
        await anyio.wait_all_tasks_blocked()
        go.set()
        await anyio.wait_all_tasks_blocked()
        await home.generate()

        assert home.posts == 1


async def test_a_cancelled_call_loses_nothing_and_the_next_one_finds_the_song(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        reply = hold()
        home.sandbox.faults.add("submit", reply)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(home.generate, wait=40))
            await home.sandbox.arrived("submit")  # the gateway has it, the reply is on its way
            tasks.cancel_scope.cancel()
        reply.release()
        found = shown(await home.generate(wait=0))

        assert found["request_id"] == next(iter(home.sandbox.jobs))
        assert home.posts == 1


async def test_once_a_client_cut_a_wait_short_later_waits_stay_under_its_limit(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, client={"read_timeout_seconds": 2.2}) as home:
        with pytest.raises(MCPError, match="Timed out"):
            await home.generate(wait=45)
        again = await home.generate(wait=45)  # would time out as well, if it waited as long

        assert shown(again)["status"] == "QUEUED"
        assert home.posts == 1
        home.sandbox.complete(shown(again)["request_id"])
        assert shown(await home.generate(wait=45))["status"] == "COMPLETED"
        assert home.posts == 1


async def test_a_gateway_slow_to_answer_is_told_as_on_its_way_and_resolves_itself(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        reply = hold()
        home.sandbox.faults.add("submit", reply)
        with anyio.fail_after(2.5):  # wait=0 plus the contract's two seconds
            early = await home.generate(wait=0)

        assert shown(early)["status"] == "UNKNOWN"
        assert "on its way" in text(early)

        reply.release()
        handle = shown(early)["request_id"]
        later = await home.status(handle, wait=0)
        while shown(later)["status"] == "UNKNOWN":
            later = await home.status(handle, wait=0.2)

        assert shown(later)["request_id"] == next(iter(home.sandbox.jobs))
        assert home.posts == 1


async def test_with_no_wait_the_gateway_is_asked_once_per_poll_interval(tmp_path: Path) -> None:
    async with house(tmp_path, ACESTEP_POLL_INTERVAL="30") as home:
        handle = shown(await home.generate())["request_id"]
        for _ in range(5):
            assert shown(await home.status(handle))["status"] == "QUEUED"

        assert home.sandbox.polls() == []


async def test_a_finished_song_is_answered_without_asking_the_gateway(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        handle = shown(await home.finished())["request_id"]
        asked = len(home.sandbox.polls())
        for _ in range(3):
            assert shown(await home.status(handle))["status"] == "COMPLETED"

        assert len(home.sandbox.polls()) == asked


async def test_a_song_ordered_elsewhere_is_adopted(tmp_path: Path) -> None:
    async with gateway() as sandbox:
        async with served(sandbox, tmp_path / "one") as home:
            handle = shown(await home.generate())["request_id"]
        sandbox.complete(handle)
        async with served(sandbox, tmp_path / "other") as home:
            answer = shown(await home.status(handle, wait=5))
            listed = shown(await home.call("list_outputs"))

        assert answer["status"] == "COMPLETED"
        assert answer["model"] == "ace-step-xl"
        assert len(answer["media_urls"]) == 1
        assert [song["request_id"] for song in listed["songs"]] == [handle]


async def test_a_restarted_server_follows_and_delivers_what_the_last_one_ordered(
    tmp_path: Path,
) -> None:
    async with gateway() as sandbox:
        async with served(sandbox, tmp_path) as home:
            handle = shown(await home.generate())["request_id"]
        sandbox.complete(handle)
        async with served(sandbox, tmp_path) as home:
            answer = shown(await home.generate(wait=10))

        assert answer["request_id"] == handle
        assert answer["status"] == "COMPLETED"
        assert len(sandbox.submissions) == 1


async def _ordered_by(server: StdioServerParameters, handles: list[str]) -> None:
    async with Client(server) as client:
        answer = await client.call_tool("generate_song", {**SONG, "wait": 3})
        handles.append(shown(answer)["request_id"])


async def test_eight_processes_with_the_same_request_at_once_send_it_once(tmp_path: Path) -> None:
    async with gateway() as sandbox:
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "acestep_mcp"],
            env=environment(sandbox.base_url, tmp_path),
        )
        handles: list[str] = []
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                for _ in range(8):
                    tasks.start_soon(_ordered_by, server, handles)

        assert len(sandbox.submissions) == 1
        assert handles == [next(iter(sandbox.jobs))] * 8


async def test_songs_are_found_by_status_text_and_page(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        for number in range(5):
            await home.generate(prompt=f"Song number {number}, with a Ω", title=f"No. {number}")
        done = next(iter(home.sandbox.jobs))
        home.sandbox.complete(done)
        await home.status(done, wait=5)

        first = shown(await home.call("list_outputs", limit=2))
        rest = shown(await home.call("list_outputs", limit=50, cursor=first["next_cursor"]))
        titles = [song["title"] for song in (*first["songs"], *rest["songs"])]
        assert titles == [f"No. {number}" for number in (4, 3, 2, 1, 0)]
        assert first["total"] == 5
        assert rest["next_cursor"] == ""
        completed = shown(await home.call("list_outputs", status="COMPLETED"))
        assert [song["request_id"] for song in completed["songs"]] == [done]
        assert shown(await home.call("list_outputs", search="NUMBER 3"))["total"] == 1
        assert shown(await home.call("list_outputs", search="ω"))["total"] == 5
        assert shown(await home.call("list_outputs", search="100%_"))["total"] == 0
        assert (await home.call("list_outputs", cursor="nonsense")).is_error
        assert (await home.call("list_outputs", status="DONE")).is_error
