"""The part of the environment that only a hosted server reads."""

import os
import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from acestep_mcp.environment import Environment, text_of
from acestep_mcp.hosted.secret import secret
from acestep_mcp.variables import SettingsError, Variable, value_of

Auth = Literal["none", "key", "oauth"]
Mode = Literal["terminal", "sync", "off"]
_HOST = re.compile(r"([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")

VARIABLES = (
    Variable(
        "ACESTEP_AUTH",
        "`none`",
        "`none` (loopback only), `key` (callers send their own gateway key) or `oauth` (JWTs).",
    ),
    Variable("ACESTEP_AUTH_ISSUER", "", "Issuer of the JWTs, an https URL."),
    Variable("ACESTEP_AUTH_JWKS_URL", "`{issuer}/.well-known/jwks.json`", "Where its keys are."),
    Variable("ACESTEP_AUTH_AUDIENCE", "`{public URL}/mcp`", "The audience its tokens must name."),
    Variable(
        "ACESTEP_ALLOWED_HOSTS",
        "loopback names",
        "Names to answer to beside the public URL's, by commas; needed beyond loopback.",
    ),
    Variable(
        "ACESTEP_PUBLIC_URL",
        "",
        "https URL by which the gateway reaches this server; turns webhooks on.",
    ),
    Variable("ACESTEP_WEBHOOK_MODE", "`terminal`", "`terminal`, `sync` or `off`."),
    Variable(
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


def read(data_dir: Path | None, environ: Environment = os.environ) -> Options:
    """Read every variable.

    Raises:
        SettingsError: A value is unusable, or one is missing that another one needs.
    """
    auth: Auth = value_of(environ, "ACESTEP_AUTH", "none", _auth)
    issuer = value_of(environ, "ACESTEP_AUTH_ISSUER", "", _https)
    public_url = value_of(environ, "ACESTEP_PUBLIC_URL", "", _https).rstrip("/")
    audience = value_of(
        environ, "ACESTEP_AUTH_AUDIENCE", public_url and f"{public_url}/mcp", _https
    )
    if auth == "oauth" and not (issuer and audience):
        raise SettingsError(
            "ACESTEP_AUTH=oauth needs ACESTEP_AUTH_ISSUER, and ACESTEP_AUTH_AUDIENCE or "
            "ACESTEP_PUBLIC_URL"
        )
    jwks = value_of(environ, "ACESTEP_AUTH_JWKS_URL", "", _https)
    return Options(
        auth=auth,
        issuer=issuer,
        jwks_url=jwks or f"{issuer.rstrip('/')}/.well-known/jwks.json",
        audience=audience,
        allowed_hosts=value_of(environ, "ACESTEP_ALLOWED_HOSTS", "", _hosts),
        public_url=public_url,
        webhook_mode=value_of(environ, "ACESTEP_WEBHOOK_MODE", "terminal", _mode),
        secret=secret(text_of(environ, "ACESTEP_SECRET"), data_dir),
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
    """The URL as it is given: an issuer's name is compared letter by letter."""
    parts = urlsplit(text)
    loopback = is_loopback(parts.hostname or "")
    secure = parts.scheme == "https" or (parts.scheme == "http" and loopback)
    plain = text.isascii() and not re.search(r"[\s\\]", text) and parts.port != 0
    whole = secure and parts.hostname and not (parts.username or parts.query or parts.fragment)
    if text and not (whole and plain):
        raise ValueError("give an https URL with nothing but host and path; http only on loopback")
    return text


def _hosts(text: str) -> tuple[str, ...]:
    names = tuple(name.strip().lower() for name in text.split(",") if name.strip())
    if not all(_HOST.fullmatch(name) for name in names):
        raise ValueError("give names such as songs.example or songs.example:8443, without scheme")
    return names


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
