"""What can be read: the guide. It costs no token until it is."""

from mcp.server.mcpserver.resources import FunctionResource

GUIDE = "acestep://guide"


def guide() -> FunctionResource:
    """How to write captions and lyrics for ACE-Step, as Markdown."""
    return FunctionResource.from_function(
        _guide,
        GUIDE,
        name="guide",
        title="Writing songs for ACE-Step",
        description="How to write prompt, lyrics and settings; with examples in four languages",
        mime_type="text/markdown",
    )


async def _guide() -> str:
    from acestep_mcp.songcraft.guide import guide as text  # noqa: PLC0415  # read when asked for

    return text()
