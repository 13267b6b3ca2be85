"""HTTP/1.1 over loopback: reads requests with h11, lets faults do their work, writes replies."""

import socket
from collections.abc import Awaitable, Iterator
from contextlib import suppress
from http import HTTPStatus
from typing import Protocol, cast

import anyio
import h11
from anyio.abc import TaskGroup

from acestep_mcp.sandbox import faults as toxic
from acestep_mcp.sandbox.faults import Fault
from acestep_mcp.sandbox.messages import Answer, Arrival, kind_of, refusal
from acestep_mcp.sandbox.stream import Wire, accepted

BODY_LIMIT = 1 << 20
_PIECE = 65_536


class Handler(Protocol):
    """What the server asks of the gateway behind it."""

    def connected(self) -> None:
        """A connection was accepted."""

    def fault(self, kind: str) -> Fault:
        """The fault of the request that is about to be read."""

    def record(self, arrival: Arrival) -> None:
        """A request was read."""

    def answer(self, arrival: Arrival) -> Awaitable[Answer]:
        """Gives a request its effect and its reply."""


class _TooLarge(Exception):  # an outcome of reading, never seen outside
    pass


async def serve(listener: socket.socket, handler: Handler, group: TaskGroup) -> None:
    """Accepts connections for ever, each in a task of `group`."""
    async for wire in accepted(listener):
        handler.connected()
        group.start_soon(_Conversation(wire, handler).run)


class _Conversation:
    def __init__(self, wire: Wire, handler: Handler) -> None:
        self._wire = wire
        self._handler = handler
        self._http = h11.Connection(h11.SERVER)

    async def run(self) -> None:
        """Serves requests until either side is done; no failure here reaches another connection."""
        try:
            with suppress(OSError, h11.LocalProtocolError):
                while await self._exchange():
                    self._http.start_next_cycle()
        finally:
            self._wire.close()

    async def _exchange(self) -> bool:
        """One request and its reply; False when the connection is to be closed."""
        fault = await self._foresee()
        if fault is None:
            return False
        if fault.resets("before"):
            return await self._reset_unread()
        try:
            arrival = await self._read()
        except _TooLarge:
            return await self._reject(413, f"The body is larger than {BODY_LIMIT} bytes")
        except h11.RemoteProtocolError as error:
            return await self._reject(error.error_status_hint, str(error))
        if arrival is None:
            return False
        return await self._treat(arrival, fault)

    async def _foresee(self) -> Fault | None:
        """The fault for the request whose first line is waiting, still unread; None at the end.

        The line is peeked at, because a connection reset before reading is one whose request
        the server never took from the network.
        """
        head = self._http.trailing_data[0] or await self._wire.peek()
        method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
        return self._handler.fault(kind_of(method, rest.partition(" ")[0])) if head else None

    async def _read(self) -> Arrival | None:
        event = await self._next()
        if not isinstance(event, h11.Request):
            return None
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers}
        if int(headers.get("content-length", 0)) > BODY_LIMIT:
            raise _TooLarge
        if self._http.they_are_waiting_for_100_continue:
            await self._write(h11.InformationalResponse(status_code=100, headers=[]))
        body = await self._read_body()
        method, target = event.method.decode("ascii"), event.target.decode("latin-1")
        return Arrival(method, target, headers, body)

    async def _read_body(self) -> bytes:
        body = b""
        while isinstance(event := await self._next(), h11.Data):
            body += bytes(event.data)
            if len(body) > BODY_LIMIT:
                raise _TooLarge
        return body

    async def _next(self) -> object:
        """The next h11 event, or h11.PAUSED."""
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._wire.receive())
        return event

    async def _treat(self, arrival: Arrival, fault: Fault) -> bool:
        self._handler.record(arrival)
        if fault.resets("unprocessed"):
            return self._reset()
        earned = await self._answer(arrival) if fault.processes else None
        if silence := fault.find(toxic.timeout):
            return await self._keep_silent(silence.seconds)
        if canned := fault.find(toxic.reply):
            earned = Answer(canned.status, canned.body, canned.headers)
        await delays(fault)
        if fault.resets("after") or earned is None:
            return self._reset()
        return await self._reply(arrival.method, earned, fault)

    async def _answer(self, arrival: Arrival) -> Answer:
        try:
            return await self._handler.answer(arrival)
        except Exception as error:  # noqa: BLE001  # one bad request must not end the server
            return refusal(500, "Internal Server Error", repr(error))

    def _reset(self) -> bool:
        self._wire.reset()
        return False

    async def _reset_unread(self) -> bool:
        """RST once the whole request lies unread in the buffer (or after a tenth of a second).

        So the client's writes all succeed and it always fails in reading, never now here, now
        there, as the scheduler pleases.
        """
        for _ in range(100):
            if _complete(await self._wire.peek(BODY_LIMIT)):
                break
            await anyio.sleep(0.001)
        return self._reset()

    async def _keep_silent(self, seconds: float | None) -> bool:
        with anyio.move_on_after(seconds):
            await self._wire.hung_up()
        return False

    async def _reply(self, method: str, reply: Answer, fault: Fault) -> bool:
        closing = fault.find(toxic.slow_close)
        head = self._head(reply, close=closing is not None)
        body = b"" if method == "HEAD" else reply.body
        whole = await self._send(head, body, fault)
        if closing is not None:
            await anyio.sleep(closing.seconds)
        return whole and self._done(method, body)

    def _head(self, reply: Answer, *, close: bool) -> bytes:
        fields = reply.fields() | ({"Connection": "close"} if close else {})
        reason = phrase(reply.status).encode()
        event = h11.Response(status_code=reply.status, headers=list(fields.items()), reason=reason)
        return self._http.send(event) or b""

    def _done(self, method: str, body: bytes | memoryview) -> bool:
        """Tells h11 what was sent past it; False unless the connection may be used again.

        A canned reply may declare another length than it has. h11 refuses that with an error,
        and the connection ends, as it does behind any server that lied.
        """
        if body and method != "HEAD":
            self._http.send_with_data_passthrough(h11.Data(data=cast("bytes", body)))
        self._http.send(h11.EndOfMessage())
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    async def _send(self, head: bytes, body: bytes | memoryview, fault: Fault) -> bool:
        """Writes what the fault lets through; False when it cut something off."""
        budget = limit.size if (limit := fault.find(toxic.limit_data)) else None
        pace = fault.find(toxic.slicer)
        for piece in pieces(head, body, pace.size if pace else _PIECE):
            await self._wire.send(piece if budget is None else piece[:budget])
            if budget is not None and (budget := budget - len(piece)) < 0:
                return False
            if pace:
                await anyio.sleep(pace.delay)
        return True

    async def _reject(self, status: int, message: str) -> bool:
        """Refuses what could not be read, and closes without losing the refusal."""
        reply = refusal(status, phrase(status), message)
        await self._wire.send(self._head(reply, close=True) + bytes(reply.body))
        await self._wire.finish()
        return False

    async def _write(self, event: h11.InformationalResponse) -> None:
        await self._wire.send(self._http.send(event) or b"")


def _complete(data: bytes) -> bool:
    """Whether the bytes hold a request to its end, or something that will never be one."""
    http = h11.Connection(h11.SERVER)
    http.receive_data(data)
    with suppress(h11.RemoteProtocolError):
        while isinstance(event := http.next_event(), h11.Request | h11.Data):
            pass
        return event is not h11.NEED_DATA
    return True


def phrase(status: int) -> str:
    """The standard's words for a status; proxies invent codes, so not every one has some."""
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown"


async def delays(fault: Fault) -> None:
    """Waits as the fault's latency and hold demand."""
    if late := fault.find(toxic.latency):
        await anyio.sleep(late.seconds)
    if held := fault.find(toxic.hold):
        await held.wait()


def pieces(head: bytes, body: bytes | memoryview, size: int) -> Iterator[bytes | memoryview]:
    """Head and body in pieces of at most `size` bytes; a long body is not copied."""
    if len(body) <= size:
        head, body = head + bytes(body), b""
    for part in (memoryview(head), memoryview(body)):
        for start in range(0, len(part), size):
            yield part[start : start + size]
