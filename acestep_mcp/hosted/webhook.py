"""The gateway's callbacks: hints that lead to asking the gateway, and nothing more.

A song's address carries its owner, its id and a signature over both, so that only whom we told
it can use it, on any replica and after a restart.
"""

import base64
import hashlib
import hmac

from starlette.requests import Request
from starlette.responses import Response

from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.domain.song import Owner, SongId
from acestep_mcp.engine import Engine
from acestep_mcp.hosted.options import Options

ROUTE = "/webhook/{token}"
_SIGNATURE = 32  # hexadecimal digits: 128 bits


class Webhook:
    """Makes the addresses and answers the callbacks."""

    def __init__(self, options: Options) -> None:
        self._options = options

    @property
    def on(self) -> bool:
        """Whether the gateway is asked to call back."""
        return bool(self._options.public_url) and self._options.webhook_mode != "off"

    def address(self, owner: Owner, song_id: SongId) -> str:
        """Where the end of a song can be reported."""
        return f"{self._options.public_url}/webhook/{self._token(owner, song_id)}"

    async def receive(self, request: Request, engine: Engine) -> Response:
        """204 taken, 401 not ours, 404 no such song, 400 unreadable."""
        address = self._addressed(request.path_params["token"])
        if address is None:
            return Response(status_code=401)
        body = await request.body()
        read = (each.reported(body) for each in engine.providers)
        named = next((name for name in read if name is not None), None)
        if named is None:
            return Response(status_code=400)
        try:
            known = await engine.hint(*address, named)
        except LedgerDown:
            return Response(status_code=204)  # polling finds out; retries would not help sooner
        return Response(status_code=204 if known else 404)

    def _token(self, owner: Owner, song_id: SongId) -> str:
        named = base64.urlsafe_b64encode(f"{owner}\n{song_id}".encode()).decode().rstrip("=")
        return f"{named}.{self._sign(named)}"

    def _sign(self, named: str) -> str:
        digest = hmac.new(self._options.secret, f"webhook\n{named}".encode(), hashlib.sha256)
        return digest.hexdigest()[:_SIGNATURE]

    def _addressed(self, token: str) -> tuple[Owner, SongId] | None:
        named, _, signature = token.partition(".")
        given, right = signature.encode(), self._sign(named).encode()
        if not hmac.compare_digest(given, right):
            return None
        padded = named + "=" * (-len(named) % 4)
        owner, _, song_id = base64.urlsafe_b64decode(padded).decode().partition("\n")
        return Owner(owner), SongId(song_id)
