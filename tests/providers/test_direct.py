"""Without a proxy: every vetted address of a name, pinned, in TLS that is checked by name.

Only the resolver and the address policy are the tests' own: here this machine is the internet.
"""

import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import anyio
import pytest
import trustme

from acestep_mcp.clock import SystemClock
from acestep_mcp.domain.errors import MediaGone
from acestep_mcp.providers import NotSent, Unanswered
from acestep_mcp.providers.addresses import Address, is_public, vetted
from acestep_mcp.providers.http import Http, Network
from acestep_mcp.providers.pixazo.client import Gateway
from acestep_mcp.sandbox import reply
from tests.house import gateway
from tests.providers import song
from tests.providers.network import (
    SECOND,
    Names,
    answering,
    free_port,
    is_here,
    listening,
    silent,
    tls_before,
)

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def client(origin: str, names: Names, **environ: str) -> AsyncIterator[Gateway]:
    network = Network(environ, names, is_here)
    made = Gateway(origin, now=SystemClock().now, http=Http(origin, network))
    try:
        yield made
    finally:
        await made.close()


async def fetched(client: Gateway, url: str) -> bytes:
    async with client.media(url) as media:
        return b"".join([piece async for piece in media.pieces])


BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\naudio"


async def test_a_track_comes_from_the_address_that_was_vetted_in_tls_for_its_name(
    certificate: trustme.LeafCert, trusted: Path
) -> None:
    heads: list[bytes] = []
    names = Names({"media.test": ["127.0.0.1"]})
    async with (
        listening(answering(BODY, heads=heads)) as plain,
        tls_before(plain, certificate) as front,
        client("https://gateway.test", names, SSL_CERT_FILE=str(trusted)) as ours,
    ):
        assert await fetched(ours, f"https://MEDIA.test:{front.port}/a b") == b"audio"
        assert await fetched(ours, f"https://media.test.:{front.port}/x") == b"audio"

    assert names.asked == ["media.test", "media.test"]
    assert front.names == ["media.test", "media.test"]
    assert heads[0].startswith(b"GET /a%20b HTTP/1.1\r\n")
    assert f"host: media.test:{front.port}".encode() in heads[0].lower()
    assert b"accept-encoding: identity" in heads[0].lower()


@pytest.mark.parametrize("dead", [["127.0.0.1"], ["::1"], ["127.0.0.1", "::1"]], ids=str)
async def test_a_dead_address_does_not_keep_the_track_from_the_living_one(
    dead: list[str], certificate: trustme.LeafCert, trusted: Path
) -> None:
    names = Names({"media.test": [*dead, SECOND]})
    async with (
        listening(answering(BODY)) as plain,
        tls_before(plain, certificate, host=SECOND) as front,
        client("https://gateway.test", names, SSL_CERT_FILE=str(trusted)) as ours,
    ):
        with anyio.fail_after(5):
            assert await fetched(ours, f"https://media.test:{front.port}/x") == b"audio"


async def test_an_address_that_swallows_everything_costs_a_quarter_of_a_second(
    certificate: trustme.LeafCert, trusted: Path
) -> None:
    full = anyio.abc.SocketAttribute  # a listener whose queue is full takes no connection
    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1", backlog=1) as swallowing,
        contextlib.AsyncExitStack() as waiting,
        listening(answering(BODY)) as plain,
    ):
        port: int = swallowing.extra(full.local_port)  # noqa: S610  # not Django
        for _ in range(8):
            with anyio.move_on_after(0.05):
                stream = await anyio.connect_tcp("127.0.0.1", port)
                waiting.push_async_callback(stream.aclose)
        names = Names({"media.test": ["127.0.0.1", SECOND]})
        async with (
            tls_before(plain, certificate, host=SECOND, port=port),
            client("https://gateway.test", names, SSL_CERT_FILE=str(trusted)) as ours,
        ):
            began = time.monotonic()
            assert await fetched(ours, f"https://media.test:{port}/x") == b"audio"
            assert time.monotonic() - began < 2


async def test_two_hosts_on_one_address_each_show_their_own_certificate(
    authority: trustme.CA, trusted: Path
) -> None:
    only_one = authority.issue_cert("one.test")
    names = Names({"one.test": ["127.0.0.1"], "two.test": ["127.0.0.1"]})
    async with (
        listening(answering(BODY)) as plain,
        tls_before(plain, only_one) as front,
        client("https://gateway.test", names, SSL_CERT_FILE=str(trusted)) as ours,
    ):
        assert await fetched(ours, f"https://one.test:{front.port}/x") == b"audio"
        with pytest.raises(OSError, match=r"certificate of two\.test is for another name"):
            await fetched(ours, f"https://two.test:{front.port}/x")

    assert front.names == ["one.test", "two.test"]


async def test_a_certificate_that_is_not_believed_is_said_to_be_so_at_once(
    authority: trustme.CA, certificate: trustme.LeafCert, trusted: Path
) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    old = authority.issue_cert("gateway.test", not_after=yesterday)
    other = authority.issue_cert("other.test")
    for served, environ, says in (
        (certificate, {}, "of gateway.test is not trusted; set SSL_CERT_FILE to your company's"),
        (old, {"SSL_CERT_FILE": str(trusted)}, "of gateway.test has expired"),
        (other, {"SSL_CERT_FILE": str(trusted)}, "of gateway.test is for another name"),
    ):
        names = Names({"gateway.test": ["127.0.0.1"]})
        async with gateway() as sandbox:
            plain = int(sandbox.base_url.rpartition(":")[2])
            async with tls_before(plain, served) as front:
                origin = f"https://gateway.test:{front.port}"
                async with client(origin, names, **environ) as ours:
                    sent = await ours.submit(song(), sandbox.key)
                    with pytest.raises(OSError, match=says.partition(" gateway")[0]):
                        await fetched(ours, origin + "/x")
        assert isinstance(sent, NotSent)
        assert sent.hopeless
        assert says in sent.cause
        assert sandbox.arrivals == []


@pytest.mark.parametrize(
    ("known", "says", "hopeless"),
    [
        ({}, "its host name was not found (gateway.test); check the network and its DNS", False),
        ({"gateway.test": ["127.0.0.1"]}, "the connection was refused (gateway.test)", False),
        ({"gateway.test": ["::2"]}, "there is no way to gateway.test; check the network", False),
    ],
    ids=["no such name", "nobody there", "no route"],
)
async def test_a_network_that_is_away_may_come_back_within_the_call(
    known: Mapping[str, Sequence[str]], says: str, hopeless: bool
) -> None:
    async with client(f"https://gateway.test:{free_port()}", Names(known)) as ours:
        with anyio.fail_after(5):
            sent = await ours.submit(song(), "key")

    assert sent == NotSent(says, hopeless)


async def test_a_tls_handshake_that_never_ends_is_given_up_and_never_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from acestep_mcp.providers import http

    monkeypatch.setattr(http, "CONNECT_SECONDS", 0.2)
    names = Names({"gateway.test": ["127.0.0.1"]})
    async with silent() as port, client(f"https://gateway.test:{port}", names) as ours:
        with anyio.fail_after(5):
            sent = await ours.submit(song(), "key")

    assert sent == NotSent("the connection timed out")


# Which addresses


async def judged(host: str, names: Mapping[str, Sequence[str]]) -> Sequence[Address]:
    return await vetted(
        host, 443, resolve=Names(names), public=is_public, provider="gateway.example"
    )


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "2130706433", "0x7f.1", "0X7F000001", "017700000001", "127.1", "127.0.0.1.",
        "::1", "[::1]", "::ffff:10.0.0.1", "fe80::1%eth0", "0", "00.0.0.0", "169.254.169.254",
        "100.64.0.1", "198.18.0.1", "fc00::1", "64:ff9b::a00:1", "64:ff9b:1:a00:0:100:101:101",
        "2002:7f00:1::", "localhost", "LocalHost", "localhost.", "a.localhost", "x.local",
        "x.home.arpa", "x.internal", "intranet", "1.2.3.4.5", "a.0x7f", "127%2e0%2e0%2e1", "",
        "a..example", ".example", "-a.example", "a" * 250 + ".example", "a b.example",
    ],
)  # fmt: skip
async def test_no_spelling_of_a_private_host_gets_through(host: str) -> None:
    with pytest.raises(MediaGone, match="no public"):
        await judged(host, {host: ["93.184.216.34"]})


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("93.184.216.34", "93.184.216.34"),
        ("0x5db8d822", "93.184.216.34"),
        ("[2606:4700::1111]", "2606:4700::1111"),
        ("64:ff9b::101:101", "64:ff9b::101:101"),
        ("64:ff9b:1::101:101", "64:ff9b:1::101:101"),
    ],
)
async def test_a_public_address_is_taken_as_it_is_written(host: str, address: str) -> None:
    assert await judged(host, {}) == [ip_address(address)]


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (["10.0.0.1"], "no public address; m.example resolves to 10.0.0.1 here"),
        (["1.1.1.1", "10.0.0.1"], "resolves to 10.0.0.1 here"),
        (["10.0.0.1", "198.18.0.3"], "resolves to 10.0.0.1 here"),
        (["0.0.0.0"], "no public address"),  # noqa: S104  # looked up, not bound to
        ([], "no public address"),
        (
            ["198.18.0.3"],
            "m.example resolves to 198.18.0.3 here, a VPN's stand-in, but gateway.exa",
        ),
    ],
    ids=str,
)
async def test_one_address_that_is_not_public_is_enough_to_refuse(
    found: list[str], says: str
) -> None:
    with pytest.raises(OSError, match=r"media host|stand-in") as refused:
        await judged("m.example", {"m.example": found, "gateway.example": ["1.1.1.1"]})

    assert not isinstance(refused.value, MediaGone)  # in another network it may be otherwise
    assert says in str(refused.value)
    assert len(str(refused.value)) <= 200


async def test_a_media_host_whose_name_is_not_found_may_be_found_later() -> None:
    with pytest.raises(OSError, match=r"name m\.example was not found") as missing:
        await judged("m.example", {})

    assert not isinstance(missing.value, MediaGone)


@pytest.mark.parametrize(
    "fake",
    [["198.18.0.7"], ["198.19.255.1"], ["fc00::7"], ["2001:2::7"], ["fdfe:dcba:9876::7"],
     ["198.18.0.7", "fc00::7"], ["198.18.0.7", "2606:4700::1111"]],
    ids=str,
)  # fmt: skip
async def test_a_stand_in_is_taken_where_the_gateways_own_name_has_one_too(
    fake: list[str],
) -> None:
    names = {"m.example": fake, "gateway.example": ["198.18.0.2"]}

    assert await judged("m.example", names) == [ip_address(each) for each in fake]
    with pytest.raises(OSError, match="no public address"):
        await judged("m.example", {**names, "m.example": [*fake, "192.168.1.1"]})
    with pytest.raises(OSError, match="stand-in"):
        await judged("m.example", {**names, "gateway.example": ["10.0.0.1"]})
    with pytest.raises(OSError, match="stand-in"):
        await judged("m.example", {"m.example": fake})
    with pytest.raises(MediaGone):
        await judged(fake[0], names)


AWAY = (
    "http://media.test/x",
    "https://10.0.0.1/x",
    "//10.0.0.1/x",
    "https://u:p@media.test/",
    "https://localhost/x",
    "ftp://media.test/",
    "https://[::1",
)


async def test_a_redirect_is_judged_like_the_url_that_led_to_it(
    certificate: trustme.LeafCert, trusted: Path
) -> None:
    names = Names({"media.test": ["127.0.0.1"], "gateway.test": ["127.0.0.1"]})
    async with gateway() as sandbox:
        plain = int(sandbox.base_url.rpartition(":")[2])
        async with (
            tls_before(plain, certificate) as front,
            client("https://gateway.test", names, SSL_CERT_FILE=str(trusted)) as ours,
        ):
            url = f"https://media.test:{front.port}/media/v1/x/y.wav"
            for away in AWAY:
                sandbox.faults.add("media", reply(302, headers={"Location": away}))
                with pytest.raises(OSError, match=r"media|broke"):
                    await fetched(ours, url)
            sandbox.faults.add("media", reply(307, headers={"Location": "/elsewhere x"}))
            with pytest.raises(MediaGone, match="HTTP 404"):
                await fetched(ours, url)

    assert sandbox.arrivals[-1].path == "/elsewhere%20x"


async def test_asking_about_a_song_never_raises_for_the_network() -> None:
    from acestep_mcp.domain.song import RequestId

    async with client("https://gateway.test", Names({})) as ours:
        asked = await ours.status(RequestId("x"), "key")

    assert isinstance(asked, Unanswered)
    assert (
        asked.cause == "its host name was not found (gateway.test); check the network and its DNS"
    )
