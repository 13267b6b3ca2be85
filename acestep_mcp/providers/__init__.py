"""Who makes songs, in words that every provider can be put in.

A provider is one folder here. It knows its own paths, field names, states, codes and headers; the
engine knows only what stands in this file, and decides by it alone:

    submit  →  Accepted | Refused | NotSent | Unknown     what became of one paid request
    status  →  Observation | Gone | Unanswered            how a song stands
    media   →  Media, or OSError                          the bytes of a track

What is to be known of a provider without asking it (its models, whether it wants a key or money,
where a person looks things up) is data: its `info`.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from acestep_mcp.domain.catalogue import Model, ProviderInfo
from acestep_mcp.domain.song import Observation, RequestId, Song

Reason = Literal["key", "balance", "busy", "request"]
"""Why a provider turns a request down: give it another key, money, time, or another request."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the request and calls the song `request_id`."""

    verdict: ClassVar = "accepted"
    request_id: RequestId


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider answered that it did not take the request: nothing was bought.

    `cause` is the kind of answer in a few words, `said` the provider's own text, cleaned.
    `retry_after` is for how many seconds one that is `busy` asks to be left alone, if it says.
    """

    verdict: ClassVar = "refused"
    reason: Reason
    cause: str
    said: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """No byte of the request reached the provider: it may be sent again.

    `hopeless` says that trying again is of no use until somebody has mended what `cause` names.
    """

    verdict: ClassVar = "never_sent"
    cause: str
    hopeless: bool = False
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may have been taken; it is never sent again by itself."""

    verdict: ClassVar = "unknown"
    cause: str


Outcome = Accepted | Refused | NotSent | Unknown


@dataclass(frozen=True, slots=True)
class Gone:
    """The provider knows no song of that id; `once_known` where it says that it did."""

    cause: str
    once_known: bool = False


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The provider told nothing about the song, for this cause.

    `retry_after` is for how many seconds it asks not to be asked, `refused_key` says that it does
    not take the key.
    """

    cause: str
    retry_after: float | None = None
    refused_key: bool = False


Answer = Observation | Gone | Unanswered


@dataclass(frozen=True, slots=True)
class Media:
    """An open download: the bytes of a file from `start` on, of `total` where that is known.

    `validator` is what a later request needs to go on, to be handed back as it is; `""` where
    that is not possible. `proven` says that the host tells where the file ends: without that, a
    connection that was cut off looks like the end.
    """

    start: int
    total: int | None
    validator: str
    pieces: AsyncIterator[bytes]
    proven: bool = True


@dataclass(frozen=True, slots=True)
class Source:
    """A file of this machine that a song is made from, such as an earlier song's."""

    path: Path
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What is to be sent: the song's fields by the names that callers give them.

    `callback` is the address at which the end of the song can be reported, `""` for nowhere;
    `source` is the file that an edit works on.
    """

    model: str
    payload: Mapping[str, Any]
    callback: str = ""
    source: Source | None = None


class Provider(Protocol):
    """One maker of songs.

    `key` is the caller's, and `""` where `info.needs_key` is false. Nothing but `prepare` and
    `media` raises, whatever the network or the provider does.
    """

    @property
    def info(self) -> ProviderInfo:
        """What is to be known of it without asking it."""
        ...

    def prepare(self) -> None:
        """Load and build what submitting, asking and downloading need; cheap once it is done.

        Raises:
            CouldNotSend: It cannot be had; the cause names what to mend.
        """
        ...

    async def submit(self, submission: Submission, key: str) -> Outcome:
        """Send the request once, on a connection of its own."""
        ...

    async def status(
        self, request_id: RequestId, key: str, sent: Mapping[str, Any] | None = None
    ) -> Answer:
        """Ask how one song stands; `sent` is what was sent for it, where that is known."""
        ...

    def media(
        self, url: str, start: int = 0, validator: str = ""
    ) -> AbstractAsyncContextManager[Media]:
        """Open a track from byte `start` on, if it is still the same file.

        Raises:
            MediaGone: It may not be fetched, or will not be delivered any more.
            OSError: It was not delivered this time.
        """
        ...

    def request_id(self, text: str) -> RequestId | None:
        """The id in a text that may be one of this provider's; None where it cannot be."""
        ...

    def reported(self, body: bytes) -> str | None:
        """The id that a callback of this provider names; None where it cannot be read."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class Providers(Sequence[Provider]):
    """The providers of one server; where nobody names a model, `default` is meant, or the first."""

    def __init__(self, first: Provider, *others: Provider, default: str = "") -> None:
        self._all = (first, *others)
        self._default = default
        self._by_name = {each.info.name: each for each in self._all}
        self._by_model = {name: each for each in self._all for name in each.info.models}

    def __getitem__(self, place: Any) -> Any:  # noqa: ANN401  # an index or a slice, as of any sequence
        return self._all[place]

    def __iter__(self) -> Iterator[Provider]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @property
    def models(self) -> Mapping[str, Model]:
        """All models, the default first."""
        found = {name: model for each in self._all for name, model in each.info.models.items()}
        first = {self._default: found[self._default]} if self._default in found else {}
        return first | found

    def of(self, song: Song) -> Provider | None:
        """The provider that makes, or made, a song; None where this server does not know it."""
        return self._by_name.get(song.provider)

    def media_of(self, song: Song) -> Callable[[str, int, str], AbstractAsyncContextManager[Media]]:
        """What opens the tracks of a song."""
        provider = self.of(song)
        return provider.media if provider else _nothing

    def of_model(self, model: str) -> Provider:
        """The provider that has a model."""
        return self._by_model[model]


@asynccontextmanager
async def _nothing(url: str, _start: int, _validator: str) -> AsyncIterator[Media]:
    raise OSError("its provider is not set up on this server")
    yield url  # so that it is a generator
