"""Asking the gateway about songs that were not ordered through this ledger."""

from acestep_mcp.domain.errors import KeyMissing, KeyRefused, NotAsked, NotFound
from acestep_mcp.domain.song import LOCAL, Observation, RequestId
from acestep_mcp.engine.keyring import Keyring
from acestep_mcp.engine.schedule import Schedule
from acestep_mcp.engine.strangers import Strangers
from acestep_mcp.engine.terms import Account
from acestep_mcp.providers import Gone, Provider, Providers, Unanswered


class Lookup:
    """Asks about ids that the ledger has never seen."""

    def __init__(
        self, providers: Providers, keys: Keyring, schedule: Schedule, strangers: Strangers
    ) -> None:
        self._providers = providers
        self._keys = keys
        self._schedule = schedule
        self._strangers = strangers

    async def look_up(
        self, account: Account, handle: str, until: float
    ) -> tuple[Provider, Observation]:
        """Who knows a song, and what they say of it.

        A stranger's turn to ask has to come by `until`. Nothing is asked with a
        shared key: the gateway would tell whoever names it another owner's song.

        Raises:
            Refusal: Nobody knows it, or the gateway could not be asked.
        """
        if handle.startswith(LOCAL) or account.shared:
            raise NotFound(handle)
        for provider in self._providers:
            named = provider.request_id(handle)
            if named is not None:
                seen = await self._asked(provider, account, named, until)
                if seen is not None:
                    return provider, seen
        raise NotFound(handle)

    async def _asked(
        self, provider: Provider, account: Account, named: RequestId, until: float
    ) -> Observation | None:
        """What one provider says of a song; None where it never had one of that id."""
        if account.key is None and provider.info.needs_key:
            raise KeyMissing(account.looked, account.problem, provider.info.key_page)
        if await self._strangers.include(account):
            await self._strangers.acquire(until)
        else:
            await self._schedule.pace.acquire(account.owner, asked=True)
        answer = await provider.status(named, account.key_for(provider.info))
        if isinstance(answer, Observation):
            self._keys.prove(account.owner)
            return answer
        if isinstance(answer, Unanswered):
            self._schedule.hold(account.owner, answer)
            if answer.refused_key:
                source = account.source if provider.info.needs_key else provider.info.key_source
                free = not provider.info.charges
                raise KeyRefused(answer.cause, source, provider.info.key_page, free)
        if isinstance(answer, Gone) and not answer.once_known:
            self._keys.prove(account.owner)  # nobody hears that whose key is none
            return None
        raise NotAsked(named, answer.cause, not provider.info.charges)
