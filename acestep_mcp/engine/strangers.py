"""Callers whose keys the gateway has not taken yet: anybody can invent keys."""

import anyio

from acestep_mcp.clock import Clock
from acestep_mcp.domain.errors import CouldNotSend
from acestep_mcp.domain.song import Owner
from acestep_mcp.engine.keyring import Keyring
from acestep_mcp.engine.pace import Pace
from acestep_mcp.engine.terms import Account
from acestep_mcp.ledger import Ledger

_A_SECOND = 5.0
_MOST = 20
"""Questions a second for all strangers together, and how many of them may wait for one."""
_ALL = Owner("")


class Strangers:
    """Lets the keys of new callers be tried, beside everybody else's songs."""

    def __init__(self, clock: Clock, keys: Keyring, ledger: Ledger) -> None:
        self._keys = keys
        self._ledger = ledger
        self._pace = Pace(clock, _A_SECOND)

    async def include(self, account: Account) -> bool:
        """Whether the gateway has never taken the account's key, as far as can be told."""
        if not self._keys.proven(account):
            if not (await self._ledger.page(account.owner, limit=1)).songs:
                return True
            self._keys.prove(account.owner)
        return False

    async def acquire(self, until: float) -> None:
        """Wait until a stranger's key may be tried, but not beyond that time of the event loop.

        Raises:
            CouldNotSend: Too many are waiting.
        """
        if self._pace.waiting(_ALL) < _MOST:
            with anyio.CancelScope(deadline=until):
                await self._pace.acquire(_ALL, asked=True)
                return
        raise CouldNotSend("too many new callers at once; call again in a minute")
