"""Which songs this process can ask about, and with which key."""

from collections.abc import Callable, Container

import anyio

from acestep_mcp.clock import Clock
from acestep_mcp.domain.song import Owner, Song
from acestep_mcp.engine.terms import Account
from acestep_mcp.providers import Provider, Providers

_MOST_PROVEN = 10_000  # callers; of one more, the first is looked up again


class Keyring:
    """The process's own accounts, those that called here, and those `steward` can stand in for.

    A key that a caller brings is kept while their songs run here, and for a lease after their last
    call: by then it is known whether another process left songs of theirs behind.
    """

    def __init__(
        self,
        clock: Clock,
        providers: Providers,
        steward: Callable[[Owner], Account | None] | None = None,
    ) -> None:
        self._providers = providers
        self._clock = clock
        self._own: dict[Owner, Account] = {}
        self._callers: dict[Owner, tuple[Account, float]] = {}
        self._proven: dict[Owner, None] = {}
        self._news = anyio.Event()
        self._steward = steward

    def keep(self, account: Account) -> None:
        """Have an account for good."""
        if account.key:
            self._own[account.owner] = account

    def add(self, account: Account) -> None:
        """Remember an account that has a key, until `forget`."""
        if not account.key:
            return
        if self.get(account.owner) is None:
            self._news.set()
        self._callers[account.owner] = account, self._clock.monotonic()

    def prove(self, owner: Owner) -> None:
        """The gateway has taken the owner's key, or has once."""
        self._proven[owner] = None
        if len(self._proven) > _MOST_PROVEN:
            del self._proven[next(iter(self._proven))]

    def proven(self, account: Account) -> bool:
        """Whether the account's key is known to be one: anybody can invent keys."""
        owner = account.owner
        return account.shared or owner in self._own or owner in self._proven

    async def news(self) -> None:
        """Wait until somebody calls whose key was not known."""
        await self._news.wait()
        self._news = anyio.Event()

    def forget(self, busy: Container[Owner], since: float) -> None:
        """Drop the keys of callers who are not busy here and have not called since then.

        `since` is a time on the monotonic clock.
        """
        idle = (owner for owner, (_, called) in self._callers.items() if called < since)
        for owner in [owner for owner in idle if owner not in busy]:
            del self._callers[owner]

    def way_to(self, song: Song) -> tuple[Provider, str] | None:
        """Whom to ask about a song and with which key; None where this process cannot ask."""
        provider = self._providers.of(song)
        if provider is None:
            return None
        if not provider.info.needs_key:
            return provider, ""
        account = self.get(song.owner)
        return (provider, account.key) if account is not None and account.key else None

    def askable(self, owner: Owner) -> set[tuple[Owner, str]]:
        """The providers, by name, that this process can ask about the songs of an owner."""
        known = self.get(owner) is not None
        infos = (each.info for each in self._providers)
        return {(owner, info.name) for info in infos if known or not info.needs_key}

    def get(self, owner: Owner) -> Account | None:
        """The owner's account, if its key is known here."""
        if owner in self._callers:
            return self._callers[owner][0]
        known = self._own.get(owner)
        return known or (self._steward(owner) if self._steward else None)
