"""The way in. Without a command nothing is imported here that only the commands need."""

import sys
from collections.abc import Sequence

from acestep_mcp.settings import SettingsError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    _speak_utf8()
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except SettingsError as error:
        sys.stderr.write(f"acestep-mcp: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130


def _run(argv: Sequence[str]) -> int:
    if not argv:
        from acestep_mcp.commands.serve import run

        return run()
    from acestep_mcp.commands.parser import parse

    arguments = parse(argv)
    return int(arguments.run(arguments))


def _speak_utf8() -> None:
    """Lyrics are in every script, and a console's code page may hold hardly any."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
