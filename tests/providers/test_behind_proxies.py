"""Behind a proxy a song is ordered, asked about and saved by name, and nothing is looked up here.

Client, server, engine and HTTP are the real ones, on nothing but environment variables.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
import trustme

from acestep_mcp.clock import SystemClock
from acestep_mcp.domain.errors import MediaGone
from acestep_mcp.domain.song import Observation, RequestId
from acestep_mcp.providers import Accepted, Unanswered
from acestep_mcp.providers.pixazo.client import Gateway
from acestep_mcp.sandbox import Sandbox, reply
from tests.house import House, gateway, served, shown, text
from tests.providers import song
from tests.providers.network import Relay, foreign, free_port, silent, tls_before

pytestmark = pytest.mark.anyio
LOGIN = "ann:p%40ss%2Fw%3Ad"
NOWHERE = (
    "127.0.0.1",
    "127.0.0.1.",
    "0x7f.1",
    "2130706433",
    "127.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "10.0.0.1",
    "169.254.169.254",
    "198.18.0.7",
    "１２７.０.０.１",
    "127%2e0%2e0%2e1",
    "localhost",
    "LOCALHOST.",
    "a.localhost",
    "printer.local",
    "metadata.google.internal",
    "intranet",
)
HERE = {"gateway.test": "127.0.0.1", "media.test": "127.0.0.1"}


@asynccontextmanager
async def far(certificate: trustme.LeafCert) -> AsyncIterator[tuple[Sandbox, str]]:
    """A gateway behind TLS that only its name leads to, with its media under another name."""
    async with gateway() as sandbox:
        plain = int(sandbox.base_url.rpartition(":")[2])
        async with tls_before(plain, certificate) as front:
            origin = f"https://gateway.test:{front.port}"
            sandbox.base_url = f"https://media.test:{front.port}"
            yield sandbox, origin


async def carried(sandbox: Sandbox, origin: str) -> bytes:
    """A track, ordered, asked about and fetched by nothing but the environment's settings."""
    client = Gateway(origin, now=SystemClock().now)
    try:
        ordered = await client.submit(song({"prompt": "p", "duration": 1, "seed": 1}), sandbox.key)
        assert isinstance(ordered, Accepted), ordered
        sandbox.complete(ordered.request_id)
        seen = await client.status(ordered.request_id, sandbox.key)
        assert isinstance(seen, Observation), seen
        async with client.media(seen.media_urls[0]) as media:
            return b"".join([piece async for piece in media.pieces])
    finally:
        await client.close()


@asynccontextmanager
async def shop(
    certificate: trustme.LeafCert, folder: Path
) -> AsyncIterator[tuple[Sandbox, House, str]]:
    async with (
        far(certificate) as (sandbox, origin),
        served(
            sandbox,
            folder,
            ACESTEP_BASE_URL=origin,
            ACESTEP_SAVE="on",
            ACESTEP_POLL_INTERVAL="1",
        ) as home,
    ):
        yield sandbox, home, origin.rpartition(":")[2]


def variables(monkeypatch: pytest.MonkeyPatch, trusted: Path, **values: str) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    for name, value in values.items():
        monkeypatch.setenv(name, value)


async def test_a_proxy_that_nobody_here_wrote_carries_a_song_from_order_to_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    certificate: trustme.LeafCert,
    trusted: Path,
) -> None:
    async with foreign(HERE, "ann:p@ss/w:d") as port:
        variables(monkeypatch, trusted, ALL_PROXY=f"socks://{LOGIN}@127.0.0.1:{port}")
        async with shop(certificate, tmp_path) as (sandbox, home, _):
            song = shown(await home.finished(duration=1))

    assert Path(song["files"][0]).stat().st_size > 90_000
    assert song["media_urls"][0].startswith("https://media.test:")
    assert song["warnings"] == []
    assert len(sandbox.submissions) == 1
    assert sandbox.keys_sent_to_media == []


async def test_every_way_to_name_that_proxy_leads_through_it(
    monkeypatch: pytest.MonkeyPatch, certificate: trustme.LeafCert, trusted: Path
) -> None:
    async with foreign(HERE, "ann:p@ss/w:d") as port, far(certificate) as (sandbox, origin):
        for name, scheme in (
            ("HTTPS_PROXY", "http://"),
            ("https_proxy", ""),
            ("ALL_PROXY", "socks5://"),
            ("all_proxy", "socks5h://"),
            ("all_proxy", "SOCKS://"),
        ):
            with monkeypatch.context() as patch:
                variables(patch, trusted, **{name: f"{scheme}{LOGIN}@127.0.0.1:{port}"})
                assert len(await carried(sandbox, origin)) > 90_000, (name, scheme)


@pytest.mark.parametrize("scheme", ["http", "socks5"])
@pytest.mark.parametrize("by_piece", [False, True], ids=["whole", "byte by byte"])
async def test_the_proxy_is_asked_for_names_however_its_own_words_arrive(
    scheme: str,
    by_piece: bool,
    monkeypatch: pytest.MonkeyPatch,
    certificate: trustme.LeafCert,
    trusted: Path,
) -> None:
    relay = Relay(HERE, (b"ann", "pässwort".encode()), by_piece=by_piece)
    async with relay.serving(), far(certificate) as (sandbox, origin):
        proxy = f"{scheme}://ann:p%C3%A4sswort@127.0.0.1:{relay.port}"
        variables(monkeypatch, trusted, ALL_PROXY=proxy)
        await carried(sandbox, origin)

    port = origin.rpartition(":")[2]
    assert relay.asked == [f"{name}.test:{port}" for name in ("gateway", "gateway", "media")]


async def test_a_proxy_may_itself_be_spoken_to_in_tls(
    monkeypatch: pytest.MonkeyPatch,
    authority: trustme.CA,
    certificate: trustme.LeafCert,
    trusted: Path,
) -> None:
    relay = Relay(HERE)
    async with (
        relay.serving(),
        tls_before(relay.port, authority.issue_cert("localhost")) as front,
        far(certificate) as (sandbox, origin),
    ):
        variables(monkeypatch, trusted, HTTPS_PROXY=f"https://localhost:{front.port}")
        await carried(sandbox, origin)

    assert front.names == ["localhost"] * 3


@pytest.mark.parametrize(
    ("answer", "login", "says"),
    [
        (b"HTTP/1.1 407 X\r\n\r\n", "", "HTTPS_PROXY (127.0.0.1:{}) wants a user name and passw"),
        (b"HTTP/1.1 407 X\r\n\r\n", "ann:secret@", "({}) refuses the user name and password"),
        (b"HTTP/1.0 401 X\r\n\r\n", "ann:secret@", "({}) refuses the user name and password"),
        (b"HTTP/1.1 403 X\r\n\r\n", "", "does not connect to gateway.test (HTTP 403)"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "", "does not speak HTTP; if it is a SOCKS proxy, write"),
        (b"", "", "does not speak HTTP"),
    ],
    ids=["407", "407 with a password", "401", "403", "no proxy at all", "closes"],
)
async def test_what_is_wrong_with_the_proxy_is_said_at_once_and_nothing_is_sent(
    answer: bytes,
    login: str,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    certificate: trustme.LeafCert,
    trusted: Path,
) -> None:
    relay = Relay(HERE, answer=answer)
    async with relay.serving():
        variables(monkeypatch, trusted, HTTPS_PROXY=f"http://{login}127.0.0.1:{relay.port}")
        async with shop(certificate, tmp_path) as (sandbox, home, _):
            with anyio.fail_after(3):
                answered = await home.generate(wait=40)
            listed = shown(await home.call("list_outputs"))

    assert answered.is_error
    assert text(answered).startswith("The request was not sent: the proxy in HTTPS_PROXY (127.0.0.")
    assert says.format(relay.port).replace("(" + str(relay.port), f"(127.0.0.1:{relay.port}") in (
        text(answered)
    )
    assert len(text(answered)) <= 300
    assert "secret" not in text(answered)
    assert listed["total"] == 0
    assert sandbox.submissions == []


@pytest.mark.parametrize(
    ("scheme", "answer", "login", "says"),
    [
        ("socks5", b"\x05\xff", "", "wants a user name and password"),
        ("socks5", b"\x05\x00\x05\x02\x00\x01" + bytes(6), "", "gateway.test (not allowed)"),
        (
            "socks5",
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "",
            "does not speak SOCKS5; if it is an HTT",
        ),
        ("https", b"HTTP/1.1 400 Bad Request\r\n\r\n", "", "speaks no TLS; write http://"),
    ],
    ids=["wants a login", "a rule", "an HTTP proxy", "not in TLS"],
)
async def test_a_proxy_named_by_the_wrong_scheme_is_said_to_be_so(
    scheme: str,
    answer: bytes,
    login: str,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    certificate: trustme.LeafCert,
    trusted: Path,
) -> None:
    relay = Relay(HERE, answer=answer)
    async with relay.serving():
        variables(monkeypatch, trusted, ALL_PROXY=f"{scheme}://{login}127.0.0.1:{relay.port}")
        async with shop(certificate, tmp_path) as (_, home, _):
            with anyio.fail_after(3):
                answered = await home.generate(wait=40)

    assert answered.is_error
    assert says in text(answered)
    assert "ALL_PROXY" in text(answered)


async def test_a_proxy_that_is_down_is_said_within_the_first_seconds(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    certificate: trustme.LeafCert,
    trusted: Path,
) -> None:
    port = free_port()
    variables(monkeypatch, trusted, HTTPS_PROXY=f"http://127.0.0.1:{port}")
    async with shop(certificate, tmp_path) as (_, home, _):
        with anyio.fail_after(3):
            answered = await home.generate(wait=40)

    assert f"the proxy in HTTPS_PROXY (127.0.0.1:{port}) does not answer" in text(answered)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ALL_PROXY", "socks4://127.0.0.1:1", "ALL_PROXY=socks4://127.0.0.1:1 cannot be used: so"),
        ("HTTPS_PROXY", "http://ann:secret@proxy:port", "HTTPS_PROXY=http://proxy… cannot be used"),
        ("https_proxy", "http://ann:se#cret@proxy:1", "https_proxy=http://proxy:1 cannot be used"),
        ("ALL_PROXY", "1.2.3.4:80:ann:secret", "ALL_PROXY=1.2.3.4… cannot be used"),
        ("ALL_PROXY", "http://", "ALL_PROXY=http:// cannot be used"),
        ("SSL_CERT_FILE", "/no/such/ca.pem", "SSL_CERT_FILE=/no/such/ca.pem cannot be used: No su"),
        ("SSL_CERT_FILE", __file__, "there is no certificate in it; name a PEM file of CA certifi"),
        ("SSL_CERT_DIR", "/no/such", "SSL_CERT_DIR=/no/such cannot be used: no such folder"),
    ],
)
async def test_a_variable_that_cannot_be_used_is_named_before_anything_is_sent(
    name: str,
    value: str,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    certificate: trustme.LeafCert,
) -> None:
    monkeypatch.setenv(name, value)
    async with shop(certificate, tmp_path) as (sandbox, home, _):
        with anyio.fail_after(3):
            answered = await home.generate(wait=40)
            asked = await home.status("ace-step-xl_1", wait=0)
        listed = shown(await home.call("list_outputs"))

    assert answered.is_error
    assert says in text(answered)
    assert "secret" not in text(answered)
    assert "se#cret" not in text(answered)
    assert len(text(answered)) <= 300
    assert says in text(asked)
    assert listed["total"] == 0
    assert sandbox.arrivals == []


@pytest.mark.parametrize("value", ["", "   "])
async def test_an_empty_variable_is_no_variable(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.setenv(name, value)
    async with gateway() as sandbox, served(sandbox, tmp_path) as home:
        assert shown(await home.generate())["status"] == "QUEUED"


async def test_a_gateway_on_this_machine_needs_none_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks4://127.0.0.1:1")
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/ca.pem")
    async with gateway() as sandbox, served(sandbox, tmp_path, ACESTEP_SAVE="on") as home:
        song = shown(await home.finished(duration=1))

    assert len(song["files"]) == 1


async def test_media_behind_a_proxy_are_never_an_address_or_a_name_of_this_network(
    monkeypatch: pytest.MonkeyPatch, certificate: trustme.LeafCert, trusted: Path
) -> None:
    relay = Relay(HERE)
    async with relay.serving(), far(certificate) as (sandbox, origin):
        variables(monkeypatch, trusted, HTTPS_PROXY=f"http://127.0.0.1:{relay.port}")
        port = origin.rpartition(":")[2]
        client = Gateway(origin, now=SystemClock().now)
        for host in NOWHERE:
            away = f"https://{host}:{port}/x.wav"
            with pytest.raises(MediaGone, match=r"no public|no URL"):
                async with client.media(away):
                    pass
            if not host.isascii():
                continue  # no header holds it
            sandbox.faults.add("media", reply(302, headers={"Location": away}))
            with pytest.raises(MediaGone, match=r"no public|no URL"):
                async with client.media(f"https://media.test:{port}/media/v1/x/y.wav"):
                    pass
        await client.close()

    assert set(relay.asked) == {f"media.test:{port}"}


async def test_a_proxy_that_goes_down_meanwhile_is_why_a_song_could_not_be_asked_about(
    monkeypatch: pytest.MonkeyPatch, certificate: trustme.LeafCert, trusted: Path
) -> None:
    relay = Relay(HERE, answer=b"HTTP/1.1 407 X\r\n\r\n")
    async with relay.serving(), far(certificate) as (_, origin):
        variables(monkeypatch, trusted, HTTPS_PROXY=f"http://127.0.0.1:{relay.port}")
        client = Gateway(origin, now=SystemClock().now)
        asked = await client.status(RequestId("ace-step-xl_1"), "key")
        with pytest.raises(OSError, match="wants a user name") as fetched:
            async with client.media(origin.replace("gateway", "media") + "/x.wav"):
                pass
        await client.close()

    assert isinstance(asked, Unanswered)
    assert asked.cause.startswith(f"the proxy in HTTPS_PROXY (127.0.0.1:{relay.port}) wants a user")
    assert not isinstance(fetched.value, MediaGone)


async def test_a_proxy_that_takes_the_connection_and_says_nothing_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    certificate: trustme.LeafCert,
    trusted: Path,
) -> None:
    from acestep_mcp.providers import http

    monkeypatch.setattr(http, "CONNECT_SECONDS", 0.3)
    async with silent() as port:
        variables(monkeypatch, trusted, HTTPS_PROXY=f"http://127.0.0.1:{port}")
        async with shop(certificate, tmp_path) as (_, home, _):
            with anyio.fail_after(5):
                answered = await home.generate(wait=40)

    assert f"(127.0.0.1:{port}) did not connect to gateway.test in time" in text(answered)
