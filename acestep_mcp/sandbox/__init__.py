"""The simulated gateway: real HTTP on loopback, a small synthesizer, and faults on demand.

It serves the demonstration of users without a key, and it is the fault injector of the tests.
Nothing in the package but the command line may import it.

    sandbox = Sandbox(profile=Profile.manual())
    async with sandbox.serving() as base_url:
        sandbox.faults.add("submit", reset_peer("after"))
        ...
        assert len(sandbox.jobs) == 1
"""

from acestep_mcp.sandbox.command import run
from acestep_mcp.sandbox.faults import (
    Faults,
    Toxic,
    hold,
    latency,
    limit_data,
    reply,
    reset_peer,
    slicer,
    slow_close,
    timeout,
)
from acestep_mcp.sandbox.gateway import Sandbox
from acestep_mcp.sandbox.jobs import Job, Profile
from acestep_mcp.sandbox.messages import Arrival
from acestep_mcp.sandbox.webhooks import CallbackSent

__all__ = [
    "Arrival",
    "CallbackSent",
    "Faults",
    "Job",
    "Profile",
    "Sandbox",
    "Toxic",
    "hold",
    "latency",
    "limit_data",
    "reply",
    "reset_peer",
    "run",
    "slicer",
    "slow_close",
    "timeout",
]
