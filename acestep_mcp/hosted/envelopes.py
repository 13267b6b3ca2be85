"""What is said to a body that is no message: what is said over stdin, not the SDK's words."""

from mcp.server.transport_security import (
    TransportSecurityMiddleware,
    TransportSecuritySettings,
)
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from acestep_mcp.front import envelope


class Envelopes:
    """ASGI middleware: 400 and a JSON-RPC error for what no server can take for a message."""

    def __init__(self, app: ASGIApp, names: TransportSecuritySettings) -> None:
        self._app = app
        self._security = TransportSecurityMiddleware(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a message on, its body read already."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        body = (await _whole(receive)).removeprefix(envelope.BOM)
        answer = envelope.refusal(body or b"{")  # nothing at all is half a message
        if answer is None:
            await self._app(scope, _Read(body, receive).receive, send)
        elif barred := await self._security.validate_request(Request(scope), is_post=True):
            await barred(scope, receive, send)  # a page of somebody else's is told nothing else
        else:  # nobody waits for an answer to a notification, however it was put
            response = Response(answer, 400 if answer else 202, media_type="application/json")
            await response(scope, receive, send)


class _Read:
    """A body that was read, and what comes after it."""

    def __init__(self, body: bytes, rest: Receive) -> None:
        self._body: bytes | None = body
        self._rest = rest

    async def receive(self) -> Message:
        if self._body is None:
            return await self._rest()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


async def _whole(receive: Receive) -> bytes:
    """The body; where the client leaves before its end, what there is of it."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)
