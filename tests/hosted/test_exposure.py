"""Who gets in at which door, and under which name."""

from pathlib import Path

import httpx
import pytest

from tests.hosted.house import hosted
from tests.hosted.issuer import OAUTH, issuer, token

pytestmark = pytest.mark.anyio

WELL_KNOWN = "/.well-known/oauth-protected-resource/mcp"
MODERN = {"MCP-Protocol-Version": "2026-07-28"}
JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


async def status(web: httpx.AsyncClient, method: str, path: str, **headers: str) -> int:
    return (await web.request(method, path, json={}, headers={**JSON, **headers})).status_code


# What a caller with the right to it is answered; 400 and 404 of /mcp come from behind the door.
DOORS = [
    ("POST", "/mcp", 400),
    ("GET", "/mcp", 405),
    ("DELETE", "/mcp", 405),
    ("PUT", "/mcp", 405),
    ("POST", "/mcp/", 404),
    ("GET", "/health", 200),
    ("HEAD", "/health", 200),
    ("POST", "/health", 405),
    ("GET", "/health/", 404),
    ("POST", "/webhook/x", 401),
    ("GET", "/webhook/x", 405),
    ("POST", "/webhook/", 404),
    ("POST", "/webhook/x/y", 404),
    ("GET", "/", 404),
    ("GET", "/favicon.ico", 404),
    ("POST", "/%6dcp", 400),
    ("POST", "/mcp%2f", 404),
]


@pytest.mark.parametrize("auth", ["none", "key", "oauth"])
async def test_every_door_has_one_answer_and_only_mcp_asks_who_is_there(
    tmp_path: Path, auth: str
) -> None:
    async with issuer() as keys:
        env = {**OAUTH, "ACESTEP_AUTH_JWKS_URL": keys.url, "ACESTEP_AUTH": auth}
        async with (
            hosted(tmp_path, own_key="k", **env) as host,
            httpx.AsyncClient(base_url=host.url) as web,
        ):
            shown = {"Authorization": f"Bearer {token()}"}
            for method, path, right in DOORS:
                assert await status(web, method, path, **shown) == right, (method, path)
                unknown = 401 if (right, auth) == (400, "oauth") else right
                assert await status(web, method, path) == unknown, (method, path)
            assert await status(web, "GET", WELL_KNOWN) == (200 if auth == "oauth" else 404)


LOOPBACK = ("127.0.0.1", "127.0.0.1:1", "localhost", "localhost:9", "[::1]", "[::1]:8000")
STRANGE = ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "")
NAMED = ("songs.example", "songs.example:443", "two.example:8443", "public.example")


@pytest.mark.parametrize("era", [{}, MODERN], ids=["legacy", "modern"])
@pytest.mark.parametrize(
    ("env", "known", "strange"),
    [
        ({}, LOOPBACK, (*STRANGE, *NAMED)),
        (
            {
                "ACESTEP_AUTH": "key",
                "ACESTEP_ALLOWED_HOSTS": "Songs.example, two.example:8443",
                "ACESTEP_PUBLIC_URL": "https://public.example/songs/",
            },
            NAMED,
            (*STRANGE, *LOOPBACK, "two.example", "songs.example.evil.example"),
        ),
    ],
    ids=["loopback", "named"],
)
async def test_mcp_answers_to_its_own_names_and_to_pages_of_its_own_only(
    tmp_path: Path,
    env: dict[str, str],
    known: tuple[str, ...],
    strange: tuple[str, ...],
    era: dict[str, str],
) -> None:
    async with hosted(tmp_path, **env) as host, httpx.AsyncClient(base_url=host.url) as web:
        for name in known:
            own = {**era, "Host": name}
            assert await status(web, "POST", "/mcp", **own) == 400, name
            for scheme in ("http", "https"):
                origin = {**own, "Origin": f"{scheme}://{name}"}
                assert await status(web, "POST", "/mcp", **origin) == 400, origin
            for page in (*(f"https://{each}" for each in strange if each), "null", "file://"):
                assert await status(web, "POST", "/mcp", **own, Origin=page) == 403, page
        for name in strange:
            assert await status(web, "POST", "/mcp", **era, Host=name) == 421, name


async def test_probes_and_callbacks_are_answered_under_any_name(tmp_path: Path) -> None:
    async with hosted(tmp_path) as host, httpx.AsyncClient(base_url=host.url) as web:
        for name in (*LOOPBACK, *STRANGE):
            assert await status(web, "GET", "/health", Host=name) == 200
            assert await status(web, "POST", "/webhook/x", Host=name) == 401


NO_PORTS = (
    "evil",
    "@evil.example",
    "8000@evil.example",
    "80.evil.example",
    "8000/x",
    "800000",
    "-1",
)


@pytest.mark.parametrize("era", [{}, MODERN], ids=["legacy", "modern"])
async def test_a_known_name_with_something_else_than_a_port_behind_it_is_no_known_name(
    tmp_path: Path, era: dict[str, str]
) -> None:
    async with hosted(tmp_path) as host, httpx.AsyncClient(base_url=host.url) as web:
        for known in ("localhost", "127.0.0.1", "[::1]"):
            for port in NO_PORTS:
                name = f"{known}:{port}"
                assert await status(web, "POST", "/mcp", **era, Host=name) == 421, name
                page = {**era, "Origin": f"http://{name}"}
                assert await status(web, "POST", "/mcp", **page) == 403, page
            assert await status(web, "POST", "/mcp", **era, Host=f"{known}:") == 400
