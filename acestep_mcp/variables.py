"""What a variable of the environment may say; whatever else it says earns one line."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from acestep_mcp.environment import Environment, shown, text_of

T = TypeVar("T")

_HOST = r"(?:\[[0-9a-fA-F:.]+\]|[^@/?#\s:\[\],]*)(?::\d*)?"
DATABASE = re.compile(
    rf"postgres(?:ql)?://(?:[^@/?#\s]*@)?(?P<place>{_HOST}(?:,{_HOST})*(?:/[^@/?#\s]*)?)"
    r"(?:\?[^@#\s]*)?"
)
"""user:password@host:port,host:port/database?option=value, with no character in two roles."""
_ORIGIN = re.compile(r"(https?)://([\w.-]+|\[[\da-f:.]+\])(?::(\w*))?/?", re.ASCII | re.IGNORECASE)
_HERE = ("127.0.0.1", "localhost", "[::1]")
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_SWITCH = {"on": True, "true": True, "yes": True, "1": True}
_SWITCH |= {"off": False, "false": False, "no": False, "0": False}


class SettingsError(Exception):
    """One line that names the variable, its value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A row of a table of variables: what one is for, and how it is read.

    `usual` is what the documents say that it is where it is unset. `read` turns its text, or
    `default`, into the setting called `field`, and raises a ValueError that says what is allowed;
    a row without it is read by rules of its own.
    """

    name: str
    usual: str
    says: str
    field: str = ""
    read: Callable[[str], object] | None = None
    default: str = ""


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


def origin(example: str) -> Callable[[str], str]:
    """An origin; plain http is for loopback."""

    def read(text: str) -> str:
        scheme, host, port = _parts(text, f"{example}; http only on loopback")
        if scheme == "http" and host not in _HERE:
            raise ValueError("use https; http only on loopback")
        return f"{scheme}://{host}{port}"

    return read


def near_origin(text: str) -> str:
    """An origin, or none; plain http is for what is near."""
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


def _is_host(host: str) -> bool:
    """Whether it can be looked up, or is an address."""
    if host.startswith("[") or host.rpartition(".")[2].isdecimal():
        from ipaddress import ip_address  # noqa: PLC0415  # hardly ever needed

        try:
            return ip_address(host.strip("[]")).version == (6 if "[" in host else 4)
        except ValueError:
            return False
    return all(re.fullmatch(_LABEL, label) for label in host.removesuffix(".").split("."))


def database_url(text: str) -> str:
    """The URL as it is given; a complaint never shows it, because it holds the password."""
    if text and not DATABASE.fullmatch(text):
        raise _Secret(
            "give postgresql://user:password@host/database with special characters percent-encoded"
        )
    return text


def switch(text: str) -> bool:
    """On or off."""
    try:
        return _SWITCH[text.lower()]
    except KeyError:
        raise ValueError("say on or off") from None


def seconds(low: float, high: float) -> Callable[[str], float]:
    """A number within bounds."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            raise ValueError(f"give seconds from {low:g} to {high:g}")
        return number

    return read


def tracks(text: str) -> int:
    """A whole number."""
    if not text.isdecimal() or len(text) > 9:  # noqa: PLR2004  # more digits are a slip
        raise ValueError("give a whole number of tracks, 0 for no limit")
    return int(text)


def one_of(*names: str) -> Callable[[str], str]:
    """One of these names, whatever its case; or none where the default is none."""

    def read(text: str) -> str:
        for name in names:
            if name.lower() == text.lower():
                return name
        if text:
            raise ValueError(f"name one of {', '.join(names)}")
        return ""

    return read


def some_of(*names: str) -> Callable[[str], tuple[str, ...]]:
    """Some of these names, by commas; they come out in the order in which they stand here."""

    def read(text: str) -> tuple[str, ...]:
        named = [each.strip().lower().lstrip(".") for each in text.split(",")]
        if not set(named) <= set(names):
            raise ValueError(f"name, by commas, some of {', '.join(names)}")
        return tuple(each for each in names if each in named)

    return read
