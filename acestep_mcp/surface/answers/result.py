"""An answer as the protocol has it: text, structured content, and nothing that cannot be sent."""

from collections.abc import Set as AbstractSet
from typing import Any

from mcp_types import CallToolResult, ContentBlock, TextContent
from pydantic import BaseModel

from acestep_mcp.domain.text import well_formed


def text(said: str) -> TextContent:
    """A text, without half characters."""
    return TextContent(type="text", text=well_formed(said))


def result(
    content: list[ContentBlock],
    shown: BaseModel,
    *,
    is_error: bool = False,
    meta: dict[str, Any] | None = None,
    without: AbstractSet[str] = frozenset(),
) -> CallToolResult:
    """The answer, without the fields that have nothing to say in it."""
    return CallToolResult(
        content=content,
        structured_content=_encodable(shown.model_dump(exclude=set(without))),
        is_error=is_error,
        _meta=_encodable(meta),
    )


def _encodable(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """The value without lone surrogates: a single one would end the process on its way out."""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, list):
        return [_encodable(each) for each in value]
    if isinstance(value, dict):
        return {key: _encodable(each) for key, each in value.items()}
    return value
