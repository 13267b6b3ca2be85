"""The environment: defaults, placeholders, keys and the one line a bad value earns."""

from pathlib import Path

import pytest

from acestep_mcp import settings
from acestep_mcp.settings import SettingsError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_an_empty_environment_gives_the_documented_defaults(home: Path) -> None:
    found = settings.read({})

    assert found.base_url == "https://gateway.pixazo.ai"
    assert found.output_dir == home / "Music" / "ACE-Step"
    assert found.ledger_path.name == "ledger.sqlite3"
    assert (found.save, found.wait, found.poll_interval) == (True, 45.0, 5.0)
    assert (found.daily_limit, found.log_level, found.key) == (100, "WARNING", None)


@pytest.mark.parametrize("nothing", ["", "  ", "${user_config.x}", "${PIXAZO_API_KEY}"])
def test_empty_values_and_unsubstituted_placeholders_are_unset(nothing: str) -> None:
    names = [name for name, _, _ in settings.VARIABLES]

    assert settings.read(dict.fromkeys(names, nothing)) == settings.read({})


@pytest.mark.parametrize("text", ["~/Songs", "${HOME}/Songs", "$HOME/Songs"])
def test_home_is_expanded(home: Path, text: str) -> None:
    assert settings.read({"ACESTEP_OUTPUT_DIR": text}).output_dir == home / "Songs"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("ACESTEP_WAIT", "51", "seconds from 0 to 50"),
        ("ACESTEP_WAIT", "nan", "seconds from 0 to 50"),
        ("ACESTEP_POLL_INTERVAL", "0.5", "seconds from 1 to 600"),
        ("ACESTEP_DAILY_LIMIT", "-1", "whole number of tracks"),
        ("ACESTEP_DAILY_LIMIT", "lots", "whole number of tracks"),
        ("ACESTEP_SAVE", "maybe", "on or off"),
        ("ACESTEP_LOG_LEVEL", "LOUD", "DEBUG, INFO, WARNING, ERROR"),
        ("ACESTEP_OUTPUT_DIR", "songs", "absolute path"),
        ("ACESTEP_BASE_URL", "http://gateway.pixazo.ai", "http only on loopback"),
        ("ACESTEP_BASE_URL", "https://user@evil.example", "origin"),
        ("ACESTEP_BASE_URL", "https://gateway.pixazo.ai/v2", "origin"),
        ("ACESTEP_BASE_URL", "gateway.pixazo.ai", "origin"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(name: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings.read({name: value})

    message = str(raised.value)
    assert message.startswith(f"{name}={value!r} is not usable")
    assert allowed in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://host/db",
        "postgres://user:s3cret@host:5432/db?sslmode=require",
        "postgresql://user:s3%40cret@one:1,two:2,[::1]:3/db?target_session_attrs=any",
        "postgresql:///db?host=/run/postgresql",
    ],
)
def test_a_database_url_is_kept_and_shown_without_user_and_password(url: str) -> None:
    found = settings.read({"ACESTEP_DATABASE_URL": url})

    assert found.database_url == url
    assert "cret" not in repr(found)
    assert "cret" not in found.ledger_place
    assert found.ledger_place.startswith("PostgreSQL at ")


@pytest.mark.parametrize(
    "url",
    [
        "on",
        "mysql://user:s3cret@host/db",
        "postgresql:/user:s3cret@host/db",
        "postgresql://user:s3/cret@host/db",
        "postgresql://user:s3@cret@host/db",
        "postgresql://user:s3?cret@host/db",
        "postgresql://user:s3#cret@host/db",
        "postgresql://user:s3 cret@host/db",
        "postgresql://user:s3cret",
        "postgresql://" + ",:" * 10_000 + "[",
    ],
    ids=lambda url: url[:40],
)
def test_a_bad_database_url_is_refused_without_showing_any_of_it(url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings.read({"ACESTEP_DATABASE_URL": url})

    message = str(raised.value)
    assert message.startswith("ACESTEP_DATABASE_URL is not usable: give postgresql://")
    assert "s3" not in message
    assert "\n" not in message


def test_polls_may_be_faster_on_loopback() -> None:
    local = {"ACESTEP_BASE_URL": "http://127.0.0.1:9", "ACESTEP_POLL_INTERVAL": "0.1"}

    assert settings.read(local).poll_interval == 0.1


def test_keys_are_looked_for_in_the_documented_order(home: Path) -> None:
    named = home / "named-key"
    named.write_text("from-file\n")
    (home / ".pixazo").mkdir()
    (home / ".pixazo" / "api-key").write_text("from-home\nsecond line\n")
    everything = {
        "PIXAZO_API_KEY": "from-env",
        "PIXAZO_SUBSCRIPTION_KEY": "from-alias",
        "PIXAZO_API_KEY_FILE": str(named),
    }
    found = []
    for name in (None, "PIXAZO_API_KEY", "PIXAZO_SUBSCRIPTION_KEY", "PIXAZO_API_KEY_FILE"):
        everything.pop(name or "", None)
        read = settings.read(everything)
        found.append((read.key, read.key_source))

    assert found == [
        ("from-env", "PIXAZO_API_KEY"),
        ("from-alias", "PIXAZO_SUBSCRIPTION_KEY"),
        ("from-file", str(named)),
        ("from-home", "~/.pixazo/api-key"),
    ]


def test_without_a_key_every_place_that_was_looked_at_is_known(home: Path) -> None:
    read = settings.read({"PIXAZO_API_KEY_FILE": str(home / "gone")})

    assert read.key is None
    assert read.key_places == (
        "PIXAZO_API_KEY",
        "PIXAZO_SUBSCRIPTION_KEY",
        f"PIXAZO_API_KEY_FILE ({home / 'gone'})",
        "~/.pixazo/api-key",
    )


def test_a_key_that_cannot_be_a_header_is_refused_without_showing_it() -> None:
    with pytest.raises(SettingsError) as raised:
        settings.read({"PIXAZO_API_KEY": "s3cret\nx: y"})

    assert "s3cret" not in str(raised.value)
    assert "PIXAZO_API_KEY" in str(raised.value)


def test_the_key_is_in_no_repr() -> None:
    assert "s3cret" not in repr(settings.read({"PIXAZO_API_KEY": "s3cret"}))
