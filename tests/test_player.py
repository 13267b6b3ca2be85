"""The player as it is published: where, to whom, with which policy; and that it stands alone."""

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import pytest
from mcp_types import TextResourceContents

from acestep_mcp import server, settings
from acestep_mcp.providers.pixazo.client import media_origins
from acestep_mcp.surface import player
from tests import generated
from tests.house import House, environment, gateway, house, served

HTML = Path(player.__file__).with_suffix(".html")
BUCKET = "https://pub-582b7213209642b9b995c96c95a30381.r2.dev"


async def read(home: House) -> TextResourceContents:
    [contents] = (await home.client.read_resource(player.URI)).contents
    assert isinstance(contents, TextResourceContents)
    return contents


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_player_is_listed_and_read_in_both_protocol_eras(
    tmp_path: Path, mode: Literal["auto", "legacy"]
) -> None:
    async with house(tmp_path, mode=mode) as home:
        listed = {each.uri: each for each in (await home.client.list_resources()).resources}
        contents = await read(home)

        assert f"ui://acestep/player-{version('acestep-mcp')}.html" in listed
        assert listed[player.URI].mime_type == "text/html;profile=mcp-app"
        assert contents.mime_type == "text/html;profile=mcp-app"
        assert contents.text == HTML.read_text(encoding="utf-8")
        assert contents.meta == listed[player.URI].meta


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_extension_is_named_in_both_protocol_eras(
    tmp_path: Path, mode: Literal["auto", "legacy"]
) -> None:
    async with house(tmp_path, mode=mode) as home:
        extensions = home.client.server_capabilities.extensions

        assert extensions is not None
        assert extensions["io.modelcontextprotocol/ui"] == {}


def test_the_two_tools_that_answer_with_a_song_name_the_player_in_both_ways() -> None:
    named = {tool["name"]: tool.get("_meta") for tool in generated.tools()}
    meta = {"ui": {"resourceUri": player.URI}, "ui/resourceUri": player.URI}

    assert named == {"generate_song": meta, "get_status": meta, "list_outputs": None}


@pytest.mark.anyio
async def test_the_policy_names_the_documented_bucket_for_the_real_gateway() -> None:
    app = server.build(settings.read({"ACESTEP_DATA_DIR": "/nowhere", "HOME": "/"}))
    [found] = [each for each in await app.mcp.list_resources() if each.uri == player.URI]

    assert found.meta == {
        "ui": {"csp": {"resourceDomains": [BUCKET, "https://*.r2.dev"]}, "prefersBorder": True}
    }


@pytest.mark.anyio
async def test_the_policy_names_only_the_sandbox_where_the_gateway_is_one(tmp_path: Path) -> None:
    async with gateway() as sandbox, served(sandbox, tmp_path) as home:
        contents = await read(home)

        assert contents.meta is not None
        assert contents.meta["ui"]["csp"] == {"resourceDomains": [sandbox.base_url]}


def test_another_gateway_may_keep_its_tracks_itself() -> None:
    origins = media_origins("https://music.example.com")

    assert origins == ("https://music.example.com", BUCKET, "https://*.r2.dev")


def test_the_page_is_not_read_before_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    whole = Path.read_text

    def noted(path: Path, *how: Any, **more: Any) -> str:
        read.append(path.name)
        return whole(path, *how, **more)

    monkeypatch.setattr(Path, "read_text", noted)
    server.build(settings.read(environment("http://127.0.0.1:9", tmp_path)))

    assert "player.html" not in read


def test_the_page_refers_to_nothing_outside_itself_and_makes_no_markup_of_data() -> None:
    html = HTML.read_text(encoding="utf-8")

    assert re.findall(r"https?://[^\s\"'`]+", html) == []
    assert re.findall(r"<(?:link|script|img|iframe)\b[^>]*(?:src|href)\s*=", html) == []
    assert re.findall(r"@import|url\(|\bimport\s*\(|\bfetch\(|XMLHttpRequest|WebSocket", html) == []
    assert (
        re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", html) == []
    )
    assert re.findall(r"localStorage|sessionStorage|indexedDB|document\.cookie", html) == []
    assert html.index("<head>") < html.index("<script>")
    assert len(html.encode()) <= 50_000


def test_the_picture_in_the_documentation_is_small() -> None:
    picture = generated.ROOT / "docs" / "player.png"

    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size <= 200_000
