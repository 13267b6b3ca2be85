"""The way in. Without a command nothing is imported here that only the commands need."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from acestep_mcp.settings import SettingsError

NOBODY_READS = 141
"""Exit status where whoever read stdout has gone: as a shell reports death by SIGPIPE, 128 + 13."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    _open_streams()
    try:
        status = _run(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
    except SettingsError as error:
        status = _complain(str(error), 2)
    except ImportError as error:
        status = _complain(f"the installation is incomplete ({error}); install it anew", 1)
    except KeyboardInterrupt:
        status = 130
    except OSError as error:
        status = _unwritten(error)
    except BaseExceptionGroup as group:
        faults, rest = group.split(OSError)
        if rest or not faults:
            raise
        status = _unwritten(_first(faults))
    try:
        sys.stderr.flush()
    except OSError:
        _hush(2)
    return status


def _run(argv: Sequence[str]) -> int:
    if not argv:
        from acestep_mcp.commands.serve import run

        return run()
    from acestep_mcp.commands.parser import parse

    try:
        arguments = parse(argv)
    except SystemExit as done:  # after --help, or a complaint
        return int(done.code or 0)
    return int(arguments.run(arguments))


def _open_streams() -> None:
    """Have stdin, stdout and stderr, and in UTF-8.

    One that is closed would be given to the first file that is opened, and what is then printed
    would go into that: into the ledger, say.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115  # for good
        # Lyrics are in every script, and a console's code page may hold hardly any.
        if hasattr(getattr(sys, name), "reconfigure"):
            getattr(sys, name).reconfigure(encoding="utf-8", errors="replace")


def _first(group: BaseExceptionGroup[OSError]) -> OSError:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def _complain(text: str, status: int) -> int:
    with suppress(OSError):
        sys.stderr.write(f"acestep-mcp: {text}\n")
    return status


def _unwritten(error: OSError) -> int:
    """Say that something cannot be written or read, unless it is that nobody reads."""
    try:
        sys.stdout.flush()
    except OSError as unheard:
        _hush(1)
        if isinstance(unheard, BrokenPipeError):
            return NOBODY_READS
    return _complain(f"it cannot go on: {error.strerror or error}", 1)


def _hush(number: int) -> None:
    """Send what is left to be written nowhere, so that ending does not try once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
