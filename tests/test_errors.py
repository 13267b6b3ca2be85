"""Contract §5, row by row: what each failure answers, and how many paid requests it made."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from acestep_mcp.sandbox import Toxic, limit_data, reply, reset_peer, timeout
from tests.house import LYRICS, House, gateway, house, served, shown, text

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"durration": 60}, "Unknown argument 'durration'. Did you mean 'duration'?"),
        ({"prompt": 5}, "prompt: Input should be a valid string"),
        ({"prompt": "  "}, "prompt: it is required"),
        ({"duration": 601}, "duration: give a number from 0 to 600 (got 601)"),
        ({"duration": "long"}, "duration: give a number from 0 to 600 (got 'long')"),
        ({"bpm": 29}, "bpm: 29 is outside 30 to 300"),
        ({"key": "H major"}, "key: 'H major' is German notation"),
        ({"time_signature": "7/8"}, "time_signature: "),
        ({"seed": -2}, "seed: give a whole number from -1 to 4294967295"),
        ({"batch_size": 5}, "batch_size: give a whole number from 1 to 4"),
        ({"model": "acestep-xl"}, "Did you mean 'ace-step-xl'?"),
        ({"model": "ace-step", "thinking": True}, "thinking: model 'ace-step' does not take it"),
        ({"model": "ace-step", "key": "Am"}, "key: model 'ace-step' does not take it"),
        ({"infer_steps": 8}, "infer_steps: model 'ace-step-xl' does not take it"),
        (
            {"instrumental": True, "lyrics": LYRICS},
            "instrumental=true, but the lyrics hold 2 sung lines",
        ),
        ({"wait": 51}, "wait: give a number from 0 to 50 (got 51)"),
        ({"lyrics": "x" * 10_001}, "lyrics: String should have at most 10000 characters"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_bad_input_is_named_in_one_line_and_nothing_is_sent(
    tmp_path: Path, arguments: dict[str, Any], says: str
) -> None:
    async with house(tmp_path) as home:
        answer = await home.generate(**arguments)

        assert answer.is_error
        assert says in text(answer)
        assert len(text(answer)) <= 300
        assert "\n" not in text(answer)
        assert "pydantic" not in text(answer)
        assert home.posts == 0
        assert shown(await home.call("list_outputs"))["total"] == 0


async def test_a_missing_prompt_is_named(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        answer = await home.call("generate_song")

        assert answer.is_error
        assert text(answer).startswith("prompt: it is required, unless based_on names an earlier")
        assert home.posts == 0


async def test_arguments_that_hosts_and_frameworks_add_are_no_error(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        answer = await home.generate(_meta_added_by_host="x", bpm=None, lyrics=None)

        assert shown(answer)["status"] == "QUEUED"
        assert "bpm" not in home.sandbox.submissions[0].json()


async def test_without_a_key_the_call_says_where_to_get_one_and_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    async with house(tmp_path, PIXAZO_API_KEY="") as home:
        answer = await home.generate()

        assert answer.is_error
        assert "https://api-console.pixazo.ai/api_keys" in text(answer)
        assert "PIXAZO_API_KEY, PIXAZO_SUBSCRIPTION_KEY, ~/.pixazo/api-key" in text(answer)
        assert len(text(answer)) <= 300
        assert home.posts == 0


@pytest.mark.parametrize(("key", "status"), [("wrong", 401), ("forbidden", 403)])
async def test_a_refused_key_is_said_with_its_place_and_never_shown(
    tmp_path: Path, key: str, status: int
) -> None:
    async with house(tmp_path, PIXAZO_API_KEY=key) as home:
        answer = await home.generate()

        assert answer.is_error
        assert f"refused the key from PIXAZO_API_KEY (HTTP {status})" in text(answer)
        assert "https://api-console.pixazo.ai/api_keys" in text(answer)
        assert home.posts == 1


async def test_an_empty_wallet_is_said_with_the_sum_the_gateway_names(tmp_path: Path) -> None:
    async with gateway(balance=0.0) as sandbox, served(sandbox, tmp_path) as home:
        answer = await home.generate()

        assert answer.is_error
        assert "Required: $0.01" in text(answer)
        assert "https://api-console.pixazo.ai/dashboard" in text(answer)
        assert home.posts == 1
        assert shown(await home.call("list_outputs"))["total"] == 0


async def test_a_400_is_answered_in_the_gateways_own_words(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        home.sandbox.disabled_models.add("ace-step-xl")
        answer = await home.generate()

        assert answer.is_error
        assert "“Model 'ace-step-xl' not found or is disabled”" in text(answer)
        assert home.posts == 1


async def test_a_429_is_retried_after_the_time_it_names_within_the_calls_wait(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home, anyio.create_task_group() as tasks:
        home.sandbox.faults.add("submit", reply(429, headers={"Retry-After": "0"}))
        tasks.start_soon(partial(home.generate, wait=10))
        await home.sandbox.arrived("submit", 2)

        assert home.posts == 2
        assert len(home.sandbox.jobs) == 1
        home.sandbox.complete(next(iter(home.sandbox.jobs)))


@pytest.mark.parametrize("soon", ["0", "0.000001", "-30", "Wed, 21 Oct 2015 07:28:00 GMT"], ids=str)
async def test_a_429_that_asks_for_no_pause_is_not_hammered(tmp_path: Path, soon: str) -> None:
    async with house(tmp_path) as home:
        home.sandbox.faults.add("submit", reply(429, headers={"Retry-After": soon}), times=None)
        answer = await home.generate(wait=3)

        assert answer.is_error
        assert home.posts <= 4


async def test_a_429_that_outlasts_the_call_is_said_and_nothing_was_accepted(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        home.sandbox.faults.add("submit", reply(429, headers={"Retry-After": "30"}))
        answer = await home.generate(wait=1)

        assert answer.is_error
        assert "Wait for 30 s" in text(answer)
        assert home.posts == 1
        assert shown(await home.generate())["status"] == "QUEUED"


async def test_a_gateway_that_cannot_be_reached_is_safe_to_call_again(tmp_path: Path) -> None:
    async with gateway() as sandbox:
        closed = sandbox.base_url
    sandbox.base_url = closed
    async with served(sandbox, tmp_path) as home:
        answer = await home.generate()

        assert answer.is_error
        assert "not sent: the connection was refused (127.0.0.1)." in text(answer)
        assert "safe to call again" in text(answer)
        assert shown(await home.call("list_outputs"))["total"] == 0


async def test_a_request_that_could_not_leave_is_sent_once_the_gateway_is_there(
    tmp_path: Path,
) -> None:
    async with gateway() as sandbox:
        port = int(sandbox.base_url.rpartition(":")[2])
    async with served(sandbox, tmp_path) as home, anyio.create_task_group() as tasks:
        tasks.start_soon(partial(home.generate, wait=20))
        async with sandbox.serving(port=port):
            await sandbox.arrived("submit")
            sandbox.complete(next(iter(sandbox.jobs)))
            await sandbox.arrived("status")

            assert home.posts == 1
            tasks.cancel_scope.cancel()


async def test_a_host_that_does_not_exist_is_not_sent_and_said_so(tmp_path: Path) -> None:
    async with house(
        tmp_path, ACESTEP_BASE_URL="https://gateway.invalid", ACESTEP_POLL_INTERVAL="5"
    ) as home:
        answer = await home.generate()

        assert answer.is_error
        assert "not sent: its host name was not found (gateway.invalid)" in text(answer)


AMBIGUOUS: dict[str, Sequence[Toxic]] = {
    "reply lost after acceptance": [reset_peer("after")],
    "connection reset before the request was processed": [reset_peer("unprocessed")],
    "connection closed without a reply": [timeout(0, process=True)],
    "reply cut in the middle": [limit_data(40)],
    "202 with garbage": [reply(202, b"\xff\xfe not json", process=True)],
    "202 with an empty body": [reply(202, b"", process=True)],
    "202 without a request id": [reply(202, b'{"status": "QUEUED"}', process=True)],
    "200 with an HTML page": [reply(200, b"<html>Sign in to the Wi-Fi</html>")],
    "302": [reply(302, headers={"Location": "http://127.0.0.1:1/"})],
    **{
        f"{status} after acceptance": [reply(status, b"<h1>oops</h1>", process=True)]
        for status in (408, 409, 425, 500, 502, 503, 504, 520, 599)
    },
}


@pytest.mark.parametrize("toxics", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
async def test_an_ambiguous_failure_is_unknown_and_never_sent_again(
    tmp_path: Path, toxics: Sequence[Toxic]
) -> None:
    async with house(tmp_path) as home:
        home.sandbox.faults.add("submit", *toxics)
        answer = await home.generate(wait=3)

        assert answer.is_error
        assert shown(answer)["status"] == "UNKNOWN"
        assert shown(answer)["request_id"].startswith("local-")
        assert "may have been charged" in text(answer)
        assert "new_take=true" in text(answer)
        assert home.posts == 1

        again = await home.generate(wait=3)

        assert shown(again)["request_id"] == shown(answer)["request_id"]
        assert home.posts == 1


async def test_an_unknown_song_is_a_fact_to_get_status_and_to_the_list(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        home.sandbox.faults.add("submit", reset_peer("after"))
        handle = shown(await home.generate())["request_id"]
        status = await home.status(handle)
        listed = await home.call("list_outputs", status="UNKNOWN")

        assert not status.is_error
        assert shown(status)["status"] == "UNKNOWN"
        assert [song["request_id"] for song in shown(listed)["songs"]] == [handle]
        assert home.sandbox.polls() == []


async def test_new_take_pays_for_another_attempt_after_an_unknown_one(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        home.sandbox.faults.add("submit", reset_peer("after"))
        await home.generate()
        answer = await home.generate(new_take=True)

        assert shown(answer)["status"] == "QUEUED"
        assert home.posts == 2


POLL_FAULTS: dict[str, Callable[[House], None]] = {
    "reset": lambda home: home.sandbox.faults.add("status", reset_peer("before")),
    "garbage": lambda home: home.sandbox.faults.add("status", reply(200, b"\0garbage")),
    "unauthorized": lambda home: home.sandbox.faults.add("status", reply(401)),
    "not found": lambda home: home.sandbox.faults.add("status", reply(404)),
    "bad gateway": lambda home: home.sandbox.faults.add("status", reply(502), times=3),
    "unknown state": lambda home: home.sandbox.faults.add(
        "status", reply(200, b'{"status": "Rendering", "output": "?"}')
    ),
}


@pytest.mark.parametrize("fault", POLL_FAULTS.values(), ids=POLL_FAULTS.keys())
async def test_no_failed_status_request_ends_a_song(
    tmp_path: Path, fault: Callable[[House], None]
) -> None:
    async with house(tmp_path) as home:
        handle = shown(await home.generate())["request_id"]
        fault(home)
        await home.sandbox.arrived("status", 2)
        home.sandbox.complete(handle)
        answer = await home.status(handle, wait=20)

        assert shown(answer)["status"] == "COMPLETED"
        assert len(shown(answer)["media_urls"]) == 1
        assert home.posts == 1


@pytest.mark.parametrize(
    ("state", "says"),
    [("FAILED", "whether charged: unknown"), ("ERROR", "documented as not charged")],
)
async def test_a_failed_song_is_an_error_to_generate_and_a_fact_to_get_status(
    tmp_path: Path, state: Any, says: str
) -> None:
    async with house(tmp_path) as home:
        async with anyio.create_task_group() as tasks:

            async def ordered() -> None:
                answer = await home.generate(wait=10)
                assert answer.is_error
                assert shown(answer)["status"] == state
                assert shown(answer)["error"] == "GPU on fire"
                assert "The gateway says: “GPU on fire”" in text(answer)
                assert says in text(answer)

            tasks.start_soon(ordered)
            await home.sandbox.arrived("submit")
            home.sandbox.fail(next(iter(home.sandbox.jobs)), state, "GPU\u202e on \x1b[31mfire")

        handle = next(iter(home.sandbox.jobs))
        status = await home.status(handle)
        assert not status.is_error
        assert shown(status)["status"] == state


async def test_an_id_nobody_knows_is_not_found(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        for handle in ("ace-step-xl_nobody", "local-0123456789abcdef", "../../etc", "\u202e"):
            answer = await home.status(handle)
            assert answer.is_error
            assert "list_outputs" in text(answer)


async def test_the_daily_limit_is_refused_with_the_variable_that_raises_it(tmp_path: Path) -> None:
    async with house(tmp_path, ACESTEP_DAILY_LIMIT="3") as home:
        await home.generate(batch_size=2)
        answer = await home.generate(batch_size=2, prompt="Another song with a tuba")

        assert answer.is_error
        assert "2 of 3 tracks" in text(answer)
        assert "ACESTEP_DAILY_LIMIT" in text(answer)
        assert home.posts == 1
        assert shown(await home.generate(prompt="A single track fits"))["status"] == "QUEUED"


async def test_a_ledger_that_cannot_be_written_stops_the_song_before_it_is_paid_for(
    tmp_path: Path,
) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    async with house(tmp_path) as home:
        answer = await home.generate()

        assert answer.is_error
        assert "ledger" in text(answer)
        assert "ACESTEP_DATA_DIR" in text(answer)
        assert home.posts == 0
