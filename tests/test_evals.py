"""The runner of the evaluations is right about good runs and bad ones, on real answers."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest

from evals.endpoint import Endpoint
from evals.requests import KEEPER, REQUESTS
from evals.stage import played
from evals.trial import Request, Scripted, unmet

pytestmark = pytest.mark.anyio


def test_there_are_25_requests_of_different_names() -> None:
    assert len({request.id for request in REQUESTS}) == 25


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda each: each.id)
async def test_a_good_run_meets_everything_and_a_bad_one_fails_for_its_reasons(
    tmp_path: Path, request_: Request
) -> None:
    good = await played(request_, tmp_path / "good", lambda run: Scripted(run, request_.good))
    bad = await played(request_, tmp_path / "bad", lambda run: Scripted(run, request_.bad))

    assert [each.what for each in unmet(request_, good)] == []
    assert {each.kind for each in unmet(request_, bad)} == request_.fails


class Model(BaseHTTPRequestHandler):
    """An API of chat completions that orders a song and then says its URL."""

    heard: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.heard.append(asked)
        last = asked["messages"][-1]
        if last["role"] == "user":
            function = {"name": "generate_song", "arguments": json.dumps(KEEPER)}
            call = {"id": "call-1", "type": "function", "function": function}
            message: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [call]}
        else:
            message = {"role": "assistant", "content": last["content"]}
        body = json.dumps({"choices": [{"message": message}]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def endpoint() -> Iterator[str]:
    Model.heard.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


async def test_a_model_behind_an_endpoint_sees_the_tools_and_is_scored(
    tmp_path: Path, endpoint: str
) -> None:
    (request,) = (each for each in REQUESTS if each.id == "a song")
    run = await played(request, tmp_path, lambda _: Endpoint(endpoint, "any", "", "Be kind."))

    assert unmet(request, run) == []
    first, second = Model.heard
    assert [tool["function"]["name"] for tool in first["tools"]] == [
        "generate_song",
        "get_status",
        "list_outputs",
    ]
    assert "Be kind." in first["messages"][0]["content"]
    assert second["messages"][-1]["tool_call_id"] == "call-1"
