"""What the engine is told about its work and whom it works for."""

from collections.abc import Callable
from dataclasses import dataclass

from acestep_mcp.domain.catalogue import ProviderInfo
from acestep_mcp.domain.song import Owner, SongId

LEASE = 10.0
"""Seconds after which a silent process counts as dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How the engine behaves. Times are seconds, `daily_limit` is tracks (0: none).

    `status_rate` is the most status requests a second for all songs together; `lease` is how
    long a silent process keeps its songs before another one takes them over. `no_folder` says why
    there is nowhere to save songs, where they are to be saved.
    """

    poll_interval: float = 5.0
    daily_limit: int = 100
    status_rate: float = 10.0
    lease: float = LEASE
    no_folder: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """Whose songs, and the key they are paid with. `source` says where the key was read.

    `key` is None where none was found in any of the places `looked`; `problem` says what is wrong
    with one that cannot be used. A `shared` key pays for other owners' songs too, so what the
    gateway knows by it need not be this owner's.
    """

    owner: Owner
    key: str | None
    source: str = ""
    looked: tuple[str, ...] = ()
    shared: bool = False
    problem: str = ""

    def may_ask(self, provider: ProviderInfo) -> bool:
        """Whether a provider will hear this account: with a key, or because it wants none."""
        return bool(self.key) or not provider.needs_key

    def key_for(self, provider: ProviderInfo) -> str:
        """What is shown to a provider: nobody's key where it wants none."""
        return (self.key or "") if provider.needs_key else ""

    def __repr__(self) -> str:
        """Never the key."""
        return f"Account(owner={self.owner!r}, source={self.source!r})"


Callback = Callable[[Owner, SongId], str]
"""The address at which a provider can report a song's end."""
Who = Callable[[], Account]
"""Whose songs the call that is being answered is about."""
