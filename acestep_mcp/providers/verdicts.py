"""What became of a paid request: the one table.

*never_sent*  no byte of it reached the gateway: may be sent again
*refused*     the gateway answered that it did not take it: nothing was bought
*accepted*    the gateway took it, provided its reply names the request
*unknown*     it may have been taken: never sent again by itself

The gateway documents no idempotency key, so whatever is not proven is unknown.
"""

from typing import Literal

from acestep_mcp.providers import NotSent, Unknown

Verdict = Literal["never_sent", "refused", "accepted", "unknown"]

_AMBIGUOUS_4XX = frozenset({408, 409, 425})


class Broken(Exception):
    """A request that ended without a reply: what that means for a paid one, and why.

    `hopeless` says that trying again is of no use until somebody has mended something: a proxy,
    a certificate, an environment variable. `cause` names what.
    """

    def __init__(self, verdict: Verdict, why: str, *, hopeless: bool = False) -> None:
        super().__init__(why)
        self.verdict = verdict
        self.cause = why
        self.hopeless = hopeless

    def outcome(self) -> NotSent | Unknown:
        """What it means for the request that ended so, if that was a submission."""
        if self.verdict == "never_sent":
            return NotSent(self.cause, self.hopeless)
        return Unknown(self.cause)


def of_status(status: int) -> Verdict:
    """The verdict for a complete HTTP reply to the submit request.

    A redirect is unknown: some servers send one after they have acted.
    """
    if 200 <= status < 300:  # noqa: PLR2004  # the class of HTTP success
        return "accepted"
    if 400 <= status < 500 and status not in _AMBIGUOUS_4XX:  # noqa: PLR2004  # client errors
        return "refused"
    return "unknown"
