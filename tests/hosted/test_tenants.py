"""Two callers of one server: everything that takes or shows an id, tried with the other's.

What is not theirs must look like what does not exist, to the letter.
"""

import base64
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference

from acestep_mcp.surface.resources import OUTPUT
from tests.hosted.house import call
from tests.hosted.street import RUNNING, alices_ids, street
from tests.house import shown
from tests.test_tasks import AnyResult, Claiming, TaskRequest, TaskRequestParams

pytestmark = [pytest.mark.anyio, pytest.mark.attack]

Probe = Callable[[Client, str], Awaitable[Any]]
CALLBACK = {"request_id": "ace-step-xl_any", "status": "COMPLETED"}


async def told(work: Awaitable[Any]) -> str:
    """An answer or an error, with everything in it."""
    try:
        with anyio.fail_after(20):
            answer = await work
    except MCPError as error:
        return f"{error.error!r}"
    return str(answer.model_dump_json())


def tool(name: str, argument: str, **more: Any) -> Probe:
    return lambda client, theirs: client.call_tool(name, {argument: theirs, **more})


def resource(uri: str) -> Probe:
    return lambda client, theirs: client.read_resource(uri.format(theirs))


def task(method: str) -> Probe:
    def ask(client: Client, theirs: str) -> Awaitable[Any]:
        params = TaskRequestParams.model_validate({"taskId": theirs})
        request = TaskRequest(method=f"tasks/{method}", params=params)
        return client.session.send_request(request, AnyResult)

    return ask


def prompt(client: Client, theirs: str) -> Awaitable[Any]:
    return client.get_prompt("vary_song", {"request_id": theirs, "change": "slower"})


def completion(client: Client, theirs: str) -> Awaitable[Any]:
    reference = PromptReference(type="ref/prompt", name="vary_song")
    return client.complete(reference, {"name": "request_id", "value": theirs[:12]})


def template(client: Client, theirs: str) -> Awaitable[Any]:
    reference = ResourceTemplateReference(type="ref/resource", uri=OUTPUT)
    return client.complete(reference, {"name": "request_id", "value": theirs[:12]})


PROBES: dict[str, Probe] = {
    "get_status": tool("get_status", "request_id"),
    "get_status, waiting": tool("get_status", "request_id", wait=0.1),
    "list_outputs, searching": tool("list_outputs", "search"),
    "one output": resource("acestep://outputs/{}"),
    "a piece of audio": resource("acestep://outputs/{}/audio/1/0"),
    "vary_song": prompt,
    "completion of a prompt's argument": completion,
    "completion of a resource's argument": template,
    "tasks/get": task("get"),
    "tasks/update": task("update"),
    "tasks/cancel": task("cancel"),
}


def nobodys(theirs: str) -> str:
    """An id of the same shape that nobody has."""
    head, digits = theirs[:-8], theirs[-8:]
    return head + "".join("0" if digit == "f" else "f" for digit in digits)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("auth", ["key", "oauth"])
async def test_what_is_not_yours_looks_like_what_does_not_exist(
    tmp_path: Path, auth: str, mode: Any
) -> None:
    async with street(tmp_path, auth) as home:
        ids = await alices_ids(home)
        before, submitted = home.rows(), len(home.host.sandbox.submissions)
        differing = []
        async with home.caller("bob", mode, Claiming()) as bob:
            for theirs in ids:
                for name, probe in PROBES.items():
                    missing = nobodys(theirs)
                    found = (await told(probe(bob, theirs))).replace(theirs, "X")
                    absent = (await told(probe(bob, missing))).replace(missing, "X")
                    if found != absent:
                        differing.append((name, theirs, found, absent))

        assert differing == []
        assert home.rows() == before  # nothing written, and nothing adopted
        assert len(home.host.sandbox.submissions) == submitted


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("auth", ["key", "oauth"])
async def test_lists_show_and_continue_ones_own_songs_only(
    tmp_path: Path, auth: str, mode: Any
) -> None:
    async with street(tmp_path, auth) as home:
        ids = await alices_ids(home)
        async with home.caller("alice", mode) as alice:
            first = shown(await call(alice, "list_outputs", limit=1))
        async with home.caller("bob", mode) as bob:
            empty = [
                shown(await call(bob, "list_outputs", **arguments))
                for arguments in ({}, {"cursor": first["next_cursor"]}, {"search": "Alice"})
            ]
            everything = json.loads((await bob.read_resource("acestep://outputs")).contents[0].text)  # type: ignore[union-attr]  # text
            mine = shown(await call(bob, "generate_song", **RUNNING))["request_id"]
            continued = shown(await call(bob, "list_outputs", cursor=first["next_cursor"]))

        assert (first["total"], everything["total"]) == (3, 0)
        assert all((page["total"], page["songs"]) == (0, []) for page in empty)
        assert mine not in ids  # the same words are another song when another says them
        assert (continued["total"], continued["songs"]) == (1, [])  # his is newer than her page


@pytest.mark.parametrize("auth", ["key", "oauth"])
async def test_no_webhook_address_can_be_made_from_anothers(tmp_path: Path, auth: str) -> None:
    nowhere = {"ACESTEP_PUBLIC_URL": "http://127.0.0.1:1"}  # the gateway's own callbacks get lost
    async with street(tmp_path, auth, **nowhere) as home:
        parts = []
        for name in ("alice", "bob"):
            async with home.caller(name, "legacy") as client:
                await call(client, "generate_song", **RUNNING)
            url = home.host.sandbox.submissions[-1].headers["x-webhook-url"]
            parts.append(url.rpartition("/")[2].partition("."))
        (hers, _, her_signature), (his, _, his_signature) = parts
        her_owner, _, her_song = decoded(hers).partition("\n")
        his_owner, _, his_song = decoded(his).partition("\n")
        assert her_owner != his_owner
        assert her_song != his_song
        mixed = [encoded(f"{her_owner}\n{his_song}"), encoded(f"{his_owner}\n{her_song}")]
        async with httpx.AsyncClient(base_url=home.host.url) as web:
            for named in (hers, his, *mixed):
                for signature in (her_signature, his_signature):
                    own = (named, signature) in {(hers, her_signature), (his, his_signature)}
                    answer = await web.post(f"/webhook/{named}.{signature}", json=CALLBACK)
                    assert answer.status_code == (204 if own else 401)


def decoded(named: str) -> str:
    return base64.urlsafe_b64decode(named + "==").decode()


def encoded(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")
