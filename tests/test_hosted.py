"""One server for many callers: who they are, what they see, and what the gateway tells it."""

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
import httpx2
import jwt
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from acestep_mcp import settings
from acestep_mcp.hosted import http, options
from acestep_mcp.sandbox import Sandbox, reset_peer
from acestep_mcp.settings import SettingsError
from tests.house import KEY, SONG, environment, gateway, shown, text

pytestmark = pytest.mark.anyio

KEY_HEADER = "Ocp-Apim-Subscription-Key"
SECRET = "0123456789abcdef0123456789abcdef"
ISSUER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@asynccontextmanager
async def listening(app: Any) -> AsyncIterator[str]:
    """The app behind a real socket; its base URL."""
    config = uvicorn.Config(
        app, port=0, log_level="warning", ws="none", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined, method-assign, unused-ignore]  # the test's own are kept
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve)
        while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
            await anyio.sleep(0.01)  # as above
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True


@dataclass
class Hosted:
    """A hosted server and the gateway behind it."""

    sandbox: Sandbox
    url: str

    @asynccontextmanager
    async def caller(self, mode: Any = "auto", **headers: str) -> AsyncIterator[Client]:
        """An MCP client that sends these headers."""
        async with httpx2.AsyncClient(headers=headers, timeout=30) as web:
            transport = streamable_http_client(f"{self.url}/mcp", http_client=web)
            async with Client(transport, mode=mode) as client:
                yield client


@asynccontextmanager
async def hosted(folder: Path, *, own_key: str = "", **env: str) -> AsyncIterator[Hosted]:
    async with gateway() as sandbox:
        environ = {
            **environment(sandbox.base_url, folder),
            "PIXAZO_API_KEY": own_key,
            "ACESTEP_SECRET": SECRET,
            **env,
        }
        found = settings.read({**environ, "HOME": str(folder)}, save="off")
        app = http.build(found, options.read(found.data_dir, environ), "127.0.0.1")
        async with listening(app) as url:
            yield Hosted(sandbox, url)


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    with anyio.fail_after(20):
        return await client.call_tool(tool, arguments)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_caller_with_a_key_of_their_own_makes_a_song(tmp_path: Path, mode: Any) -> None:
    async with (
        hosted(tmp_path, ACESTEP_AUTH="key") as host,
        host.caller(mode, **{KEY_HEADER: KEY}) as client,
    ):
        ordered = shown(await call(client, "generate_song", **SONG, wait=0))
        host.sandbox.complete(ordered["request_id"])
        done = shown(await call(client, "get_status", request_id=ordered["request_id"], wait=5))

        assert done["status"] == "COMPLETED"
        assert host.sandbox.submissions[0].headers[KEY_HEADER.lower()] == KEY
        for file in (tmp_path / "data").iterdir():
            assert KEY.encode() not in file.read_bytes(), file.name


async def test_without_a_key_nothing_is_bought_and_the_header_is_named(tmp_path: Path) -> None:
    async with (
        hosted(tmp_path, own_key=KEY, ACESTEP_AUTH="key") as host,
        host.caller() as client,
    ):
        answer = await call(client, "generate_song", **SONG)

        assert answer.is_error
        assert KEY_HEADER in text(answer)
        assert host.sandbox.submissions == []


async def test_a_bearer_token_is_never_taken_for_a_key(tmp_path: Path) -> None:
    async with (
        hosted(tmp_path, ACESTEP_AUTH="key") as host,
        host.caller(Authorization=f"Bearer {KEY}") as client,
    ):
        assert (await call(client, "generate_song", **SONG)).is_error
        assert host.sandbox.arrivals == []


async def test_two_callers_see_and_change_nothing_of_each_other(tmp_path: Path) -> None:
    async with hosted(tmp_path, ACESTEP_AUTH="key") as host:
        async with host.caller(**{KEY_HEADER: KEY}) as one:
            mine = shown(await call(one, "generate_song", **SONG, wait=0))["request_id"]
            host.sandbox.complete(mine)
            await call(one, "get_status", request_id=mine, wait=5)
        host.sandbox.key = "another-key"  # the gateway's account of the second caller
        host.sandbox.jobs.clear()
        async with host.caller(**{KEY_HEADER: "another-key"}) as two:
            listed = shown(await call(two, "list_outputs"))
            known = await call(two, "get_status", request_id=mine)
            unknown = await call(two, "get_status", request_id="ace-step-xl_nobodys")
            prompt = (
                await two.get_prompt("vary_song", {"request_id": mine, "change": "x"})
            ).messages
            for uri in (f"acestep://outputs/{mine}", f"acestep://outputs/{mine}/audio/1/0"):
                with pytest.raises(Exception, match=r"no song"):
                    await two.read_resource(uri)
            theirs = shown(await call(two, "generate_song", **SONG, wait=0))["request_id"]

        assert listed["total"] == 0
        assert text(known).replace(mine, "X") == text(unknown).replace("ace-step-xl_nobodys", "X")
        assert "No song has request_id" in prompt[0].content.text  # type: ignore[union-attr]  # text
        assert theirs != mine
        async with host.caller(**{KEY_HEADER: KEY}) as one:
            assert [
                song["request_id"] for song in shown(await call(one, "list_outputs"))["songs"]
            ] == [mine]


def token(**claims: Any) -> str:
    import time

    plain = {
        "iss": "http://127.0.0.1/issuer",
        "aud": "https://songs.example/mcp",
        "sub": "alice",
        "exp": int(time.time()) + 600,
        "client_id": "c",
    }
    return jwt.encode({**plain, **claims}, ISSUER_KEY, "RS256", headers={"kid": "k1"})


@asynccontextmanager
async def issuer() -> AsyncIterator[str]:
    """The JWKS URL of an issuer whose only key is ours."""
    public = jwt.algorithms.RSAAlgorithm.to_jwk(ISSUER_KEY.public_key(), as_dict=True)

    async def keys(_: Request) -> JSONResponse:
        return JSONResponse({"keys": [{**public, "kid": "k1", "use": "sig", "alg": "RS256"}]})

    async with listening(Starlette(routes=[Route("/jwks.json", keys)])) as url:
        yield f"{url}/jwks.json"


OAUTH = {
    "ACESTEP_AUTH": "oauth",
    "ACESTEP_AUTH_ISSUER": "http://127.0.0.1/issuer",
    "ACESTEP_AUTH_AUDIENCE": "https://songs.example/mcp",
}


async def test_callers_with_tokens_share_the_servers_key_and_nothing_else(tmp_path: Path) -> None:
    async with (
        issuer() as jwks,
        hosted(
            tmp_path,
            own_key=KEY,
            **OAUTH,
            ACESTEP_AUTH_JWKS_URL=jwks,
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


@pytest.mark.parametrize(
    "bearer",
    [
        None,
        "garbage",
        "expired",
        "other audience",
        "other issuer",
        "unsigned",
        "no subject",
    ],
)
async def test_a_token_that_is_not_right_in_every_way_is_refused(
    tmp_path: Path, bearer: str | None
) -> None:
    made = {
        "garbage": "x.y.z",
        "expired": token(exp=1),
        "other audience": token(aud="https://else.example"),
        "other issuer": token(iss="https://else.example"),
        "unsigned": jwt.encode({"sub": "alice"}, "", "none"),
        "no subject": token(sub=None),
    }
    async with (
        issuer() as jwks,
        hosted(tmp_path, own_key=KEY, **OAUTH, ACESTEP_AUTH_JWKS_URL=jwks) as host,
        httpx.AsyncClient(base_url=host.url) as web,
    ):
        headers = {"Authorization": f"Bearer {made[bearer]}"} if bearer else {}
        answer = await web.post("/mcp", json={}, headers=headers)
        metadata = await web.get("/.well-known/oauth-protected-resource/mcp")

        assert answer.status_code == 401
        assert "resource_metadata" in answer.headers["www-authenticate"]
        assert metadata.json()["resource"] == "https://songs.example/mcp"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Origin": "https://evil.example"}, 403),
    ],
)
async def test_a_page_in_a_browser_cannot_reach_the_local_server(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    async with hosted(tmp_path) as host, httpx.AsyncClient(base_url=host.url) as web:
        answer = await web.post("/mcp", json={}, headers=headers)

        assert answer.status_code == status


@pytest.mark.parametrize(
    ("env", "names"),
    [
        ({}, "ACESTEP_AUTH"),
        ({"ACESTEP_AUTH": "key"}, "ACESTEP_ALLOWED_HOSTS"),
        ({"ACESTEP_AUTH": "key", "ACESTEP_ALLOWED_HOSTS": "a.example"}, None),
    ],
)
async def test_listening_beyond_loopback_needs_callers_and_names(
    tmp_path: Path, env: dict[str, str], names: str | None
) -> None:
    environ = {**environment("http://127.0.0.1:1", tmp_path), "ACESTEP_SECRET": SECRET, **env}
    found = settings.read(environ)
    if names is None:
        http.build(found, options.read(found.data_dir, environ), "0.0.0.0")  # noqa: S104  # not bound
        return
    with pytest.raises(SettingsError, match=names):
        http.build(found, options.read(found.data_dir, environ), "0.0.0.0")  # noqa: S104  # not bound


async def test_health_tells_alive_from_ready(tmp_path: Path) -> None:
    async with hosted(tmp_path / "well") as host, httpx.AsyncClient(base_url=host.url) as web:
        assert (await web.get("/health")).json() == {"status": "alive"}
        assert (await web.get("/health?ready")).json() == {"status": "ready"}
    (tmp_path / "ill").mkdir()
    (tmp_path / "ill" / "data").write_text("no folder")
    async with hosted(tmp_path / "ill") as host, httpx.AsyncClient(base_url=host.url) as web:
        assert (await web.get("/health")).status_code == 200
        assert (await web.get("/health?ready")).status_code == 503


@asynccontextmanager
async def called_back(folder: Path, **env: str) -> AsyncIterator[tuple[Hosted, Client]]:
    """A hosted server whose public URL is its own address, so that callbacks really arrive."""
    async with gateway() as sandbox:
        port = await _free_port()
        environ = {
            **environment(sandbox.base_url, folder, ACESTEP_POLL_INTERVAL="60"),
            "ACESTEP_SECRET": SECRET,
            "ACESTEP_PUBLIC_URL": f"http://127.0.0.1:{port}",
            **env,
        }
        found = settings.read(environ, save="off")
        app = http.build(found, options.read(found.data_dir, environ), "127.0.0.1")
        config = uvicorn.Config(app, port=port, log_level="warning", ws="none")
        server = uvicorn.Server(config)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve)
            while not server.started:  # noqa: ASYNC110  # as above
                await anyio.sleep(0.01)  # as above
            host = Hosted(sandbox, f"http://127.0.0.1:{port}")
            async with host.caller() as client:
                yield host, client
            server.should_exit = True


async def _free_port() -> int:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        return int(listener.extra(anyio.abc.SocketAttribute.local_port))  # noqa: S610  # anyio's, not Django's


@pytest.mark.parametrize("mode", ["terminal", "sync"])
async def test_a_callback_tells_the_end_long_before_the_next_poll(
    tmp_path: Path, mode: str
) -> None:
    async with called_back(tmp_path, ACESTEP_WEBHOOK_MODE=mode) as (host, client):
        ordered = shown(await call(client, "generate_song", **SONG, wait=0))
        sent = host.sandbox.submissions[0].headers
        async with anyio.create_task_group() as tasks:

            async def waits() -> None:
                arguments = {"request_id": ordered["request_id"], "wait": 10}
                assert shown(await call(client, "get_status", **arguments))["status"] == "COMPLETED"

            tasks.start_soon(waits)
            await anyio.lowlevel.checkpoint()
            host.sandbox.complete(ordered["request_id"])

        assert sent["x-webhook-mode"] == mode
        assert sent["x-webhook-url"].startswith(f"{host.url}/webhook/")
        assert KEY not in sent["x-webhook-url"]


async def test_a_song_of_unknown_outcome_resolves_itself_when_its_callback_arrives(
    tmp_path: Path,
) -> None:
    async with called_back(tmp_path) as (host, client):
        host.sandbox.faults.add("submit", reset_peer("after"))
        unknown = shown(await call(client, "generate_song", **SONG, wait=0))
        assert unknown["status"] == "UNKNOWN"
        named = next(iter(host.sandbox.jobs))
        host.sandbox.complete(named)
        song = unknown
        with anyio.fail_after(10):
            while song["status"] != "COMPLETED":
                song = shown(
                    await call(client, "get_status", request_id=unknown["request_id"], wait=1)
                )

        assert song["request_id"] == named
        assert len(host.sandbox.submissions) == 1


async def test_callbacks_of_any_kind_are_answered_properly_and_change_nothing(
    tmp_path: Path,
) -> None:
    async with called_back(tmp_path) as (host, client):
        ordered = shown(await call(client, "generate_song", **SONG, wait=0))
        address = host.sandbox.submissions[0].headers["x-webhook-url"].removeprefix(host.url)
        forged = address[:-1] + ("0" if address[-1] != "0" else "1")
        payload = {"request_id": ordered["request_id"], "status": "COMPLETED", "output": None}
        chance = random.Random(5)
        async with httpx.AsyncClient(base_url=host.url) as web:
            expected = [
                (address, json.dumps(payload).encode(), 204),
                (address, json.dumps(payload).encode(), 204),
                (address, json.dumps({**payload, "request_id": "another"}).encode(), 204),
                (address, b"not json", 400),
                (address, b"[]", 400),
                (address, b'{"request_id": 7}', 400),
                (address, b"x" * ((1 << 20) + 1), 413),
                (forged, json.dumps(payload).encode(), 401),
                ("/webhook/nonsense", b"{}", 401),
            ]
            for path, body, status in expected:
                assert (await web.post(path, content=body)).status_code == status
            for _ in range(300):
                body = chance.randbytes(chance.randrange(200))
                path = address if chance.random() < 0.5 else f"/webhook/{body.hex()[:40] or 'x'}"
                answer = await web.post(path, content=body)
                assert answer.status_code in (204, 400, 401, 404, 413)
        song = shown(await call(client, "get_status", request_id=ordered["request_id"]))

        assert song["status"] == "QUEUED"  # only the gateway itself is believed
        assert len(host.sandbox.submissions) == 1
