"""One request and its reply: what was sent is noted, and a fault does its work."""

from collections.abc import Callable, MutableMapping
from typing import Any, Protocol

import anyio
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from acestep_mcp.sandbox import faults as toxic
from acestep_mcp.sandbox.faults import Fault
from acestep_mcp.sandbox.messages import Arrival, kind_of, refusal
from acestep_mcp.sandbox.proxy import Manner, ProxiedConnection

BODY_LIMIT = 1 << 20


class Handler(Protocol):
    """What an exchange asks of the gateway."""

    def fault(self, kind: str) -> Fault:
        """The fault of a request that has come."""

    def record(self, arrival: Arrival) -> None:
        """A request was read."""


class _TooLarge(Exception):  # an outcome of reading, never seen outside
    pass


class Exchange:
    """The gateway's application with faults around it.

    `connection` finds the connection that the web server sees at a port of loopback.
    """

    def __init__(
        self, app: ASGIApp, handler: Handler, connection: Callable[[int], ProxiedConnection]
    ) -> None:
        self._app = app
        self._handler = handler
        self._connection = connection

    async def __call__(  # noqa: PLR0911  # each toxic may end it, in the order of an exchange
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer one request, or do not."""
        connection, headers = self._connection(scope["client"][1]), _headers(scope)
        path = _path(scope)
        fault = self._handler.fault(kind_of(scope["method"], path))
        try:
            body = await _body(receive)
        except _TooLarge:
            said = f"The body is larger than {BODY_LIMIT} bytes"
            return await refusal(413, "Content Too Large", said)(scope, receive, send)
        if body is None:
            return None
        # Only now, so that the client's writes have succeeded and it always fails in reading,
        # never now here, now there, as the scheduler pleases.
        if fault.resets("before"):
            return await _ended(connection.reset, receive)
        self._handler.record(Arrival(scope["method"], path, headers, body))
        if fault.resets("unprocessed"):
            return await _ended(connection.reset, receive)
        reply = await self._effect(scope, body) if fault.processes else None
        if silence := fault.find(toxic.timeout):
            with anyio.move_on_after(silence.seconds):
                await _left(receive)
            return await _ended(connection.hang_up, receive)
        if canned := fault.find(toxic.reply):
            reply = Response(canned.body, canned.status, canned.headers)
        await fault.delay()
        if fault.resets("after") or reply is None:
            return await _ended(connection.reset, receive)
        connection.manner = _manner(fault)
        closing = fault.find(toxic.slow_close) is not None
        return await reply(scope, receive, _closing(send) if closing else send)

    async def _effect(self, scope: Scope, body: bytes) -> ASGIApp:
        """The reply that a request earns, after its effect."""
        messages: list[MutableMapping[str, Any]] = []

        async def whole() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: MutableMapping[str, Any]) -> None:
            messages.append(message)

        async def reply(_: Scope, __: Receive, send: Send) -> None:
            for message in messages:
                await send(message)

        try:
            await self._app(scope, whole, keep)
        except Exception as error:  # noqa: BLE001  # one bad request must not end the server
            return refusal(500, "Internal Server Error", repr(error))
        return reply


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _path(scope: Scope) -> str:
    """The request's target, as it was sent."""
    query = scope["query_string"]
    target: bytes = scope["raw_path"] + (b"?" + query if query else b"")
    return target.decode("latin-1")


async def _body(receive: Receive) -> bytes | None:
    """The body, read to its end; None where the client has left."""
    body, size, more = bytearray(), 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        more, size = message["more_body"], size + len(message["body"])
        if size <= BODY_LIMIT:
            body += message["body"]
    if size > BODY_LIMIT:
        raise _TooLarge
    return bytes(body)


async def _ended(end: Callable[[], None], receive: Receive) -> None:
    """End the connection, and wait until the web server knows it: it sends no reply then."""
    end()
    await _left(receive)


async def _left(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _manner(fault: Fault) -> Manner:
    whole = Manner()
    limit, pace = fault.find(toxic.limit_data), fault.find(toxic.slicer)
    closing = fault.find(toxic.slow_close)
    return Manner(
        budget=limit.size if limit else None,
        piece=pace.size if pace else whole.piece,
        pause=pace.delay if pace else 0,
        linger=closing.seconds if closing else 0,
    )


def _closing(send: Send) -> Send:
    """The same, with a word that the connection is closed after the reply."""

    async def with_close(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        await send(message)

    return with_close
