"""What an engine must offer to carry the ledger."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

Row = Mapping[str, Any]
Params = Mapping[str, Any]
T = TypeVar("T")


class Transaction(Protocol):
    """Statements that take effect together. Parameters are named, `:name`."""

    def all(self, sql: str, params: Params | None = None) -> list[Row]:
        """Run one statement and return its rows."""
        ...

    def run(self, sql: str, params: Params | None = None) -> int:
        """Run one statement and return how many rows it touched."""
        ...

    def exclusive(self, owner: str) -> None:
        """Keep every other transaction that asks this for the same owner out until the end."""
        ...


class Driver(Protocol):
    """One database. `work` runs off the event loop and is never cut in the middle.

    Raises:
        LedgerDown: The database cannot be reached, read or written.
    """

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` on one consistent view."""
        ...

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`, commit durably, and return what it returned; nothing of it on an error."""
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...
