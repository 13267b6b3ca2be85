"""The gateway's API: submit once, ask about a song, fetch its media.

The key goes to the configured origin and nowhere else; a `polling_url` in a reply is never
followed.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from acestep_mcp.domain.errors import MediaGone, NotSent
from acestep_mcp.domain.models import Model
from acestep_mcp.domain.retry import instant, retry_after
from acestep_mcp.domain.song import Observation, RequestId
from acestep_mcp.providers.pixazo import wire
from acestep_mcp.providers.verdicts import Broken, Verdict, of_status

if TYPE_CHECKING:
    from acestep_mcp.providers.http import Download, Http, Reply

KEY_HEADER = "Ocp-Apim-Subscription-Key"
SUBMIT_SECONDS = 60.0
"""After this long without a complete reply, the outcome of a submission is unknown."""
STATUS_SECONDS = 20.0
_SHORTEST_KEY = 12  # no real key is shorter, and a shorter one might be part of any word
_OK = 200
_PARTIAL = 206
_GONE = frozenset({400, 401, 403, 404, 405, 410, 451})
_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")


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
    hopeless: bool = False


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A status request that told nothing about the song: the HTTP status, or the cause."""

    cause: str
    status: int | None = None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """An open download: the bytes of a file from `start` on, of `total` where that is known.

    `validator` is what a later request needs to go on, to be handed back as it is; `""` where
    that is not possible. `proven` says that the host tells where the file ends: without that, a
    connection that was cut off looks like the end.
    """

    start: int
    total: int | None
    validator: str
    pieces: AsyncIterator[bytes]
    proven: bool = True


class Gateway:
    """One gateway origin, such as `https://gateway.pixazo.ai`."""

    def __init__(
        self, origin: str, *, now: Callable[[], float], http: "Http | None" = None
    ) -> None:
        self._origin = origin.rstrip("/")
        self._now = now
        self._http = http

    def prepare(self) -> None:
        """Load and build whatever submitting, asking and downloading need; cheap once it is done.

        Raises:
            NotSent: It cannot be had; the cause names what to mend.
        """
        try:
            self._ready().prepare()
        except Broken as broken:
            raise NotSent(broken.cause) from broken

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
        headers = {**_headers(key), **callback}
        try:
            reply = await self._ready().exchange(
                "submit", request, headers, SUBMIT_SECONDS, payload
            )
        except Broken as broken:
            return Submission(broken.verdict, cause=broken.cause, hopeless=broken.hopeless)
        return self._submission(_without(key, reply))

    async def status(self, request_id: RequestId, key: str) -> Observation | Unanswered:
        """Ask the universal status endpoint about one song; never raises for the network."""
        request = ("GET", f"{self._origin}/v2/requests/status/{quote(request_id, safe='')}")
        try:
            reply = await self._ready().exchange("status", request, _headers(key), STATUS_SECONDS)
        except Broken as broken:
            return Unanswered(broken.cause)
        if reply.status != _OK:
            return Unanswered(f"HTTP {reply.status}", reply.status, self._wait(reply))
        body = _without(key, reply).body or b""
        return wire.observation(body, request_id, self._origin) or Unanswered("an unreadable reply")

    @asynccontextmanager
    async def media(self, url: str, start: int = 0, validator: str = "") -> AsyncIterator[Media]:
        """Open a media URL, without the key, from byte `start` on if it is still the same file.

        Raises:
            MediaGone: The URL may not be fetched, or delivers nothing any more.
            OSError: The host did not deliver this time.
        """
        tag = validator.rpartition(" ")[0]
        asked = start if tag else 0
        headers = {"Range": f"bytes={asked}-", "If-Range": tag} if asked else {}
        try:
            http = self._ready()
        except Broken as broken:
            raise OSError(broken.cause) from broken
        async with http.download(url, headers) as reply:
            yield _media(reply, asked, validator)

    async def close(self) -> None:
        """Close every connection."""
        if self._http is not None:
            await self._http.close()

    def _ready(self) -> "Http":
        if self._http is None:
            try:
                # 60 ms that a start need not pay.
                from acestep_mcp.providers.http import Http  # noqa: PLC0415
            except Exception as error:  # whatever is missing of it
                what = getattr(error, "name", None) or type(error).__name__
                said = f"a part of the installation is missing ({what}); restart the client"
                raise Broken("never_sent", said, hopeless=True) from error
            self._http = Http(self._origin)
        return self._http

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


def _media(reply: "Download", asked: int, validator: str) -> Media:
    named = reply.headers.get("etag", "").strip()
    tag = named if named.startswith('"') else ""
    if reply.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise MediaGone("the media host sent the track compressed")
    if reply.status == _OK:
        length = reply.headers.get("content-length", "")
        total = int(length) if length.isdecimal() else None
        proven = total is not None or "transfer-encoding" in reply.headers
        return Media(0, total, _validator(tag, total), reply.pieces, proven)
    if reply.status == _PARTIAL:
        total = _part(reply, asked, validator)
        return Media(asked, total, validator if asked else _validator(tag, total), reply.pieces)
    if reply.status in _GONE:
        raise MediaGone(f"the media host answered HTTP {reply.status}")
    raise OSError(f"the media host answered HTTP {reply.status}")


def _part(reply: "Download", asked: int, validator: str) -> int:
    """The whole file's length, once the part is seen to be the one asked for, and of that file.

    Raises:
        OSError: It is another.
    """
    found = _RANGE.fullmatch(reply.headers.get("content-range", "").strip())
    if found is None:
        raise OSError("the media host sent a part without saying which")
    first, last, total = map(int, found.groups())
    length = reply.headers.get("content-length", "")
    if first != asked:
        raise OSError(f"the media host sent bytes from {first} on; {asked} on were asked for")
    if last >= total or (length.isdecimal() and int(length) != last - first + 1):
        raise OSError("the media host sent another length than it says")
    tag, _, before = validator.rpartition(" ")
    if asked and (reply.headers.get("etag", tag).strip() != tag or before not in ("", str(total))):
        raise OSError("the media host sent part of another file")
    return total


def _validator(tag: str, total: int | None) -> str:
    """The strong entity tag and, because some hosts change a file under its tag, the length."""
    return f"{tag} {total or ''}" if tag else ""
