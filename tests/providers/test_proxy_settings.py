"""Which proxy a host is reached through, as the variables mean it elsewhere."""

from collections.abc import Mapping

import pytest

from acestep_mcp.providers.proxies import Proxies
from acestep_mcp.providers.verdicts import Broken


def through(environ: Mapping[str, str], host: str = "gateway.example") -> str:
    proxy = Proxies(environ).of("https", host, 443)
    return f"{proxy.kind} {proxy.host} {proxy.port} {proxy.variable}" if proxy else ""


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p.example:3128"}, "http p.example 3128 HTTPS_PROXY"),
        ({"https_proxy": "p.example:3128"}, "http p.example 3128 https_proxy"),
        ({"HTTPS_PROXY": "10.0.0.1:8080"}, "http 10.0.0.1 8080 HTTPS_PROXY"),
        ({"HTTPS_PROXY": "p.example"}, "http p.example 80 HTTPS_PROXY"),
        ({"HTTPS_PROXY": "https://p.example/"}, "https p.example 443 HTTPS_PROXY"),
        ({"HTTPS_PROXY": " http://p.example:1 "}, "http p.example 1 HTTPS_PROXY"),
        ({"ALL_PROXY": "socks://127.0.0.1:10808"}, "socks5 127.0.0.1 10808 ALL_PROXY"),
        ({"ALL_PROXY": "socks://127.0.0.1:10808/"}, "socks5 127.0.0.1 10808 ALL_PROXY"),
        ({"all_proxy": "socks5h://[::1]"}, "socks5 ::1 1080 all_proxy"),
        ({"all_proxy": "SOCKS5://P.example"}, "socks5 p.example 1080 all_proxy"),
        ({"HTTP_PROXY": "http://p.example:1"}, None),
        ({"ALL_PROXY": "a.example:1", "HTTPS_PROXY": "b.example:2"}, "http b.example 2 HTTPS_P"),
        ({"https_proxy": "a.example:1", "HTTPS_PROXY": "b.example:2"}, "http a.example 1 https_p"),
        ({"https_proxy": "", "HTTPS_PROXY": "b.example:2"}, "http b.example 2 HTTPS_PROXY"),
        ({"ALL_PROXY": "gopher://x", "HTTPS_PROXY": "b.example:2"}, "http b.example 2 HTTPS_PROXY"),
        ({"ALL_PROXY": "gopher://x", "NO_PROXY": "*"}, None),
        ({"ALL_PROXY": "gopher://x", "NO_PROXY": "gateway.example"}, None),
    ],
    ids=str,
)  # fmt: skip
def test_a_variable_names_this_proxy(environ: dict[str, str], proxy: str | None) -> None:
    found = through(environ)

    assert found.startswith(proxy or "")
    assert bool(found) is bool(proxy)


@pytest.mark.parametrize(
    ("entry", "host", "exempt"),
    [
        ("*", "gateway.example", True),
        ("gateway.example", "gateway.example", True),
        ("GATEWAY.example", "gateway.Example.", True),
        ("example", "gateway.example", True),
        (".example", "gateway.example", True),
        (".gateway.example", "gateway.example", True),
        ("*.example", "gateway.example", True),
        ("way.example", "gateway.example", False),
        ("gateway.example.com", "gateway.example", False),
        ("other.example, gateway.example", "gateway.example", True),
        ("other.example gateway.example", "gateway.example", True),
        ("localhost,127.0.0.1,,  ", "gateway.example", False),
        ("gateway.example:443", "gateway.example", True),
        ("gateway.example:8443", "gateway.example", False),
        ("https://gateway.example", "gateway.example", True),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "gateway.example", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("1.2.3", "10.1.2.3", False),
        ("10.1.2.3:443", "10.1.2.3", True),
        ("::1", "::1", True),
        ("[::1]", "[::1]", True),
        ("[::1]:443", "::1", True),
        ("[::1]:80", "::1", False),
        ("fd00::/8", "fd12::1", True),
        ("10.0.0.0/99", "10.1.2.3", False),
        (".", "gateway.example", False),
        (":", "gateway.example", False),
    ],
)
def test_no_proxy_decides_first(entry: str, host: str, exempt: bool) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        found = through({"ALL_PROXY": "p.example:1", name: entry}, host)
        assert found == ("" if exempt else "http p.example 1 ALL_PROXY")


@pytest.mark.parametrize(
    ("value", "credentials"),
    [
        ("http://ann:pw@p.example:1", (b"ann", b"pw")),
        ("ann:pw@p.example:1", (b"ann", b"pw")),
        ("http://ann@p.example:1", (b"ann", b"")),
        ("http://ann:p%40s%3As%2F@p.example:1", (b"ann", b"p@s:s/")),
        ("http://ann:p@ss@p.example:1", (b"ann", b"p@ss")),
        ("http://CORP\\ann:pä@p.example:1", (b"CORP\\ann", "pä".encode())),
        ("http://p.example:1", None),
    ],
)
def test_user_and_password_are_read_and_never_printed(
    value: str, credentials: tuple[bytes, bytes] | None
) -> None:
    proxy = Proxies({"ALL_PROXY": value}).of("https", "gateway.example", 443)

    assert proxy is not None
    assert proxy.credentials == credentials
    assert str(proxy) == "the proxy in ALL_PROXY (p.example:1)"
    assert "pw" not in repr(proxy)


@pytest.mark.parametrize(
    "value",
    [
        "http://", "://p.example", "http://p.example:port", "http://p.example:99999", "socks4://p:1",
        "gopher://p:1", "http://p.example:0", "http://p:1/secret", "http://u:sec/ret@p:1",
        "http://u:sec#ret@p:1", "http://u:sec?ret@p:1", "http://u:secret", "1.2.3.4:80:u:secret",
        "u:secret@", "http://[::1", "http://münchen:1", "proxy host",
        "http://u:" + "x" * 300 + "@p", "http://\x1b[31mp:1",
    ],
)  # fmt: skip
def test_what_is_no_proxy_is_named_without_what_may_be_a_password(value: str) -> None:
    with pytest.raises(Broken) as broken:
        through({"ALL_PROXY": value})
    found = broken.value

    assert (found.verdict, found.hopeless) == ("never_sent", True)
    assert found.cause.startswith("ALL_PROXY=")
    assert found.cause.endswith("write http://HOST:PORT or socks5h://HOST:PORT, or unset it")
    assert len(found.cause) <= 200
    assert "ret" not in found.cause.replace("proxy host", "")
    assert found.cause.isprintable()
