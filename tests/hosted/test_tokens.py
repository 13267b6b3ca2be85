"""Callers with tokens of an issuer."""

import base64
import json
import time
from pathlib import Path

import httpx
import jwt
import pytest

from tests.hosted.house import KEY_HEADER, Hosted, call, hosted
from tests.hosted.issuer import AUDIENCE, NAME, OAUTH, issuer, token
from tests.house import KEY, SONG, shown, text

pytestmark = pytest.mark.anyio


async def status_of(host: Hosted, bearer: str | None) -> httpx.Response:
    """What a request with this token is answered; 400 is past the door."""
    headers = {b"Authorization": f"Bearer {bearer}".encode("latin-1")} if bearer else {}
    async with httpx.AsyncClient(base_url=host.url) as web:
        return await web.post("/mcp", json={}, headers=headers)


def encoded(*parts: str) -> str:
    """Anything in the form of a token."""
    return ".".join(base64.urlsafe_b64encode(p.encode()).rstrip(b"=").decode() for p in parts)


async def test_callers_with_tokens_share_the_servers_key_and_nothing_else(tmp_path: Path) -> None:
    async with (
        issuer() as keys,
        hosted(
            tmp_path,
            own_key=KEY,
            **OAUTH,
            ACESTEP_AUTH_JWKS_URL=keys.url,
            ACESTEP_DAILY_LIMIT="1",
        ) as host,
    ):
        totals = {}
        for name in ("alice", "bob"):
            async with host.caller(Authorization=f"Bearer {token(sub=name)}") as client:
                ordered = await call(client, "generate_song", **SONG, wait=0)
                assert shown(ordered)["status"] == "QUEUED"
                over = await call(client, "generate_song", prompt="another", wait=0)
                assert "Daily limit" in text(over)
                totals[name] = shown(await call(client, "list_outputs"))["total"]

        assert totals == {"alice": 1, "bob": 1}
        assert {post.headers[KEY_HEADER.lower()] for post in host.sandbox.submissions} == {KEY}
        assert all("authorization" not in each.headers for each in host.sandbox.arrivals)
        assert keys.asked == 1


REFUSED = {
    "none": None,
    "garbage": "x.y.z",
    "not text": "\xff.\xff.\xff",
    "expired": token(exp=1),
    "other audience": token(aud="https://else.example"),
    "no audience": token(aud=None),
    "other issuer": token(iss="https://else.example"),
    "issuer among others": token(iss=[NAME]),
    "unsigned": jwt.encode({"sub": "alice"}, "", "none"),
    "no subject": token(sub=None),
    "empty subject": token(sub=""),
    "subject that is no text": token(sub="\ud800"),
    "not yet": token(nbf=int(time.time()) + 600),
    "never ends": token(exp=None),
    "unknown key": token(header={"kid": "k2"}),
    "key of another kind": encoded(json.dumps({"alg": "ES256", "kid": "k1"}), "{}", "x"),
    "key as a secret": encoded(json.dumps({"alg": "HS256", "kid": "k1"}), "{}", "x"),
    "deep header": encoded("[" * 7000, "{}", "x"),
    "deep payload": encoded(json.dumps({"alg": "RS256", "kid": "k1"}), "[" * 7000, "x"),
}


async def test_a_token_that_is_not_right_in_every_way_is_refused(tmp_path: Path) -> None:
    async with (
        issuer() as keys,
        hosted(tmp_path, own_key=KEY, **OAUTH, ACESTEP_AUTH_JWKS_URL=keys.url) as host,
    ):
        assert (await status_of(host, token())).status_code == 400
        for why, bearer in REFUSED.items():
            answer = await status_of(host, bearer)

            assert answer.status_code == 401, why
            assert "resource_metadata" in answer.headers["www-authenticate"]
        assert keys.asked == 1  # whatever keys they named
        async with httpx.AsyncClient(base_url=host.url) as web:
            metadata = await web.get("/.well-known/oauth-protected-resource/mcp")
        assert metadata.json()["resource"] == AUDIENCE


async def test_clocks_may_differ_by_half_a_minute(tmp_path: Path) -> None:
    now = int(time.time())
    async with (
        issuer() as keys,
        hosted(tmp_path, own_key=KEY, **OAUTH, ACESTEP_AUTH_JWKS_URL=keys.url) as host,
    ):
        statuses = [
            (await status_of(host, token(exp=now + late, nbf=now + early))).status_code
            for late, early in ((-20, 0), (600, 20), (-40, 0), (600, 40))
        ]

    assert statuses == [400, 400, 401, 401]


async def test_an_issuers_name_is_taken_letter_by_letter(tmp_path: Path) -> None:
    slashed = {**OAUTH, "ACESTEP_AUTH_ISSUER": f"{NAME}/"}  # as some issuers are called
    async with (
        issuer() as keys,
        hosted(tmp_path, own_key=KEY, **slashed, ACESTEP_AUTH_JWKS_URL=keys.url) as host,
    ):
        assert (await status_of(host, token(iss=f"{NAME}/"))).status_code == 400
        assert (await status_of(host, token())).status_code == 401


async def test_a_token_that_cannot_be_checked_is_neither_taken_nor_refused(tmp_path: Path) -> None:
    async with (
        issuer() as keys,
        hosted(tmp_path, own_key=KEY, **OAUTH, ACESTEP_AUTH_JWKS_URL=keys.url) as host,
    ):
        keys.names = []  # and the issuer answers 500
        answer = await status_of(host, token())
        again = await status_of(host, token())

        assert answer.status_code == again.status_code == 503
        assert answer.headers["retry-after"] == "10"
        assert keys.asked == 1
        assert (await status_of(host, "garbage")).status_code == 401
