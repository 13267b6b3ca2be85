"""Asking the gateway about songs that were not ordered through this ledger."""

from acestep_mcp.domain.errors import KeyMissing, KeyRefused, NotAsked, NotFound, Refusal
from acestep_mcp.domain.song import LOCAL, Observation, RequestId
from acestep_mcp.engine.keyring import Keyring
from acestep_mcp.engine.schedule import Schedule
from acestep_mcp.engine.strangers import Strangers
from acestep_mcp.engine.terms import Account
from acestep_mcp.providers.pixazo import wire
from acestep_mcp.providers.pixazo.client import Gateway, Unanswered


class Lookup:
    """Asks about ids that the ledger has never seen."""

    def __init__(
        self, gateway: Gateway, keys: Keyring, schedule: Schedule, strangers: Strangers
    ) -> None:
        self._gateway = gateway
        self._keys = keys
        self._schedule = schedule
        self._strangers = strangers

    async def look_up(self, account: Account, handle: str, until: float) -> Observation:
        """What the gateway says of a song; a stranger's turn to ask has to come by `until`.

        Not with a shared key: the gateway would tell whoever names it another owner's song.

        Raises:
            Refusal: Nobody knows it, or the gateway could not be asked.
        """
        named = wire.request_id(handle)
        if named is None or handle.startswith(LOCAL) or account.shared:
            raise NotFound(handle)
        if account.key is None:
            raise KeyMissing(account.looked, account.problem)
        if await self._strangers.include(account):
            await self._strangers.turn(until)
        else:
            await self._schedule.pace.turn(account.owner, asked=True)
        answer = await self._gateway.status(named, account.key)
        if isinstance(answer, Unanswered):
            if answer.status in (400, 404):  # which nobody hears whose key is none
                self._keys.prove(account.owner)
            self._schedule.heed(account.owner, answer)
            raise _refusal(account, named, answer)
        self._keys.prove(account.owner)
        return answer


def _refusal(account: Account, request_id: RequestId, answer: Unanswered) -> Refusal:
    if answer.status in (400, 404):
        return NotFound(request_id)
    if answer.status in (401, 403):
        return KeyRefused(answer.status, account.source)
    return NotAsked(request_id, answer.cause)
