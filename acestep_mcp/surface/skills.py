"""The skills extension (SEP-2640): the guide as an Agent Skill, listed with its digest."""

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from mcp.server.context import HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver.resources import FunctionResource
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, PaginatedRequestParams, RequestParams
from pydantic import ConfigDict

SKILLS = "io.modelcontextprotocol/skills"
NAME = "write-a-song"
URI = f"skill://{NAME}/SKILL.md"
FRONTMATTER: Mapping[str, str] = MappingProxyType(
    {
        "name": NAME,
        "description": (
            "Write lyrics and a style caption for ACE-Step 1.5 that come out well as a sung song, "
            "and have it made. Use when somebody wants a song, lyrics for one, or music for a text."
        ),
        "license": "MIT",
    }
)
"""What the skill says of itself."""
_WITH_AND_WITHOUT = """\
With the acestep-mcp server, call `generate_song` with what you wrote: first with `dry_run=true`,
which is free and names what would go wrong, then once without it. A song costs money or time, so
show the lyrics before. Without that server, write prompt and lyrics as below and give them to
whoever has the model: its web page and other services take the same two texts.
"""
_CACHE = {"ttlMs": 300_000, "cacheScope": "public"}

Ctx = ServerRequestContext[Any, Any]


class SkillParams(RequestParams):
    """Which skill is asked for."""

    model_config = ConfigDict(extra="allow")
    uri: str


class Skills(Extension):
    """Answers `skills/list` and `skills/get`; the file itself is an ordinary resource."""

    identifier = SKILLS

    def methods(self) -> Sequence[MethodBinding]:
        """The two requests."""
        return [
            MethodBinding("skills/list", PaginatedRequestParams, _list),
            MethodBinding("skills/get", SkillParams, _get),
        ]


def text() -> str:
    """The guide as the `SKILL.md` of an Agent Skill, of use with and without the server."""
    from acestep_mcp.songcraft.guide import guide  # noqa: PLC0415  # read when asked for

    head = "".join(f"{name}: {value}\n" for name, value in FRONTMATTER.items())
    title, _, rest = guide().partition("\n")
    return f"---\n{head}---\n\n{title}\n\n{_WITH_AND_WITHOUT}{rest}"


def resource() -> FunctionResource:
    """The skill's one file."""

    async def skill() -> str:
        return text()

    return FunctionResource.from_function(
        skill,
        URI,
        name=FRONTMATTER["name"],
        title="Skill: write a song",
        description=FRONTMATTER["description"],
        mime_type="text/markdown",
    )


async def _list(_ctx: Ctx, _params: PaginatedRequestParams) -> HandlerResult:
    return {"resultType": "complete", "skills": [_entry()], **_CACHE}


async def _get(_ctx: Ctx, params: SkillParams) -> HandlerResult:
    if params.uri != URI:
        raise MCPError(INVALID_PARAMS, "no skill has that uri; see skills/list")
    return {"resultType": "complete", "skill": _entry(), **_CACHE}


def _entry() -> dict[str, Any]:
    content = text().encode()
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    file = {"uri": URI, "digest": digest, "size": len(content)}
    return {"uri": URI, "frontmatter": dict(FRONTMATTER), "resources": [file]}
