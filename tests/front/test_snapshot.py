"""The front says what the server would say, or leaves it to the server."""

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from acestep_mcp import settings
from acestep_mcp.front.answers import SNAPSHOTS, Front
from acestep_mcp.settings import Surface
from tests.front import published
from tests.front.published import (
    CHANGED,
    ENVIRONMENT,
    INITIALIZED,
    LISTS,
    PLAIN,
    VERSIONS,
    greeting,
    request,
    signed,
)

pytestmark = pytest.mark.anyio

CAPABILITIES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "roots": {"roots": {"listChanged": True}},
    "sampling": {"sampling": {"tools": {}, "context": {}}},
    "elicitation": {"elicitation": {"form": {}, "url": {}}},
    "views": {
        "extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}
    },
    "tasks": {"extensions": {"io.modelcontextprotocol/tasks": {}}, "tasks": {"list": {}}},
    "experimental": {"experimental": {"anything": {"at": ["all"]}}},
}
CONNECTIONS = [
    (published.handshake if era == "handshake" else published.modern, version, capabilities)
    for era, versions in VERSIONS.items()
    for version in versions
    for capabilities in CAPABILITIES.values()
]

LEFT_TO_THE_SERVER = {"wait": 2, "base_url": 2, "server_url": 2, "model": 2}
"""How many of the 13 answers of both eras depend on the setting: the tools, or the player."""


def front(**environ: str) -> Front:
    return Front(settings.read({**ENVIRONMENT, **environ}))


@pytest.mark.parametrize("surface", SNAPSHOTS)
def test_the_snapshot_is_what_the_server_says_today(surface: Surface) -> None:
    committed = SNAPSHOTS[surface].read_text(encoding="utf-8")
    assert committed == published.snapshot(surface), "run make snap"


@pytest.mark.parametrize("surface", SNAPSHOTS)
async def test_every_answer_is_the_servers_for_every_version_and_every_capability(
    surface: Surface,
) -> None:
    app = published.built(**published.SURFACES[surface])
    for connection, version, capabilities in CONNECTIONS:
        messages = connection(version, capabilities)
        given_by = front(**published.SURFACES[surface])
        answers = [given_by.answer(line) for line in published.lines(messages)]

        assert None not in answers
        assert [json.loads(each) for each in answers if each] == await published.replies(
            app, messages
        ), (version, capabilities)


def test_every_setting_is_varied() -> None:
    assert {field.name for field in fields(settings.Settings)} == {*CHANGED}
    plain = settings.read(ENVIRONMENT)
    for name, environ in CHANGED.items():
        assert getattr(settings.read({**ENVIRONMENT, **environ}), name) != getattr(plain, name)


@pytest.mark.parametrize("name", CHANGED)
async def test_an_answer_that_a_setting_changes_is_left_to_the_server(name: str) -> None:
    app = published.built(**CHANGED[name])
    answered = 0
    for connection in (published.handshake, published.modern):
        era = connection.__name__
        messages = connection(VERSIONS[era][-1], {})
        given_by = front(**CHANGED[name])
        answers = [given_by.answer(line) for line in published.lines(messages)]
        real = iter(await published.replies(app, messages))
        for answer, message in zip(answers, messages, strict=True):
            if "id" in message:
                right = next(real)
                assert answer is None or json.loads(answer) == right
                answered += answer is not None

    assert answered == 13 - LEFT_TO_THE_SERVER.get(name, 0)


BEGUN = [request(0, "initialize", greeting("2025-06-18", {})), INITIALIZED]
MODERN = signed("2026-07-28", {})
LEFT: dict[str, list[Any]] = {
    "a tool call": [*BEGUN, request(1, "tools/call", {"name": "list_outputs"})],
    "a page": [*BEGUN, request(1, "tools/list", {"cursor": "2"})],
    "a progress token": [*BEGUN, request(1, "tools/list", {"_meta": {"progressToken": 1}})],
    "params that are null": [*BEGUN, {**request(1, "tools/list"), "params": None}],
    "a list before the handshake": [request(1, "tools/list")],
    "a list in the middle of it": [BEGUN[0], request(1, "tools/list")],
    "a second handshake": [*BEGUN, BEGUN[0]],
    "a discovery after it": [*BEGUN, request(1, "server/discover", MODERN)],
    "a modern request after it": [*BEGUN, request(1, "tools/list", MODERN)],
    "a handshake after a modern request": [request(1, "tools/list", MODERN), BEGUN[0]],
    "a ping in the modern era": [request(1, "ping", MODERN)],
    "a modern request that says more": [request(1, "tools/list", {**MODERN, "cursor": ""})],
    "a modern request of tomorrow": [request(1, "tools/list", signed("2031-01-01", {}))],
    "a version nobody knows": [request(0, "initialize", greeting("1999-01-01", {}))],
    "a version that is a number": [request(0, "initialize", greeting(20250618, {}))],  # type: ignore[arg-type]  # as sent
    "a client without a version": [
        request(0, "initialize", greeting("2025-06-18", {}, {"name": "x"}))
    ],
    "a client with icons": [
        request(0, "initialize", greeting("2025-06-18", {}, {**PLAIN, "icons": [{}]}))
    ],
    "capabilities that are none": [request(0, "initialize", greeting("2025-06-18", {"roots": 1}))],
    "roots that are wrong": [
        request(0, "initialize", greeting("2025-06-18", {"roots": {"listChanged": "x"}}))
    ],
    "half a character": [
        request(0, "initialize", greeting("2025-06-18", {}, {**PLAIN, "name": "\ud83d"}))
    ],
    "an unknown method": [*BEGUN, request(1, "logging/setLevel", {"level": "info"})],
    "an unknown notification": [*BEGUN, {"jsonrpc": "2.0", "method": "notifications/else"}],
    "an answer nobody asked for": [*BEGUN, {"jsonrpc": "2.0", "id": 1, "result": {}}],
    "an id that is none": [*BEGUN, {**request(1, "ping"), "id": True}],
    "an id that is a fraction": [*BEGUN, {**request(1, "ping"), "id": 1.5}],
    "another protocol": [*BEGUN, {**request(1, "ping"), "jsonrpc": "1.0"}],
    "a field too many": [*BEGUN, {**request(1, "ping"), "more": 1}],
    "a batch": [*BEGUN, [request(1, "ping")]],
}


@pytest.mark.parametrize("what", LEFT)
def test_what_the_front_does_not_know_exactly_is_left_to_the_server(what: str) -> None:
    asked = front()
    *before, last = published.lines(LEFT[what])

    assert None not in [asked.answer(line) for line in before]
    opening = [*asked.opening]
    assert asked.answer(last) is None
    assert asked.opening == opening


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"{", b"\xff\xfe", b"[" * 100_000, b"null\n"], ids=repr
)
def test_what_is_no_message_at_all_is_left_to_the_server(line: bytes) -> None:
    assert front().answer(line) is None


MESSAGES = st.sampled_from(
    [
        *BEGUN,
        request(1, "ping"),
        *(request(2, method) for method in LISTS),
        request(3, "server/discover", MODERN),
        *(request(4, method, MODERN) for method in LISTS),
        request(5, "prompts/get", {"name": "nothing"}),
        request(6, "prompts/get", {"name": "nothing", **MODERN}),
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}},
    ]
)


@hypothesis(max_examples=60, deadline=None)
@given(messages=st.lists(MESSAGES, max_size=8))
async def test_a_connection_goes_on_as_if_the_server_had_been_there_all_along(
    messages: list[dict[str, Any]],
) -> None:
    app = published.built()
    asked = front()
    answered = []
    for at, line in enumerate(published.lines(messages)):
        answer = asked.answer(line)
        if answer is None:
            answered += await published.replies(app, messages[at:], asked.opening)
            break
        answered += [json.loads(answer)] if answer else []

    assert answered == await published.replies(app, messages)
