"""What every HTTP status and every exception of the HTTP client says about a paid request.

The expected tables are written out here on their own, so that the engine's cannot drift.
"""

import inspect
import json
import socket
import ssl
from typing import Any

import anyio
import httpx
import pytest

from acestep_mcp.providers import Accepted
from acestep_mcp.providers.bodies import Reply
from acestep_mcp.providers.http import Http, Network, cause, of_error
from acestep_mcp.providers.pixazo.client import Gateway
from acestep_mcp.providers.verdicts import Verdict, of_status
from tests.providers import carried, song

REFUSED = [*range(400, 408), *range(410, 425), *range(426, 500)]
ACCEPTED = range(200, 300)
UNKNOWN = [*range(100, 200), *range(300, 400), 408, 409, 425, *range(500, 600)]

EXCEPTIONS: dict[str, Verdict] = {
    # no connection, so nothing left
    "ConnectError": "never_sent",
    "ConnectTimeout": "never_sent",
    "PoolTimeout": "never_sent",
    "ProxyError": "never_sent",
    "UnsupportedProtocol": "never_sent",
    "InvalidURL": "never_sent",
    # something may have left
    "CloseError": "unknown",
    "DecodingError": "unknown",
    "HTTPError": "unknown",
    "HTTPStatusError": "unknown",
    "LocalProtocolError": "unknown",
    "NetworkError": "unknown",
    "ProtocolError": "unknown",
    "ReadError": "unknown",
    "ReadTimeout": "unknown",
    "RemoteProtocolError": "unknown",
    "RequestError": "unknown",
    "TimeoutException": "unknown",
    "TooManyRedirects": "unknown",
    "TransportError": "unknown",
    "WriteError": "unknown",
    "WriteTimeout": "unknown",
    # misuse of the client itself; not known to happen, and still never sent again
    "CookieConflict": "unknown",
    "RequestNotRead": "unknown",
    "ResponseNotRead": "unknown",
    "StreamClosed": "unknown",
    "StreamConsumed": "unknown",
    "StreamError": "unknown",
}
CLASSES = {
    name: found
    for name, found in vars(httpx).items()
    if inspect.isclass(found) and issubclass(found, Exception)
}
BODIES = (b"", b"<html>", b"null", b"[]", b'{"request_id": 7}', b'{"request_id": ""}', None)
REQUEST = httpx.Request("POST", "https://gateway.invalid")


class Canned(httpx.AsyncBaseTransport):
    """One outcome in place of the network."""

    def __init__(self, outcome: Reply | BaseException) -> None:
        self.outcome = outcome
        self.sent = 0

    async def handle_async_request(self, _request: httpx.Request) -> httpx.Response:
        self.sent += 1
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return carried(self.outcome)


def _gateway(outcome: Reply | BaseException) -> tuple[Gateway, Canned]:
    transport = Canned(outcome)
    http = Http("https://gateway.invalid", Network(transport=transport))
    return Gateway("https://gateway.invalid", now=lambda: 0.0, http=http), transport


def _made(name: str) -> BaseException:
    """An instance, built as httpx builds it."""
    kind: Any = CLASSES[name]
    if name == "HTTPStatusError":
        return httpx.HTTPStatusError("x", request=REQUEST, response=httpx.Response(500))
    try:
        found = kind("x")
    except TypeError:
        found = kind()
    assert isinstance(found, BaseException)
    return found


def test_the_tables_cover_every_status_once_and_every_exception_class_of_httpx() -> None:
    assert sorted([*REFUSED, *ACCEPTED, *UNKNOWN]) == list(range(100, 600))
    assert set(EXCEPTIONS) == set(CLASSES)


@pytest.mark.parametrize(
    ("verdict", "statuses"),
    [("refused", REFUSED), ("accepted", ACCEPTED), ("unknown", UNKNOWN)],
)
def test_a_status_has_its_verdict(verdict: Verdict, statuses: list[int]) -> None:
    assert {status: of_status(status) for status in statuses} == dict.fromkeys(statuses, verdict)


@pytest.mark.parametrize("name", CLASSES)
def test_an_exception_has_its_verdict_and_a_cause_of_our_own_words(name: str) -> None:
    error = _made(name)

    assert of_error(error) == EXCEPTIONS[name]
    assert 10 < len(cause(error)) < 60
    assert "x" not in cause(error).split()


@pytest.mark.parametrize(
    "error", [OSError("x"), TimeoutError(), ssl.SSLError(), ValueError(), EOFError()]
)
def test_an_exception_that_is_not_the_clients_is_unknown(error: BaseException) -> None:
    assert of_error(error) == "unknown"


def test_a_cause_names_the_host_name_or_tls_from_anywhere_in_the_chain() -> None:
    for root, words in ((socket.gaierror(), "host name"), (ssl.SSLError(), "TLS")):
        error = httpx.ConnectError("x")
        error.__cause__ = ExceptionGroup("several", [ValueError(), root])
        assert words in cause(error)


@pytest.mark.anyio
@pytest.mark.parametrize("body", BODIES)
async def test_no_status_makes_an_unreadable_body_an_accepted_song(body: bytes | None) -> None:
    with anyio.fail_after(20):
        for status in range(100, 600):
            gateway, http = _gateway(Reply(status, {}, body))
            outcome = await gateway.submit(song({}), "key")
            expected = "refused" if status in REFUSED else "unknown"
            assert (status, outcome.verdict) == (status, expected)
            assert http.sent == 1


@pytest.mark.anyio
async def test_only_success_with_a_readable_id_is_accepted() -> None:
    body = json.dumps({"request_id": "ace-step-xl_1"}).encode()
    with anyio.fail_after(20):
        for status in range(100, 600):
            gateway, _ = _gateway(Reply(status, {}, body))
            outcome = await gateway.submit(song({}), "key")
            assert isinstance(outcome, Accepted) == (status in ACCEPTED)


@pytest.mark.anyio
@pytest.mark.parametrize("name", CLASSES)
async def test_an_exception_before_or_after_the_body_is_sent_once_and_judged(name: str) -> None:
    gateway, http = _gateway(_made(name))
    with anyio.fail_after(5):
        outcome = await gateway.submit(song({}), "key")
    assert outcome.verdict == EXCEPTIONS[name]
    assert http.sent == 1
