"""A tool that means its schema: unknown arguments are named, errors are one line."""

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Self

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase
from pydantic import ValidationError, create_model

from acestep_mcp.domain.catalogue import Model
from acestep_mcp.domain.errors import Refusal
from acestep_mcp.domain.request import DEFAULTS, SongRequest
from acestep_mcp.domain.text import clean
from acestep_mcp.front import CHANGED
from acestep_mcp.surface.arguments import FREE_TEXT, NOTHING, OPEN, published
from acestep_mcp.surface.hints import unknown
from acestep_mcp.surface.hosts import is_added
from acestep_mcp.surface.refusals import LONGEST_ERROR, sentence

Schema = dict[str, Any]
_CONTEXT = "ctx"
"""The parameter of a tool that gets the SDK's context of the call."""


class _Given(ArgModelBase):
    """Arguments of which only those are handed on that the caller gave."""

    def model_dump_one_level(self) -> dict[str, Any]:
        """The arguments by name, unconverted."""
        named = {self.__class__.model_fields[each].alias or each for each in self.model_fields_set}
        return {
            name: value for name, value in super().model_dump_one_level().items() if name in named
        }


class StrictTool(Tool):
    """A tool whose arguments are exactly those it publishes.

    The SDK drops unknown arguments in silence, so a misspelt `duration` would cost money. Here
    it is refused by name. What hosts, frameworks and forms put where nobody meant anything is
    taken as absent: see `_given`.
    """

    @classmethod
    def of(
        cls,
        fn: Callable[..., Any],
        desk: object,
        models: Mapping[str, Model],
        *,
        defaults: Mapping[str, Any] = MappingProxyType({}),
        **published: Any,  # noqa: ANN401  # the SDK's keywords
    ) -> Self:
        """The tool of `fn`, called with `desk` first; its schemas are flat and admit nothing else.

        Each other parameter is published as `surface.arguments` describes it, with its own default
        or that of `defaults`, and of a request each field that one of the `models` takes.
        """
        call, signature = _flattened(fn, desk, models, defaults)
        call.__name__, call.__signature__ = fn.__name__, signature  # type: ignore[attr-defined]  # what the SDK reads
        context = _CONTEXT if _CONTEXT in signature.parameters else None
        tool = cls.from_function(call, context_kwarg=context, **published)
        # The SDK would hand on the defaults as well, and nobody knew what the caller had named.
        shape = tool.fn_metadata.arg_model
        tool.fn_metadata.arg_model = create_model(shape.__name__, __base__=(_Given, shape))
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


def _flattened(
    fn: Callable[..., Any], desk: object, models: Mapping[str, Model], defaults: Mapping[str, Any]
) -> tuple[Callable[..., Any], inspect.Signature]:
    """`fn` as a function of published arguments alone, and its signature."""
    signature = inspect.signature(fn, eval_str=True)
    asked = next((p.name for p in signature.parameters.values() if p.annotation is SongRequest), "")
    own = DEFAULTS if asked else {}
    taken: dict[str, Any] = {}
    for parameter in list(signature.parameters.values())[1:]:
        taken |= own if parameter.name == asked else {parameter.name: parameter.default}
    published_defaults = {"model": next(iter(models)), **defaults}
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=Context if name == _CONTEXT else annotation,
            default=published_defaults.get(name, default),
        )
        for name, default in taken.items()
        if (annotation := name == _CONTEXT or published(name, models))
    ]

    async def call(**given: Any) -> Any:  # noqa: ANN401  # the arguments, validated by the SDK
        given = {**defaults, **given}
        song = {name: given.pop(name) for name in own if name in given}
        if asked:
            given[asked] = SongRequest(**song, named=frozenset(song))
        return await fn(desk, **given)

    return call, signature.replace(parameters=parameters)


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
    schema = published.get(name, {})
    problem = first["msg"].removeprefix("Value error, ")
    if {"minimum", "maximum"} <= schema.keys() and isinstance(given, int | float | str):
        kind = "whole number" if schema["type"] == "integer" else "number"
        problem = f"give a {kind} from {schema['minimum']} to {schema['maximum']}"
    takes = schema.get("description", "")
    return clean(f"{name}: {problem}{shown}. {takes}. Nothing was sent.", LONGEST_ERROR)
