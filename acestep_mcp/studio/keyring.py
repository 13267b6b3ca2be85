"""Whose songs this process can ask the gateway about, and with which key."""

from collections.abc import Callable

from acestep_mcp.domain.song import Owner
from acestep_mcp.studio.terms import Account


class Keyring:
    """The accounts that called here, and those `steward` can stand in for.

    Keys that callers bring are forgotten with the process: another replica goes on with their
    songs when they call it.
    """

    def __init__(self, steward: Callable[[Owner], Account | None] | None = None) -> None:
        self._accounts: dict[Owner, Account] = {}
        self._steward = steward

    def add(self, account: Account) -> None:
        """Remember an account that has a key."""
        if account.key:
            self._accounts[account.owner] = account

    def get(self, owner: Owner) -> Account | None:
        """The owner's account, if its key is known here."""
        known = self._accounts.get(owner)
        return known or (self._steward(owner) if self._steward else None)
