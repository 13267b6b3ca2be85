"""Asking a person before their money is spent, where their client can be asked.

Two protocol eras, one question. Since 2026-07-28 the question is the answer to the call, which
the client repeats with the person's reply; before that it is a request of the server's own. A
client that cannot be asked is not asked: an error it cannot act on would help nobody.
"""

from typing import Any

import anyio
from mcp.server.elicitation import AcceptedElicitation, render_elicitation_schema
from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp_types import (
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
)
from mcp_types.version import is_version_at_least
from pydantic import BaseModel, Field

from acestep_mcp.domain.errors import NotConfirmed

_KEY = "confirm"
_WITHIN = 45.0  # seconds for a person to answer, below the shortest common limit of a call


class Confirmation(BaseModel):
    """The form that is shown."""

    go_ahead: bool = Field(default=False, description="Generate the song and pay for it")


async def confirm(ctx: Context[Any, Any], question: str) -> InputRequiredResult | None:
    """None when the person agreed, or cannot be asked; else what to answer to ask them.

    Raises:
        NotConfirmed: They declined, closed the question or did not answer.
    """
    if not _can_be_asked(ctx):
        return None
    if is_version_at_least(ctx.request_context.protocol_version, "2026-07-28"):
        return _over_two_calls(ctx, question)
    if not await _within_this_call(ctx, question):
        raise NotConfirmed
    return None


def _can_be_asked(ctx: Context[Any, Any]) -> bool:
    capabilities = ctx.client_capabilities
    return capabilities is not None and capabilities.elicitation is not None


def _over_two_calls(ctx: Context[Any, Any], question: str) -> InputRequiredResult | None:
    replied = (ctx.input_responses or {}).get(_KEY)
    if replied is None:
        form = render_elicitation_schema(Confirmation)
        params = ElicitRequestFormParams(message=question, requested_schema=form)
        return InputRequiredResult(input_requests={_KEY: ElicitRequest(params=params)})
    content = replied.content if isinstance(replied, ElicitResult) else None
    if not isinstance(replied, ElicitResult) or replied.action != "accept" or not content:
        raise NotConfirmed
    if content.get("go_ahead") is not True:
        raise NotConfirmed
    return None


async def _within_this_call(ctx: Context[Any, Any], question: str) -> bool:
    with anyio.move_on_after(_WITHIN):
        try:
            replied = await ctx.elicit(question, Confirmation)
        except (MCPError, ValueError):  # the client failed to ask, or filled in something else
            return False
        return isinstance(replied, AcceptedElicitation) and replied.data.go_ahead
    return False
