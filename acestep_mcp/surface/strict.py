"""A tool that means its schema: unknown arguments are named, errors are one line."""

from collections.abc import Callable
from typing import Any, Self

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from pydantic import ValidationError

from acestep_mcp.domain.errors import Refusal
from acestep_mcp.domain.text import clean, nearest
from acestep_mcp.surface.refusals import sentence

Schema = dict[str, Any]


class StrictTool(Tool):
    """A tool whose arguments are exactly those it publishes.

    The SDK drops unknown arguments in silence, so a misspelt `durration` would cost money. Here
    it is refused by name. Arguments that begin with `_` (some hosts add them) and explicit nulls
    for optional arguments (some frameworks send them) are taken as absent.
    """

    @classmethod
    def build(cls, fn: Callable[..., Any], **published: Any) -> Self:  # noqa: ANN401  # the SDK's keywords
        """The tool of `fn`, with flat schemas that admit nothing else."""
        tool = cls.from_function(fn, **published)
        tool.parameters = {**flat(tool.parameters), "additionalProperties": False}
        output = tool.fn_metadata.output_schema
        if output is not None:
            tool.fn_metadata.output_schema = flat(output)
        return tool  # type: ignore[return-value]  # from_function is annotated with the base class

    async def run(
        self,
        arguments: dict[str, Any],
        context: Context[Any, Any],
        convert_result: bool = False,  # noqa: FBT001, FBT002  # the SDK's signature
    ) -> Any:  # noqa: ANN401  # the SDK's signature
        """Run the tool; every refusal and every bad argument is a `ToolError` of one line.

        Raises:
            ToolError: The message is the whole answer.
        """
        given = self._known(arguments)
        try:
            return await super().run(given, context, convert_result=convert_result)
        except ToolError as error:
            cause = error.__cause__
            if isinstance(cause, Refusal):
                raise ToolError(sentence(cause)) from None
            if isinstance(cause, ValidationError):
                raise ToolError(explain(cause)) from None
            raise

    def _known(self, arguments: dict[str, Any]) -> dict[str, Any]:
        properties: Schema = self.parameters["properties"]
        required = self.parameters.get("required", ())
        given = {}
        for name, value in arguments.items():
            if name.startswith("_") or (value is None and name not in required):
                continue
            if name not in properties:
                raise ToolError(_unknown(name, list(properties)))
            given[name] = value
        return given


def flat(schema: Schema) -> Schema:
    """The schema without the generated titles, which repeat the names and cost tokens."""
    properties = {
        name: {key: value for key, value in each.items() if key != "title"}
        for name, each in schema.get("properties", {}).items()
    }
    bare = {key: value for key, value in schema.items() if key not in ("title", "description")}
    return {**bare, "properties": properties}


def explain(error: ValidationError) -> str:
    """What is wrong with the first unusable argument, in one line."""
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"]) or "arguments"
    if first["type"] == "missing":
        return f"{name}: this argument is required."
    given = first.get("input")
    shown = f" (got {clean(repr(given), 60)})" if not isinstance(given, dict) else ""
    return clean(f"{name}: {first['msg']}{shown}.", 300)


def _unknown(name: str, known: list[str]) -> str:
    near = nearest(name, known)
    hint = f" Did you mean '{near}'?" if near else ""
    return clean(f"Unknown argument '{clean(name, 40)}'.{hint} Known: {', '.join(known)}.", 300)
