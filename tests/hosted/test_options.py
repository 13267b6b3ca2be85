"""What the server is told about how it is hosted, and when that stops it."""

from pathlib import Path

import pytest

from acestep_mcp.settings import SettingsError
from tests.hosted.house import application
from tests.hosted.issuer import OAUTH

ANYWHERE = "0.0.0.0"  # noqa: S104  # not bound
NAMES = {"ACESTEP_ALLOWED_HOSTS": "a.example"}
PUBLIC = {"ACESTEP_PUBLIC_URL": "https://a.example"}


@pytest.mark.parametrize(
    ("env", "host", "missing"),
    [
        ({}, "127.0.0.1", None),
        ({}, "::1", None),
        ({}, ANYWHERE, "ACESTEP_AUTH"),
        ({}, "songs.example", "ACESTEP_AUTH"),
        (NAMES, ANYWHERE, "ACESTEP_AUTH"),
        ({"ACESTEP_AUTH": "key"}, ANYWHERE, "ACESTEP_ALLOWED_HOSTS"),
        ({"ACESTEP_AUTH": "key", **NAMES}, ANYWHERE, None),
        (OAUTH, "::", "ACESTEP_ALLOWED_HOSTS"),
        ({**OAUTH, **NAMES}, "::", None),
        (PUBLIC, "127.0.0.1", "ACESTEP_AUTH"),  # behind a proxy it is no less public
        ({"ACESTEP_AUTH": "key", **PUBLIC}, "127.0.0.1", None),
        ({"ACESTEP_PUBLIC_URL": "http://localhost:9"}, "127.0.0.1", None),
    ],
)
def test_to_be_reached_from_beyond_loopback_needs_callers_and_names(
    tmp_path: Path, env: dict[str, str], host: str, missing: str | None
) -> None:
    if missing is None:
        application("http://127.0.0.1:1", tmp_path, host, **env)
        return
    with pytest.raises(SettingsError, match=missing):
        application("http://127.0.0.1:1", tmp_path, host, **env)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ACESTEP_AUTH", "basic"),
        ("ACESTEP_WEBHOOK_MODE", "all"),
        ("ACESTEP_PUBLIC_URL", "http://songs.example"),
        ("ACESTEP_PUBLIC_URL", "https://"),
        ("ACESTEP_PUBLIC_URL", "https://[songs.example"),
        ("ACESTEP_PUBLIC_URL", "https://me:pass@songs.example"),
        ("ACESTEP_PUBLIC_URL", "https://songs.example/?a=b"),
        ("ACESTEP_PUBLIC_URL", "https://songs.example:abc"),
        ("ACESTEP_PUBLIC_URL", "https://songs.example:0"),
        ("ACESTEP_PUBLIC_URL", "https://songs.example:99999"),
        ("ACESTEP_PUBLIC_URL", "https://songs example"),
        ("ACESTEP_AUTH_ISSUER", "https://issuer.example\\x"),
        ("ACESTEP_AUTH_ISSUER", "issuer.example"),
        ("ACESTEP_AUTH_AUDIENCE", "my-api"),
        ("ACESTEP_AUTH_JWKS_URL", "file:///etc/passwd"),
        ("ACESTEP_ALLOWED_HOSTS", "https://songs.example"),
        ("ACESTEP_ALLOWED_HOSTS", "*"),
        ("ACESTEP_ALLOWED_HOSTS", "songs.example/mcp"),
    ],
)
def test_a_value_that_cannot_be_meant_stops_the_server_and_is_named(
    tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=name) as stopped:
        application("http://127.0.0.1:1", tmp_path, **{name: value})

    assert "\n" not in str(stopped.value)
    assert "me:pass" not in str(stopped.value)
