"""Noting which songs' ends a client has been told, so that the same request may buy anew."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.dispatcher import as_request_id, coerce_request_id
from mcp_types import CallToolResult, RequestId

from acestep_mcp.domain.song import ENDED
from acestep_mcp.engine import Engine, Who

_REMEMBERED = 64
"""Calls whose answers may still be cancelled: the cancellation crosses the answer on its way."""


class Delivery:
    """Middleware around every message of a connection.

    A song counts as delivered when an answer that tells its end is handed to the transport, and
    no longer when the client says that it had given that call up.
    """

    def __init__(self, engine: Engine, who: Who) -> None:
        self._engine = engine
        self._who = who
        self._told: OrderedDict[tuple[str, object], tuple[str, ...]] = OrderedDict()

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Pass the message on; note what its answer tells."""
        if ctx.method == "notifications/cancelled":
            call = as_request_id((ctx.params or {}).get("requestId"))
            if call is None:  # it names no call, and is nothing that anybody could act on
                return None
            self._take_back(call)
        result = await call_next(ctx)
        if ctx.method == "tools/call":
            self._note(ctx.request_id, tuple(_ended(result)))
        return result

    def _note(self, call: RequestId | None, handles: tuple[str, ...]) -> None:
        for handle in handles:
            self._engine.heard(self._who(), handle)
        if handles and call is not None:
            # Under the caller as well: over HTTP, callers number their calls alike.
            self._told[self._who().owner, coerce_request_id(call)] = handles
            while len(self._told) > _REMEMBERED:
                self._told.popitem(last=False)

    def _take_back(self, call: RequestId) -> None:
        for handle in self._told.pop((self._who().owner, coerce_request_id(call)), ()):
            self._engine.heard(self._who(), handle, heard=False)


def _ended(result: HandlerResult) -> Iterator[str]:
    """The handles of the finished songs that a tool answer tells of."""
    if isinstance(result, CallToolResult):
        shown = result.structured_content or {}
    else:
        shown = result.get("structuredContent") or {} if isinstance(result, dict) else {}
    if shown.get("status") in ENDED:  # a list tells of songs, and has the result of none
        yield shown["request_id"]
