"""What became of a paid request: the one table.

*never_sent*  no byte of it reached the gateway: may be sent again
*refused*     the gateway answered that it did not take it: nothing was bought
*accepted*    the gateway took it, provided its reply names the request
*unknown*     it may have been taken: never sent again by itself

The gateway documents no idempotency key, so whatever is not proven is unknown.
"""

import socket
import ssl
from collections.abc import Iterator
from typing import Literal

Verdict = Literal["never_sent", "refused", "accepted", "unknown"]

_AMBIGUOUS_4XX = frozenset({408, 409, 425})

# By the name of the HTTP client's exception class; any class that is not here is unknown.
_NEVER_SENT = frozenset(
    {
        "ConnectError",  # refused, unreachable, host name not found, TLS handshake failed
        "ConnectTimeout",
        "PoolTimeout",  # still waiting for a connection
        "ProxyError",  # the proxy refused to open the tunnel
        "UnsupportedProtocol",
        "InvalidURL",
    }
)


class Broken(Exception):
    """A request that ended without a reply: what that means for a paid one, and why."""

    def __init__(self, verdict: Verdict, why: str) -> None:
        super().__init__(why)
        self.verdict = verdict
        self.cause = why


def of_status(status: int) -> Verdict:
    """The verdict for a complete HTTP reply to the submit request.

    A redirect is unknown: some servers send one after they have acted.
    """
    if 200 <= status < 300:  # noqa: PLR2004  # the class of HTTP success
        return "accepted"
    if 400 <= status < 500 and status not in _AMBIGUOUS_4XX:  # noqa: PLR2004  # client errors
        return "refused"
    return "unknown"


def of_error(error: BaseException) -> Verdict:
    """The verdict for a submit request that ended in an exception instead of a reply."""
    return "never_sent" if type(error).__name__ in _NEVER_SENT else "unknown"


def cause(error: BaseException) -> str:
    """The kind of failure in a few words; nothing of the exception's own text."""
    for link in _chain(error):
        if isinstance(link, socket.gaierror):
            return "its host name was not found"
        if isinstance(link, ssl.SSLError):
            return "the TLS handshake failed"
    name = type(error).__name__
    if name == "ConnectTimeout":
        return "the connection timed out"
    if name in _NEVER_SENT:
        return "the connection was refused"
    return "no reply in time" if "Timeout" in name else "the connection broke"


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        if isinstance(seen, BaseExceptionGroup):
            for inner in seen.exceptions:
                yield from _chain(inner)
        seen = seen.__cause__ or seen.__context__
