"""The player in the conversation: an MCP Apps view bound to the tools that answer with one song.

Hosts that show no views ignore all of it: every answer stands without the player.
"""

from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from mcp.server.apps import APP_MIME_TYPE, Apps, ResourceCsp
from mcp.server.mcpserver.resources import FunctionResource

URI = f"ui://acestep/player-{version('acestep-mcp')}.html"
"""Hosts keep views by their address, so each release has its own."""

TOOL_META: dict[str, Any] = {"ui": {"resourceUri": URI}, "ui/resourceUri": URI}
"""The `_meta` of a tool whose answers the player shows; the flat key is for older hosts."""


def extension(origins: Sequence[str]) -> Apps:
    """The extension that publishes the player of a server whose tracks come from `origins`."""
    csp = ResourceCsp(resource_domains=list(origins))
    apps = Apps()
    apps.add_resource(
        FunctionResource.from_function(
            _html,
            URI,
            name="player",
            title="Player",
            description="Plays the song of an answer inside the conversation",
            mime_type=APP_MIME_TYPE,
            meta={
                "ui": {
                    "csp": csp.model_dump(by_alias=True, exclude_none=True),
                    "prefersBorder": True,
                }
            },
        )
    )
    return apps


async def _html() -> str:
    return files(__package__).joinpath("player.html").read_text(encoding="utf-8")
