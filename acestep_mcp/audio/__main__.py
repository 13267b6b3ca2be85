"""The decoder's process: one request on stdin, one answer on stdout."""

import json
import sys
from typing import Any

_MEMORY = 2 << 30  # bytes of addresses; a song takes some 400 MB of them
_LARGEST_FILE = 1 << 30  # bytes that may be written to one
_FILES = 64


def main() -> None:
    """Answer."""
    request: dict[str, Any] = json.loads(sys.stdin.buffer.read())
    sys.stdin.close()
    _bound(int(request["cpu"]))
    # Only now is anything loaded that reads what others wrote.
    from acestep_mcp.audio.work import answer  # noqa: PLC0415  # as said

    sys.stdout.write(json.dumps(answer(request)))


def _bound(cpu: int) -> None:
    """Take this process the means to do harm, as far as the system lets it."""
    try:
        import resource  # noqa: PLC0415  # Windows has none
    except ImportError:
        return
    limits = {
        "RLIMIT_AS": _MEMORY,
        "RLIMIT_CPU": cpu,
        "RLIMIT_FSIZE": _LARGEST_FILE,
        "RLIMIT_NOFILE": _FILES,
        "RLIMIT_CORE": 0,
    }
    for name, most in limits.items():
        try:
            which = getattr(resource, name)
            allowed = resource.getrlimit(which)[1]
            lower = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
            resource.setrlimit(which, (lower, lower))
        except (AttributeError, OSError, ValueError):
            continue  # one that this system does not know or does not let be set


if __name__ == "__main__":
    main()
