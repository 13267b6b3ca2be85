"""A song that changes hands while somebody looks on."""

from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from tests.house import house, shown

pytestmark = pytest.mark.anyio


async def test_a_song_taken_over_while_it_was_only_looked_at_is_followed(tmp_path: Path) -> None:
    async with house(tmp_path, ACESTEP_POLL_INTERVAL="60") as home:
        handle = shown(await home.generate())["request_id"]
        engine = home.app.engine
        ours = await engine.song(home.app.account, handle)
        assert ours is not None
        # A second engine of this process has the song as another process's, and nobody waits.
        theirs = replace(ours, id=type(ours.id)("local-elsewhere"), worker="dead")
        looking = engine._registry.live(theirs)
        engine._follower.follow(looking)
        while not engine._hints._waiting:  # it is looking
            await anyio.lowlevel.checkpoint()
        # What the lease does with an orphan: the song is ours now, and is to be followed.
        taken = engine._registry.live(replace(theirs, worker=ours.worker, version=ours.version + 1))
        assert taken is looking
        engine._follower.follow(taken)
        with anyio.fail_after(5):
            await home.sandbox.arrived("status")

        assert home.sandbox.polls(handle)
