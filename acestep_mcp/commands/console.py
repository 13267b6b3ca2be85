"""Where commands print for people."""

import sys

from rich import console


class Console(console.Console):
    """Rich's, that leaves it to `main` what happens when nobody reads any more."""

    def __init__(self) -> None:
        super().__init__(soft_wrap=not sys.stdout.isatty(), highlight=False)

    def on_broken_pipe(self) -> None:
        """Pass it on.

        Raises:
            BrokenPipeError: Always.
        """
        raise BrokenPipeError
