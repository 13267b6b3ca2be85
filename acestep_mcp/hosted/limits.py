"""What a request's body may cost, whichever route it is sent to."""

import anyio
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 1 << 20
"""Bytes of a body. A call with the longest lyrics has a tenth of that, a callback a thousandth."""
SLOWEST = 10.0
"""Seconds from a request's head to the end of its body."""


class BodyLimits:
    """ASGI middleware: 413 for a body that is too large, 408 for one that does not arrive.

    A body that declares its size is refused unread. Any other is counted as it is read, and what
    no route reads is thrown away by the server as it comes.
    """

    def __init__(self, app: ASGIApp, largest: int = LARGEST, slowest: float = SLOWEST) -> None:
        self._app = app
        self._largest = largest
        self._slowest = slowest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with a body that cannot grow or dawdle."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _declared(scope) > self._largest:
            await Response(status_code=413)(scope, receive, send)
        else:
            await self._app(
                scope, _BoundedBody(receive, self._largest, self._slowest).receive, send
            )


class _BoundedBody:
    def __init__(self, receive: Receive, largest: int, slowest: float) -> None:
        self._receive = receive
        self._left = largest
        self._deadline = anyio.current_time() + slowest
        self._arriving = True

    async def receive(self) -> Message:
        """The next message; the application answers what is raised.

        After the body the only message is that the client left, for which there is no deadline.
        """
        if not self._arriving:
            return await self._receive()
        with anyio.CancelScope(deadline=self._deadline) as waiting:
            message = await self._receive()
        if waiting.cancelled_caught:
            raise HTTPException(408)
        if message["type"] == "http.disconnect":
            raise HTTPException(400)  # nobody hears it, and no fault of ours is logged
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413)
        self._arriving = bool(message.get("more_body", False))
        return message


def _declared(scope: Scope) -> int:
    """The length that the request gives; what is no number the server has refused before."""
    given = Headers(scope=scope).get("content-length", "")
    return int(given) if given.isdecimal() else 0
