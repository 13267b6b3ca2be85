"""The gateway's API: submit once, ask about a song, fetch its media.

The key goes to the configured origin and nowhere else; a `polling_url` in a reply is never
followed.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from acestep_mcp.domain.errors import MediaGone
from acestep_mcp.domain.models import Model
from acestep_mcp.domain.retry import instant, retry_after
from acestep_mcp.domain.song import Observation, RequestId
from acestep_mcp.gateway import wire
from acestep_mcp.gateway.verdicts import Broken, Verdict, of_status

if TYPE_CHECKING:
    from acestep_mcp.gateway.http import Download, Http, Reply

KEY_HEADER = "Ocp-Apim-Subscription-Key"
SUBMIT_SECONDS = 60.0
"""After this long without a complete reply, the outcome of a submission is unknown."""
STATUS_SECONDS = 20.0
_SHORTEST_KEY = 12  # no real key is shorter, and a shorter one might be part of any word
_OK = 200
_PARTIAL = 206
_GONE = frozenset({400, 401, 403, 404, 405, 410, 451})
_RANGE = re.compile(r"bytes (\d{1,15})-\d{1,15}/(\d{1,15})")


@dataclass(frozen=True, slots=True)
class Submission:
    """What became of one POST.

    `request_id` is given exactly when `verdict` is accepted. `status` is the HTTP status where
    there was one, `said` the gateway's cleaned text, `cause` our word for a failure.
    `retry_after` is in seconds.
    """

    verdict: Verdict
    request_id: RequestId | None = None
    status: int | None = None
    said: str = ""
    cause: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A status request that told nothing about the song: the HTTP status, or the cause."""

    cause: str
    status: int | None = None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """An open download: the bytes of a file from `start` on, of `total` where that is known.

    `validator` is the strong entity tag by which a later request can go on; `""` where there is
    none.
    """

    start: int
    total: int | None
    validator: str
    pieces: AsyncIterator[bytes]


class Gateway:
    """One gateway origin, such as `https://gateway.pixazo.ai`."""

    def __init__(self, origin: str, *, now: Callable[[], float]) -> None:
        self._origin = origin.rstrip("/")
        self._now = now

    def prepare(self) -> None:
        """Build what it takes to send a request."""
        _ = self._http

    async def submit(
        self,
        model: Model,
        payload: Mapping[str, Any],
        key: str,
        callback: Mapping[str, str] = MappingProxyType({}),
    ) -> Submission:
        """Send the paid request exactly once, on a connection of its own.

        `callback` is the headers that ask for a webhook.
        Never raises for anything the network or the gateway does; the verdict says it.
        """
        request = ("POST", self._origin + model.submit_path)
        try:
            reply = await self._http.exchange(
                "submit", request, {**_headers(key), **callback}, SUBMIT_SECONDS, payload
            )
        except Broken as broken:
            return Submission(broken.verdict, cause=broken.cause)
        return self._submission(_without(key, reply))

    async def status(self, request_id: RequestId, key: str) -> Observation | Unanswered:
        """Ask the universal status endpoint about one song; never raises for the network."""
        request = ("GET", f"{self._origin}/v2/requests/status/{quote(request_id, safe='')}")
        try:
            reply = await self._http.exchange("status", request, _headers(key), STATUS_SECONDS)
        except Broken as broken:
            return Unanswered(broken.cause)
        if reply.status != _OK:
            return Unanswered(f"HTTP {reply.status}", reply.status, self._wait(reply))
        body = _without(key, reply).body or b""
        return wire.observation(body, request_id) or Unanswered("an unreadable reply")

    @asynccontextmanager
    async def media(self, url: str, start: int = 0, validator: str = "") -> AsyncIterator[Media]:
        """Open a media URL, without the key, from byte `start` on if it is still the same file.

        Raises:
            MediaGone: The URL may not be fetched, or delivers nothing any more.
            OSError: The host did not deliver this time.
        """
        headers = {"Accept-Encoding": "identity"}
        if start and validator:
            headers |= {"Range": f"bytes={start}-", "If-Range": validator}
        async with self._http.download(url, headers) as reply:
            yield _media(reply)

    async def close(self) -> None:
        """Close every connection."""
        if "_http" in self.__dict__:
            await self._http.close()

    @cached_property
    def _http(self) -> "Http":
        from acestep_mcp.gateway.http import Http  # noqa: PLC0415  # 40 ms that a start need not pay

        return Http(self._origin)

    def _submission(self, reply: "Reply") -> Submission:
        verdict = of_status(reply.status)
        body = reply.body or b""
        if verdict == "accepted":
            named = wire.request_id((wire.parsed(body) or {}).get("request_id"))
            if named is None:
                unread = f"HTTP {reply.status} without a readable request_id"
                return Submission("unknown", status=reply.status, cause=unread)
            return Submission("accepted", named, reply.status)
        return Submission(
            verdict,
            status=reply.status,
            said=wire.said(body),
            cause=f"HTTP {reply.status}",
            retry_after=self._wait(reply),
        )

    def _wait(self, reply: "Reply") -> float | None:
        # A date is meant by the gateway's clock, from which this machine's may be far away.
        now = instant(reply.headers.get("date"))
        return retry_after(reply.headers.get("retry-after"), self._now() if now is None else now)


def _without(key: str, reply: "Reply") -> "Reply":
    """The reply with the key struck out, in case the gateway repeats what it was sent."""
    if len(key) < _SHORTEST_KEY or not reply.body:
        return reply
    return replace(reply, body=reply.body.replace(key.encode(), b"[key]"))


def _headers(key: str) -> dict[str, str]:
    return {KEY_HEADER: key, "Cache-Control": "no-cache"}


def _media(reply: "Download") -> Media:
    tag = reply.headers.get("etag", "")
    validator = tag if tag.startswith('"') else ""
    if reply.headers.get("content-encoding", "identity") != "identity":
        raise MediaGone("the media host sent the track compressed")
    if reply.status == _OK:
        length = reply.headers.get("content-length", "")
        return Media(0, int(length) if length.isdecimal() else None, validator, reply.pieces)
    if reply.status == _PARTIAL and (found := _RANGE.fullmatch(_ranged(reply))):
        return Media(int(found[1]), int(found[2]), validator, reply.pieces)
    if reply.status in _GONE:
        raise MediaGone(f"the media host answered HTTP {reply.status}")
    raise OSError(f"the media host answered HTTP {reply.status}")


def _ranged(reply: "Download") -> str:
    return reply.headers.get("content-range", "").strip()
