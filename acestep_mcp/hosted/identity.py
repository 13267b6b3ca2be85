"""Who is calling: by their own gateway key, by a token of a trusted issuer, or nobody else.

A bearer token is never passed on to the gateway, and a gateway key is never taken from one: the
key has a header of its own, the gateway's. It is used for its owner's requests only, lives in
memory while their songs run, and reaches the disk only as a keyed digest.
"""

import hashlib
import hmac
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace

from mcp.server.auth.middleware.auth_context import get_access_token
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from acestep_mcp.domain.song import Owner
from acestep_mcp.engine import Account
from acestep_mcp.hosted.options import Options
from acestep_mcp.providers.pixazo.client import KEY_HEADER

_KEY_PLACE = f"your request's header {KEY_HEADER}"
_LONGEST_KEY = 200
_BY_TOKEN = "sub-"  # noqa: S105  # how such owners' names begin

_key: ContextVar[str | None] = ContextVar("gateway_key", default=None)
"""None where the caller brought none, `""` where it is unusable."""


class GatewayKey:
    """ASGI middleware: the caller's gateway key, for as long as their request is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Remember the key of an HTTP request while the app runs."""
        given = Headers(scope=scope).get(KEY_HEADER) if scope["type"] == "http" else None
        token = _key.set(_sendable(given) if given else None)
        try:
            await self._app(scope, receive, send)
        finally:
            _key.reset(token)


def _sendable(key: str) -> str:
    usable = len(key) <= _LONGEST_KEY and all("!" <= c <= "~" for c in key)
    return key if usable else ""


class Callers:
    """Turns the request being answered into the account that it is about."""

    def __init__(self, options: Options, own: Account) -> None:
        self._secret = options.secret
        self._own = own
        self.current: Callable[[], Account] = {
            "none": self._anyone,
            "key": self._by_key,
            "oauth": self._by_token,
        }[options.auth]

    def steward(self, owner: Owner) -> Account | None:
        """The account of an owner whose songs the server's own key pays for."""
        if self._own.key is None or not owner.startswith(_BY_TOKEN):
            return None
        return replace(self._own, owner=owner, shared=True)

    def _anyone(self) -> Account:
        """Who brings a key, be it an unusable one, never spends another's."""
        return self._own if _key.get() is None else self._by_key()

    def _by_key(self) -> Account:
        key = _key.get()
        if not key:
            return Account(Owner("nobody"), None, "", (_KEY_PLACE,))
        return Account(self._owner("key", key), key, _KEY_PLACE)

    def _by_token(self) -> Account:
        token = get_access_token()
        if token is None:  # the SDK's middleware lets no such request through
            return Account(Owner("nobody"), None, "", ("your bearer token",))
        issuer = (token.claims or {}).get("iss", "")
        owner = self._owner("sub", f"{issuer}\n{token.subject}")
        return replace(self._own, owner=owner, shared=True)

    def _owner(self, kind: str, identity: str) -> Owner:
        digest = hmac.new(self._secret, f"{kind}\n{identity}".encode(), hashlib.sha256)
        return Owner(f"{kind}-{digest.hexdigest()[:32]}")
