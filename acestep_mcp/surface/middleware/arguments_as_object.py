"""Tool calls whose envelope some hosts fill in their own way."""

import json
from dataclasses import replace
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

from acestep_mcp.front import envelope

_DEEPEST = 2  # times a host may have written JSON into JSON
_KINDS = {list: "a list", str: "a text", bool: "true or false"}


async def objects(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware: a tool call's arguments are an object, also where it came as JSON text.

    The SDK would answer anything else with an error that names nothing.
    """
    if ctx.method != "tools/call" or ctx.request_id is None:
        return await call_next(ctx)
    params = ctx.params or {}
    if not isinstance(params.get("name"), str):
        raise MCPError(INVALID_PARAMS, "name: give the name of a tool, as tools/list has it.")
    arguments = _read(params.get("arguments"))
    if not isinstance(arguments, dict):
        raise MCPError(
            INVALID_PARAMS,
            "arguments: give a JSON object with each argument under its name, "
            f"not {_KINDS.get(type(arguments), 'a number')}. Nothing was sent.",
        )
    return await call_next(replace(ctx, params={**params, "arguments": arguments}))


def _read(arguments: Any) -> Any:  # noqa: ANN401  # any JSON value
    """The arguments themselves; nothing at all, in whatever form, is an empty object."""
    for _ in range(_DEEPEST):
        if isinstance(arguments, str) and arguments.strip():
            try:
                read = json.loads(arguments, parse_constant=envelope.no_constant)
            except (ValueError, RecursionError):
                break
            if not envelope.is_encodable(read):
                break
            arguments = read
    # PHP writes an empty object as [], and a stream of no arguments adds up to "".
    nothing = arguments is None or arguments == [] or not str(arguments).strip()
    return {} if nothing else arguments
