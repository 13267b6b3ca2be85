"""Why a call was turned down, told apart by what the caller can do about it.

Refusal
├── BadInput        change the named argument and call again
├── Stopped         the song would come out wrong: follow the message, or insist where it may be
├── NotConfirmed    the person was asked and did not agree
├── KeyMissing      give the server a key, or one that can be used
├── KeyRefused      give the server another key
├── FolderUnusable  mend the folder that songs are saved in
├── BalanceTooLow   top up the wallet
├── LimitReached    wait, or raise the daily limit
├── Rejected        the gateway said no to this request: change it
├── RateLimited     wait, then call again
├── CouldNotSend    the gateway could not be reached: safe to call again
├── NotFound        no such song: list the songs
├── NotAsked        the gateway could not be asked about a song: ask again later
└── LedgerDown      the ledger cannot be written: mend the disk first

A refusal means that nothing was bought. It carries facts; the sentence the assistant reads is
made by `acestep_mcp.surface.refusals`, so that each is worded once. It is `free` where a provider
refused that takes no money, of which no sentence is to speak then.
"""

from dataclasses import dataclass, field


class Refusal(Exception):
    """Base of every anticipated reason why a call did nothing."""


class MediaGone(OSError):
    """A media URL will not deliver a track, however often it is asked."""


@dataclass(eq=False)
class BadInput(Refusal):
    """An argument is unusable; `problem` says what is wrong and what would be right."""

    argument: str
    problem: str


@dataclass(eq=False)
class Stopped(Refusal):
    """A check says that the song would come out wrong; `may_force` if that rests on an estimate."""

    message: str
    may_force: bool


class NotConfirmed(Refusal):
    """The person whose money it is declined, or did not answer."""


@dataclass(eq=False)
class KeyMissing(Refusal):
    """No subscription key; `looked` names the places that were searched, `page` where to get one.

    `problem` says what is wrong with one that is there, or with the place it should be in.
    """

    looked: tuple[str, ...]
    problem: str = ""
    page: str = ""


@dataclass(eq=False)
class KeyRefused(Refusal):
    """The provider does not take the key; `source` names where it was read, `cause` its answer."""

    cause: str
    source: str
    page: str
    free: bool = False


@dataclass(eq=False)
class FolderUnusable(Refusal):
    """A song could not be saved; `trouble` names the folder, the reason and the mend."""

    trouble: str


@dataclass(eq=False)
class BalanceTooLow(Refusal):
    """The account has too little money for a song; `said` is the gateway's own text, cleaned."""

    said: str
    page: str


@dataclass(eq=False)
class LimitReached(Refusal):
    """`used` of `limit` tracks were submitted in the last 24 hours; `asked` more were wanted."""

    limit: int
    used: int
    asked: int


@dataclass(eq=False)
class Rejected(Refusal):
    """The provider refused the request; `cause` is the kind of answer, `said` its text, cleaned."""

    cause: str
    said: str
    free: bool = False


@dataclass(eq=False)
class RateLimited(Refusal):
    """The provider has too much to do; `retry_after` is in seconds where it gave one."""

    cause: str
    retry_after: float | None
    free: bool = False


@dataclass(eq=False)
class CouldNotSend(Refusal):
    """No byte of the request reached the provider; `cause` is the kind of failure."""

    cause: str
    free: bool = False


@dataclass(eq=False)
class NotFound(Refusal):
    """Neither the ledger nor the gateway knows `request_id`."""

    request_id: str


@dataclass(eq=False)
class NotAsked(Refusal):
    """The provider gave no usable answer about `request_id`; `cause` says why."""

    request_id: str
    cause: str
    free: bool = False


@dataclass(eq=False)
class LedgerDown(Refusal):
    """The ledger could not be read or written; nothing is submitted without it.

    `place` is its file, where it is one.
    """

    cause: str
    place: str = field(default="", kw_only=True)
