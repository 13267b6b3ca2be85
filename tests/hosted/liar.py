"""A gateway with several customers that mixes up what it tells them.

Songs go by their prompts: whoever is asked about has one, and a lie is made of somebody else's.
"""

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio

from tests.proofs.hostile import RawGateway, body, http

Lie = Callable[["Liar", "Told"], bytes]


@dataclass
class Told:
    """An order as it came in: by which key, what was to be sung, where its end is to be told."""

    request_id: str
    key: str
    payload: Mapping[str, Any]
    callback: str

    @property
    def prompt(self) -> str:
        return str(self.payload["prompt"])


@dataclass
class Liar(RawGateway):
    """Tells the truth, but about whom it is to be mixed up: `orders` and `lies`, by prompt."""

    told: dict[str, Told] = field(default_factory=dict)
    orders: dict[str, Lie] = field(default_factory=dict)
    lies: dict[str, Lie] = field(default_factory=dict)
    lied: set[str] = field(default_factory=set)
    _told_one: anyio.Event = field(default_factory=anyio.Event)

    def of(self, prompt: str) -> Told:
        """The order with that prompt."""
        return next(each for each in self.told.values() if each.prompt == prompt)

    def finished(self, song: Told, **more: Any) -> dict[str, Any]:
        """A song's end, as it is."""
        url = f"https://media.example/{song.request_id}.wav"
        output = {"media_url": [url], "media_type": "audio/wav"}
        return {
            "request_id": song.request_id,
            "status": "COMPLETED",
            "model_id": "ace-step-xl",
            "error": None,
            "output": output,
            **more,
        }

    async def lied_about(self, *prompts: str) -> None:
        """Return once a lie about each of these was told."""
        with anyio.fail_after(10):
            while not self.lied.issuperset(prompts):
                await self._told_one.wait()

    def _reply(self, request: bytes) -> bytes:
        head, _, content = request.partition(b"\r\n\r\n")
        fields = re.findall(r"(?m)^([\w-]+): (.*?)\r?$", head.decode())
        headers = {name.lower(): value for name, value in fields}
        if request.startswith(b"POST"):
            return self._ordered(headers, json.loads(content))
        asked = head.split()[1].rpartition(b"/")[2].decode()
        song = self.told.get(asked)
        if song is None:
            return http(b"404 Not Found", b'{"message": "no such song"}')
        lie = self.lies.get(song.prompt)
        return self._lie(lie, song) if lie else http(b"200 OK", body(self.finished(song)))

    def _ordered(self, headers: Mapping[str, str], payload: Mapping[str, Any]) -> bytes:
        name = f"ace-step-xl_{len(self.told) + 1:08x}"
        key = headers["ocp-apim-subscription-key"]
        song = self.told[name] = Told(name, key, payload, headers.get("x-webhook-url", ""))
        lie = self.orders.get(song.prompt)
        accepted = {"request_id": name, "status": "QUEUED"}
        return self._lie(lie, song) if lie else http(b"202 Accepted", body(accepted))

    def _lie(self, lie: Lie, song: Told) -> bytes:
        self.lied.add(song.prompt)
        self._told_one.set()
        self._told_one = anyio.Event()
        return lie(self, song)


@asynccontextmanager
async def liar() -> AsyncIterator[Liar]:
    """One that listens."""
    made = Liar()
    async with anyio.create_task_group() as tasks:
        await tasks.start(partial(made.serve))
        yield made
        tasks.cancel_scope.cancel()
