"""Two callers of one server whose gateway mixes them up: nobody sees what is the other's.

What is told of the wrong song is not believed, and once the truth is told the song is there.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp.client import Client

from tests.hosted.house import KEY_HEADER, Hosted, application, call, free_port, listening
from tests.hosted.issuer import OAUTH, issuer, token
from tests.hosted.liar import Liar, Lie, Told, liar
from tests.hosted.test_tenants import PROBES, told
from tests.house import KEY, shown
from tests.proofs.hostile import body, http
from tests.test_tasks import Claiming

pytestmark = [pytest.mark.anyio, pytest.mark.attack]

ALICES = {
    "prompt": "Alice's secret",
    "title": "For Alice",
    "lyrics": "[Verse]\nAlice has a garden nobody has seen\nAlice keeps it quiet and green\n",
}
BOBS = {"prompt": "Bob's own song", "title": "For Bob"}
DOORS = {name: probe for name, probe in PROBES.items() if "completion" not in name}
AUTH = pytest.mark.parametrize("auth", ["key", "oauth"])


@dataclass
class Pair:
    """Both callers, and the gateway behind their server."""

    gateway: Liar
    alice: Client
    bob: Client

    async def hers(self) -> Told:
        """Her song, made and told to her."""
        ordered = shown(await call(self.alice, "generate_song", **ALICES, wait=0))
        done = shown(await call(self.alice, "get_status", request_id=ordered["request_id"], wait=9))
        assert done["status"] == "COMPLETED"
        return self.gateway.of(ALICES["prompt"])

    async def seen(self, handle: str, *others: str) -> str:
        """Everything that any door shows him of an id and of all his songs; of others the most."""
        doors = [await told(probe(self.bob, handle)) for probe in DOORS.values()]
        for each in others:
            doors += [
                await told(PROBES[name](self.bob, each)) for name in ("get_status", "one output")
            ]
        doors.append(await told(self.bob.read_resource("acestep://outputs")))
        doors.append(await told(self.bob.call_tool("list_outputs", {"search": "garden"})))
        return "\n".join(doors)


@asynccontextmanager
async def pair(folder: Path, auth: str, **env: str) -> AsyncIterator[Pair]:
    """A hosted server, callable by Alice and Bob, on a gateway that can lie."""
    port = await free_port()
    env = {"ACESTEP_AUTH": auth, "ACESTEP_PUBLIC_URL": f"http://127.0.0.1:{port}", **env}
    async with issuer() as keys, liar() as gateway:
        if auth == "oauth":
            env |= {**OAUTH, "ACESTEP_AUTH_JWKS_URL": keys.url, "PIXAZO_API_KEY": KEY}
        app = application(gateway.url, folder, **env)
        async with listening(app, port) as url:
            host = Hosted(gateway, url)  # type: ignore[arg-type]  # nobody asks it for more than its URL
            alice, bob = (headers(name, auth) for name in ("alice", "bob"))
            async with (
                host.caller("legacy", **alice) as hers,
                host.caller("legacy", [Claiming()], **bob) as his,
            ):
                yield Pair(gateway, hers, his)


def headers(name: str, auth: str) -> Mapping[str, str]:
    if auth == "oauth":
        return {"Authorization": f"Bearer {token(sub=name)}"}
    return {KEY_HEADER: f"the-key-of-{name}"}


def marks(hers: Told) -> tuple[str, ...]:
    """What nobody but her may see: her words, and her id, which is in her URL, too."""
    return ("Alice", "garden", hers.request_id)


def hers_instead(**more: Any) -> Lie:
    """Her song's end in place of his."""
    return lambda self, _: http(b"200 OK", body(self.finished(self.of(ALICES["prompt"]), **more)))


def hers_behind(self: Liar, song: Told) -> bytes:
    """His own song, still being made, and her song's end behind it on the same connection."""
    running = {"request_id": song.request_id, "status": "PROCESSING"}
    return http(b"200 OK", body(running)) + hers_instead()(self, song)


def hers_last(self: Liar, song: Told) -> bytes:
    """His id first and hers further on, in one object."""
    said = body(self.finished(self.of(ALICES["prompt"])))
    return http(b"200 OK", b'{"request_id": "%b", %b' % (song.request_id.encode(), said[1:]))


LIES: dict[str, Lie] = {
    "the song": hers_instead(),
    "the song, failed": hers_instead(status="FAILED", output=None, error="Alice has a garden"),
    "the song, still made": hers_instead(status="PROCESSING"),
    "the id as another type": lambda self, _: http(
        b"200 OK",
        body(
            self.finished(
                self.of(ALICES["prompt"]), request_id=[self.of(ALICES["prompt"]).request_id]
            )
        ),
    ),
    "both ids": hers_last,
    "one more reply on the connection": hers_behind,
}


@AUTH
async def test_a_reply_about_anothers_song_shows_nothing_of_it_and_the_truth_ends_the_song(
    tmp_path: Path, auth: str
) -> None:
    async with pair(tmp_path, auth) as home:
        hers = await home.hers()
        home.gateway.lies |= LIES  # a song of his that is called by its lie for each of them
        his = [
            shown(await call(home.bob, "generate_song", prompt=lie, wait=0))["request_id"]
            for lie in LIES
        ]
        await home.gateway.lied_about(*LIES)
        seen = await home.seen(*his)
        home.gateway.lies.clear()
        done = [shown(await call(home.bob, "get_status", request_id=each, wait=9)) for each in his]

    assert [mark for mark in marks(hers) if mark in seen] == []
    assert '"status":"COMPLETED"' not in seen
    assert [each["status"] for each in done] == ["COMPLETED"] * len(LIES)
    assert [url for each in done for url in each["media_urls"]] == [
        f"https://media.example/{handle}.wav" for handle in his
    ]


async def test_an_id_that_he_made_up_and_that_is_answered_with_her_song_is_not_adopted(
    tmp_path: Path,
) -> None:
    async with pair(tmp_path, "key") as home:
        hers = await home.hers()
        made_up = "ace-step-xl_0000beef"
        home.gateway.told[made_up] = Told(made_up, "", {"prompt": "nobody's"}, "")
        home.gateway.lies["nobody's"] = hers_instead()
        answer = await call(home.bob, "get_status", request_id=made_up, wait=1)
        seen = await home.seen(made_up)
        total = shown(await call(home.bob, "list_outputs"))["total"]

    assert answer.is_error
    assert [mark for mark in marks(hers) if mark in seen] == []
    assert total == 0


def her_id(self: Liar, _: Told) -> bytes:
    """His order is taken, under the id that hers has."""
    told = {"request_id": self.of(ALICES["prompt"]).request_id, "status": "QUEUED"}
    return http(b"202 Accepted", body(told))


def nothing(_: Liar, __: Told) -> bytes:
    """His order is taken, and the reply gets lost."""
    return b""


@AUTH
async def test_an_order_that_is_given_the_id_of_hers_is_of_unknown_outcome(
    tmp_path: Path, auth: str
) -> None:
    async with pair(tmp_path, auth) as home:
        hers = await home.hers()
        home.gateway.orders[BOBS["prompt"]] = her_id
        answer = await call(home.bob, "generate_song", **BOBS, wait=0)
        while shown(answer)["status"] == "QUEUED":
            answer = await call(home.bob, "get_status", request_id=shown(answer)["request_id"])
        seen = await home.seen(shown(answer)["request_id"])

        assert shown(answer)["status"] == "UNKNOWN"
        assert "another order" in shown(answer)["error"]
        assert [mark for mark in marks(hers) if mark in answer.model_dump_json() + seen] == []
        # A callback that names it rightly ends the doubt.
        own = home.gateway.of(BOBS["prompt"])
        async with httpx.AsyncClient() as web:
            reply = await web.post(own.callback, json=home.gateway.finished(own))
        done = shown(
            await call(home.bob, "get_status", request_id=shown(answer)["request_id"], wait=9)
        )

    assert reply.status_code == 204
    assert done["status"] == "COMPLETED"
    assert done["media_urls"] == [f"https://media.example/{own.request_id}.wav"]


@AUTH
async def test_a_callback_that_names_her_song_gives_his_neither_its_id_nor_its_end(
    tmp_path: Path, auth: str
) -> None:
    async with pair(tmp_path, auth) as home:
        hers = await home.hers()
        home.gateway.orders[BOBS["prompt"]] = nothing
        answer = shown(await call(home.bob, "generate_song", **BOBS, wait=5))
        assert answer["status"] == "UNKNOWN"
        own = home.gateway.of(BOBS["prompt"])
        async with httpx.AsyncClient() as web:
            reply = await web.post(own.callback, json=home.gateway.finished(hers))
        still = shown(await call(home.bob, "get_status", request_id=answer["request_id"]))
        seen = await home.seen(answer["request_id"])

    assert reply.status_code == 204
    assert still["status"] == "UNKNOWN"
    assert [mark for mark in marks(hers) if mark in seen] == []
