"""A client as clients are: it asks again when it hears nothing, and never buys on a doubt."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import anyio
import httpx2
from mcp.shared.exceptions import MCPError

from acestep_mcp.domain.song import ENDED
from tests.house import text
from tests.replicas.fleet import Caller, Fleet

WAIT = 20
"""Seconds that a call waits for its song."""
PAUSE = 0.3
"""Seconds before a call that was not answered is made again in the same words."""
DOUBTS = 60
"""How often a song of unknown outcome is asked about before it is given up."""


class Customer:
    """One owner, who orders songs one after another through the proxy, and waits for each.

    `told` is the last answer about each song by title. `heard` counts what was no plain answer:
    calls `cut`, calls `refused`, looks at `unknown` songs, orders `dropped` unsent.
    """

    def __init__(self, fleet: Fleet, headers: Mapping[str, str]) -> None:
        self.told: dict[str, dict[str, Any]] = {}
        self.heard: Counter[str] = Counter()
        self._fleet = fleet
        self._headers = dict(headers)
        self._title = ""
        self._handle = ""

    async def buy(self, titles: Iterator[str]) -> None:
        """Order a song for every title, until others have taken the last one."""
        self._title = next(titles, "")
        while self._title:
            try:
                async with self._fleet.caller(**self._headers) as caller:
                    while self._title:
                        self.told[self._title] = await self._song(caller)
                        self._title, self._handle = next(titles, ""), ""
            except* (MCPError, httpx2.TransportError):
                self.heard["cut"] += 1
                await anyio.sleep(PAUSE)

    async def listed(self) -> set[str]:
        """The ids of all songs that the server lists."""
        found: set[str] = set()
        cursor: str | None = ""
        async with self._fleet.caller(**self._headers) as caller:
            while cursor is not None:
                page = await caller.call("list_outputs", limit=50, cursor=cursor)
                found |= {song["request_id"] for song in page["songs"]}
                cursor = page["next_cursor"] or None
        return found

    async def _song(self, caller: Caller) -> dict[str, Any]:
        """How a song ended, or that nobody ever knew if it was ordered."""
        answer: dict[str, Any] = {"status": ""}
        doubts = 0
        while answer["status"] not in ENDED and doubts < DOUBTS:
            answer = await (self._look(caller) if self._handle else self._order(caller))
            if answer["status"] == "UNKNOWN":
                doubts += 1
                self.heard["unknown"] += 1
                await anyio.sleep(PAUSE)
        return answer

    async def _order(self, caller: Caller) -> dict[str, Any]:
        """Every other song is waited for in the call that orders it."""
        wait = WAIT * (int(self._title) % 2)
        words = {"prompt": f"Song {self._title}", "title": self._title, "wait": wait}
        answer = await self._asked(caller, "generate_song", words)
        self._handle = answer.get("request_id", "")
        return answer

    async def _look(self, caller: Caller) -> dict[str, Any]:
        words = {"request_id": self._handle, "wait": WAIT}
        answer = await self._asked(caller, "get_status", words)
        if "No song has request_id" in answer.get("refusal", ""):
            self.heard["dropped"] += 1
            self._handle = ""  # so it was never sent, and is ordered again in the same words
        return answer

    async def _asked(self, caller: Caller, tool: str, words: dict[str, Any]) -> dict[str, Any]:
        """The structured answer, or what was said instead after a moment's pause."""
        answer = await caller.client.call_tool(tool, words)
        if answer.structured_content is not None:
            return dict(answer.structured_content)
        self.heard["refused"] += 1
        await anyio.sleep(PAUSE)
        return {"status": "", "refusal": text(answer)}
