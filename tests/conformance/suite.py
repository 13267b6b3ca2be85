"""The official MCP conformance suite: its npm package, what it offers, and what it found."""

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import anyio

PACKAGE = "@modelcontextprotocol/conformance@0.2.0-alpha.12"
NODE = "node@22"  # the suite needs functions that Node 20 does not have
EXTENSION = "extension"
"""What stands in place of versions where a scenario is about an extension of the protocol."""

_OFFERED = re.compile(r"^  - ([\w-]+) \[([\w,-]+)\]$", re.MULTILINE)
_RESULT = re.compile(r"server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z")
_FAILED = ("FAILURE", "WARNING")
"""A warning is a SHOULD that was not kept, and wants a reason as much as a failure does."""


class SuiteError(Exception):
    """The suite did not do what it was asked to."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Checks by what came of them, each as `scenario:check`; what was skipped is in neither."""

    passed: frozenset[str]
    failed: frozenset[str]

    def __or__(self, other: "Findings") -> "Findings":
        """Both together."""
        return Findings(self.passed | other.passed, self.failed | other.failed)


@dataclass(frozen=True, slots=True)
class Suite:
    """The installed suite, started by `command`."""

    command: tuple[str, ...]

    @classmethod
    def installed(cls, folder: Path) -> Self:
        """Install it from npm."""
        npm = ["npm", "install", "--silent", "--prefix", str(folder), NODE, PACKAGE]
        subprocess.run(npm, check=True)
        modules = folder / "node_modules"
        program = modules / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
        return cls((str(modules / ".bin" / "node"), str(program)))

    async def offered(self) -> Mapping[str, frozenset[str]]:
        """Every protocol version it knows, and `extension`, with the scenarios of each.

        Raises:
            SuiteError: It does not say.
        """
        scenarios = _OFFERED.findall(await self._said("list", "--server"))
        versions = sorted({version for _, listed in scenarios for version in listed.split(",")})
        if not versions:
            raise SuiteError("the suite lists no scenarios")
        return {
            version: frozenset(name for name, listed in scenarios if version in listed.split(","))
            for version in versions
        }

    async def version(self, url: str, version: str, scenarios: frozenset[str]) -> Findings:
        """What it finds at `url` in this version, of which these are all the scenarios."""
        return await self._findings(url, scenarios, "--suite", "all", "--spec-version", version)

    async def scenario(self, url: str, name: str) -> Findings:
        """What it finds in one scenario, in the version that this calls for."""
        return await self._findings(url, frozenset({name}), "--scenario", name)

    async def _findings(self, url: str, scenarios: frozenset[str], *asked: str) -> Findings:
        async with anyio.TemporaryDirectory() as folder:
            said = await self._said("server", "--url", url, "--output-dir", folder, *asked)
            ran = {match[1]: each for each in Path(folder).iterdir() if (match := _named(each))}
            if missing := scenarios - set(ran):
                raise SuiteError(f"{', '.join(sorted(missing))} did not end:\n{said[-2000:]}")
            return _read(ran)

    async def _said(self, *arguments: str) -> str:
        done = await anyio.run_process(
            [*self.command, *arguments], check=False, stderr=subprocess.STDOUT
        )
        return done.stdout.decode("utf-8", "replace")


def _named(folder: Path) -> re.Match[str] | None:
    return _RESULT.fullmatch(folder.name)


def _read(ran: Mapping[str, Path]) -> Findings:
    """One verdict for every check, the worst where a scenario came to it several times."""
    found = [
        (f"{scenario}:{check['id']}", check["status"])
        for scenario, folder in ran.items()
        for check in json.loads((folder / "checks.json").read_bytes())
    ]
    failed = frozenset(name for name, status in found if status in _FAILED)
    return Findings(
        frozenset(name for name, status in found if status == "SUCCESS") - failed, failed
    )
