"""The clients and frameworks that `make clients` tries. To add one, add a row and a driver.

The releases are those that were tried last; a row is the README's row too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

QUICK = 1.2
"""Seconds the sandbox takes for a song."""
SLOW = 9.0
"""Longer than the shortest patience among the frameworks, 5 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One client in an environment of its own.

    Attributes:
        packages: What its environment gets, from the registry of its kind.
        driver: A module or script in `drivers/`.
        options: What the driver is told besides.
        expected: What the report must hold besides tools and URLs.
        seconds: How long the song takes.
    """

    name: str
    title: str
    kind: Literal["python", "node"] = "python"
    packages: tuple[str, ...]
    driver: str
    options: Mapping[str, Any] = field(default_factory=dict)
    expected: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = QUICK


_OFFICIAL = ("mcp==2.3.0",)
_OPENAI = ("openai-agents==0.24.0",)
_INSPECTOR = ("@modelcontextprotocol/inspector@2.12.0",)

SUBJECTS: tuple[Subject, ...] = (
    Subject(
        name="python-legacy",
        title="MCP Python client, handshake era",
        packages=_OFFICIAL,
        driver="official",
        options={"mode": "legacy"},
        expected={"protocol": "2025-11-25"},
    ),
    Subject(
        name="python-modern",
        title="MCP Python client, 2026 era",
        packages=_OFFICIAL,
        driver="official",
        options={"mode": "2026-07-28"},
        expected={"protocol": "2026-07-28"},
    ),
    Subject(
        name="typescript",
        title="MCP TypeScript client 2",
        kind="node",
        packages=("@modelcontextprotocol/client@2.4.0",),
        driver="typescript.mjs",
        options={"package": "@modelcontextprotocol/client"},
    ),
    Subject(
        name="typescript-1",
        title="MCP TypeScript SDK 1",
        kind="node",
        packages=("@modelcontextprotocol/sdk@1.32.2",),
        driver="typescript.mjs",
        options={"package": "@modelcontextprotocol/sdk"},
    ),
    Subject(
        name="inspector-legacy",
        title="MCP Inspector, strict, handshake era",
        kind="node",
        packages=_INSPECTOR,
        driver="inspector",
        options={"mode": "legacy"},
    ),
    Subject(
        name="inspector-modern",
        title="MCP Inspector, strict, 2026 era",
        kind="node",
        packages=_INSPECTOR,
        driver="inspector",
        options={"mode": "modern"},
    ),
    Subject(name="fastmcp", title="fastmcp", packages=("fastmcp==4.1.2",), driver="fast"),
    Subject(
        name="openai-agents",
        title="openai-agents",
        packages=_OPENAI,
        driver="openai",
        options={"patience": True},
        expected={"strict": True, "cut": 0},
    ),
    Subject(
        name="openai-agents-5s",
        title="openai-agents, its 5 s default",
        packages=_OPENAI,
        driver="openai",
        expected={"strict": True, "cut": 1},
        seconds=SLOW,
    ),
    Subject(
        name="pydantic-ai",
        title="pydantic-ai",
        packages=("pydantic-ai-slim[mcp]==2.68.0",),
        driver="pydantic",
    ),
    Subject(
        name="langchain",
        title="langchain-mcp-adapters",
        packages=("langchain-mcp-adapters==0.3.2",),
        driver="langchain",
    ),
    Subject(
        name="llama-index",
        title="llama-index",
        packages=("llama-index-tools-mcp==0.6.0",),
        driver="llama",
    ),
    Subject(name="mcp-use", title="mcp-use", packages=("mcp-use==1.7.1",), driver="mcpuse"),
    Subject(
        name="smolagents",
        title="smolagents",
        packages=("smolagents[mcp]==1.26.0", "mcp[ws]<2"),  # its adapter does not import mcp 2
        driver="smol",
    ),
)

PROGRAMS = {
    "claude_code": "@anthropic-ai/claude-code@2.1.197",
    "codex": "@openai/codex@0.169.0",
    "gemini_cli": "@google/gemini-cli@0.61.0",
    "mcpb": "@anthropic-ai/mcpb@2.1.2",
}
"""The command-line programs that `programs` tries."""


def table() -> str:
    """The README's table of what was tried, with releases."""
    tried = [(each.title, ", ".join(each.packages), "a song, its URL") for each in SUBJECTS]
    shown = {
        "claude_code": ("Claude Code", "install, plugin, connected"),
        "codex": ("Codex", "install, manifest read"),
        "gemini_cli": ("Gemini CLI", "install, extension valid"),
        "mcpb": ("MCPB tool", "bundle valid, unpacked"),
    }
    tried += [(shown[name][0], package, shown[name][1]) for name, package in PROGRAMS.items()]
    rows = [f"| {title} | `{packages}` | {result} |" for title, packages, result in tried]
    return "\n".join(["| client | release | tried |", "|---|---|---|", *rows])
