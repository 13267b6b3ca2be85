"""What happened in one run, and what a good run looks like."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from acestep_mcp.sandbox import Sandbox

Kind = Literal["tools", "arguments", "money", "truth"]
Arguments = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call, and what it was answered: the text, the structured content, if it failed."""

    tool: str
    arguments: Arguments
    text: str = ""
    answer: dict[str, Any] = field(default_factory=dict)
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """What an assistant does next: calls, or its last word where there are none."""

    says: str = ""
    calls: tuple[Call, ...] = ()


class Assistant(Protocol):
    """Whoever plays the assistant."""

    async def turn(self, said: str, calls: Sequence[Call], tools: Sequence[Any]) -> Turn:
        """Its next turn, after the person said that and these calls were answered."""
        ...


@dataclass(slots=True)
class Run:
    """One request as it was played.

    `earlier` are the handles of the songs that were there before, oldest first; `bought` the bodies
    of the paid requests that were made for this one.
    """

    sandbox: Sandbox
    earlier: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    says: str = ""
    before: int = 0

    @property
    def bought(self) -> list[Arguments]:
        """What was sent to the gateway, request by request."""
        return [dict(each.json()) for each in self.sandbox.submissions[self.before :]]

    @property
    def tracks(self) -> int:
        """How many tracks that were."""
        return sum(int(body.get("batch_size", 1)) for body in self.bought)

    def made(self, tool: str) -> list[Call]:
        """The calls of one tool."""
        return [call for call in self.calls if call.tool == tool]

    def told(self, pattern: str) -> bool:
        """Whether the assistant's last word has that, whatever the case."""
        return re.search(pattern, self.says, re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True)
class Expected:
    """One thing that a good run does."""

    kind: Kind
    what: str
    holds: Callable[[Run], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person said, what was there before, what is expected, and two scripts.

    `before` orders songs; the last is unfinished where `running`. `lost` cuts the reply to the
    first paid request off. A script is a list of steps: a tool and its arguments, made from the
    run so far, or the last word. `bad` is what a weak model did in the trials, and `fails` the
    kinds of expectations that it does not meet.
    """

    id: str
    said: str
    expected: tuple[Expected, ...]
    good: "Script"
    bad: "Script"
    fails: frozenset[Kind]
    before: tuple[Arguments, ...] = ()
    running: bool = False
    lost: bool = False
    settings: dict[str, str] = field(default_factory=dict)


Step = Callable[[Run], "tuple[str, Arguments] | str"]
Script = Sequence[Step]


@dataclass(slots=True)
class Scripted:
    """An assistant that does what a script says, so that the runner is known to work."""

    run: Run
    script: Script
    at: int = 0

    async def turn(self, said: str, calls: Sequence[Call], tools: Sequence[Any]) -> Turn:
        """The next step; the script says nothing about what was said or which tools there are."""
        del said, calls, tools
        step = self.script[self.at](self.run)
        self.at += 1
        return Turn(says=step) if isinstance(step, str) else Turn(calls=(Call(*step),))


def unmet(request: Request, run: Run) -> list[Expected]:
    """What a run did not do that a good one does."""
    return [each for each in request.expected if not each.holds(run)]
