"""Naming the extensions to clients that begin with a handshake."""

from dataclasses import dataclass
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext


@dataclass(frozen=True)
class Named:
    """Middleware: names the extensions in the answer to `initialize`, where SDK 2.3 drops them."""

    identifiers: tuple[str, ...]

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Pass the message on; complete what an answer to a handshake says."""
        result = await call_next(ctx)
        if ctx.method == "initialize" and isinstance(result, dict):
            capabilities = result.get("capabilities", {})
            known = capabilities.get("extensions", {}) | {each: {} for each in self.identifiers}
            result = {**result, "capabilities": {**capabilities, "extensions": known}}
        return result
