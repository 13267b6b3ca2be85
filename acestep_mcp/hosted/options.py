"""The part of the environment that only a hosted server reads."""

import os
import secrets
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from acestep_mcp.settings import Environment, SettingsError, text_of, value_of

Auth = Literal["none", "key", "oauth"]
Mode = Literal["terminal", "sync", "off"]

VARIABLES: tuple[tuple[str, str, str], ...] = (
    (
        "ACESTEP_AUTH",
        "`none`",
        "`none` (loopback only), `key` (callers send their own gateway key) or `oauth` (JWTs).",
    ),
    ("ACESTEP_AUTH_ISSUER", "", "Issuer of the JWTs, an https URL."),
    ("ACESTEP_AUTH_JWKS_URL", "`{issuer}/.well-known/jwks.json`", "Where its keys are."),
    ("ACESTEP_AUTH_AUDIENCE", "`{public URL}/mcp`", "The audience its tokens must name."),
    (
        "ACESTEP_ALLOWED_HOSTS",
        "loopback names",
        "Host names to answer to, separated by commas; needed to listen beyond loopback.",
    ),
    (
        "ACESTEP_PUBLIC_URL",
        "",
        "https URL under which the gateway reaches this server; turns webhooks on.",
    ),
    ("ACESTEP_WEBHOOK_MODE", "`terminal`", "`terminal`, `sync` or `off`."),
    (
        "ACESTEP_SECRET",
        "made once, kept in the data directory",
        "Signs webhook addresses and tells callers apart; the same on every replica.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the server is hosted."""

    auth: Auth
    issuer: str
    jwks_url: str
    audience: str
    allowed_hosts: tuple[str, ...]
    public_url: str
    webhook_mode: Mode
    secret: bytes = field(repr=False)


def read(data_dir: Path, environ: Environment = os.environ) -> Options:
    """Read every variable.

    Raises:
        SettingsError: A value is unusable, or one is missing that another one needs.
    """
    auth: Auth = value_of(environ, "ACESTEP_AUTH", "none", _auth)
    issuer = value_of(environ, "ACESTEP_AUTH_ISSUER", "", _https)
    public_url = value_of(environ, "ACESTEP_PUBLIC_URL", "", _https)
    audience = text_of(environ, "ACESTEP_AUTH_AUDIENCE") or (public_url and f"{public_url}/mcp")
    if auth == "oauth" and not (issuer and audience):
        raise SettingsError(
            "ACESTEP_AUTH=oauth needs ACESTEP_AUTH_ISSUER, and ACESTEP_AUTH_AUDIENCE or "
            "ACESTEP_PUBLIC_URL"
        )
    jwks = value_of(environ, "ACESTEP_AUTH_JWKS_URL", "", _https)
    hosts = text_of(environ, "ACESTEP_ALLOWED_HOSTS").split(",")
    return Options(
        auth=auth,
        issuer=issuer,
        jwks_url=jwks or f"{issuer.rstrip('/')}/.well-known/jwks.json",
        audience=audience,
        allowed_hosts=tuple(host.strip() for host in hosts if host.strip()),
        public_url=public_url,
        webhook_mode=value_of(environ, "ACESTEP_WEBHOOK_MODE", "terminal", _mode),
        secret=_secret(text_of(environ, "ACESTEP_SECRET"), data_dir),
    )


def _auth(text: str) -> Auth:
    match text.lower():
        case "none" | "key" | "oauth" as auth:
            return auth
        case _:
            raise ValueError("say none, key or oauth")


def _mode(text: str) -> Mode:
    match text.lower():
        case "terminal" | "sync" | "off" as mode:
            return mode
        case _:
            raise ValueError("say terminal, sync or off")


def _https(text: str) -> str:
    parts = urlsplit(text)
    loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if text and not (parts.scheme == "https" or (parts.scheme == "http" and loopback)):
        raise ValueError("give an https URL; http only on loopback")
    return text.rstrip("/")


def _secret(given: str, data_dir: Path) -> bytes:
    if given:
        if len(given) < 32:  # noqa: PLR2004  # 128 bits in hexadecimal
            raise SettingsError("ACESTEP_SECRET is too short; give at least 32 random characters")
        return given.encode()
    path = data_dir / "secret"
    try:
        if not path.exists():
            _make(path)
        return path.read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"the secret cannot be kept in {path}: {error.strerror}") from None


def _make(path: Path) -> None:
    """Write a new secret, unless another process does so first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, made = tempfile.mkstemp(dir=path.parent)  # readable by its owner only
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_hex(32).encode())
    with suppress(FileExistsError):
        os.link(made, path)
    Path(made).unlink()
