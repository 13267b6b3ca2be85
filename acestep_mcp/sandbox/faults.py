"""Faults to inject, in the vocabulary of toxiproxy, and the queue they wait in.

One rule may carry several toxics; they apply in the order of an exchange, not of the arguments:
reset before reading · timeout · reset unprocessed · processing or a canned reply · latency ·
hold · reset after · slicer and limit_data while writing · slow_close.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import anyio

When = Literal["before", "unprocessed", "after"]
Target = Literal["submit", "status", "media", "webhook"]


class Toxic:
    """The base of all toxics."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class latency(Toxic):  # noqa: N801  # toxiproxy's names, used like functions
    """The request is processed; its reply starts `seconds` later."""

    seconds: float


@dataclass(frozen=True, slots=True)
class timeout(Toxic):  # noqa: N801
    """The request is read but never answered; the connection closes after `seconds`, or never.

    With `process` the job is accepted all the same.
    """

    seconds: float | None = None
    process: bool = False


@dataclass(frozen=True, slots=True)
class reset_peer(Toxic):  # noqa: N801
    """RST before the request is read, after reading it only, or in place of the earned reply."""

    when: When = "before"


@dataclass(frozen=True, slots=True)
class slow_close(Toxic):  # noqa: N801
    """The reply is complete at once, `Connection: close` comes true `seconds` later."""

    seconds: float


@dataclass(frozen=True, slots=True)
class slicer(Toxic):  # noqa: N801
    """The reply leaves in pieces of `size` bytes, `delay` seconds apart."""

    size: int = 1
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class limit_data(Toxic):  # noqa: N801
    """The connection closes after `size` bytes of the reply, head included."""

    size: int


@dataclass(frozen=True, slots=True)
class reply(Toxic):  # noqa: N801
    """A canned reply. With `process` the job is accepted first and the reply is a lie."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    process: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class hold(Toxic):  # noqa: N801
    """The request is processed at once, its reply waits for `release()`."""

    _released: anyio.Event = field(default_factory=anyio.Event)

    def release(self) -> None:
        """Lets the reply go, now and for every later request of the same rule."""
        self._released.set()

    async def wait(self) -> None:
        """Returns once released."""
        await self._released.wait()


_T = TypeVar("_T", bound=Toxic)


@dataclass(frozen=True, slots=True)
class Fault:
    """The toxics of one exchange; none by default."""

    toxics: tuple[Toxic, ...] = ()

    def find(self, kind: type[_T]) -> _T | None:
        """The first toxic of a kind."""
        return next((toxic for toxic in self.toxics if isinstance(toxic, kind)), None)

    def resets(self, when: When) -> bool:
        """Whether the connection is reset at this point."""
        return any(isinstance(t, reset_peer) and t.when == when for t in self.toxics)

    async def delay(self) -> None:
        """Waits as latency and hold demand."""
        if late := self.find(latency):
            await anyio.sleep(late.seconds)
        if held := self.find(hold):
            await held.wait()

    @property
    def processes(self) -> bool:
        """Whether the request has its effect."""
        liars = [t for t in self.toxics if isinstance(t, reply | timeout)]
        return not self.resets("unprocessed") and all(liar.process for liar in liars)


@dataclass(slots=True)
class _Rule:
    target: Target
    fault: Fault
    times: int | None


class Faults:
    """Rules in the order they were added; each request consumes the first that is meant for it."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []

    def add(self, target: Target, *toxics: Toxic, times: int | None = 1) -> None:
        """Queues a fault for the next `times` requests of a kind; None means for ever."""
        self._rules.append(_Rule(target, Fault(toxics), times))

    def clear(self) -> None:
        """Drops every rule. Exchanges under way keep theirs."""
        self._rules.clear()

    def take(self, target: str) -> Fault:
        """Consumes the fault of one request."""
        rule = next((rule for rule in self._rules if rule.target == target), None)
        if rule is None:
            return Fault()
        if rule.times is not None:
            rule.times -= 1
        self._rules = [rule for rule in self._rules if rule.times is None or rule.times > 0]
        return rule.fault
