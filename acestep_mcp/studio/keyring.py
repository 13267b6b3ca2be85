"""Whose songs this process can ask the gateway about, and with which key."""

from collections.abc import Callable, Iterable

import anyio

from acestep_mcp.domain.song import Owner
from acestep_mcp.studio.terms import Account


class Keyring:
    """The process's own accounts, those that called here, and those `steward` can stand in for.

    A key that a caller brings is kept while their songs run here: another process goes on with
    their songs when they call it.
    """

    def __init__(self, steward: Callable[[Owner], Account | None] | None = None) -> None:
        self._own: dict[Owner, Account] = {}
        self._callers: dict[Owner, Account] = {}
        self._news = anyio.Event()
        self._steward = steward

    def keep(self, account: Account) -> None:
        """Have an account for good."""
        if account.key:
            self._own[account.owner] = account

    def add(self, account: Account) -> None:
        """Remember an account that has a key, until `forget`."""
        if account.key and self.get(account.owner) is None:
            self._news.set()
        if account.key:
            self._callers[account.owner] = account

    async def news(self) -> None:
        """Wait until somebody calls whose key was not known."""
        await self._news.wait()
        self._news = anyio.Event()

    @property
    def callers(self) -> set[Owner]:
        """Who brought a key that is not forgotten yet."""
        return set(self._callers)

    def forget(self, owners: Iterable[Owner]) -> None:
        """Drop the keys that these callers brought."""
        for owner in owners:
            self._callers.pop(owner, None)

    def get(self, owner: Owner) -> Account | None:
        """The owner's account, if its key is known here."""
        known = self._callers.get(owner) or self._own.get(owner)
        return known or (self._steward(owner) if self._steward else None)
