"""A ledger that has no place to be in, for a server that starts all the same and says so."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

import anyio

from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.domain.song import SongId
from acestep_mcp.ledger.driver import Transaction

T = TypeVar("T")


class Nowhere:
    """Refuses everything with the reason why it is nowhere."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def read(self, work: Callable[[Transaction], T]) -> T:  # noqa: ARG002  # a driver's
        """Refuse.

        Raises:
            LedgerDown: Always.
        """
        await anyio.lowlevel.checkpoint()
        raise LedgerDown(self._reason)

    write = read

    async def changes(
        self,
        wanted: Callable[[], Awaitable[None]],  # noqa: ARG002  # a driver's
    ) -> AsyncGenerator[SongId | None, None]:
        """Nothing ever changes."""
        await anyio.sleep_forever()
        yield None

    async def close(self) -> None:
        """There is nothing to let go of."""
