"""What the server writes to stderr, and what it loads for that."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def set_up(level: str) -> None:
    """Before the SDK does it, and quieter than it would be: every poll is a line."""
    logging.basicConfig(level=level)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("mcp").setLevel(max(logging.WARNING, logging.getLogger().level))


@contextmanager
def plain() -> Iterator[None]:
    """Keep the SDK from loading rich for a log handler; logging is set up already.

    It takes rich wherever that is installed, which is 40 ms of every start.
    """
    hidden = ("rich.console", "rich.logging")
    loaded = {name: sys.modules[name] for name in hidden if name in sys.modules}
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: cannot be imported
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
        sys.modules.update(loaded)
