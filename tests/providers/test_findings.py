"""What `doctor` finds out about the way to the gateway and to its media."""

from pathlib import Path

import pytest

from acestep_mcp import settings
from acestep_mcp.commands import doctor
from acestep_mcp.settings import Settings
from tests.providers.network import Relay

pytestmark = pytest.mark.anyio


@pytest.fixture
def found(tmp_path: Path) -> Settings:
    """Settings for the real gateway, which is never asked here."""
    return settings.read({"ACESTEP_DATA_DIR": str(tmp_path), "PIXAZO_API_KEY": "key"})


@pytest.mark.parametrize(
    ("name", "value", "detail", "mend"),
    [
        ("ALL_PROXY", "socks4://127.0.0.1:1", "socks4 proxies are not supported", "socks5h://HOST"),
        (
            "SSL_CERT_FILE",
            "/no/such.pem",
            "SSL_CERT_FILE=/no/such.pem cannot be used",
            "a PEM file",
        ),
    ],
)
async def test_a_variable_that_cannot_be_used_is_a_finding_with_its_mend(
    name: str,
    value: str,
    detail: str,
    mend: str,
    found: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(name, value)
    network = await doctor._network(found)
    media = await doctor._media(found)

    assert (network.ok, media.ok) == (False, False)
    assert detail in network.detail
    assert mend in network.mend
    assert detail in media.detail


async def test_the_proxy_and_the_certificates_in_use_are_named(
    found: Settings, trusted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = await doctor._network(found)
    relay = Relay({})
    async with relay.serving():
        monkeypatch.setenv("HTTPS_PROXY", f"http://ann:secret@127.0.0.1:{relay.port}")
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        network = await doctor._network(found)
        media = await doctor._media(found)

    assert plain.detail == "no proxy, the certificates that came along"
    assert network.ok
    assert network.detail == (
        f"the proxy in HTTPS_PROXY (127.0.0.1:{relay.port}), SSL_CERT_FILE={trusted}"
    )
    assert media.ok
    assert media.detail.endswith(
        f"r2.dev, left to the proxy in HTTPS_PROXY (127.0.0.1:{relay.port})"
    )
    assert relay.asked == []


async def test_a_gateway_on_this_machine_has_its_own_media(tmp_path: Path) -> None:
    local = settings.read(
        {"ACESTEP_BASE_URL": "http://127.0.0.1:9", "ACESTEP_DATA_DIR": str(tmp_path)}
    )

    assert (await doctor._network(local)).detail == "neither is needed for this machine"
    assert (await doctor._media(local)).detail == "127.0.0.1, as the gateway"
