"""The environment, read once. `VARIABLES` is also the README's table."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")
Environment = Mapping[str, str]

KEY_PAGE = "https://api-console.pixazo.ai/api_keys"
GATEWAY = "https://gateway.pixazo.ai"

VARIABLES: tuple[tuple[str, str, str], ...] = (
    (
        "PIXAZO_API_KEY",
        "the file named by `PIXAZO_API_KEY_FILE`, then `~/.pixazo/api-key`",
        "Subscription key (alias `PIXAZO_SUBSCRIPTION_KEY`); sent to the gateway's origin only.",
    ),
    ("ACESTEP_BASE_URL", f"`{GATEWAY}`", "Gateway origin; plain http only for loopback."),
    (
        "ACESTEP_DATA_DIR",
        "the platform's data directory",
        "Where the ledger lives (`ledger.sqlite3`, readable by you only).",
    ),
    (
        "ACESTEP_DATABASE_URL",
        "unset",
        "`postgresql://…` keeps the ledger in PostgreSQL instead (extra `postgres`).",
    ),
    (
        "ACESTEP_OUTPUT_DIR",
        "`~/Music/ACE-Step`",
        "Where songs are saved. No tool can name a path.",
    ),
    ("ACESTEP_SAVE", "`on`; `off` for http", "Download every finished track."),
    ("ACESTEP_WAIT", "`45`", "Seconds a tool call waits by default, 0 to 50."),
    (
        "ACESTEP_POLL_INTERVAL",
        "`5`",
        "Seconds between status requests, at least 1 (less only on loopback).",
    ),
    (
        "ACESTEP_DAILY_LIMIT",
        "`100`",
        "Tracks submitted per rolling 24 hours; 0 means no limit.",
    ),
    (
        "ACESTEP_CONFIRM",
        "`off`",
        "Ask you before each paid submission, in clients that can ask.",
    ),
    ("ACESTEP_LOG_LEVEL", "`WARNING`", "DEBUG, INFO, WARNING or ERROR; logs go to stderr."),
)
_HOST = r"(\[[0-9a-fA-F:.]+\]|[^@/?#\s:\[\],]*)(:\d*)?"
_DATABASE = re.compile(
    rf"postgres(ql)?://([^@/?#\s]*@)?{_HOST}(,{_HOST})*(/[^@/?#\s]*)?(\?[^@#\s]*)?"
)
"""user:password@host:port,host:port/database?option=value, with no character in two roles."""
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_SWITCH = {"on": True, "true": True, "yes": True, "1": True}
_SWITCH |= {"off": False, "false": False, "no": False, "0": False}


class SettingsError(Exception):
    """One line that names the variable, its value and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says, with defaults filled in. Times are seconds."""

    key: str | None = field(repr=False)
    key_source: str
    key_places: tuple[str, ...]
    base_url: str
    data_dir: Path
    database_url: str = field(repr=False)
    output_dir: Path
    save: bool
    wait: float
    poll_interval: float
    daily_limit: int
    confirm: bool
    log_level: str

    @property
    def ledger_path(self) -> Path:
        """The ledger's file."""
        return self.data_dir / "ledger.sqlite3"

    @property
    def ledger_place(self) -> str:
        """Where the ledger is, for people; without user and password."""
        if not self.database_url:
            return str(self.ledger_path)
        place = urlsplit(self.database_url)
        return f"PostgreSQL at {place.netloc.rpartition('@')[2]}{place.path}"


def read(environ: Environment = os.environ, *, save: str = "on") -> Settings:
    """Read every variable; `save` is the default of ACESTEP_SAVE.

    Raises:
        SettingsError: A value is unusable.
    """
    key, source, places = _key(environ)
    base_url = value_of(environ, "ACESTEP_BASE_URL", GATEWAY, _origin)
    local = urlsplit(base_url).scheme == "http"
    return Settings(
        key=key,
        key_source=source,
        key_places=places,
        base_url=base_url,
        data_dir=value_of(environ, "ACESTEP_DATA_DIR", "", _data_dir),
        database_url=_database_url(environ),
        output_dir=value_of(environ, "ACESTEP_OUTPUT_DIR", "~/Music/ACE-Step", _path),
        save=value_of(environ, "ACESTEP_SAVE", save, _switch),
        wait=value_of(environ, "ACESTEP_WAIT", "45", _between(0, 50)),
        poll_interval=value_of(
            environ, "ACESTEP_POLL_INTERVAL", "5", _between(0.05 if local else 1, 600)
        ),
        daily_limit=int(value_of(environ, "ACESTEP_DAILY_LIMIT", "100", _count)),
        confirm=value_of(environ, "ACESTEP_CONFIRM", "off", _switch),
        log_level=value_of(environ, "ACESTEP_LOG_LEVEL", "WARNING", _level),
    )


def text_of(environ: Environment, name: str) -> str:
    """The value; unset, empty and an unsubstituted `${placeholder}` are the same nothing."""
    text = environ.get(name, "").strip()
    return "" if text.startswith("${") and text.endswith("}") and text != "${HOME}" else text


def value_of(environ: Environment, name: str, default: str, parse: Callable[[str], T]) -> T:
    """The parsed value, or the parsed default where it is unset.

    Raises:
        SettingsError: `parse` raised a ValueError, whose text says what is allowed.
    """
    text = text_of(environ, name)
    try:
        return parse(text or default)
    except ValueError as error:
        raise SettingsError(f"{name}={text[:80]!r} is not usable: {error}") from None


def _key(environ: Environment) -> tuple[str | None, str, tuple[str, ...]]:
    """The key, where it was found, and every place that was looked at, in order."""
    places = ["PIXAZO_API_KEY", "PIXAZO_SUBSCRIPTION_KEY"]
    for name in places:
        if text := text_of(environ, name):
            return _sendable(text, name), name, tuple(places)
    named = text_of(environ, "PIXAZO_API_KEY_FILE")
    for path in (named, "~/.pixazo/api-key"):
        if path:
            places.append(_place(path))
            if text := _first_line(path):
                return _sendable(text, path), path, tuple(places)
    return None, "", tuple(places)


def _place(path: str) -> str:
    """How a place is called to others. A key where its file's name should be is not repeated."""
    if path.startswith("~"):
        return path
    is_path = "/" in path or "\\" in path
    return f"PIXAZO_API_KEY_FILE ({path if is_path else 'which names no path'})"


def _first_line(path: str) -> str:
    try:
        return _path(path).read_text(encoding="utf-8").strip().split("\n")[0].strip()
    except (OSError, ValueError):
        return ""


def _sendable(key: str, place: str) -> str:
    bare = key.strip("\"'")
    if not bare or not all("!" <= c <= "~" for c in bare):
        raise SettingsError(f"the key in {place} has characters that no key has; copy it again")
    return bare


def _origin(text: str) -> str:
    parts = urlsplit(text)
    loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")
    plain = parts.scheme == "https" or (parts.scheme == "http" and loopback)
    if not plain or not parts.hostname or parts.path.strip("/") or parts.query or "@" in text:
        raise ValueError("give an origin such as https://gateway.pixazo.ai; http only on loopback")
    return f"{parts.scheme}://{parts.netloc}"


def _database_url(environ: Environment) -> str:
    """The URL as it is given; a complaint never shows it, because it holds the password."""
    text = text_of(environ, "ACESTEP_DATABASE_URL")
    if text and not _DATABASE.fullmatch(text):
        raise SettingsError(
            "ACESTEP_DATABASE_URL is not usable: give postgresql://user:password@host/database "
            "with special characters percent-encoded"
        )
    return text


def _path(text: str) -> Path:
    try:
        expanded = Path(text.replace("${HOME}", "~").replace("$HOME", "~")).expanduser()
    except RuntimeError:
        raise ValueError("the home directory is unknown; give an absolute path") from None
    if not expanded.is_absolute():
        raise ValueError("give an absolute path, or one that begins with ~")
    return expanded


def _data_dir(text: str) -> Path:
    if text:
        return _path(text)
    import platformdirs  # noqa: PLC0415  # not needed where the folder is given

    return Path(platformdirs.user_data_dir("acestep-mcp", appauthor=False))


def _switch(text: str) -> bool:
    try:
        return _SWITCH[text.lower()]
    except KeyError:
        raise ValueError("say on or off") from None


def _between(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            raise ValueError(f"give seconds from {low:g} to {high:g}")
        return number

    return parse


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:  # noqa: PLR2004  # more digits are a slip
        raise ValueError("give a whole number of tracks, 0 for no limit")
    return int(text)


def _level(text: str) -> str:
    if text.upper() not in _LEVELS:
        raise ValueError(f"say one of {', '.join(_LEVELS)}")
    return text.upper()
