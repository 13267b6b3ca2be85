"""Bearer tokens: JWTs of one issuer for this server, and no others."""

from typing import Any

import jwt
from mcp.server.auth.provider import AccessToken
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from acestep_mcp.hosted.issuer import ALGORITHMS, Issuer, IssuerDown
from acestep_mcp.hosted.options import Options

_LEEWAY = 30  # seconds by which the issuer's clock may differ


class Verifier:
    """Checks a token's signature, issuer, audience and time."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._issuer = Issuer(options.jwks_url)

    async def verify_token(self, token: str) -> AccessToken | None:
        """What a valid token says; None for every other one.

        Raises:
            IssuerDown: It cannot be told which of the two it is.
        """
        try:
            key = await self._issuer.key(_key_name(token))
            return None if key is None else self._accepted(token, self._claims(token, key))
        except (jwt.PyJWTError, ValueError, RecursionError):
            return None

    def _claims(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=ALGORITHMS,
            audience=self._options.audience,
            issuer=self._options.issuer,
            leeway=_LEEWAY,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )

    def _accepted(self, token: str, claims: dict[str, Any]) -> AccessToken | None:
        subject, scopes = claims["sub"], claims.get("scope", "")
        if not subject.isprintable() or not subject:
            return None
        return AccessToken(
            token=token,
            client_id=str(claims.get("client_id") or claims.get("azp") or ""),
            scopes=scopes.split() if isinstance(scopes, str) else [],
            expires_at=int(claims["exp"]) + _LEEWAY,
            resource=self._options.audience,
            subject=subject,
            claims={"iss": claims["iss"]},
        )


def _key_name(token: str) -> str:
    """Which key the token says it is signed with; `""` where it does not."""
    return str(jwt.get_unverified_header(token).get("kid", ""))


class WhileIssuerIsDown:
    """ASGI middleware: 503 for a token that cannot be checked; 401 would have it thrown away."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer in place of an application that raises IssuerDown."""
        try:
            await self._app(scope, receive, send)
        except IssuerDown:
            unavailable = Response(status_code=503, headers={"Retry-After": "10"})
            await unavailable(scope, receive, send)
