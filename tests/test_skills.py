"""The guide as an Agent Skill: in the repository, over MCP in both eras, from the front too."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import PaginatedRequestParams, Request, TextResourceContents

from acestep_mcp.front.answers import Front
from acestep_mcp.settings import read
from acestep_mcp.songcraft.guide import guide
from acestep_mcp.surface import skills
from acestep_mcp.surface.skills import SkillParams
from tests.front import published
from tests.house import House, house
from tests.test_tasks import AnyResult

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parent.parent


class Asked(Request[Any, str]):
    method: str


async def ask(home: House, method: str, params: Any) -> dict[str, Any]:
    request = Asked(method=method, params=params)
    return (await home.client.session.send_request(request, AnyResult)).model_dump()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_skill_is_listed_with_the_digest_of_what_is_read(
    tmp_path: Path, mode: Any
) -> None:
    async with house(tmp_path, mode=mode) as home:
        listed = await ask(home, "skills/list", PaginatedRequestParams())
        (entry,) = listed["skills"]
        got = await ask(home, "skills/get", SkillParams(uri=entry["uri"]))
        (content,) = (await home.client.read_resource(entry["uri"])).contents
        capabilities = home.client.session.server_capabilities

        assert isinstance(content, TextResourceContents)
        assert capabilities is not None
        text = content.text.encode()
        (file,) = entry["resources"]
        assert got["skill"] == entry
        assert (file["uri"], file["size"]) == (entry["uri"], len(text))
        assert file["digest"] == f"sha256:{hashlib.sha256(text).hexdigest()}"
        assert entry["uri"] == f"skill://{entry['frontmatter']['name']}/SKILL.md"
        assert (listed["resultType"], listed["cacheScope"]) == ("complete", "public")
        assert skills.SKILLS in (capabilities.extensions or {})


async def test_a_skill_that_does_not_exist_is_an_error_with_the_next_step(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        with pytest.raises(MCPError, match="see skills/list"):
            await ask(home, "skills/get", SkillParams(uri="skill://another/SKILL.md"))


def test_the_repositorys_skill_is_the_guide_with_its_head() -> None:
    text = (ROOT / "skills" / skills.NAME / "SKILL.md").read_text(encoding="utf-8")
    head, _, body = text.removeprefix("---\n").partition("---\n")

    assert text == skills.text()
    assert dict(line.split(": ", 1) for line in head.splitlines()) == dict(skills.FRONTMATTER)
    assert guide().partition("\n")[2] in body
    assert "Without that server" in body


def test_the_front_lists_the_skill_without_the_server() -> None:
    asked = Front(read(published.ENVIRONMENT))
    (line,) = published.lines(
        [published.request(1, "skills/list", published.signed("2026-07-28", {}))]
    )

    assert b"skill://write-a-song/SKILL.md" in (asked.answer(line) or b"")
