"""An issuer of tokens, with one key."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.hosted.house import listening

NAME = "http://127.0.0.1/issuer"
AUDIENCE = "https://songs.example/mcp"
OAUTH = {
    "ACESTEP_AUTH": "oauth",
    "ACESTEP_AUTH_ISSUER": NAME,
    "ACESTEP_AUTH_AUDIENCE": AUDIENCE,
}
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def token(header: Mapping[str, Any] | None = None, **claims: Any) -> str:
    """A token that is right in every way, but for what is given."""
    plain = {
        "iss": NAME,
        "aud": AUDIENCE,
        "sub": "alice",
        "exp": int(time.time()) + 600,
        "client_id": "c",
    }
    payload = json.dumps({**plain, **claims}).encode()
    return jwt.PyJWS().encode(payload, _KEY, "RS256", headers={"kid": "k1", **(header or {})})


@dataclass
class Published:
    """What the issuer publishes, and how often it was asked. Without keys it answers 500."""

    url: str = ""
    names: list[str] = field(default_factory=lambda: ["k1"])
    asked: int = 0
    drips: bool = False

    async def answer(self, _: Request) -> Response:
        """The keys, all of them the same one; a byte a second where it drips."""
        self.asked += 1
        if self.drips:
            return StreamingResponse(_drops())
        public = jwt.algorithms.RSAAlgorithm.to_jwk(_KEY.public_key(), as_dict=True)
        listed = [{**public, "kid": name, "use": "sig", "alg": "RS256"} for name in self.names]
        return JSONResponse({"keys": listed}, status_code=200 if listed else 500)


async def _drops() -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await anyio.sleep(1)


@asynccontextmanager
async def issuer() -> AsyncIterator[Published]:
    """An issuer at work."""
    keys = Published()
    async with listening(Starlette(routes=[Route("/jwks.json", keys.answer)])) as url:
        keys.url = f"{url}/jwks.json"
        yield keys
