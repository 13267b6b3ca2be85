"""The environment: defaults, placeholders, keys and the one line a bad value earns."""

import os
import pwd
from pathlib import Path

import pytest

from acestep_mcp import settings
from acestep_mcp.settings import SettingsError

NO_HOSTS = (
    "",
    "/v2",
    "[::1",
    "[1.2.3.4]",
    "two hosts",
    "a,b",
    "a..b",
    "-a.b",
    "h\\x",
    "h\n.x",
    "1.2.3",
    "999.1.1.1",
    "b\u00fccher.example",
    "host:\uff11",
    "a" * 64,
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_an_empty_environment_gives_the_documented_defaults(home: Path) -> None:
    found = settings.read({})

    assert found.base_url == "https://gateway.pixazo.ai"
    assert found.output_dir == home / "Music" / "ACE-Step"
    assert found.ledger_path == home / ".local/share/acestep-mcp/ledger.sqlite3"
    assert (found.save, found.wait, found.poll_interval) == (True, 45.0, 5.0)
    assert (found.daily_limit, found.log_level, found.key) == (100, "WARNING", None)


@pytest.mark.parametrize(
    "nothing",
    [
        "",
        "  ",
        "${user_config.x}",
        "${PIXAZO_API_KEY}",
        "${ACESTEP_WAIT:-}",
        "$PIXAZO_API_KEY",
        "%PIXAZO_API_KEY%",
        "$env:PIXAZO_API_KEY",
        "$(PIXAZO_API_KEY)",
        "${{ secrets.PIXAZO_API_KEY }}",
        "{{pixazo_api_key}}",
    ],
)
def test_empty_values_and_unsubstituted_placeholders_are_unset(nothing: str) -> None:
    names = [row.name for row in settings.VARIABLES]

    assert settings.read(dict.fromkeys(names, nothing)) == settings.read({})


@pytest.mark.parametrize(
    "text",
    ["~/Songs", "${HOME}/Songs", "$HOME/Songs", "%USERPROFILE%/Songs", "${userHome}/Songs"],
)
def test_home_is_expanded(home: Path, text: str) -> None:
    assert settings.read({"ACESTEP_OUTPUT_DIR": text}).output_dir == home / "Songs"
    assert settings.read({"ACESTEP_OUTPUT_DIR": text.removesuffix("/Songs")}).output_dir == home


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("$HOMEWORK", "$HOMEWORK"),
        ("$HOMEWORK/songs", "$HOMEWORK"),
        ("${HOME}/x/${USER}", "${USER}"),
        ("/x/$USER/songs", "$USER"),
        ("/x/songs-$USER", "$USER"),
        ("~/%USERNAME%", "%USERNAME%"),
        ("${user_config.folder}/songs", "${user_config.folder}"),
        ("/x/$HOME", "$HOME"),
        ("/x/$(id -u)/$(USER)", "$(USER)"),
    ],
)
def test_what_cannot_be_expanded_in_a_path_is_named_and_is_never_the_default(
    text: str, left: str
) -> None:
    found = settings.read({"ACESTEP_OUTPUT_DIR": text, "ACESTEP_DATA_DIR": text})

    assert (found.output_dir, found.data_dir, found.ledger_path) == (None, None, None)
    says = f"={text!r} is not usable: {left} cannot be expanded; write the path out"
    assert found.output_problem == f"ACESTEP_OUTPUT_DIR{says}"
    assert found.data_problem == f"ACESTEP_DATA_DIR{says}"


@pytest.mark.parametrize("name", ["A$AP Rocky", "5$ songs", "100% mine", "a~b", "C$", "Ke$ha"])
def test_a_name_that_only_looks_like_a_variable_is_a_name(name: str) -> None:
    assert settings.read({"ACESTEP_OUTPUT_DIR": f"/x/{name}"}).output_dir == Path("/x") / name


@pytest.mark.parametrize("text", ["songs", "./songs", "~nobody-has-this-name/songs", "..\\songs"])
def test_a_folder_that_is_no_absolute_path_is_carried_as_what_is_wrong_with_it(text: str) -> None:
    found = settings.read({"ACESTEP_OUTPUT_DIR": text, "ACESTEP_DATA_DIR": text})

    assert (found.output_dir, found.data_dir) == (None, None)
    assert found.output_problem.startswith(f"ACESTEP_OUTPUT_DIR={text!r} is not usable: give an ")
    assert found.ledger_place == found.data_problem


@pytest.mark.skipif(os.name == "nt", reason="user ids without an entry are a Unix matter")
@pytest.mark.parametrize("given", [None, "", "relative", "."])
def test_without_a_home_no_folder_is_made_up(
    given: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 54_321)  # nobody's
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    monkeypatch.delenv("HOME")
    if given is not None:
        monkeypatch.setenv("HOME", given)
    found = settings.read({})

    assert (found.data_dir, found.output_dir) == (None, None)
    for problem in (found.data_problem, found.output_problem):
        assert "home directory is unknown: set HOME, or ACESTEP_DATA_DIR and ACESTEP_OUT" in problem
    assert found.key_problem.startswith("~/.pixazo/api-key: the home directory is unknown")


def test_an_absolute_data_home_serves_without_a_home_and_a_relative_one_is_ignored(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert settings.read({}).data_dir == home / ".local/share/acestep-mcp"
    monkeypatch.setenv("HOME", "relative")
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    assert settings.read({}).data_dir == home / "data/acestep-mcp"


def test_the_home_may_be_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/")
    folders = [settings.read({"ACESTEP_OUTPUT_DIR": text}).output_dir for text in ("~/x", "$HOME")]

    assert [*map(str, folders)] == ["/x", "/"]


def test_a_home_that_is_no_path_gives_way_to_the_users_entry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = Path(pwd.getpwuid(os.getuid()).pw_dir)
    for given in ("", "relative"):
        monkeypatch.setenv("HOME", given)
        found = settings.read({})

        assert found.output_dir == entry / "Music/ACE-Step"
        assert found.data_dir == entry / ".local/share/acestep-mcp"


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
        ("ACESTEP_BASE_URL", "http://gateway.pixazo.ai", "http only on loopback"),
        ("ACESTEP_BASE_URL", "https://user@evil.example", "origin"),
        ("ACESTEP_BASE_URL", "https://gateway.pixazo.ai/v2", "origin"),
        ("ACESTEP_BASE_URL", "gateway.pixazo.ai", "origin"),
        *(("ACESTEP_BASE_URL", f"https://host:{port}", "port") for port in ("abc", "0", "99999")),
        *(("ACESTEP_BASE_URL", f"https://{host}", "origin") for host in NO_HOSTS),
        ("ACESTEP_BASE_URL", "ftp://gateway.pixazo.ai", "origin"),
        ("ACESTEP_BASE_URL", "https://gateway.pixazo.ai#v2", "origin"),
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


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://Gateway.example/", "https://gateway.example"),
        ("HTTPS://a_b.example:8443", "https://a_b.example:8443"),
        ("https://gateway.example:", "https://gateway.example"),
        ("http://[::1]:80", "http://[::1]:80"),
        ("https://10.1.2.3", "https://10.1.2.3"),
    ],
)
def test_an_origin_is_taken_in_any_of_its_spellings(given: str, origin: str) -> None:
    assert settings.read({"ACESTEP_BASE_URL": given}).base_url == origin


@pytest.mark.parametrize(
    "url",
    [
        "https://user:s3cret@host",
        "https://user:s3/cret@host",
        "https://user:s3@cret@host/v2",
        "user:s3cret@host",
        "https:/user:s3cret@host",
        "https://host?key=s3cret",
    ],
)
def test_a_complaint_repeats_no_password(url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings.read({"ACESTEP_BASE_URL": url})

    assert "host" in str(raised.value)
    assert "s3" not in str(raised.value)
    assert "cret" not in str(raised.value)


def test_a_complaint_is_one_short_line_whatever_the_value() -> None:
    for value in ("\x01" * 500, "x" * 5000, "a\nb", "\udc80" * 99, "\u202e"):
        with pytest.raises(SettingsError) as raised:
            settings.read({"ACESTEP_BASE_URL": value})

        assert len(str(raised.value)) <= 300
        assert str(raised.value).isprintable()


def test_faults_are_collected_where_all_of_them_are_wanted() -> None:
    faults: list[str] = []
    given = {"ACESTEP_WAIT": "abc", "ACESTEP_DATABASE_URL": "on", "ACESTEP_CONFIRM": "on"}
    found = settings.read(given, faults=faults)

    assert (found.wait, found.database_url, found.confirm) == (45, "", True)
    assert [fault[:12] for fault in faults] == ["ACESTEP_DATA", "ACESTEP_WAIT"]


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


def test_the_key_is_in_no_repr() -> None:
    assert "s3cret" not in repr(settings.read({"PIXAZO_API_KEY": "s3cret"}))
