"""Several makers of songs in one server: each song has its own, and nobody else is asked for it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from acestep_mcp.clock import SystemClock
from acestep_mcp.domain.catalogue import ModelId, ProviderInfo
from acestep_mcp.domain.errors import KeyMissing, NotAsked
from acestep_mcp.domain.request import SongRequest
from acestep_mcp.domain.song import LOCAL_OWNER, Observation, RequestId
from acestep_mcp.engine import Account, Engine, Terms
from acestep_mcp.ledger import opened
from acestep_mcp.providers import (
    Accepted,
    Answer,
    Gone,
    Outcome,
    Provider,
    Providers,
    Submission,
)
from acestep_mcp.providers.pixazo.client import Gateway
from acestep_mcp.providers.pixazo.models import XL
from acestep_mcp.sandbox import Sandbox
from acestep_mcp.songcraft.prepare import Prepared, prepare
from tests.house import KEY, gateway

pytestmark = pytest.mark.anyio

NOBODY = Account(LOCAL_OWNER, None, looked=("the key's place",))
ME = Account(LOCAL_OWNER, KEY)
OWN = ModelId("own-model")


class Workshop:
    """A maker of songs that wants neither key nor money, in this process."""

    info = ProviderInfo(
        name="workshop",
        title="the workshop",
        models={OWN: replace(XL, id=OWN)},
        needs_key=False,
        charges=False,
        calls_back=False,
    )

    def __init__(self) -> None:
        self.songs: dict[str, Submission] = {}
        self.keys: set[str] = set()
        self.done = False

    def prepare(self) -> None:
        """Nothing is needed."""

    async def submit(self, submission: Submission, key: str) -> Outcome:
        self.keys.add(key)
        named = RequestId(f"workshop-{len(self.songs)}")
        self.songs[named] = submission
        return Accepted(named)

    async def status(
        self, request_id: RequestId, key: str, sent: Mapping[str, Any] | None = None
    ) -> Answer:
        del sent
        self.keys.add(key)
        if request_id not in self.songs:
            return Gone("never made here")
        return Observation(request_id=request_id, state="COMPLETED" if self.done else "QUEUED")

    def media(self, url: str, start: int = 0, validator: str = "") -> Any:
        raise OSError(f"no {url} from {start} on {validator}")

    def request_id(self, text: str) -> RequestId | None:
        return RequestId(text) if text.startswith("workshop-") else None

    def reported(self, body: bytes) -> str | None:
        return body.decode()

    async def close(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def served(
    sandbox: Sandbox, folder: Path, *others: Provider, account: Account = NOBODY
) -> AsyncIterator[Engine]:
    clock = SystemClock()
    engine = Engine(
        ledger=opened(folder / "ledger.sqlite3"),
        providers=Providers(Gateway(sandbox.base_url, now=clock.now), *others),
        library=None,
        clock=clock,
        terms=Terms(poll_interval=0.05, lease=0.3),
    )
    async with engine.open(account):
        yield engine


def asked(models: Mapping[str, Any], model: str, prompt: str = "A song") -> Prepared:
    return prepare(SongRequest(prompt=prompt, model=model), models, lambda: 0.5)


async def test_a_song_is_made_by_the_provider_of_its_model_and_its_row_says_so(
    tmp_path: Path,
) -> None:
    own = Workshop()
    async with gateway() as sandbox, served(sandbox, tmp_path, own, account=ME) as engine:
        models = engine.providers.models
        with anyio.fail_after(5):
            paid = (await engine.generate(ME, asked(models, XL.id), wait=0)).song
            free = (await engine.generate(ME, asked(models, OWN, "Another"), wait=0)).song
            own.done = True
            ended = (await engine.status(ME, free.handle, wait=5)).song

        assert (paid.provider, free.provider, ended.state) == ("pixazo", "workshop", "COMPLETED")
        assert (len(sandbox.submissions), len(own.songs)) == (1, 1)
        assert not any("workshop" in arrival.path for arrival in sandbox.arrivals)
        assert own.keys == {""}, "nobody else's key was shown to it"


async def test_without_a_key_only_the_provider_that_wants_one_refuses(tmp_path: Path) -> None:
    own = Workshop()
    async with gateway() as sandbox, served(sandbox, tmp_path, own) as engine:
        models = engine.providers.models
        with pytest.raises(KeyMissing):
            await engine.generate(NOBODY, asked(models, XL.id), wait=0)
        song = (await engine.generate(NOBODY, asked(models, OWN), wait=0)).song
        own.done = True
        with anyio.fail_after(5):
            assert (await engine.status(NOBODY, song.handle, wait=5)).song.state == "COMPLETED"

        assert sandbox.arrivals == []


async def test_after_a_restart_without_its_provider_a_song_waits_and_is_asked_of_nobody_else(
    tmp_path: Path,
) -> None:
    own = Workshop()
    async with gateway() as sandbox:
        async with served(sandbox, tmp_path, own) as engine:
            models = engine.providers.models
            song = (await engine.generate(NOBODY, asked(models, OWN), wait=0)).song
        async with served(sandbox, tmp_path, account=ME) as engine:
            with pytest.raises(NotAsked, match="workshop"):
                await engine.status(ME, song.handle, wait=0)
            listed = (await engine.songs(ME, limit=5)).songs
            await engine._lease._take_over()
            assert [each.state for each in listed] == ["QUEUED"]
            assert sandbox.arrivals == []
        own.done = True
        async with served(sandbox, tmp_path, own) as engine:
            with anyio.fail_after(5):
                assert (await engine.status(NOBODY, song.handle, wait=5)).song.state == "COMPLETED"


async def test_an_id_that_the_ledger_does_not_know_is_looked_for_at_each_provider_it_may_be_of(
    tmp_path: Path,
) -> None:
    own = Workshop()
    named = await own.submit(Submission(model=OWN, payload={}), "")
    assert isinstance(named, Accepted)
    async with gateway() as sandbox, served(sandbox, tmp_path, own, account=ME) as engine:
        with anyio.fail_after(5):
            found = (await engine.status(ME, named.request_id, wait=0)).song

        assert (found.provider, found.state) == ("workshop", "QUEUED")
        assert len(sandbox.polls(named.request_id)) == 1
