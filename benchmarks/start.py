"""What a server costs before it has done anything, against a one-tool server of the same SDK."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

COMMAND = [sys.executable, "-m", "acestep_mcp"]
OURS = COMMAND, {"name": "list_outputs", "arguments": {}}
BASELINE = (
    [sys.executable, "-m", "benchmarks.one_tool"],
    {"name": "echo", "arguments": {"text": "hello"}},
)
HELLO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "bench", "version": "1"},
}


@dataclass(frozen=True, slots=True)
class Start:
    """One start: seconds until each answer; CPU seconds and bytes resident after the listing."""

    initialize: float
    tools_list: float
    cpu: float
    memory: float
    first_tool: float


def start(command: Sequence[str], call: Mapping[str, object], folder: str) -> Start:
    """Start a server on the ledger in `folder`, shake hands, list its tools, call one, end it."""
    environ = {**os.environ, "ACESTEP_DATA_DIR": folder, "HOME": folder}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.perf_counter()
    with subprocess.Popen(  # noqa: S603  # this project's own command
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ
    ) as server:
        _ask(server, 1, "initialize", HELLO)
        greeted = time.perf_counter() - began
        _ask(server, 2, "tools/list", {})
        listed = time.perf_counter() - began
        cpu, memory = _used(server.pid)
        _ask(server, 3, "tools/call", call)
        called = time.perf_counter() - began
        server.kill()
    return Start(greeted, listed, cpu, memory, called)


def _ask(server: "subprocess.Popen[bytes]", number: int, method: str, params: object) -> None:
    assert server.stdin is not None  # noqa: S101  # opened above
    assert server.stdout is not None  # noqa: S101  # opened above
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    server.stdin.write(json.dumps(message).encode() + b"\n")
    server.stdin.flush()
    if method == "initialize":
        server.stdin.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
    while json.loads(server.stdout.readline()).get("id") != number:
        pass


def _used(pid: int) -> tuple[float, float]:
    """CPU seconds and resident bytes of a process, from /proc."""
    process = Path(f"/proc/{pid}")
    threads = (
        each.joinpath("schedstat").read_text() for each in process.joinpath("task").iterdir()
    )
    cpu = sum(int(thread.split()[0]) for thread in threads) / 1e9
    return cpu, int(process.joinpath("statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def rows(rounds: int) -> list[tuple[str, float, float, str]]:
    """(what, ours, baseline, unit), medians over rounds that take turns."""
    with tempfile.TemporaryDirectory() as folder:
        pairs = [
            (start(*OURS, folder), start(*BASELINE, folder))
            for _ in range(rounds + 1)  # the first makes the ledger, and is left out
        ][1:]
    named = (
        ("start to `initialize`", "initialize", 1000.0, "ms"),
        ("start to `tools/list`", "tools_list", 1000.0, "ms"),
        ("CPU until `tools/list`", "cpu", 1000.0, "ms"),
        ("memory after `tools/list`", "memory", 1 / 2**20, "MiB"),
        ("start to the first tool's answer", "first_tool", 1000.0, "ms"),
    )
    return [
        (
            what,
            scale * median(getattr(ours, field) for ours, _ in pairs),
            scale * median(getattr(base, field) for _, base in pairs),
            unit,
        )
        for what, field, scale, unit in named
    ]


def imports(rounds: int) -> tuple[float, float]:
    """CPU milliseconds of importing the SDK, and of our server on top of it."""
    code = (
        "import time; t=time.process_time(); import mcp.server.mcpserver; a=time.process_time();"
        "import acestep_mcp.server, acestep_mcp.surface.stdio; b=time.process_time();"
        "print(1000*(a-t), 1000*(b-a))"
    )
    runs = [
        subprocess.run(  # noqa: S603  # this interpreter
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(rounds + 1)
    ][1:]
    return median(float(sdk) for sdk, _ in runs), median(float(own) for _, own in runs)


def version(rounds: int) -> tuple[float, float]:
    """Milliseconds of `--version`, and of a bare interpreter."""

    def timed(command: list[str]) -> float:
        began = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)  # noqa: S603  # own commands
        return 1000 * (time.perf_counter() - began)

    bare = [sys.executable, "-c", "pass"]
    pairs = [(timed([*COMMAND, "--version"]), timed(bare)) for _ in range(rounds + 1)][1:]
    return median(ours for ours, _ in pairs), median(base for _, base in pairs)
