"""When to ask again: back-off, the Retry-After header, and a budget that stops retry storms."""

import math
import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime

LONGEST = 86_400.0
"""Seconds. A longer Retry-After is taken for this long: nothing here waits for days."""

_SECONDS = re.compile(r"\d{1,15}(\.\d{1,9})?")


def backoff(attempt: int, base: float, cap: float, random: Callable[[], float]) -> float:
    """Seconds to wait after failure number `attempt` (from 0): full jitter over base·2^attempt.

    Never less than half of `base`, so that a lucky draw is no busy loop.
    """
    ceiling = min(cap, base * 2.0 ** min(attempt, 30))
    return max(base / 2, ceiling * random())


def growing(attempt: int, base: float, cap: float, random: Callable[[], float]) -> float:
    """Seconds to wait after failure number `attempt` (from 0): half to all of base·2^attempt.

    Unlike `backoff` it surely grows, so that few attempts fit into any time.
    """
    ceiling = min(cap, base * 2.0 ** min(attempt, 30))
    return ceiling * (1 + random()) / 2


def retry_after(header: str | None, now: float) -> float | None:
    """Seconds to wait, from a Retry-After header (RFC 9110 §10.2.3: seconds or an HTTP date).

    `now` is in seconds since the epoch, by the clock of whoever sent it. The answer lies in
    [0, LONGEST]; None where the header is absent or says nothing usable.
    """
    text = (header or "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST)
    at = instant(text)
    return None if at is None else min(max(at - now, 0.0), LONGEST)


def instant(header: str | None) -> float | None:
    """Seconds since the epoch, from an HTTP date; None where it is none."""
    try:
        at = parsedate_to_datetime(header or "").timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return at if math.isfinite(at) else None


class Budget:
    """Tokens that quick retries are paid with.

    A retry costs one token and a success earns `refund`, so that over time retries add at most
    that fraction to the load, however long the other side fails.
    """

    __slots__ = ("_capacity", "_refund", "_tokens")

    def __init__(self, capacity: float = 10.0, refund: float = 0.1) -> None:
        self._capacity = self._tokens = capacity
        self._refund = refund

    def spend(self) -> bool:
        """Take a token for one retry; False when there is none left."""
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def earn(self) -> None:
        """Note one success."""
        self._tokens = min(self._capacity, self._tokens + self._refund)
