"""The songs this process holds in its hands."""

from acestep_mcp.domain.song import Owner, Song, SongId
from acestep_mcp.engine.live import Live


class Registry:
    """Live songs by id: one entry for each, however many callers ask about it."""

    def __init__(self) -> None:
        self._live: dict[SongId, Live] = {}

    @property
    def owners(self) -> set[Owner]:
        """Whose songs are in hand."""
        return {live.song.owner for live in self._live.values()}

    def live(self, song: Song) -> Live:
        """The one live entry of a song, brought up to date with `song` if that is newer."""
        live = self._live.get(song.id)
        if live is None:
            live = Live(song)
            if not live.done:
                self._live[song.id] = live
        elif song.version > live.song.version:
            live.show(song)
            live.hint()
        return live

    def held(self, song_id: SongId) -> Live | None:
        """The live entry of a song, if it is in hand."""
        return self._live.get(song_id)

    def hold(self, live: Live) -> None:
        """Somebody here looks after it."""
        self._live.setdefault(live.song.id, live)

    def drop(self, live: Live) -> None:
        """Nobody here looks after it any more."""
        if self._live.get(live.song.id) is live:
            del self._live[live.song.id]

    def hint(self, song_id: SongId | None) -> None:
        """The ledger says that this song may have changed; None: any song."""
        hinted = self._live if song_id is None else {song_id} & self._live.keys()
        for each in hinted:
            self._live[each].hint()

    def wake(self) -> None:
        """Wake everyone who waits for any song."""
        for live in self._live.values():
            live.wake()

    def moved(self, song_id: SongId, version: int) -> None:
        """The ledger has the song in that version: worth a look if it is another one here."""
        live = self._live.get(song_id)
        if live is not None and live.song.version != version:
            live.hint()

    def named(self, owner: Owner, handle: str) -> Song | None:
        """A song in hand, by what it is called here even if the ledger does not know that yet."""
        songs = (live.song for live in self._live.values())
        named = (each for each in songs if each.owner == owner and handle in (each.handle, each.id))
        return next(named, None)
