"""The environment, read once. `VARIABLES` is also the README's table."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from acestep_mcp import keys, variables
from acestep_mcp.domain.price import Price
from acestep_mcp.environment import Environment, expanded, shown, text_of
from acestep_mcp.variables import SettingsError, Variable, value_of

__all__ = [
    "FORMATS",
    "GATEWAY",
    "KEY_PAGE",
    "OWN_MODEL",
    "PAID_MODELS",
    "VARIABLES",
    "Settings",
    "SettingsError",
    "Surface",
    "read",
]

KEY_PAGE = "https://api-console.pixazo.ai/api_keys"
GATEWAY = "https://gateway.pixazo.ai"
PAID_MODELS, OWN_MODEL = ("ace-step-xl", "ace-step"), "self-hosted"
FORMATS = ("original", "flac", "mp3")
"""What may be kept of a track, the best first."""

VARIABLES = (
    Variable(
        "PIXAZO_API_KEY",
        "the file named by `PIXAZO_API_KEY_FILE`, then `~/.pixazo/api-key`",
        "Subscription key (alias `PIXAZO_SUBSCRIPTION_KEY`); sent to the gateway's origin only.",
    ),
    Variable(
        "ACESTEP_BASE_URL",
        f"`{GATEWAY}`",
        "Gateway origin; plain http only for loopback.",
        "base_url",
        variables.origin(GATEWAY),
        GATEWAY,
    ),
    Variable(
        "ACESTEP_SERVER_URL",
        "unset",
        "Your own ACE-Step 1.5 API server, like `http://127.0.0.1:8001`; http in private networks.",
        "server_url",
        variables.near_origin,
    ),
    Variable(
        "ACESTEP_SERVER_KEY",
        "the file named by `ACESTEP_SERVER_KEY_FILE`",
        "Its key, if it has one; sent to that origin only.",
    ),
    Variable(
        "ACESTEP_MODEL",
        "`ace-step-xl`; `self-hosted` where only a server is set up",
        "The model unless a call names one.",
        "model",
        variables.one_of(*PAID_MODELS, OWN_MODEL),
    ),
    Variable(
        "ACESTEP_DATA_DIR",
        "the platform's data directory",
        "Where the ledger lives (`ledger.sqlite3`, readable by you only).",
    ),
    Variable(
        "ACESTEP_DATABASE_URL",
        "unset",
        "`postgresql://…` keeps the ledger in PostgreSQL instead (extra `postgres`).",
        "database_url",
        variables.database_url,
    ),
    Variable(
        "ACESTEP_OUTPUT_DIR",
        "`~/Music/ACE-Step`",
        "Where songs are saved. No tool can name a path.",
    ),
    Variable(
        "ACESTEP_SAVE",
        "`on`; `off` for http",
        "Download every finished track.",
        "save",
        variables.switch,
        "on",
    ),
    Variable(
        "ACESTEP_FORMAT",
        "`original`",
        "Formats kept, by commas: `original`, `flac`, `mp3`. FLAC replaces only what it equals.",
        "formats",
        variables.some_of(*FORMATS),
        "original",
    ),
    Variable(
        "ACESTEP_WAIT",
        "`45`",
        "Seconds a tool call waits by default, 0 to 50.",
        "wait",
        variables.seconds(0, 50),
        "45",
    ),
    Variable(
        "ACESTEP_POLL_INTERVAL",
        "`5`",
        "Seconds between status requests, at least 1 (less only on loopback).",
    ),
    Variable(
        "ACESTEP_DAILY_LIMIT",
        "`100`",
        "Tracks submitted per rolling 24 hours; 0 means no limit.",
        "daily_limit",
        variables.tracks,
        "100",
    ),
    Variable(
        "ACESTEP_PRICE",
        "unset",
        "What a track costs you, like `0.01 USD`; only then is a sum shown.",
        "price",
        lambda text: Price.read(text) if text else None,
    ),
    Variable(
        "ACESTEP_CONFIRM",
        "`off`",
        "Ask you before each paid submission, in clients that can ask.",
        "confirm",
        variables.switch,
        "off",
    ),
    Variable(
        "ACESTEP_LOG_LEVEL",
        "`WARNING`",
        "DEBUG, INFO, WARNING or ERROR; logs go to stderr.",
        "log_level",
        variables.one_of("DEBUG", "INFO", "WARNING", "ERROR"),
        "WARNING",
    ),
)


Surface = Literal["paid", "own", "either"]


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
        found = variables.DATABASE.fullmatch(self.database_url)
        return f"PostgreSQL at {found['place'] if found else 'an unusable address'}"


def read(
    environ: Environment = os.environ, *, save: str = "on", faults: list[str] | None = None
) -> Settings:
    """Read every variable; `save` is the default of ACESTEP_SAVE.

    Where `faults` is given, unusable values are told there, and the defaults stand in for them.

    Raises:
        SettingsError: A value is unusable.
    """

    def refuse(said: str) -> None:
        if faults is None:
            raise SettingsError(said)
        faults.append(said)

    def value(name: str, default: str, parse: Callable[[str], Any]) -> Any:  # noqa: ANN401  # a field's
        try:
            return value_of(environ, name, default, parse)
        except SettingsError as error:
            refuse(str(error))
            return parse(default)

    fields = {
        row.field: value(row.name, save if row.field == "save" else row.default, row.read)
        for row in VARIABLES
        if row.read
    }
    if fields["model"] == OWN_MODEL and not fields["server_url"]:
        refuse(f"ACESTEP_MODEL={OWN_MODEL} is not usable: set ACESTEP_SERVER_URL, too")
        fields["model"] = ""
    least = 0.05 if urlsplit(fields["base_url"]).scheme == "http" else 1
    fields["poll_interval"] = value("ACESTEP_POLL_INTERVAL", "5", variables.seconds(least, 600))
    key, server_key = keys.find(environ), keys.of_server(environ)
    data_dir, data_problem = _folder(environ, "ACESTEP_DATA_DIR", _usual_data_dir)
    output_dir, output_problem = _folder(
        environ, "ACESTEP_OUTPUT_DIR", lambda: expanded("~/Music/ACE-Step")
    )
    return Settings(
        **fields,
        key=key.text,
        key_source=key.source,
        key_places=key.places,
        key_problem=key.problem,
        server_key=server_key.text or "",
        server_key_problem=server_key.problem,
        data_dir=data_dir,
        data_problem=data_problem,
        output_dir=output_dir,
        output_problem=output_problem,
    )


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
