"""What the engine does while nobody waits for it."""

import logging
from collections.abc import Awaitable, Callable

from anyio.abc import TaskGroup

from acestep_mcp.ledger.driver import taking_its_time

log = logging.getLogger(__name__)


class Background:
    """The engine's task group, from when it is open."""

    def __init__(self) -> None:
        self._tasks: TaskGroup | None = None

    def run_in(self, tasks: TaskGroup) -> None:
        """Start background work in this group from now on."""
        self._tasks = tasks

    def start(self, work: Callable[..., Awaitable[object]], *args: object) -> None:
        """Run `work` in the background; a fault in it is logged and takes nothing else down."""
        if self._tasks is None:
            raise RuntimeError("the engine is not open")
        self._tasks.start_soon(_contained, work, *args)


async def _contained(work: Callable[..., Awaitable[object]], *args: object) -> None:
    taking_its_time()  # whatever call it is that has this done
    try:
        await work(*args)
    except Exception:
        log.exception("background work failed")
