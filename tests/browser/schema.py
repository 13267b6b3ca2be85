"""Whether messages are what the extension's own schema says, fetched when the tests run."""

import functools
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import mcp_types
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # comes with mcp
from pydantic import BaseModel

PACKAGE = "@modelcontextprotocol/ext-apps@2.0.4"
_SCHEMA = "package/dist/src/generated/schema.json"
_MCP: dict[str, type[BaseModel]] = {
    "ping": mcp_types.PingRequest,
    "resources/read": mcp_types.ReadResourceRequest,
    "tools/call": mcp_types.CallToolRequest,
}


def fetched(folder: Path) -> dict[str, Any]:
    """The definitions of the extension's messages, from npm; kept in `folder`."""
    found = list(folder.glob("*.tgz"))
    if not found:
        npm = shutil.which("npm") or pytest.skip("npm is needed: it brings the ext-apps schema")
        subprocess.run([npm, "pack", "--silent", PACKAGE], cwd=folder, check=True, timeout=60)
        found = list(folder.glob("*.tgz"))
    with tarfile.open(found[0]) as package:
        file = package.extractfile(_SCHEMA)
        assert file is not None
        definitions: dict[str, Any] = json.load(file)["$defs"]
    return definitions


class Judge:
    """Validates every message between a view and its host; raises at the first bad one."""

    def __init__(self, definitions: dict[str, Any]) -> None:
        self._definitions = definitions
        self._named = {
            definition["properties"]["method"]["const"]: name
            for name, definition in definitions.items()
            if "method" in definition.get("properties", {})
        }
        self.seen: list[str] = []

    def message(self, message: dict[str, Any]) -> None:
        """A request or a notification, of either side."""
        bare = {key: value for key, value in message.items() if key not in ("jsonrpc", "id")}
        method = bare["method"]
        assert message["jsonrpc"] == "2.0"
        if method in _MCP:
            _MCP[method].model_validate(bare)
        else:
            self._validator(self._named[method]).validate(bare)
        self.seen.append(method)

    def result(self, definition: str, result: dict[str, Any]) -> None:
        """The result of a request of the extension."""
        self._validator(definition).validate(result)

    @functools.cache  # noqa: B019  # a judge lives as long as its test
    def _validator(self, name: str) -> Draft202012Validator:
        return Draft202012Validator(self._definitions[name])
