"""What a tool call does while it waits: progress, and learning how long this client waits."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
from mcp.server.mcpserver import Context

from acestep_mcp.domain.errors import Refusal

T = TypeVar("T")
_EVERY = 5.0  # seconds between progress notifications
_LEAST = 2.0  # seconds: a call cut sooner was cut by a person, not by a limit
_MARGIN = 0.8  # of the limit, so that the answer is out before it


class Patience:
    """How long the client of this connection lets a call run.

    Clients cut calls off after 5 to 240 seconds and say so to nobody. When a wait was cut short,
    later waits stay under the time it had lasted. With `learns=False`, for a server whose calls
    come from different clients, every wait is as asked for.
    """

    def __init__(self, *, learns: bool = True) -> None:
        self._learns = learns
        self._limit: float | None = None

    def within(self, wait: float) -> float:
        """The seconds to wait when `wait` were asked for."""
        return wait if self._limit is None else min(wait, self._limit * _MARGIN)

    async def wait(
        self, ctx: Context[Any, Any], wait: float, work: Callable[[float], Awaitable[T]]
    ) -> T:
        """Run `work` with the seconds it may take, reporting progress meanwhile."""
        started = anyio.current_time()
        try:
            return await _with_progress(ctx, lambda: work(self.within(wait)))
        except anyio.get_cancelled_exc_class():
            lasted = anyio.current_time() - started
            if self._learns and lasted >= _LEAST:
                self._limit = min(lasted, self._limit or lasted)
            raise


async def _with_progress(ctx: Context[Any, Any], work: Callable[[], Awaitable[T]]) -> T:
    """The result of `work`; a progress notification every few seconds until it is there.

    The SDK sends none unless the client gave a token.
    """
    failure: Refusal | None = None
    results: list[T] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_report, ctx)
        try:
            results.append(await work())
        except Refusal as error:  # kept out of the task group, which would wrap it
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return results[0]


async def _report(ctx: Context[Any, Any]) -> None:
    waited = 0.0
    while True:
        await anyio.sleep(_EVERY)
        waited += _EVERY
        await ctx.report_progress(waited, message=f"The song is being made, {waited:.0f} s so far")
