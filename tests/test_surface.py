"""What is published: names, schemas, annotations, sizes; and what an answer looks like."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from mcp_types import ResourceLink

from acestep_mcp.domain.catalogue import takers
from acestep_mcp.providers.pixazo.models import MODELS
from acestep_mcp.settings import Surface
from tests import generated
from tests.house import LYRICS, SONG, house, shown, text

ANSWER = {
    "request_id",
    "status",
    "message",
    "title",
    "model",
    "based_on",
    "prompt",
    "lyrics",
    "settings",
    "media_urls",
    "media_type",
    "files",
    "takes",
    "duration",
    "seed",
    "warnings",
    "error",
    "created_at",
    "completed_at",
}


@pytest.fixture(scope="module")
def tools() -> dict[str, dict[str, Any]]:
    return {tool["name"]: tool for tool in generated.tools()}


@pytest.mark.parametrize("surface", generated.TOOLS)
def test_the_published_tools_are_the_committed_snapshot(surface: Surface) -> None:
    committed = generated.TOOLS[surface].read_text(encoding="utf-8")
    assert committed == generated.snapshot(surface), "run make snap"


def test_the_pages_tables_are_what_the_code_says() -> None:
    for page, content in generated.pages().items():
        assert page.read_text(encoding="utf-8") == content, f"{page}: run make snap"


def test_the_readme_is_short_and_leads_only_to_addresses_that_work_elsewhere() -> None:
    text = generated.README.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text)

    assert len(text.splitlines()) <= 190
    assert all("://" in link for link in links)
    assert "PLACEHOLDER" not in text


@pytest.mark.parametrize("surface", generated.TOOLS)
def test_the_three_tools_cost_at_most_1300_tokens(surface: Surface) -> None:
    tools = generated.tools(surface)
    published = [
        {"name": tool["name"], "description": tool["description"], "input": tool["inputSchema"]}
        for tool in tools
    ]
    bytes_sent = len(json.dumps(published, ensure_ascii=False, separators=(",", ":")).encode())

    assert len(tools) == 3
    assert bytes_sent / 4 <= 1300


def test_schemas_are_flat_closed_and_every_argument_is_described_and_bounded(
    tools: dict[str, dict[str, Any]],
) -> None:
    for tool in tools.values():
        schema = tool["inputSchema"]
        assert schema["additionalProperties"] is False
        for name, each in schema["properties"].items():
            assert isinstance(each["type"], str), name
            assert each["description"], name
            assert each["type"] == "boolean" or each.keys() & {"enum", "maximum", "maxLength"}, name
            assert "default" in each or name in schema["required"], name
        for word in ("$ref", "$defs", "anyOf", "oneOf", "allOf", '"null"'):
            assert word not in json.dumps(schema), word
            assert word not in json.dumps(tool["outputSchema"]), word


def test_annotations_tell_the_truth(tools: dict[str, dict[str, Any]]) -> None:
    paid = tools["generate_song"]["annotations"]
    assert paid["readOnlyHint"] is False
    assert paid["idempotentHint"] is False
    assert paid["openWorldHint"] is True
    for name in ("get_status", "list_outputs"):
        assert tools[name]["annotations"]["readOnlyHint"] is True
        assert tools[name]["annotations"]["idempotentHint"] is True
    assert all(tool["title"] for tool in tools.values())


@pytest.mark.anyio
async def test_text_and_structured_content_each_suffice_alone(tmp_path: Path) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        answer = await home.finished(
            title="Лампа", lyrics=LYRICS, duration=10, batch_size=2, seed=7
        )
        song = shown(answer)

        assert set(song) == ANSWER
        assert song["status"] == "COMPLETED"
        assert len(song["media_urls"]) == len(song["files"]) == 2
        for fact in (song["request_id"], "Лампа", *song["media_urls"], *song["files"], "seed 7"):
            assert str(fact) in text(answer)
        assert (song["prompt"], song["lyrics"]) == (SONG["prompt"], LYRICS)
        assert song["settings"] == "batch_size 2"
        assert f"Lyrics:\n{LYRICS}" in text(answer)
        links = [part for part in answer.content if isinstance(part, ResourceLink)]
        assert [link.uri for link in links] == song["media_urls"]
        assert {link.mime_type for link in links} == {"audio/wav"}
        assert len(json.dumps(song, ensure_ascii=False).encode()) / 4 <= 400
        lines = text(answer).splitlines()
        assert {*song["media_urls"], *song["files"]} <= {*lines}, "each on a line of its own"
        assert {part.type for part in answer.content} == {"text", "resource_link"}


@pytest.mark.anyio
async def test_a_running_song_says_that_it_is_paid_and_what_to_call(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        answer = await home.generate()

        assert "it is paid for" in text(answer)
        assert "Call get_status with request_id" in text(answer)
        assert "do not call generate_song for it again" in text(answer)


@pytest.mark.anyio
async def test_a_dry_run_needs_no_key_sends_nothing_and_shows_what_would_be_sent_beyond_the_call(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, PIXAZO_API_KEY="") as home:
        answer = await home.generate(lyrics=LYRICS, key="f#min", batch_size=3, dry_run=True, seed=5)
        song = shown(answer)

        assert song["status"] == "DRY_RUN"
        assert "would buy 3 tracks" in song["message"]
        assert json.loads(song["request"]) == {"duration": song["duration"], "key": "F# minor"}
        assert song["seed"] == 5
        assert song["request"] in text(answer)
        assert home.sandbox.arrivals == []
        assert shown(await home.call("list_outputs"))["total"] == 0


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_both_protocol_eras_make_a_song(tmp_path: Path, mode: Any) -> None:
    async with house(tmp_path, mode=mode) as home:
        assert shown(await home.finished())["status"] == "COMPLETED"


def test_an_argument_that_only_one_model_takes_says_so(tools: dict[str, dict[str, Any]]) -> None:
    for name, each in tools["generate_song"]["inputSchema"]["properties"].items():
        models = takers(MODELS, name)
        if len(models) == 1 and name != "instrumental":  # written into the lyrics of the other
            assert f"{models[0]} only" in each["description"], name
