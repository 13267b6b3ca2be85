"""The manifests are valid by the schemas that their readers publish, taken from their packages."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from tests.install.generated import ROOT
from tests.install.packages import npm, pypi

pytestmark = pytest.mark.install
MCPB = ("@anthropic-ai/mcpb", "2.1.2", "schemas/mcpb-manifest-v0.4.schema.json")
REGISTRY = ("skillsaw", "0.22.0", "skillsaw/schemas/mcp_registry/v2025_12_11/server.schema.json")


def complaints(schema: Path, document: dict[str, Any]) -> list[str]:
    checker = Draft7Validator(json.loads(schema.read_text(encoding="utf-8")))
    return [error.message for error in checker.iter_errors(document)]


def manifest(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "manifests" / name).read_text(encoding="utf-8"))
    return found


def test_the_bundles_manifest_is_valid_and_a_misspelt_one_is_not() -> None:
    schema, good = npm(*MCPB), manifest("mcpb/manifest.json")

    assert complaints(schema, good) == []
    assert len(complaints(schema, {**good, "discription": "x"})) == 1
    assert len(complaints(schema, {**good, "server": {"type": "uv"}})) == 2


def test_the_registrys_entry_is_valid_and_a_long_description_is_not() -> None:
    schema, good = pypi(*REGISTRY), manifest("server.json")

    assert complaints(schema, good) == []
    assert good["$schema"] == json.loads(schema.read_text(encoding="utf-8"))["$id"]
    assert len(complaints(schema, {**good, "description": "x" * 101})) == 1
    assert len(complaints(schema, {**good, "name": "no namespace"})) == 1
