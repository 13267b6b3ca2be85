"""What a server costs before it has done anything, against a one-tool server of the same SDK."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

OURS = [sys.executable, "-m", "acestep_mcp"]
BASELINE = [sys.executable, "-m", "benchmarks.one_tool"]
HELLO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "bench", "version": "1"},
}


@dataclass(frozen=True, slots=True)
class Start:
    """One start: seconds until each answer, seconds of CPU until then, bytes resident at most."""

    initialize: float
    tools_list: float
    cpu: float
    memory: float


def start(command: Sequence[str]) -> Start:
    """Start a server, shake hands, list its tools, end it."""
    with tempfile.TemporaryDirectory() as folder:
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
            server.kill()
    return Start(greeted, listed, cpu, memory)


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
    """CPU seconds and peak resident bytes of a process, from /proc."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123  # not a file
        fields = file.read().rpartition(")")[2].split()
    with open(f"/proc/{pid}/status", encoding="ascii") as file:  # noqa: PTH123  # not a file
        peak = next(line for line in file if line.startswith("VmHWM"))
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), 1024 * int(
        peak.split()[1]
    )


def rows(rounds: int) -> list[tuple[str, float, float, str]]:
    """(what, ours, baseline, unit), medians over rounds that take turns."""
    pairs = [(start(OURS), start(BASELINE)) for _ in range(rounds + 1)][1:]
    named = (
        ("start to `initialize`", "initialize", 1000.0, "ms"),
        ("start to `tools/list`", "tools_list", 1000.0, "ms"),
        ("CPU until `tools/list`", "cpu", 1000.0, "ms"),
        ("peak memory", "memory", 1 / 2**20, "MiB"),
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
    pairs = [(timed([*OURS, "--version"]), timed(bare)) for _ in range(rounds + 1)][1:]
    return median(ours for ours, _ in pairs), median(base for _, base in pairs)
