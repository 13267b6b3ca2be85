"""The engine: submit once, follow, reconcile, wake whoever waits.

A song is a row before it is a request. The call that orders it only waits; submitting and
following belong to the engine, so a client that cancels, times out or vanishes takes nothing
with it. Of all processes on one ledger, one looks after a song: the one its row names. When that
process dies, its lease runs out and another takes the song over, which never means submitting it
again.

    Engine ──> Submitter   intent → accepted | refused | unknown
           ──> Follower    accepted → ended → saved
           ──> Readiness   what would go wrong, found out before it costs anything
           ──> Lookup      songs of the gateway that the ledger does not know
           ──> Strangers   callers whose keys have still to be tried
           ──> Lease       whose songs, and orphans
           ──> Records     live songs ⇄ ledger
           ──> Hints       when to look at another process's song
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import anyio

from acestep_mcp.clock import Clock, Jumps
from acestep_mcp.domain.catalogue import ProviderInfo
from acestep_mcp.domain.errors import (
    CouldNotSend,
    KeyMissing,
    LedgerDown,
    NotAsked,
)
from acestep_mcp.domain.song import (
    LOCAL,
    RUNNING,
    Observation,
    Owner,
    Song,
    SongId,
    accepted,
    called,
    delivered,
    observed,
    save_now,
)
from acestep_mcp.engine.background import Background
from acestep_mcp.engine.converting import Converter
from acestep_mcp.engine.following import Follower
from acestep_mcp.engine.hints import Hints
from acestep_mcp.engine.keyring import Keyring
from acestep_mcp.engine.lease import Lease
from acestep_mcp.engine.live import Live
from acestep_mcp.engine.lookup import Lookup
from acestep_mcp.engine.readiness import Readiness
from acestep_mcp.engine.records import Records
from acestep_mcp.engine.registry import Registry
from acestep_mcp.engine.saving import Saver
from acestep_mcp.engine.schedule import Schedule
from acestep_mcp.engine.strangers import Strangers
from acestep_mcp.engine.submitting import Errand, Submitter
from acestep_mcp.engine.terms import LEASE, Account, Callback, Terms, Who
from acestep_mcp.ledger import Bought, InDoubt, Ledger, Page
from acestep_mcp.ledger.driver import answering_by
from acestep_mcp.library import Library
from acestep_mcp.providers import Provider, Providers, Source

if TYPE_CHECKING:
    from acestep_mcp.songcraft.prepare import Prepared

__all__ = ["LEASE", "Account", "Callback", "Engine", "Report", "Terms", "Who"]

GRACE = 1.5
"""Seconds a call may outlast its wait, to learn whether the gateway took the song."""


@dataclass(frozen=True, slots=True)
class Report:
    """A song as it stands. `reused`: it answers an earlier identical request, nothing was bought.

    `problem` says in a few words why the provider could not be asked lately, `progress` how much of
    the song is made, from 0 to 1, where it says that, and `conversion` why the song is not there in
    the format that was asked for.
    """

    song: Song
    reused: bool = False
    problem: str = ""
    progress: float | None = None
    conversion: str = ""


class Engine:
    """One engine per process. Use it inside `async with engine.open():`."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        providers: Providers,
        library: Library | None,
        clock: Clock,
        terms: Terms,
        callback: Callback | None = None,
        steward: Callable[[Owner], Account | None] | None = None,
    ) -> None:
        self._ledger = ledger
        self.providers = providers
        self._library = library
        self._clock = clock
        self._jumps = Jumps(clock)
        self._terms = terms
        self._worker = uuid4().hex
        self._stopping = False
        self._keys = Keyring(clock, providers, steward)
        self._background = Background()
        self._registry = Registry()
        self._records = Records(ledger, clock, self._background)
        self._schedule = Schedule(clock, terms, providers, callbacks=callback is not None)
        self._readiness = Readiness(library, terms)
        self._strangers = Strangers(clock, self._keys, ledger)
        self._lookup = Lookup(providers, self._keys, self._schedule, self._strangers)
        self._hints = Hints(ledger, self._registry)
        self._converter = Converter(ledger, self._background, library)
        self._submitter = Submitter(self._worker, clock, self._records, self._registry, callback)
        self._follower = Follower(
            worker=self._worker,
            keys=self._keys,
            records=self._records,
            registry=self._registry,
            background=self._background,
            saver=Saver(self._worker, self._records, library, clock) if library else None,
            clock=clock,
            schedule=self._schedule,
            hints=self._hints,
        )
        self._lease = Lease(
            worker=self._worker,
            seconds=terms.lease,
            keys=self._keys,
            ledger=ledger,
            registry=self._registry,
            follower=self._follower,
            clock=clock,
            jumps=self._jumps,
        )

    @asynccontextmanager
    async def open(self, *accounts: Account) -> AsyncIterator["Engine"]:
        """Run the engine; the songs of `accounts` are taken up where an earlier run left them.

        On leaving, a submission under way has `GRACE` seconds to end before its outcome is
        written down as unknown; songs being made go on at the gateway.
        """
        for account in accounts:
            self._keys.keep(account)
        try:
            async with anyio.create_task_group() as tasks:
                self._background.run_in(tasks)
                tasks.start_soon(self._lease.keep)
                self._background.start(self._hints.keep)
                if self._schedule.callbacks:
                    self._background.start(self._hints.sweep, self._worker, self._clock)
                try:
                    yield self
                finally:
                    await self._submitter.finish(GRACE)
                    tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self._lease.give_up()
                for provider in self.providers:
                    await provider.close()
                await self._ledger.close()

    async def stop(self) -> None:
        """Write down what can be known in `GRACE` seconds; for a process that ends right after.

        Every wait ends at once, with the song as it stands.
        """
        self._stopping = True
        self._registry.wake()
        await self._submitter.finish(GRACE)
        await self._lease.give_up()

    async def generate(
        self,
        account: Account,
        prepared: "Prepared",
        *,
        wait: float,
        new_take: bool = False,
        source: Source | None = None,
    ) -> Report:
        """Buy a song, or come back to the one that already answers this request.

        Returns after at most `wait` + `GRACE` seconds, with the song as it then stands. `source` is
        the file that an edit works on.

        Raises:
            Refusal: Nothing was bought.
        """
        until, deadline = anyio.current_time() + wait, self._clock.monotonic() + wait
        with answering_by(until + GRACE):
            provider = self.providers.of_model(prepared.model.id)
            await self._readiness.check(account, provider)
            self._keys.add(account)
            intent = self._intent(account, prepared)
            if provider.info.needs_key and await self._strangers.include(account):
                await self._introduced(intent, until, reuse=not new_take)
            live = self._registry.live(intent)
            self._schedule.ordered(live)
            # Before it is written: nobody who finds it must take it for one that nobody submits.
            self._follower.keep(live)
            song = await self._reserved(live, reuse=not new_take)
        if song.id == intent.id:
            self._background.start(self._make, live, Errand(provider, account, deadline, source))
        else:
            self._registry.drop(live)
            live = self._registry.live(song)
            self._follower.follow(live)
        return await self._report(account, live, until, reused=song.id != intent.id)

    async def _introduced(self, intent: Song, until: float, *, reuse: bool) -> None:
        """Wait for a stranger's turn, before anything is written: a crowd would fill the ledger.

        Raises:
            CouldNotSend: It does not come in time, and no other call has made the same request.
        """
        try:
            await self._strangers.acquire(until + GRACE / 2)
        except CouldNotSend:
            limit, ago = self._limit(intent), self._jumps.ago
            if not await self._ledger.earlier(intent, limit=limit, reuse=reuse, ago=ago):
                raise

    async def earlier(
        self, account: Account, prepared: "Prepared", *, reuse: bool = True
    ) -> Song | None:
        """The song that already answers this request; what `generate` would return unpaid.

        Raises:
            Refusal: `generate` would refuse, too.
        """
        await self._readiness.check(account, self.providers.of_model(prepared.model.id))
        intent = self._intent(account, prepared)
        return await self._answering(intent, limit=self._limit(intent), reuse=reuse)

    async def answering(self, account: Account, prepared: "Prepared") -> Song | None:
        """The song that answers this request already, whatever else `generate` would refuse.

        None, too, where the ledger cannot be asked.
        """
        with suppress(LedgerDown):
            return await self._answering(self._intent(account, prepared), limit=0, reuse=True)
        return None

    async def _answering(self, intent: Song, *, limit: int, reuse: bool) -> Song | None:
        with answering_by(anyio.current_time() + GRACE):
            await self._records.written(intent.owner)
            return await self._ledger.earlier(intent, limit=limit, reuse=reuse, ago=self._jumps.ago)

    async def bought(self, account: Account) -> Bought:
        """What the account has spent, in tracks."""
        with answering_by(anyio.current_time() + GRACE):
            return await self._ledger.bought(account.owner, self._clock.now())

    async def _reserved(self, live: Live, *, reuse: bool) -> Song:
        """Write the intent, or find the song that answers the same request."""
        limit, lease = self._limit(live.song), self._terms.lease
        try:
            # Whether the last answer was heard decides if this is the same request.
            await self._records.written(live.song.owner)
            # Between the intent and its submission no cancelled caller can get in.
            with anyio.CancelScope(shield=True):
                song = await self._ledger.reserve(
                    live.song, limit=limit, reuse=reuse, lease=lease, ago=self._jumps.ago
                )
        except InDoubt as doubt:
            live.refuse(doubt)
            await self._records.write_or_queue(partial(self._withdraw, live))
            raise
        except BaseException:
            self._registry.drop(live)
            raise
        return song

    async def _withdraw(self, live: Live) -> None:
        """Drop an intent that may have been written, and that nobody will submit."""
        await self._ledger.forget(live.song.owner, live.song.id)
        self._registry.drop(live)

    async def status(self, account: Account, handle: str, *, wait: float, kind: str = "") -> Report:
        """The song as it stands after at most `wait` + `GRACE` seconds, asked for if needed.

        A finished song is answered from the ledger, and its files are fetched if they are not
        there. What is said of a running one is never older than the poll interval. An id the
        ledger does not know is asked of the gateway and adopted. A saved one is converted into the
        format `kind`, where one is named.

        Raises:
            NotFound: Nobody knows it.
            Refusal: It is unknown here, and the gateway could not be asked.
        """
        until = anyio.current_time() + wait
        with answering_by(until + GRACE):
            song = known = await self._known(account.owner, handle)
            if song is None:
                with anyio.CancelScope(deadline=until + GRACE):
                    found = await self._lookup.look_up(account, handle, until + GRACE / 2)
                    song = await self._ledger.adopt(self._adopted(account, *found))
            if song is None:
                raise NotAsked(handle, "no reply in time")
            if song.state in RUNNING and not self._can_ask(account, song):
                provider = self.providers.of(song)
                if provider is None:
                    raise NotAsked(handle, f"'{song.provider}' is not set up on this server")
                raise KeyMissing(account.looked, account.problem, provider.info.key_page)
            self._keys.add(account)
            live = self._registry.live(await self._wanted(song))
        if known is None:
            self._schedule.known(live)
        self._follower.follow(live)
        with live.awaited():
            if self._is_open(account, live.song):
                if self._schedule.may_ask(live):
                    await self._asked_now(live, until + GRACE)
                    self._follower.follow(live)  # one that was taken for ended may be alive
                else:
                    self._schedule.wait_for(live)
            report = await self._report(account, live, until)
        if not kind or report.song.state != "COMPLETED":
            return report
        song, why = await self._converter.convert(report.song, kind, until + GRACE)
        return replace(report, song=song, conversion=why)

    async def _known(self, owner: Owner, handle: str) -> Song | None:
        """The song as the ledger has it or, where that does not answer, as it is in hand here."""
        in_hand = self._registry.named(owner, handle)
        try:
            return await self._ledger.find(owner, handle) or in_hand
        except LedgerDown:
            if in_hand is None:
                raise
            return in_hand

    async def songs(
        self, account: Account, *, limit: int, status: str = "", search: str = "", cursor: str = ""
    ) -> Page:
        """The account's songs, newest first, from every client and every earlier run.

        Those still under way are asked about first, and missing files are fetched.
        """
        self._keys.add(account)
        look = partial(
            self._ledger.page,
            account.owner,
            limit=limit,
            status=status,
            search=search,
            cursor=cursor,
        )
        with answering_by(anyio.current_time() + 2 * GRACE):
            page = await look()
            return await look() if await self._refreshed(account, page.songs) else page

    async def _refreshed(self, account: Account, songs: Sequence[Song]) -> bool:
        """Bring songs that are not done up to date; whether any of them changed within `GRACE`."""
        asked: list[tuple[Live, Song, float]] = []
        for song in songs:
            if song.state not in RUNNING and not song.unsaved:
                continue
            live = self._registry.live(await self._wanted(song))
            self._follower.follow(live)
            running = song.state in RUNNING and self._can_ask(account, song)
            if running and self._schedule.may_ask(live):
                asked.append((live, song, live.polling.asked_at))
                self._follower.ask(live)
        with anyio.move_on_after(GRACE):
            for live, _, before in asked:
                while live.polling.asked_at == before:
                    await live.next_change()
        return any(live.song.version > song.version for live, song, _ in asked)

    def maker(self, song: Song) -> ProviderInfo:
        """What is to be known of who makes a song, be it a provider that is not set up here."""
        provider = self.providers.of(song)
        if provider is not None:
            return provider.info
        return ProviderInfo(
            name=song.provider,
            title=f"'{song.provider}'",
            models={},
            needs_key=False,
            charges=True,
            calls_back=False,
        )

    async def ready(self) -> None:
        """Returns if the ledger can be read.

        Raises:
            LedgerDown: It cannot.
        """
        with answering_by(anyio.current_time() + GRACE):
            await self._ledger.page(Owner("nobody"), limit=1)

    async def hint(self, owner: Owner, song_id: SongId, request_id: str) -> bool:
        """A callback came for a song: look at once; False where there is no such song.

        What the callback says of the song is not believed. That the gateway knows it by
        `request_id` is: only the gateway was told the song's own address.
        """
        with answering_by(anyio.current_time() + GRACE):
            return await self._hinted(owner, song_id, request_id)

    async def _hinted(self, owner: Owner, song_id: SongId, request_id: str) -> bool:
        song = await self._ledger.find(owner, song_id)
        if song is None:
            return False
        live = self._registry.live(song)
        if song.request_id is None:
            await self._named(live, request_id)
        self._follower.follow(live)
        if live.song.worker == self._worker:
            self._schedule.called(live)
        else:
            await self._ledger.change(owner, song_id, called)
        return True

    async def _named(self, live: Live, request_id: str) -> None:
        """The gateway has the song by this id, unless another order has it by the same."""
        provider = self.providers.of(live.song)
        named = None if provider is None else provider.request_id(request_id)
        if named is None:
            return
        # Without the key it is nobody's, until its owner calls a process.
        ours = self._keys.way_to(live.song) is not None
        heir, now = self._worker if ours else "", self._clock.now()
        await self._records.apply(live, partial(accepted, request_id=named, now=now, worker=heir))

    async def song(self, account: Account, handle: str) -> Song | None:
        """One of the account's songs, if there is one of that handle."""
        with answering_by(anyio.current_time() + GRACE):
            return await self._known(account.owner, handle)

    def heard(self, account: Account, handle: str, *, heard: bool = True) -> None:
        """Note that a tool answer told how the song ended; `heard=False`: that nobody got it."""
        fact = partial(delivered, now=self._clock.now(), heard=heard)
        write = partial(self._ledger.change, account.owner, handle, fact)
        self._records.write_later(account.owner, write)

    def _limit(self, song: Song) -> int:
        """How many tracks a day its owner may have made; 0 for any number."""
        return self._terms.daily_limit if song.charged else 0

    def _intent(self, account: Account, prepared: "Prepared") -> Song:
        now = self._clock.now()
        provider = self.providers.of_model(prepared.model.id).info
        return Song(
            id=_new_id(),
            owner=account.owner,
            fingerprint=prepared.fingerprint,
            provider=provider.name,
            charged=provider.charges,
            model=prepared.model.id,
            title=prepared.title,
            exact=prepared.exact,
            based_on=prepared.based_on,
            payload=prepared.payload,
            tracks=prepared.tracks,
            state="intent",
            created_at=now,
            updated_at=now,
            saving="wanted" if self._library else "off",
            worker=self._worker,
            warnings=prepared.warnings,
        )

    async def _make(self, live: Live, errand: Errand) -> None:
        await self._submitter.submit(live, errand)
        if live.refusal is None and live.song.request_id:
            self._keys.prove(live.song.owner)
        self._schedule.submitted(live)
        self._follower.take(live)

    def _is_open(self, account: Account, song: Song) -> bool:
        """Whether only the gateway knows how the song stands, and can be asked."""
        unlinked = song.state == "COMPLETED" and not song.media_urls
        told = song.state in RUNNING or song.presumed or unlinked
        return told and self._can_ask(account, song)

    def _can_ask(self, account: Account, song: Song) -> bool:
        provider = self.providers.of(song)
        return provider is not None and account.may_ask(provider.info)

    async def _asked_now(self, live: Live, until: float) -> None:
        """Have a song asked about at once, and give the answer a moment to come."""
        before = live.polling.asked_at
        self._follower.ask(live)
        with anyio.CancelScope(deadline=min(until, anyio.current_time() + GRACE)):
            while live.polling.asked_at == before:
                await live.next_change()

    async def _wanted(self, song: Song) -> Song:
        """Have files fetched that are not there, where this process has a folder for them."""
        if self._library is None or song.state != "COMPLETED" or song.saving == "off":
            return song
        if song.saving == "done" and not await self._library.absent(song):
            return song
        now, live = self._clock.now(), self._registry.held(song.id)
        if live is not None and song.worker == self._worker:
            idle = not live.saving.busy
        else:
            idle = song.save_attempts > 0 and song.save_after > now
        fact = partial(save_now, worker=self._worker, now=now, idle=idle)
        if fact(song) is song:
            return song
        with suppress(LedgerDown):  # the song can be told all the same
            return await self._ledger.change(song.owner, song.id, fact) or song
        return song

    async def _report(
        self, account: Account, live: Live, until: float, *, reused: bool = False
    ) -> Report:
        """The song at that time, or as soon as waiting is of no use; a little later if need be."""
        with live.awaited():
            looked = False
            with anyio.CancelScope(deadline=until):
                while not (live.over or self._stopping):
                    await live.next_change()
                    # What another process has just told may be old.
                    if not looked and self._is_open(account, live.song):
                        looked = self._schedule.may_ask(live)
                        if looked:
                            self._background.start(self._follower.observe, live)
            # Earlier than that where the wait ended because the server is being stopped.
            with anyio.CancelScope(deadline=min(until, anyio.current_time()) + GRACE):
                while live.submitting:
                    await live.next_change()
        return Report(live.result(), reused, live.problem, live.progress)

    def _adopted(self, account: Account, provider: Provider, seen: Observation) -> Song:
        """A song that was not ordered here, as the gateway tells of it."""
        now = self._clock.now()
        found = Song(
            id=_new_id(),
            owner=account.owner,
            fingerprint="",
            provider=provider.info.name,
            charged=provider.info.charges,
            model=seen.model,
            title="",
            payload={},
            tracks=0,
            state="QUEUED",
            request_id=seen.request_id,
            created_at=seen.created_at or now,
            saving="wanted" if self._library else "off",
            worker=self._worker,
        )
        return observed(found, seen, now)


def _new_id() -> SongId:
    return SongId(f"{LOCAL}{uuid4().hex[:16]}")
