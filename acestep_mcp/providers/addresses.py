"""Which hosts media may be fetched from: only public addresses, checked before connecting.

The addresses that were checked are the ones that are connected to, so a name that resolves to
something else a moment later gains nothing. Behind a proxy nothing is looked up here; what can be
judged by its spelling is judged all the same.
"""

import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

import anyio

from acestep_mcp.domain.errors import MediaGone

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]
"""Host and port to addresses, the preferred first; OSError where there are none."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_NAT64 = IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")

# Tools that route by name (Clash and mihomo, sing-box, V2Ray and Xray, Surge, Shadowrocket)
# answer every look-up with an address of their own making and tell by it, when it is connected
# to, which name was meant. These are the ranges they have by default: RFC 2544's and RFC 5180's
# benchmarking nets, sing-box's and V2Ray's, and the one in mihomo's documentation.
_FAKE_V4 = (IPv4Network("198.18.0.0/15"),)
_FAKE_V6 = (
    IPv6Network("2001:2::/48"),
    IPv6Network("fc00::/18"),
    IPv6Network("fdfe:dcba:9876::/48"),
)

_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)+")
_LONGEST_NAME = 253
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_NEVER_PUBLIC = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "onion")
"""Endings of names that lead nowhere public (RFC 6761, 6762, 7686, 8375, and common custom)."""


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine by its literal name."""
    return urlsplit(url).hostname in _LOOPBACK


async def resolved(host: str, port: int) -> Sequence[Address]:
    """The addresses of a name, as the system looks it up."""
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    texts = dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found)
    return [ip_address(text) for text in texts]


def literal(host: str) -> Address | None:
    """The address that a host is written as, in any spelling that a resolver would take."""
    bare = host.strip("[]").partition("%")[0].rstrip(".")
    try:
        return ip_address(bare)
    except ValueError:
        pass
    try:  # 127.1, 0x7f.1, 017700000001, 2130706433
        return IPv4Address(socket.inet_aton(bare))
    except (OSError, UnicodeError, ValueError):
        return None


def judge(host: str, public: Callable[[Address], bool]) -> Address | None:
    """The address, where a media host is written as one; None for a name that may be public.

    Raises:
        MediaGone: It is neither a public address nor a name that could lead to one.
    """
    address = literal(host)
    if address is not None:
        if not public(address):
            raise MediaGone(f"the media host {host} has no public address")
        return address
    name = host.lower().rstrip(".")
    labels = name.split(".")
    ended = any(name.endswith(f".{ending}") for ending in _NEVER_PUBLIC)
    spelt = len(name) <= _LONGEST_NAME and _NAME.fullmatch(name)
    # A last label of digits is an address to some and a name to others (WHATWG URL, host parser).
    if ended or not spelt or _NUMBER.fullmatch(labels[-1]):
        raise MediaGone(f"the media host {host[:80]} is no public name")
    return None


async def vetted(
    host: str,
    port: int,
    *,
    resolve: Resolve,
    public: Callable[[Address], bool],
    provider: str,
) -> Sequence[Address]:
    """Every address of a media host, once all of them are found to be public.

    One that is not is enough to refuse: no bucket mixes the two, but a name that was made to lead
    into this network does, and behind DNS64 a private address hides in a public one beside it.
    Fake addresses pass where `provider`, whose reply named the host, resolves to fake ones too:
    then this network's names are all answered so.

    Raises:
        OSError: The name does not resolve, or not to a public address, which is about the network
            one is in and may be otherwise in the next.
    """
    address = judge(host, public)
    if address is not None:
        return [address]
    try:
        found = await resolve(host, port)
    except OSError:
        raise OSError(f"the media host's name {host} was not found") from None
    odd = [each for each in found if not public(each)]
    if not found or any(not is_fake(each) for each in odd):
        shown = f"; {host} resolves to {odd[0]} here" if odd else ""
        raise OSError(f"the media host has no public address{shown}")
    if odd and not await _faked(provider, resolve):
        raise OSError(
            f"{host} resolves to {odd[0]} here, a VPN's stand-in, but {provider} does not; let the "
            "VPN answer for both names or neither, or set HTTPS_PROXY to its port"
        )
    return found


async def _faked(name: str, resolve: Resolve) -> bool:
    if literal(name) is not None:
        return False
    try:
        return any(is_fake(each) for each in await resolve(name, 443))
    except OSError:
        return False


def is_fake(address: Address) -> bool:
    """Whether an address is of those that name-routing tools hand out as stand-ins."""
    if isinstance(address, IPv4Address):
        return any(address in network for network in _FAKE_V4)
    return any(address in network for network in _FAKE_V6)


def is_public(address: Address) -> bool:
    """Whether an address is anybody's to reach; of one that wraps another, the inner decides."""
    return all(
        each.is_global and not each.is_multicast and not each.is_reserved
        for each in _inner(address)
    )


def _inner(address: Address) -> tuple[Address, ...]:
    if isinstance(address, IPv4Address):
        return (address,)
    if address in _NAT64:
        return (_v4(int(address)),)
    if address in _LOCAL_NAT64:
        return _local_nat64(int(address))
    wrapped = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
    return (wrapped or address,)


def _local_nat64(value: int) -> tuple[Address, ...]:
    """The wrapped address, read in every way RFC 6052 allows where its place is not certain."""
    if not value >> 32 & 0xFFFF_FFFF_FFFF:
        return (_v4(value),)
    # Behind 48, 56 and 64 bits of prefix the address is broken by the octet at bit 64.
    octets = value.to_bytes(16, "big")
    broken = (octets[6:8] + octets[9:11], octets[7:8] + octets[9:12], octets[9:13])
    return (_v4(value), *(IPv4Address(each) for each in broken))


def _v4(value: int) -> IPv4Address:
    return IPv4Address(value & 0xFFFF_FFFF)
