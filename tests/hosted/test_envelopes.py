"""Over HTTP, what is no message is answered like over stdin, in every era."""

import json
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.envelopes import WRONG, written
from tests.hosted.house import KEY_HEADER, hosted
from tests.hosted.test_exposure import JSON, MODERN
from tests.house import KEY

pytestmark = pytest.mark.anyio

ERAS = pytest.mark.parametrize("era", [{}, MODERN], ids=["legacy", "modern"])


@ERAS
async def test_what_is_no_request_is_answered_with_what_is_wrong(
    tmp_path: Path, era: dict[str, str]
) -> None:
    async with (
        hosted(tmp_path) as host,
        httpx.AsyncClient(base_url=host.url, headers={**JSON, **era}) as web,
    ):
        for what, (message, code, call) in {**WRONG, "nothing": (b"", -32700, None)}.items():
            if what == "a depth nobody can read":  # the SDK's two readers see different depths
                continue
            answer = await web.post("/mcp", content=written(what, message))

            assert answer.status_code == 400, what
            assert answer.json()["error"]["code"] == code, what
            assert answer.json()["id"] == call, what
            assert "pydantic" not in answer.text, what


@ERAS
async def test_a_mark_before_a_message_is_no_matter(tmp_path: Path, era: dict[str, str]) -> None:
    message = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    body = b"\xef\xbb\xbf" + json.dumps(message).encode()
    async with (
        hosted(tmp_path) as host,
        httpx.AsyncClient(base_url=host.url, headers={**JSON, **era}) as web,
    ):
        answer = await web.post("/mcp", content=body)

        assert answer.status_code == 202


CALLS: list[Any] = [[], {}, None, True, 1.5]
NO_CALLS: list[Any] = [*({"requestId": call} for call in CALLS), {}, None, [1]]


@ERAS
async def test_a_cancellation_of_no_call_is_ignored_without_a_word(
    tmp_path: Path, era: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    message = {"jsonrpc": "2.0", "method": "notifications/cancelled"}
    caplog.set_level(logging.WARNING)
    async with (
        hosted(tmp_path, own_key=KEY) as host,
        httpx.AsyncClient(base_url=host.url, headers={**JSON, **era}) as web,
    ):
        for params in NO_CALLS:
            answer = await web.post("/mcp", json={**message, "params": params})
            assert (answer.status_code, answer.content) == (202, b""), params
        async with host.caller(**{KEY_HEADER: KEY}) as client:
            await client.list_tools()  # it is served on

    assert caplog.messages == []
