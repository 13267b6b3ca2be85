"""A tool that means its schema: unknown arguments are named, errors are one line."""

from collections.abc import Callable, Mapping
from typing import Any, Self

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from pydantic import ValidationError

from acestep_mcp.domain.errors import Refusal
from acestep_mcp.domain.text import clean
from acestep_mcp.front import CHANGED
from acestep_mcp.surface.arguments import FREE_TEXT, NOTHING, OPEN
from acestep_mcp.surface.hints import unknown
from acestep_mcp.surface.hosts import is_added
from acestep_mcp.surface.refusals import LONGEST_ERROR, sentence

Schema = dict[str, Any]


class StrictTool(Tool):
    """A tool whose arguments are exactly those it publishes.

    The SDK drops unknown arguments in silence, so a misspelt `duration` would cost money. Here
    it is refused by name. What hosts, frameworks and forms put where nobody meant anything is
    taken as absent: see `_given`.
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
        given = self._given(arguments)
        try:
            return await super().run(given, context, convert_result=convert_result)
        except ToolError as error:
            cause = error.__cause__
            if isinstance(cause, Refusal):
                raise ToolError(sentence(cause)) from None
            if isinstance(cause, ValidationError):
                raise ToolError(explain(cause, self.parameters["properties"])) from None
            if isinstance(cause, ImportError):
                raise ToolError(f"{CHANGED} Then see list_outputs before ordering again.") from None
            raise

    def _given(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments without what counts as absent: the form in which equal calls are equal."""
        known: Schema = self.parameters["properties"]
        given = {}
        for name, value in arguments.items():
            if value is None or name.startswith("_"):
                continue
            if name in known:
                if not _is_open(name, value):
                    given[name] = value
            elif not is_added(name, arguments):
                raise ToolError(unknown(name, known))
        return given


def _is_open(name: str, value: object) -> bool:
    """Whether the value leaves its argument open, just as its absence would."""
    if name in FREE_TEXT or isinstance(value, bool):
        return False
    if isinstance(value, str):
        value = value.strip().casefold()
        if value in NOTHING:
            return True
    return isinstance(value, str | int | float) and value in OPEN.get(name, ())


def flat(schema: Schema) -> Schema:
    """The schema without the generated titles, which repeat the names and cost tokens."""
    properties = {
        name: {key: value for key, value in each.items() if key != "title"}
        for name, each in schema.get("properties", {}).items()
    }
    bare = {key: value for key, value in schema.items() if key not in ("title", "description")}
    return {**bare, "properties": properties}


def explain(error: ValidationError, published: Mapping[str, Schema]) -> str:
    """What is wrong with the first unusable argument and what it takes, in one line."""
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"]) or "arguments"
    if first["type"] == "missing":
        return f"{name}: this argument is required."
    given = first.get("input")
    shown = f" (got {clean(repr(given), 60)})" if not isinstance(given, dict) else ""
    problem = first["msg"].removeprefix("Value error, ")
    takes = published.get(name, {}).get("description", "")
    return clean(f"{name}: {problem}{shown}. {takes}", LONGEST_ERROR)
