"""A song as a task, for clients that declare the extension; no change for all others."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, Request, RequestParams, Result
from pydantic import ConfigDict

from acestep_mcp.surface.tasks import TASKS
from tests.house import SONG, House, house, shown

pytestmark = pytest.mark.anyio


class TaskResult(Result):
    """A task, as the wire has it."""

    model_config = ConfigDict(extra="allow")
    result_type: Literal["task"] = "task"


class AnyResult(Result):
    """Whatever a task method answers."""

    model_config = ConfigDict(extra="allow")


class TaskRequestParams(RequestParams):
    """Parameters of a task method."""

    model_config = ConfigDict(extra="allow")


class TaskRequest(Request[TaskRequestParams, str]):
    """A task method."""

    name_param = "taskId"


class Claiming(ClientExtension):
    """A client that takes tasks and keeps them."""

    identifier = TASKS

    def __init__(self) -> None:
        self.tasks: list[dict[str, Any]] = []

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=TaskResult, resolve=self._keep)]

    async def _keep(self, task: TaskResult, _context: ClaimContext) -> CallToolResult:
        self.tasks.append(task.model_dump())
        return CallToolResult(content=[], is_error=True)  # no structured content to check


async def ask(home: House, method: str, task: str) -> dict[str, Any]:
    params = TaskRequestParams.model_validate({"taskId": task})
    request = TaskRequest(method=f"tasks/{method}", params=params)
    return (await home.client.session.send_request(request, AnyResult)).model_dump()


async def test_a_call_becomes_a_task_that_ends_with_the_songs_own_answer(tmp_path: Path) -> None:
    client = Claiming()
    async with house(tmp_path, client={"extensions": [client]}) as home:
        await home.call("generate_song", **SONG, wait=45)  # answered at once all the same
        (task,) = client.tasks
        working = await ask(home, "get", task["taskId"])
        home.sandbox.complete(task["taskId"])
        done = working
        while done["status"] == "working":
            done = await ask(home, "get", task["taskId"])
        again = shown(await home.status(task["taskId"]))

    assert task["status"] == working["status"] == "working"
    assert task["createdAt"] == working["createdAt"] == done["createdAt"]
    assert (task["ttlMs"], task["pollIntervalMs"]) == (None, 5000)
    assert done["status"] == "completed"
    made_from = ("prompt", "lyrics", "settings")  # which only a question for it brings back
    assert done["result"]["structuredContent"] == {**again, **dict.fromkeys(made_from, "")}
    assert again["status"] == "COMPLETED"


async def test_a_failed_song_is_a_completed_task_with_an_error_result(tmp_path: Path) -> None:
    client = Claiming()
    async with house(tmp_path, client={"extensions": [client]}) as home:
        await home.call("generate_song", **SONG)
        task = client.tasks[0]["taskId"]
        home.sandbox.fail(task, "FAILED")
        done = await ask(home, "get", task)
        while done["status"] == "working":
            done = await ask(home, "get", task)

    assert done["status"] == "completed"
    assert done["result"]["isError"] is True


async def test_cancelling_a_task_never_cancels_a_paid_song(tmp_path: Path) -> None:
    client = Claiming()
    async with house(tmp_path, client={"extensions": [client]}) as home:
        await home.call("generate_song", **SONG)
        task = client.tasks[0]["taskId"]
        for _ in range(2):
            await ask(home, "cancel", task)
        working = await ask(home, "get", task)

        assert working["status"] == "working"
        assert "paid for" in working["statusMessage"]
        assert home.posts == 1


async def test_a_task_nobody_knows_is_invalid(tmp_path: Path) -> None:
    client = Claiming()
    async with house(tmp_path, client={"extensions": [client]}) as home:
        for method in ("get", "update", "cancel"):
            with pytest.raises(MCPError) as refused:
                await ask(home, method, "ace-step-xl_nobodys")
            assert refused.value.error.code == -32602


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_clients_that_do_not_declare_it_see_no_change(tmp_path: Path, mode: Any) -> None:
    async with house(tmp_path, mode=mode) as home:
        assert shown(await home.generate())["status"] == "QUEUED"
        with pytest.raises(MCPError) as refused:
            await ask(home, "get", next(iter(home.sandbox.jobs)))
        assert refused.value.error.code == (-32021 if mode == "auto" else -32601)
