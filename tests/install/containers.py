"""What an engine of containers starts, given the files: their placeholders filled in as it does."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tests.install.generated import ROOT

_PLACEHOLDER = re.compile(r"\$\{(\w+):([-?])([^}]*)\}")
_ENV_FILE = re.compile(r"^\(umask 077; cat > \.env\) <<END\n(.*?)^END$", re.MULTILINE | re.DOTALL)
FOLDER = ROOT / "container"
COMPOSED: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
PORT = 8000
PASSWORD = "POSTGRES_PASSWORD"
REQUIRED = ("ACESTEP_PUBLIC_URL", "ACESTEP_ALLOWED_HOSTS", "ACESTEP_SECRET", PASSWORD)
"""What has no default that would be right for anyone."""


class Unset(Exception):
    """A value is missing without which nothing is started."""


@dataclass(frozen=True, slots=True)
class Start:
    """A process as the engine makes it, with commands that tell whether it is alive and ready."""

    command: tuple[str, ...]
    env: dict[str, str]
    alive: tuple[str, ...]
    ready: tuple[str, ...]


def text(name: str) -> str:
    """One of the files."""
    return (FOLDER / name).read_text(encoding="utf-8")


def server(given: Mapping[str, str]) -> Start:
    """A server, where the environment and `.env` give these values.

    Raises:
        Unset: One that is needed is not among them.
    """
    service = COMPOSED["services"]["server"]
    recipe = text("Dockerfile")
    return Start(
        command=(*_told(recipe, "ENTRYPOINT"), *_told(recipe, "CMD")),
        env={name: filled(value, given) for name, value in service["environment"].items()},
        alive=_told(recipe, "HEALTHCHECK .* CMD"),
        ready=tuple(service["healthcheck"]["test"][1:]),
    )


def filled(value: str, given: Mapping[str, str]) -> str:
    """`${NAME:-otherwise}` and `${NAME:?why not}`; an empty value is none."""

    def fill(found: re.Match[str]) -> str:
        if name := given.get(found[1]):
            return name
        if found[2] == "?":
            raise Unset(found[1])
        return found[3]

    return _PLACEHOLDER.sub(fill, value)


def documented() -> dict[str, str]:
    """What the documentation has people write into `.env`."""
    (block,) = _ENV_FILE.findall((ROOT / "docs" / "hosting.md").read_text(encoding="utf-8"))
    random = block.replace("$(openssl rand -hex 32)", "0123456789abcdef" * 4)
    return dict(line.split("=", 1) for line in random.splitlines())


def _told(recipe: str, instruction: str) -> tuple[str, ...]:
    (found,) = re.findall(rf"^{instruction} (\[.*\])$", recipe, re.MULTILINE)
    words: Any = json.loads(found)
    return tuple(words)
