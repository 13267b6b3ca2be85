"""Whether all that a release publishes is of one version: `python -m publish.versions v1.2.3`."""

import json
import sys
import tomllib
from pathlib import Path

_ROOT = Path(__file__).parent.parent
_MANIFESTS = (
    "plugin.json",
    "gemini-extension.json",
    "manifests/server.json",
    "manifests/mcpb/manifest.json",
    "manifests/claude-code/.claude-plugin/plugin.json",
)


def found(root: Path = _ROOT) -> dict[str, str]:
    """The version that each file names."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    read = {name: json.loads((root / name).read_text(encoding="utf-8")) for name in _MANIFESTS}
    return {
        "pyproject.toml": project["version"],
        **{name: content["version"] for name, content in read.items()},
    }


def main(tag: str) -> int:
    """0 where all are the tag's."""
    wanted = tag.removeprefix("v")
    wrong = {name: version for name, version in found().items() if version != wanted}
    for name, version in wrong.items():
        sys.stderr.write(f"{name} is of {version}, the tag of {wanted}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
