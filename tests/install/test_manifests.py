"""`manifests/` is what the table of clients says, and says what is true."""

import io
import json
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from acestep_mcp import settings
from acestep_mcp.install.clients import CLIENTS
from acestep_mcp.install.entries import published
from acestep_mcp.install.project import KEY
from publish import bundle, project
from publish.markdown import client_table
from tests import generated as published_tools
from tests.clients import subjects
from tests.install import generated

ROOT = generated.ROOT
LONGEST_CALL = 52
"""Seconds: the longest `wait` and the two that an answer may take besides."""


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return generated.files()


def pixels(png: bytes) -> bytes:
    """The rows of a PNG; compressed, they differ from one zlib to the next."""
    found, at = b"", 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        found += png[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    return zlib.decompress(found)


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from (name, *strings(each))
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
    else:
        yield str(value)


def test_0_manifests_drift_and_none_is_left_over(files: dict[str, bytes]) -> None:
    texts = {path: content for path, content in files.items() if not path.endswith(".png")}
    drifted = [path for path, content in texts.items() if (ROOT / path).read_bytes() != content]

    assert drifted == [], "run python -m tests.install.generated"
    assert generated.present() == set(files)
    assert len(files) == 19


def test_the_icon_is_512_by_512() -> None:
    png = (ROOT / "manifests" / "mcpb" / "icon.png").read_bytes()

    assert struct.unpack(">4sII", png[12:24]) == (b"IHDR", 512, 512)


def test_the_bundle_is_the_same_to_the_byte_every_time_and_has_what_it_needs() -> None:
    built = bundle.build()
    with zipfile.ZipFile(io.BytesIO(built)) as archive:
        names = archive.namelist()
        manifest = json.loads(archive.read("manifest.json"))

    assert built == bundle.build()
    assert names == sorted(names)
    assert {"pyproject.toml", "uv.lock", "README.md", "LICENSE", "icon.png"} <= {*names}
    assert {manifest["server"]["entry_point"], "acestep_mcp/cli.py"} <= {*names}
    assert {"acestep_mcp/songcraft/guide.md", "acestep_mcp/surface/player.html"} <= {*names}
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]


def test_the_bundle_does_not_depend_on_when_or_where_it_was_built(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(bundle.build())) as archive:
        members = archive.infolist()
        archive.extractall(tmp_path)
    for name in ("manifest.json", "icon.png"):
        target = tmp_path / "manifests" / "mcpb" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).rename(target)

    assert {each.date_time for each in members} == {(1980, 1, 1, 0, 0, 0)}
    assert {each.compress_type for each in members} == {zipfile.ZIP_STORED}
    assert bundle.build(tmp_path) == bundle.build()


def test_no_manifest_holds_a_key_and_each_says_how_to_get_it(files: dict[str, bytes]) -> None:
    for client in CLIENTS:
        if not client.key:
            assert KEY not in json.dumps(published(client))
    asked = [
        json.loads(files["manifests/mcpb/manifest.json"])["user_config"]["api_key"],
        json.loads(files["manifests/claude-code/.claude-plugin/plugin.json"])["userConfig"][
            "api_key"
        ],
        json.loads(files["gemini-extension.json"])["settings"][0],
        json.loads(files["manifests/vscode.json"])["inputs"][0],
    ]

    assert [each.get("sensitive") or each.get("password") for each in asked] == [True] * 4
    assert asked[0]["required"] is True
    assert all(settings.KEY_PAGE in each["description"] for each in asked[:3])


def test_every_variable_that_is_named_is_one_of_ours(files: dict[str, bytes]) -> None:
    known = {row.name for row in settings.VARIABLES}
    documents = [json.loads(text) for name, text in files.items() if name.endswith("json")]
    named = {each for document in documents for each in strings(document)}
    ours = {each for each in named if each.startswith(("ACESTEP_", "PIXAZO_")) and each.isupper()}

    assert ours == {"PIXAZO_API_KEY", "ACESTEP_OUTPUT_DIR", "ACESTEP_DAILY_LIMIT"}
    assert ours <= known


def test_the_bundle_lists_the_three_tools_that_the_server_has(files: dict[str, bytes]) -> None:
    manifest = json.loads(files["manifests/mcpb/manifest.json"])
    tools = published_tools.tools()

    assert [each["name"] for each in manifest["tools"]] == [each["name"] for each in tools]
    for shown, tool in zip(manifest["tools"], tools, strict=True):
        assert tool["description"].startswith(shown["description"].rstrip("."))


def test_no_client_cuts_a_call_off_before_it_answers_or_a_start_before_it_is_made() -> None:
    assert all(client.call is None or client.call > LONGEST_CALL for client in CLIENTS)
    assert all(client.start is None or client.start >= 10 for client in CLIENTS)
    assert len([client for client in CLIENTS if client.call is not None]) >= 6


def test_whoever_publishes_is_named_by_one_variable() -> None:
    code = (
        "from publish import manifests, markdown\n"
        "said = manifests.files([]) \n"
        "print(said['manifests/server.json'].decode(), said['plugin.json'].decode())\n"
        "print(markdown.owned(open('README.md', encoding='utf-8').read()))\n"
        "print(markdown.owned(open('pyproject.toml', encoding='utf-8').read()))\n"
    )
    environ = {**os.environ, "ACESTEP_PUBLISHER": "somebody-else"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, check=True
    )
    said = done.stdout.decode()

    assert "io.github.somebody-else/acestep-mcp" in said
    assert f"{project.OWNER}/acestep-mcp" not in said


def test_the_readme_has_one_line_for_every_client() -> None:
    table = client_table()

    for client in CLIENTS:
        assert f"`acestep-mcp install {client.name}`" in table
    assert table.count("\n| ") == 1 + len(CLIENTS)


def test_the_readme_has_a_row_for_each_framework_and_program_that_was_tried() -> None:
    rows = subjects.table().splitlines()[2:]
    frameworks = {each.name for each in subjects.SUBJECTS} - {
        each.name for each in subjects.SUBJECTS if each.title.startswith("MCP ")
    }

    assert len(rows) == len(subjects.SUBJECTS) + len(subjects.PROGRAMS) == 18
    assert len({name.removesuffix("-5s") for name in frameworks}) == 7
