"""Which proxy a connection goes through, by the variables that every network tool reads.

`HTTPS_PROXY`, else `ALL_PROXY`, unless `NO_PROXY` names the host; each in lower case first, and
an empty one counts as unset. On macOS and Windows the system's own settings stand in where no
variable is set. `socks://`, as GNOME and v2ray's front ends write it, is read as `socks5://`, and
both leave names to the proxy: behind one, this machine's look-ups may know nothing.
"""

import ipaddress
import os
import re
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

from acestep_mcp.domain.text import clean
from acestep_mcp.providers.verdicts import Broken

Kind = Literal["http", "https", "socks5"]

_KINDS: Mapping[str, Kind] = {
    "http": "http",
    "https": "https",
    "socks": "socks5",
    "socks5": "socks5",
    "socks5h": "socks5",
}
_PORTS: Mapping[Kind, int] = {"http": 80, "https": 443, "socks5": 1080}
_LONGEST_CREDENTIAL = 255  # bytes; RFC 1929's limit, and no proxy's password is longer
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(%\w+)?")
_SCHEME = re.compile(r"[A-Za-z0-9+.-]{0,12}")
_PLACE = re.compile(r"(\[[0-9A-Fa-f:.]*\]|[^\s:/?#@]*)(:\d{1,5}(?=/?$))?")
_SYSTEM = "the system's proxy settings"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and the variable that names it. It prints without its password."""

    kind: Kind
    host: str
    port: int
    variable: str
    credentials: tuple[bytes, bytes] | None = field(default=None, repr=False)

    def __str__(self) -> str:
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"the proxy in {self.variable} ({shown}:{self.port})"


class Proxies:
    """The proxy settings of an environment."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        named = any(_value(environ, name)[1] for name in ("https_proxy", "http_proxy", "all_proxy"))
        system = environ is os.environ and sys.platform in ("darwin", "win32") and not named
        self._system = urllib.request.getproxies() if system else {}
        self._exempt = _value(environ, "no_proxy")[1].replace(",", " ").split()

    def of(self, scheme: str, host: str, port: int) -> Proxy | None:
        """The proxy for connections to a host; None where there is none.

        Raises:
            Broken: The variable that would decide cannot be used.
        """
        variable, value = _value(self._environ, f"{scheme}_proxy")
        if not value:
            variable, value = _value(self._environ, "all_proxy")
        if not value and (value := self._system.get(scheme, "")):
            variable = _SYSTEM
            if urllib.request.proxy_bypass(host):
                return None
        if not value or any(_covers(entry, host, port) for entry in self._exempt):
            return None
        return _parsed(variable, value)


def _value(environ: Mapping[str, str], name: str) -> tuple[str, str]:
    """The name a variable is set by, and its value; the value is empty where it is not set."""
    for each in (name, name.upper()):
        if value := environ.get(each, "").strip():
            return each, value
    return name.upper(), ""


def _covers(entry: str, host: str, port: int) -> bool:
    """Whether an entry of NO_PROXY exempts a host: `*`, a domain, host:port, address or CIDR."""
    if entry == "*":
        return True
    entry = entry.lower().rpartition("://")[2]
    name = host.lower().strip("[]").rstrip(".")
    address = _address(name)
    if "/" in entry:
        try:
            network = ipaddress.ip_network(entry.replace("[", "").replace("]", ""), strict=False)
        except ValueError:
            return False
        return address is not None and address in network
    if entry.count(":") == 1 or "]:" in entry:
        entry, _, wanted = entry.rpartition(":")
        if wanted != str(port):
            return False
    entry = entry.strip("[]")
    if address is not None or _address(entry) is not None:
        return address == _address(entry) is not None
    domain = entry.removeprefix("*").strip(".")
    return bool(domain) and (name == domain or name.endswith(f".{domain}"))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _parsed(variable: str, value: str) -> Proxy:
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _unusable(variable, value, "it is no address of a proxy") from None
    kind = _KINDS.get(parts.scheme)
    if kind is None:
        raise _unusable(variable, value, f"{clean(parts.scheme, 20)} proxies are not supported")
    # A path is tolerated by every tool, but what stands there may be half of a password.
    if (
        not _HOST.fullmatch(host)
        or port == 0
        or parts.path not in ("", "/")
        or parts.query
        or parts.fragment
    ):
        raise _unusable(variable, value, "it is no address of a proxy")
    credentials = None
    if parts.username is not None:
        credentials = (_secret(parts.username), _secret(parts.password or ""))
        if max(map(len, credentials)) > _LONGEST_CREDENTIAL:
            raise _unusable(variable, value, "its user name or password is too long")
    return Proxy(kind, host, port or _PORTS[kind], variable, credentials)


def _secret(text: str) -> bytes:
    return unquote(text).encode("utf-8", "surrogateescape")


def _unusable(variable: str, value: str, why: str) -> Broken:
    mend = "write http://HOST:PORT or socks5h://HOST:PORT, or unset it"
    return Broken(
        "never_sent", f"{variable}={_redacted(value)} cannot be used: {why}; {mend}", hopeless=True
    )


def _redacted(value: str) -> str:
    """Scheme, host and port, and a mark for all else: what cannot be read may hold a password."""
    scheme, mark, rest = value.partition("://") if "://" in value else ("", "", value)
    shown = _PLACE.match(rest.rpartition("@")[2])
    place = shown[0] if shown else ""
    more = "" if rest.endswith((place, f"{place}/")) else "…"
    return f"{scheme if _SCHEME.fullmatch(scheme) else '…'}{mark}{clean(place, 60)}{more}"
