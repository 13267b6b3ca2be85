"""`acestep-mcp sandbox`: the simulated gateway alone."""

import sys

import anyio

from acestep_mcp import sandbox


def run(port: int, speed: float) -> int:
    """Serve until interrupted."""
    try:
        anyio.run(sandbox.run, port, speed, _announce)
    except BrokenPipeError:  # nobody reads where it is
        raise
    except OSError as error:
        sys.stderr.write(f"acestep-mcp: port {port} cannot be used: {error.strerror}\n")
        return 1
    return 0


def _announce(base_url: str) -> None:
    print(  # noqa: T201  # for people
        f"The sandbox gateway listens at {base_url} (simulated: nothing is charged, and no model "
        "sings).\n"
        f"Point the server at it:  ACESTEP_BASE_URL={base_url}  PIXAZO_API_KEY=sandbox-key\n"
        "Stop it with Ctrl-C.",
        flush=True,
    )
