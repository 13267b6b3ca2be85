"""Prompts a person can pick in their client, and the completion of their arguments."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts.base import Prompt
from mcp_types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)
from pydantic import Field

from acestep_mcp.domain.catalogue import METERS, takers
from acestep_mcp.domain.errors import NotFound, Refusal
from acestep_mcp.domain.song import Song
from acestep_mcp.engine import Engine, Who
from acestep_mcp.surface.handles import meant
from acestep_mcp.surface.refusals import sentence

_MOST = 20  # completions; more are no help

Idea = Annotated[str, Field(description="What the song is about")]
Language = Annotated[str, Field(description="Language to sing in")]
Length = Annotated[str, Field(description="Rough length, like '2 minutes'")]
Style = Annotated[str, Field(description="Genre, mood, instruments, voice")]
KeyName = Annotated[str, Field(description="Musical key, like 'A minor'")]
Meter = Annotated[str, Field(description="Time signature")]
Model = Annotated[str, Field(description="Model to use")]
RequestId = Annotated[str, Field(description="The song to vary")]
Change = Annotated[str, Field(description="What should be different")]

Complete = Callable[
    [
        PromptReference | ResourceTemplateReference,
        CompletionArgument,
        CompletionContext | None,
    ],
    Awaitable[Completion],
]

_STEPS = """\
1. Write title, prompt and lyrics by the guide below.
2. Call generate_song with dry_run=true. Mend what it names, and call it again until what is left is
   what I asked for myself; if nothing new is named, that is enough.
3. Show me the lyrics as they will be sent, with the length and what is left to be said of them.
   When I agree, call generate_song once without dry_run. If I asked for what the model cannot do
   (sung 7/8, a solo of exact length{changing}), say so before.
4. If the answer is not COMPLETED, call get_status with its request_id and wait=45 until it is.
5. Give me the file paths and media URLs exactly as returned."""


def add(mcp: MCPServer, engine: Engine, who: Who) -> None:
    """Publish the prompts and the completion of their arguments."""

    async def write_song(
        idea: Idea,
        language: Language = "",
        length: Length = "",
        style: Style = "",
        key: KeyName = "",
        time_signature: Meter = "",
        model: Model = "",
    ) -> str:
        """Write a song and have it made."""
        from acestep_mcp.songcraft.guide import guide  # noqa: PLC0415  # read when asked for

        wishes = {
            "Idea": idea,
            "Language": language,
            "Length": length,
            "Style": style,
            "Key": key,
            "Time signature": time_signature,
            "Model": model,
        }
        asked = "\n".join(f"{name}: {value}" for name, value in wishes.items() if value)
        edits = takers(engine.providers.models, "edit")
        steps = _STEPS.format(changing="" if edits else ", changing a song that exists")
        return f"Write a song for ACE-Step and have it made.\n\n{asked}\n\n{steps}\n\n{guide()}"

    async def vary_song(request_id: RequestId, change: Change) -> str:
        """Make another version of an earlier song."""
        try:
            found = await engine.song(who(), await meant(engine, who(), request_id))
        except Refusal as refusal:
            return sentence(refusal)
        if found is None:
            return sentence(NotFound(request_id))
        return _variation(found, change, charges=engine.maker(found).charges)

    for function in (write_song, vary_song):
        mcp.add_prompt(Prompt.from_function(function, title=function.__doc__))
    mcp.completion()(_completing(engine, who))  # type: ignore[no-untyped-call]  # of the SDK


def _variation(song: Song, change: str, *, charges: bool) -> str:
    arguments = {"title": song.title, "model": song.model, **song.payload}
    paid = ", and paid for like any other" if charges else ""
    return (
        f"Make another version of the song {song.handle}. What should be different: {change}\n\n"
        f"These are the arguments of generate_song it was made with:\n"
        f"```json\n{json.dumps(arguments, ensure_ascii=False, indent=1)}\n```\n"
        f"Call generate_song with based_on='{song.handle}' and nothing else but what changes: all "
        "that is left out is taken from that song, its seed included, so that the change alone is "
        "heard. For another take of the same song give new_take=true. It is a new "
        f"recording{paid}. Call it with dry_run=true first and follow what it names; then call it "
        "once without dry_run."
    )


def _completing(engine: Engine, who: Who) -> Complete:
    async def complete(
        _ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        _context: CompletionContext | None,
    ) -> Completion:
        known = await _known(argument.name, engine, who)
        begun = argument.value.casefold()
        fitting = [value for value in known if value.casefold().startswith(begun)]
        return Completion(values=fitting[:_MOST], total=len(fitting), has_more=len(fitting) > _MOST)

    return complete


async def _known(argument: str, engine: Engine, who: Who) -> Sequence[str]:
    """Every value the argument may have, most likely first."""
    match argument:
        case "key":
            from acestep_mcp.songcraft.notation import KEYS  # noqa: PLC0415  # when asked for

            return KEYS
        case "time_signature":
            return METERS
        case "model":
            return tuple(engine.providers.models)
        case "request_id" | "based_on":
            return [song.handle for song in (await engine.songs(who(), limit=50)).songs]
        case _:
            return ()
