"""When a song is worth asking about: often where such songs end, rarely where they do not.

A fixed interval finds out half an interval late on average and asks in vain all the while. The
same number of questions, saved up while no song of the kind has ever ended and spent around the
times at which they did, finds out within a second or so.
"""

from collections.abc import Sequence

_QUIET = 3.0  # intervals between questions where no song is known to end
_DENSE = 1.0  # seconds between questions where songs are known to end
_BEFORE, _AFTER = 0.97, 1.15  # the window around a known time, as fractions of it
_SETTLE = 0.2  # seconds from the end of a song to its being shown
ENOUGH = 3
"""As many known times as make the documented ones unnecessary."""


def pause(elapsed: float, asked: int, known: Sequence[float], interval: float) -> float:
    """Seconds until the next question about a song.

    `elapsed` seconds have passed since it was ordered and `asked` questions were put; songs of
    its kind took `known` seconds. Never are more questions put than one per `interval` would be.
    """
    step = min(_DENSE, interval)
    soonest = max(elapsed + step, (asked + 1) * interval)
    latest = max(soonest, elapsed + _QUIET * interval)
    windows = ((_BEFORE * took + _SETTLE, _AFTER * took + step) for took in known)
    times = [max(soonest, opens) for opens, closes in windows if closes >= soonest]
    if not times:
        return max(soonest - elapsed, interval)
    return min(*times, latest) - elapsed
