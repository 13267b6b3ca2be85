"""The gateway's API: submit once, ask about a song, fetch its media.

The key goes to the configured origin and nowhere else; a `polling_url` in a reply is never
followed.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from acestep_mcp.domain.models import Model
from acestep_mcp.domain.retry import retry_after
from acestep_mcp.domain.song import Observation, RequestId
from acestep_mcp.gateway import wire
from acestep_mcp.gateway.verdicts import Broken, Verdict, of_status

if TYPE_CHECKING:
    from acestep_mcp.gateway.http import Http, Reply

KEY_HEADER = "Ocp-Apim-Subscription-Key"
SUBMIT_SECONDS = 60.0
"""After this long without a complete reply, the outcome of a submission is unknown."""
STATUS_SECONDS = 20.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_OK = 200


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


class Gateway:
    """One gateway origin, such as `https://gateway.pixazo.ai`."""

    def __init__(self, origin: str, *, now: Callable[[], float]) -> None:
        self._origin = origin.rstrip("/")
        self._now = now

    async def submit(self, model: Model, payload: Mapping[str, Any], key: str) -> Submission:
        """Send the paid request exactly once, on a connection of its own.

        Never raises for anything the network or the gateway does; the verdict says it.
        """
        request = ("POST", self._origin + model.submit_path)
        try:
            reply = await self._http.exchange(
                "submit", request, _headers(key), SUBMIT_SECONDS, payload
            )
        except Broken as broken:
            return Submission(broken.verdict, cause=broken.cause)
        return self._submission(reply)

    async def status(self, request_id: RequestId, key: str) -> Observation | Unanswered:
        """Ask the universal status endpoint about one song; never raises for the network."""
        request = ("GET", f"{self._origin}/v2/requests/status/{quote(request_id, safe='')}")
        try:
            reply = await self._http.exchange("status", request, _headers(key), STATUS_SECONDS)
        except Broken as broken:
            return Unanswered(broken.cause)
        if reply.status != _OK:
            return Unanswered(f"HTTP {reply.status}", reply.status, self._wait(reply))
        return wire.observation(reply.body or b"", request_id) or Unanswered("an unreadable reply")

    def media(
        self, url: str
    ) -> AbstractAsyncContextManager[tuple[int | None, AsyncIterator[bytes]]]:
        """Open a media URL, without the key: its length in bytes where known, and its bytes.

        Raises:
            OSError: The URL may not be fetched, or the host did not deliver.
        """
        if urlsplit(url).scheme != "https" and not (is_loopback(self._origin) and is_loopback(url)):
            raise OSError("the media URL is not https")
        return self._http.stream(url)

    async def close(self) -> None:
        """Close every connection."""
        if "_http" in self.__dict__:
            await self._http.close()

    @cached_property
    def _http(self) -> "Http":
        from acestep_mcp.gateway.http import Http  # noqa: PLC0415  # 40 ms that a start need not pay

        return Http(loopback=is_loopback(self._origin))

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
        return retry_after(reply.headers.get("retry-after"), self._now())


def _headers(key: str) -> dict[str, str]:
    return {KEY_HEADER: key, "Cache-Control": "no-cache"}


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine by its literal name."""
    return urlsplit(url).hostname in _LOOPBACK
