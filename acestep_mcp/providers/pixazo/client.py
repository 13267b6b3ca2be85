"""The gateway's API: submit once, ask about a song, fetch its media.

The key goes to the configured origin and nowhere else; a `polling_url` in a reply is never
followed.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from acestep_mcp.domain.catalogue import ProviderInfo
from acestep_mcp.domain.errors import CouldNotSend
from acestep_mcp.domain.retry import instant, retry_after
from acestep_mcp.domain.song import RequestId
from acestep_mcp.providers import (
    Accepted,
    Answer,
    Gone,
    Media,
    Outcome,
    Reason,
    Refused,
    Submission,
    Unanswered,
    Unknown,
)
from acestep_mcp.providers.bodies import Reply, Request, parsed
from acestep_mcp.providers.downloads import opened
from acestep_mcp.providers.pixazo import wire
from acestep_mcp.providers.pixazo.models import MODELS
from acestep_mcp.providers.verdicts import Broken, of_status
from acestep_mcp.settings import GATEWAY, KEY_PAGE

if TYPE_CHECKING:
    from acestep_mcp.providers.http import Http

KEY_HEADER = "Ocp-Apim-Subscription-Key"
SUBMIT_SECONDS = 60.0
"""After this long without a complete reply, the outcome of a submission is unknown."""
STATUS_SECONDS = 20.0
_SHORTEST_KEY = 12  # no real key is shorter, and a shorter one might be part of any word
_OK = 200
_GONE = 410
_TOO_MANY, _OVERLOADED = 429, 503
_KEY_REFUSED = (401, 403)
_NEVER_KNOWN = (400, 404)
_REASONS: Mapping[int, Reason] = {401: "key", 403: "key", 402: "balance", _TOO_MANY: "busy"}
"""Why the gateway refuses, where it is not the request itself."""

INFO = ProviderInfo(
    name="pixazo",
    title="the gateway",
    models=MODELS,
    needs_key=True,
    charges=True,
    calls_back=True,
    key_page=KEY_PAGE,
    billing_page="https://api-console.pixazo.ai/dashboard",
    id_shapes=(
        r"[a-z][a-z0-9.]*(?:-[a-z0-9.]+)*_[0-9a-f]{4,}(?:-[0-9a-f]{2,})+",
        r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12,13}",  # as other providers name theirs
    ),
)
_BUCKETS = ("https://pub-582b7213209642b9b995c96c95a30381.r2.dev", "https://*.r2.dev")
"""Where the gateway keeps tracks: the bucket its document shows, and the buckets of that service.

A bucket's name is not promised. The second entry keeps the player playing when it changes, the
first where a host takes no wildcards.
"""


class Gateway:
    """One gateway origin, such as `https://gateway.pixazo.ai`.

    `webhook_mode` says which events it is to call back about.
    """

    def __init__(
        self,
        origin: str,
        *,
        now: Callable[[], float],
        http: "Http | None" = None,
        webhook_mode: str = "",
    ) -> None:
        self._origin = origin.rstrip("/")
        self.info = replace(INFO, media_origins=media_origins(self._origin))
        self._now = now
        self._http = http
        self._webhook_mode = webhook_mode

    def prepare(self) -> None:
        """Load and build whatever submitting, asking and downloading need; cheap once it is done.

        Raises:
            CouldNotSend: It cannot be had; the cause names what to mend.
        """
        try:
            self._ready().prepare()
        except Broken as broken:
            raise CouldNotSend(broken.cause) from broken

    async def submit(self, submission: Submission, key: str) -> Outcome:
        """Send the paid request exactly once, on a connection of its own.

        Never raises for anything the network or the gateway does; the outcome says it.
        """
        request = Request(
            method="POST",
            url=self._origin + _path(submission.model),
            headers={**_headers(key), **self._callback(submission.callback)},
            json=submission.payload,
        )
        try:
            reply = await self._ready().exchange(request, SUBMIT_SECONDS)
        except Broken as broken:
            return broken.outcome()
        return self._outcome(_without(key, reply))

    async def status(
        self, request_id: RequestId, key: str, sent: Mapping[str, Any] | None = None
    ) -> Answer:
        """Ask the universal status endpoint about one song; never raises for the network."""
        del sent  # the gateway tells all there is to know
        url = f"{self._origin}/v2/requests/status/{quote(request_id, safe='')}"
        request = Request(method="GET", url=url, headers=_headers(key))
        try:
            reply = await self._ready().exchange(request, STATUS_SECONDS)
        except Broken as broken:
            return Unanswered(broken.cause)
        said = f"HTTP {reply.status}"
        if reply.status in _NEVER_KNOWN or reply.status == _GONE:
            return Gone(said, once_known=reply.status == _GONE)
        if reply.status != _OK:
            busy = reply.status in (_TOO_MANY, _OVERLOADED)
            wait = self._wait(reply) if busy else None
            return Unanswered(said, wait, refused_key=reply.status in _KEY_REFUSED)
        body = _without(key, reply).body or b""
        return wire.observation(body, request_id, self._origin) or Unanswered("an unreadable reply")

    def request_id(self, text: str) -> RequestId | None:
        """The id, where the text can be one: the gateway's ids are opaque."""
        return wire.request_id(text)

    def reported(self, body: bytes) -> str | None:
        """The id that a callback names."""
        named = (parsed(body) or {}).get("request_id")
        return named if isinstance(named, str) else None

    @asynccontextmanager
    async def media(self, url: str, start: int = 0, validator: str = "") -> AsyncIterator[Media]:
        """Open a media URL, without the key, from byte `start` on if it is still the same file.

        Raises:
            MediaGone: The URL may not be fetched, or delivers nothing any more.
            OSError: The host did not deliver this time.
        """
        try:
            http = self._ready()
        except Broken as broken:
            raise OSError(broken.cause) from broken
        async with opened(http, url, start, validator) as media:
            yield media

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

    def _outcome(self, reply: "Reply") -> Outcome:
        verdict, said = of_status(reply.status), f"HTTP {reply.status}"
        body = reply.body or b""
        if verdict == "accepted":
            named = wire.request_id((parsed(body) or {}).get("request_id"))
            return Accepted(named) if named else Unknown(f"{said} without a readable request_id")
        if verdict == "unknown":
            return Unknown(said)
        reason = _REASONS.get(reply.status, "request")
        wait = self._wait(reply) if reason == "busy" else None
        return Refused(reason, said, wire.said(body), wait)

    def _callback(self, address: str) -> dict[str, str]:
        if not address:
            return {}
        mode = {"X-Webhook-Mode": self._webhook_mode} if self._webhook_mode else {}
        return {"X-Webhook-URL": address, **mode}

    def _wait(self, reply: "Reply") -> float | None:
        # A date is meant by the gateway's clock, from which this machine's may be far away.
        now = instant(reply.headers.get("date"))
        return retry_after(reply.headers.get("retry-after"), self._now() if now is None else now)


def _without(key: str, reply: "Reply") -> "Reply":
    """The reply with the key struck out, in case the gateway repeats what it was sent."""
    if len(key) < _SHORTEST_KEY or not reply.body:
        return reply
    return replace(reply, body=reply.body.replace(key.encode(), b"[key]"))


def media_origins(origin: str) -> tuple[str, ...]:
    """The origins that audio may come from; a gateway other than the documented serves its own."""
    if origin == GATEWAY:
        return _BUCKETS
    loopback = origin.startswith("http://")  # what the settings allow plain http for
    return (origin,) if loopback else (origin, *_BUCKETS)


def _path(model: str) -> str:
    return f"/{model}/v1/generate"


def _headers(key: str) -> dict[str, str]:
    return {KEY_HEADER: key, "Cache-Control": "no-cache"}
