"""The published keys of the issuer whose tokens are trusted."""

import logging
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import anyio
import jwt

from acestep_mcp.providers.bodies import Request, parsed
from acestep_mcp.providers.http import Http
from acestep_mcp.providers.verdicts import Broken

log = logging.getLogger(__name__)

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "EdDSA")
"""Only signatures by private keys: with any other, whoever can check a token can make one."""

_FRESH = 300.0  # seconds after which keys are fetched again; so long a withdrawn key still counts
_KEPT = 3600.0  # seconds for which they count while they cannot be fetched
_PAUSE = 10.0  # seconds between two attempts, whatever keys tokens name
_PATIENCE = 5.0  # seconds for one attempt, from the first byte to the last
_OK = 200


class IssuerDown(Exception):
    """Nobody can say at present whether a token is good."""


class Issuer:
    """The issuer's keys by name, fetched when first needed and when a token names an unknown one.

    Tokens of strangers cannot make this server ask more often than once in `_PAUSE` seconds, and
    while it asks the keys that it knows go on serving.
    """

    def __init__(self, url: str, now: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._now = now
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._turn = anyio.Lock()

    async def key(self, name: str) -> jwt.PyJWK | None:
        """The key of that name; None where the issuer has none.

        Raises:
            IssuerDown: That is not known.
        """
        asking = self._turn.locked() and name in self._keys and self._age < _KEPT
        if not asking and (name not in self._keys or self._age >= _FRESH):
            await self._refresh()
        missed = self._tried_at > self._fetched_at
        if self._age >= _KEPT or (missed and name not in self._keys):
            raise IssuerDown
        return self._keys.get(name)

    @property
    def _age(self) -> float:
        return self._now() - self._fetched_at

    async def _refresh(self) -> None:
        async with self._turn:
            if self._now() - self._tried_at < _PAUSE:
                return
            self._tried_at = self._now()
            try:
                self._keys = await self._published()
            except (Broken, jwt.PyJWTError, ValueError) as error:
                log.warning("the issuer's keys cannot be fetched: %s", error)
            else:
                self._fetched_at = self._tried_at

    async def _published(self) -> Mapping[str, jwt.PyJWK]:
        """What stands at the address now.

        Raises:
            Broken: It does not come, not whole or not in time.
            ValueError: It is no set of keys.
            jwt.PyJWTError: Likewise.
        """
        parts = urlsplit(self._url)
        http = Http(f"{parts.scheme}://{parts.netloc}")
        try:
            reply = await http.exchange(Request(method="GET", url=self._url), _PATIENCE)
        finally:
            await http.close()
        if reply.status != _OK or reply.body is None:
            raise ValueError(f"HTTP {reply.status}, or more than a set of keys can be")
        found = parsed(reply.body)
        if found is None:
            raise ValueError("not a set of keys")
        return {
            key.key_id: key
            for key in jwt.PyJWKSet.from_dict(dict(found)).keys
            if key.key_id
            and key.public_key_use in ("sig", None)
            and key.algorithm_name in ALGORITHMS
        }
