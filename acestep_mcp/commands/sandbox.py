"""`acestep-mcp sandbox`: the simulated gateway alone."""

import sys

import anyio

from acestep_mcp import sandbox


def run(port: int, speed: float, *, own: bool) -> int:
    """Serve until interrupted: the gateway, or a server such as people run themselves."""
    try:
        if own:
            anyio.run(_own, port, speed)
        else:
            anyio.run(sandbox.run, port, speed, _announce)
    except BrokenPipeError:  # nobody reads where it is
        raise
    except OSError as error:
        sys.stderr.write(f"acestep-mcp: port {port} cannot be used: {error.strerror}\n")
        return 1
    return 0


async def _own(port: int, speed: float) -> None:
    from acestep_mcp.sandbox.own import OwnServer  # noqa: PLC0415  # a web framework

    async with OwnServer(seconds=16 / speed).serving(port) as base_url:
        print(  # noqa: T201  # for people
            f"A simulated ACE-Step API server listens at {base_url} (no model sings).\n"
            f"Point the server at it:  ACESTEP_SERVER_URL={base_url}\n"
            "Stop it with Ctrl-C.",
            flush=True,
        )
        await anyio.sleep_forever()


def _announce(base_url: str) -> None:
    print(  # noqa: T201  # for people
        f"The sandbox gateway listens at {base_url} (simulated: nothing is charged, and no model "
        "sings).\n"
        f"Point the server at it:  ACESTEP_BASE_URL={base_url}  PIXAZO_API_KEY=sandbox-key\n"
        "Stop it with Ctrl-C.",
        flush=True,
    )
