"""The environment, read once. `VARIABLES` is also the README's table."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from acestep_mcp import keys
from acestep_mcp.domain.price import Price
from acestep_mcp.environment import Environment, expanded, shown, text_of

T = TypeVar("T")

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
        "ACESTEP_SERVER_URL",
        "unset",
        "Your own ACE-Step 1.5 API server, like `http://127.0.0.1:8001`; http in private networks.",
    ),
    (
        "ACESTEP_SERVER_KEY",
        "the file named by `ACESTEP_SERVER_KEY_FILE`",
        "Its key, if it has one; sent to that origin only.",
    ),
    (
        "ACESTEP_MODEL",
        "`ace-step-xl`; `self-hosted` where only a server is set up",
        "The model unless a call names one.",
    ),
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
    (
        "ACESTEP_FORMAT",
        "`original`",
        "Formats kept, by commas: `original`, `flac`, `mp3`. FLAC replaces only what it equals.",
    ),
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
        "ACESTEP_PRICE",
        "unset",
        "What a track costs you, like `0.01 USD`; only then is a sum shown.",
    ),
    (
        "ACESTEP_CONFIRM",
        "`off`",
        "Ask you before each paid submission, in clients that can ask.",
    ),
    ("ACESTEP_LOG_LEVEL", "`WARNING`", "DEBUG, INFO, WARNING or ERROR; logs go to stderr."),
)
PAID_MODELS, OWN_MODEL = ("ace-step-xl", "ace-step"), "self-hosted"
FORMATS = ("original", "flac", "mp3")
"""What may be kept of a track, the best first."""
_HOST = r"(?:\[[0-9a-fA-F:.]+\]|[^@/?#\s:\[\],]*)(?::\d*)?"
_DATABASE = re.compile(
    rf"postgres(?:ql)?://(?:[^@/?#\s]*@)?(?P<place>{_HOST}(?:,{_HOST})*(?:/[^@/?#\s]*)?)"
    r"(?:\?[^@#\s]*)?"
)
"""user:password@host:port,host:port/database?option=value, with no character in two roles."""
_ORIGIN = re.compile(r"(https?)://([\w.-]+|\[[\da-f:.]+\])(?::(\w*))?/?", re.ASCII | re.IGNORECASE)
_HERE = ("127.0.0.1", "localhost", "[::1]")
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_SWITCH = {"on": True, "true": True, "yes": True, "1": True}
_SWITCH |= {"off": False, "false": False, "no": False, "0": False}


Surface = Literal["paid", "own", "either"]


class SettingsError(Exception):
    """One line that names the variable, its value and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says, with defaults filled in. Times are seconds.

    A key or a folder that cannot be used is None, and its `problem` says why in a line: whoever
    needs it repeats that. A server that did not start could tell nobody.
    """

    key: str | None = field(repr=False)
    key_source: str
    key_places: tuple[str, ...]
    key_problem: str
    base_url: str
    server_url: str
    server_key: str = field(repr=False)
    server_key_problem: str
    model: str
    data_dir: Path | None
    data_problem: str
    database_url: str = field(repr=False)
    output_dir: Path | None
    output_problem: str
    save: bool
    formats: tuple[str, ...]
    wait: float
    poll_interval: float
    daily_limit: int
    price: Price | None
    confirm: bool
    log_level: str

    @property
    def surface(self) -> Surface:
        """Who makes songs: the paid gateway, the user's own server, or either.

        Where there is a server, the gateway takes part if anything says that it is meant to.
        """
        if not self.server_url:
            return "paid"
        paid = self.key or self.key_problem or self.model in PAID_MODELS
        return "either" if paid else "own"

    @property
    def ledger_path(self) -> Path | None:
        """The ledger's file, if there is a folder for it."""
        return self.data_dir / "ledger.sqlite3" if self.data_dir else None

    @property
    def ledger_place(self) -> str:
        """Where the ledger is, for people; without user and password."""
        if not self.database_url:
            return str(self.ledger_path or self.data_problem)
        # No URL splitter of Python's: newer ones refuse several hosts with an IPv6 address in them.
        found = _DATABASE.fullmatch(self.database_url)
        return f"PostgreSQL at {found['place'] if found else 'an unusable address'}"


def read(
    environ: Environment = os.environ, *, save: str = "on", faults: list[str] | None = None
) -> Settings:
    """Read every variable; `save` is the default of ACESTEP_SAVE.

    Where `faults` is given, unusable values are told there, and the defaults stand in for them.

    Raises:
        SettingsError: A value is unusable.
    """

    def value(name: str, default: str, parse: Callable[[str], T]) -> T:
        try:
            return value_of(environ, name, default, parse)
        except SettingsError as error:
            if faults is None:
                raise
            faults.append(str(error))
            return parse(default)

    key = keys.find(environ)
    base_url = value("ACESTEP_BASE_URL", GATEWAY, _origin)
    server_url = value("ACESTEP_SERVER_URL", "", _own_origin)
    server_key = keys.of_server(environ)
    model = value("ACESTEP_MODEL", "", _model)
    if model == OWN_MODEL and not server_url:
        said = f"ACESTEP_MODEL={OWN_MODEL} is not usable: set ACESTEP_SERVER_URL, too"
        if faults is None:
            raise SettingsError(said)
        faults.append(said)
        model = ""
    local = urlsplit(base_url).scheme == "http"
    data_dir, data_problem = _folder(environ, "ACESTEP_DATA_DIR", _usual_data_dir)
    output_dir, output_problem = _folder(
        environ, "ACESTEP_OUTPUT_DIR", lambda: expanded("~/Music/ACE-Step")
    )
    return Settings(
        key=key.text,
        key_source=key.source,
        key_places=key.places,
        key_problem=key.problem,
        base_url=base_url,
        server_url=server_url,
        server_key=server_key.text or "",
        server_key_problem=server_key.problem,
        model=model,
        data_dir=data_dir,
        data_problem=data_problem,
        database_url=value("ACESTEP_DATABASE_URL", "", _database_url),
        output_dir=output_dir,
        output_problem=output_problem,
        save=value("ACESTEP_SAVE", save, _switch),
        formats=value("ACESTEP_FORMAT", "original", _formats),
        wait=value("ACESTEP_WAIT", "45", _between(0, 50)),
        poll_interval=value("ACESTEP_POLL_INTERVAL", "5", _between(0.05 if local else 1, 600)),
        daily_limit=int(value("ACESTEP_DAILY_LIMIT", "100", _count)),
        price=value("ACESTEP_PRICE", "", lambda text: Price.read(text) if text else None),
        confirm=value("ACESTEP_CONFIRM", "off", _switch),
        log_level=value("ACESTEP_LOG_LEVEL", "WARNING", _level),
    )


def value_of(environ: Environment, name: str, default: str, parse: Callable[[str], T]) -> T:
    """The parsed value, or the parsed default where it is unset.

    Raises:
        SettingsError: `parse` raised a ValueError, whose text says what is allowed.
    """
    text = text_of(environ, name)
    try:
        return parse(text or default)
    except _Secret as error:
        raise SettingsError(f"{name} is not usable: {error}") from None
    except ValueError as error:
        raise SettingsError(f"{name}={shown(text)} is not usable: {error}") from None


class _Secret(ValueError):
    """A value is unusable, and no part of it may be repeated."""


def _folder(environ: Environment, name: str, usual: Callable[[], Path]) -> tuple[Path | None, str]:
    """The folder that a variable names, or what is wrong with it."""
    text = text_of(environ, name, path=True)
    try:
        return (expanded(text) if text else usual()), ""
    except ValueError as error:
        if text:
            return None, f"{name}={shown(text)} is not usable: {error}"
    return None, (
        f"{name} is not set, and the home directory is unknown: set HOME, or ACESTEP_DATA_DIR and "
        "ACESTEP_OUTPUT_DIR, to absolute paths"
    )


def _usual_data_dir() -> Path:
    import platformdirs  # noqa: PLC0415  # not needed where the folder is given

    try:
        path = Path(platformdirs.user_data_dir("acestep-mcp", appauthor=False))
    except RuntimeError as unknown:
        raise ValueError("the home directory is unknown") from unknown
    if not path.is_absolute():  # below it, one song would have a ledger in every folder
        raise ValueError("the home directory is unknown")
    return path


def _origin(text: str) -> str:
    scheme, host, port = _parts(text, f"{GATEWAY}; http only on loopback")
    if scheme == "http" and host not in _HERE:
        raise ValueError("use https; http only on loopback")
    return f"{scheme}://{host}{port}"


def _own_origin(text: str) -> str:
    if not text:
        return ""
    scheme, host, port = _parts(text, "http://127.0.0.1:8001")
    if scheme == "http" and host not in _HERE and not _is_near(host):
        raise ValueError("use https; http only in this machine's and private networks, by address")
    return f"{scheme}://{host}{port}"


def _parts(text: str, example: str) -> tuple[str, str, str]:
    """Scheme, host, and port with its colon, of an origin."""
    found = _ORIGIN.fullmatch(text)
    if not found:
        raise ValueError(f"give an origin such as {example}")
    scheme, host, port = found[1].lower(), found[2].lower(), found[3] or ""
    if not _is_host(host):
        raise ValueError(f"{host[:40]} is no host; give an origin such as {example}")
    if port and not (port.isdecimal() and len(port) <= 5 and 0 < int(port) < 65_536):  # noqa: PLR2004  # 16 bits
        raise ValueError("the port must be a number from 1 to 65535")
    return scheme, host, port and f":{port}"


def _is_near(host: str) -> bool:
    """Whether plain http does not leave the house: a private address, or a name of this network."""
    from ipaddress import ip_address  # noqa: PLC0415  # hardly ever needed

    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        # What has no dot, or ends so, is looked up here and is no name of the internet.
        return "." not in host or host.endswith((".local", ".lan", ".home.arpa", ".internal"))
    return address.is_private or address.is_link_local


def _model(text: str) -> str:
    named = text.lower()
    if named and named not in (*PAID_MODELS, OWN_MODEL):
        raise ValueError(f"name one of {', '.join((*PAID_MODELS, OWN_MODEL))}")
    return named


def _is_host(host: str) -> bool:
    """Whether it can be looked up, or is an address."""
    if host.startswith("[") or host.rpartition(".")[2].isdecimal():
        from ipaddress import ip_address  # noqa: PLC0415  # hardly ever needed

        try:
            return ip_address(host.strip("[]")).version == (6 if "[" in host else 4)
        except ValueError:
            return False
    return all(re.fullmatch(_LABEL, label) for label in host.removesuffix(".").split("."))


def _database_url(text: str) -> str:
    """The URL as it is given; a complaint never shows it, because it holds the password."""
    if text and not _DATABASE.fullmatch(text):
        raise _Secret(
            "give postgresql://user:password@host/database with special characters percent-encoded"
        )
    return text


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


def _formats(text: str) -> tuple[str, ...]:
    named = [each.strip().lower().lstrip(".") for each in text.split(",")]
    if not set(named) <= set(FORMATS):
        raise ValueError(f"name, by commas, some of {', '.join(FORMATS)}")
    return tuple(each for each in FORMATS if each in named)


def _level(text: str) -> str:
    if text.upper() not in _LEVELS:
        raise ValueError(f"say one of {', '.join(_LEVELS)}")
    return text.upper()
