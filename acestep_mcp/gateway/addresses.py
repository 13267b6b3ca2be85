"""Which hosts media may be fetched from: only public addresses, checked before connecting.

The address that was checked is the one that is connected to, so a name that resolves to
something else a moment later gains nothing.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

import anyio

from acestep_mcp.domain.errors import MediaGone

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
Address = IPv4Address | IPv6Address


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine by its literal name."""
    return urlsplit(url).hostname in _LOOPBACK


async def public_address(host: str, port: int) -> str:
    """The first address of `host`, once every one of them is found to be public.

    Raises:
        OSError: The name does not resolve.
        MediaGone: It resolves to an address that is not public.
    """
    try:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise OSError("the media host's name was not found") from None
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    if not addresses or not all(is_public(ip_address(each)) for each in addresses):
        raise MediaGone("the media host has no public address")
    return addresses[0]


def is_public(address: Address) -> bool:
    """Whether an address is anybody's to reach; of one that wraps another, the inner decides."""
    inner = _inner(address)
    return inner.is_global and not inner.is_multicast and not inner.is_reserved


def _inner(address: Address) -> Address:
    if isinstance(address, IPv4Address):
        return address
    if any(address in network for network in _NAT64):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    wrapped = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
    return wrapped or address
