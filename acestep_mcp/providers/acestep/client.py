"""The user's own ACE-Step 1.5 API server: one queue, one graphics card, no money.

Whatever is asked of it is asked of its origin alone, with its own key. It forgets what waits when
it is restarted and never says so, so a song that it does not know is told from one that runs; and
while it loads a model it answers nobody, so it is asked how it is before it is given a song.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import anyio

from acestep_mcp.clock import Clock
from acestep_mcp.domain.catalogue import ProviderInfo
from acestep_mcp.domain.errors import CouldNotSend
from acestep_mcp.domain.song import RUNNING, Observation, RequestId
from acestep_mcp.domain.text import clean
from acestep_mcp.providers import (
    Accepted,
    Answer,
    Gone,
    Media,
    NotSent,
    Outcome,
    Refused,
    Source,
    Submission,
    Unanswered,
    Unknown,
)
from acestep_mcp.providers.acestep import wire
from acestep_mcp.providers.acestep.models import MODELS
from acestep_mcp.providers.bodies import Reply, Request, parsed
from acestep_mcp.providers.downloads import opened
from acestep_mcp.providers.verdicts import Broken, of_status

if TYPE_CHECKING:
    from acestep_mcp.providers.http import Http

INFO = ProviderInfo(
    name="acestep",
    title="your own server",
    models=MODELS,
    needs_key=False,
    charges=False,
    calls_back=False,
    own=True,
    key_source="ACESTEP_SERVER_KEY",
    id_shapes=(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",),
)
SERVICE = "ACE-Step API"
WEB_PAGE = "ACE-Step Gradio API"

HEALTH_SECONDS = 3.0
SUBMIT_SECONDS = 60.0
ASK_SECONDS = 10.0
_FRESH = 0.5
"""Seconds for which an answer about all songs is good enough for each of them."""
_FORGOTTEN_AFTER = 5.0
"""Seconds between two answers that it knows no such song, before they are believed."""
_FROZEN_AFTER = 60.0
"""Seconds without progress after which it is asked whether it works at all."""
_NEVER_AFTER = 7_200.0
"""Seconds for which a song may run here before it counts as lost."""
_MOST_ASKED = 500
_OK = 200
_KEY_REFUSED = (401, 403)
_TOO_MANY = 429
_NOT_THIS = (404, 405)
_RESTARTED = "the server was restarted before it made the song; order it again"
_HANGS = "the server has not ended it in two hours; see its log"


@dataclass(slots=True)
class _Watched:
    """A song under way, as the server last told of it. Times are the monotonic clock's.

    `model` is what was loaded when it was ordered, where it was this process that ordered it.
    """

    since: float
    model: str = ""
    told: wire.Told | None = None
    told_at: float = -1.0
    moved_at: float = 0.0
    unknown_since: float | None = None


class AceStepServer:
    """One server, such as `http://127.0.0.1:8001`, and the key it was started with, if any.

    `problem` says what is wrong with a key that is there and cannot be used.
    """

    def __init__(
        self,
        origin: str,
        key: str = "",
        *,
        clock: Clock,
        http: "Http | None" = None,
        problem: str = "",
    ) -> None:
        self._problem = problem
        self._origin = origin.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.info = replace(INFO, media_origins=(self._origin,))
        self._clock = clock
        self._http = http
        self._watched: dict[RequestId, _Watched] = {}
        self._asking = anyio.Lock()

    def prepare(self) -> None:
        """Load and build whatever submitting, asking and downloading need.

        Raises:
            CouldNotSend: It cannot be had; the cause names what to mend.
        """
        if self._problem:
            raise CouldNotSend(f"no usable key for your own server: {self._problem}", free=True)
        try:
            self._ready().prepare()
        except Broken as broken:
            raise CouldNotSend(broken.cause, free=True) from broken

    async def submit(self, submission: Submission, key: str) -> Outcome:
        """Have the server queue a song, once it has said that it is the one and that it is well."""
        del key  # nobody's key but the one it was started with
        health = await self._well()
        if isinstance(health, NotSent):
            return health
        body = wire.job(submission.payload, health)
        url = f"{self._origin}/release_task"
        request = Request(method="POST", url=url, headers=self._headers, json=body)
        if submission.source is not None:
            try:
                files = {"src_audio": await _read(submission.source)}
            except OSError as error:
                why = error.strerror or "it cannot be read"
                return NotSent(f"the file of the earlier song: {why}", hopeless=True)
            request = replace(request, json=None, form=wire.form(body), files=files)
        try:
            reply = await self._ready().exchange(request, SUBMIT_SECONDS)
        except Broken as broken:
            return broken.outcome()
        outcome = _outcome(reply)
        if isinstance(outcome, Accepted):
            now = self._clock.monotonic()
            model = wire.loaded(health)
            self._watched[outcome.request_id] = _Watched(since=now, model=model, moved_at=now)
        return outcome

    async def status(
        self, request_id: RequestId, key: str, sent: Mapping[str, Any] | None = None
    ) -> Answer:
        """How a song stands: asked about with all others, at most once in half a second."""
        del key
        now = self._clock.monotonic()
        watched = self._watched.setdefault(request_id, _Watched(since=now, moved_at=now))
        async with self._asking:  # whoever waited here finds the answer that came meanwhile
            if self._clock.monotonic() - watched.told_at > _FRESH or watched.told is None:
                failure = await self._ask_about(request_id)
                if failure is not None:
                    return failure
        told = watched.told
        if told is None:
            return Unanswered("an unreadable reply")
        if not told.known and sent is None:
            self._watched.pop(request_id, None)
            return Gone("it knows no such song")
        answer = await self._judged(watched, told)
        if isinstance(answer, Observation) and answer.state not in RUNNING:
            self._watched.pop(request_id, None)
            if answer.state == "COMPLETED" and sent:
                return replace(answer, warnings=wire.odd(told, sent, watched.model))
        return answer

    def request_id(self, text: str) -> RequestId | None:
        """The id, where the text is one of a job."""
        return wire.request_id(text)

    def reported(self, body: bytes) -> str | None:
        """None: the server calls nobody."""
        del body
        return None

    @asynccontextmanager
    async def media(self, url: str, start: int = 0, validator: str = "") -> AsyncIterator[Media]:
        """Open a track, with the server's key, from byte `start` on if it is the same file.

        Raises:
            MediaGone: It is not on this server, or not any more.
            OSError: It was not delivered this time.
        """
        try:
            http = self._ready()
        except Broken as broken:
            raise OSError(broken.cause) from broken
        async with opened(http, url, start, validator, self._headers) as media:
            yield media

    async def close(self) -> None:
        """Close every connection."""
        if self._http is not None:
            await self._http.close()

    async def health(self) -> Mapping[str, Any]:
        """What the server says of itself.

        Raises:
            Broken: It does not answer, or something else does.
        """
        request = Request(method="GET", url=f"{self._origin}/health")
        reply = await self._ready().exchange(request, HEALTH_SECONDS)
        found = (parsed(reply.body or b"") or {}).get("data")
        said = found if isinstance(found, dict) else {}
        if reply.status == _OK and said.get("service") == SERVICE:
            return said
        raise Broken("never_sent", _stranger(self._origin, reply, said), hopeless=True)

    async def inventory(self) -> bool | None:
        """Whether it lists its models, as later releases do; None where it refuses the key.

        Raises:
            Broken: It does not answer.
        """
        url = f"{self._origin}/v1/model_inventory"
        request = Request(method="GET", url=url, headers=self._headers)
        stats = replace(request, url=f"{self._origin}/v1/stats")
        replies = [await self._ready().exchange(each, HEALTH_SECONDS) for each in (stats, request)]
        if any(reply.status in _KEY_REFUSED for reply in replies):
            return None
        return replies[1].status == _OK

    def _ready(self) -> "Http":
        if self._http is None:
            from acestep_mcp.providers.http import Http  # noqa: PLC0415  # 60 ms of a start

            self._http = Http(self._origin, own=True)
        return self._http

    async def _well(self) -> Mapping[str, Any] | NotSent:
        """What the server says of itself, or why nothing can be sent to it."""
        try:
            return await self.health()
        except Broken as broken:
            if broken.hopeless:
                return NotSent(broken.cause, hopeless=True)
            slow = broken.verdict == "unknown"
            why = "it loads a model, or hangs" if slow else "start it with acestep-api"
            return NotSent(f"your own server at {self._origin} does not answer ({why})")

    async def _ask_about(self, request_id: RequestId) -> Unanswered | None:
        """Ask about that song and all others under way; why nothing was told, if so."""
        others = [each for each in self._watched if each != request_id][: _MOST_ASKED - 1]
        request = Request(
            method="POST",
            url=f"{self._origin}/query_result",
            headers=self._headers,
            json={"task_id_list": [request_id, *others]},
        )
        try:
            reply = await self._ready().exchange(request, ASK_SECONDS)
        except Broken as broken:
            return Unanswered(f"your own server cannot be reached: {broken.cause}")
        if reply.status != _OK:
            refused = reply.status in _KEY_REFUSED
            return Unanswered(f"HTTP {reply.status}", refused_key=refused)
        data = (parsed(reply.body or b"") or {}).get("data")
        items = data if isinstance(data, list) else []
        now = self._clock.monotonic()
        for item in items[:_MOST_ASKED]:
            told = wire.told(item, self._origin) if isinstance(item, dict) else None
            watched = self._watched.get(told.seen.request_id) if told else None
            if told is not None and watched is not None:
                _note(watched, told, now)
        asked = self._watched.get(request_id)
        if asked is None or asked.told_at != now:
            return Unanswered("an unreadable reply")
        return None

    async def _judged(self, watched: _Watched, told: wire.Told) -> Answer:
        """What an answer means, with what was answered before."""
        now = self._clock.monotonic()
        if not told.known:
            since = watched.unknown_since
            if since is not None and now - since >= _FORGOTTEN_AFTER and await self._is_well():
                return replace(told.seen, state="ERROR", error=_RESTARTED)
            return Unanswered("the server does not know the song just now")
        if told.seen.state not in RUNNING:
            return told.seen
        if now - watched.since > _NEVER_AFTER:
            return replace(told.seen, state="ERROR", error=_HANGS)
        if now - watched.moved_at > _FROZEN_AFTER and await self._is_idle():
            return replace(told.seen, state="ERROR", error=_RESTARTED)
        return told.seen

    async def _is_well(self) -> bool:
        try:
            return bool(await self.health())
        except Broken:
            return False

    async def _is_idle(self) -> bool:
        """Whether it says that it makes no song and that none waits."""
        request = Request(method="GET", url=f"{self._origin}/v1/stats", headers=self._headers)
        try:
            reply = await self._ready().exchange(request, HEALTH_SECONDS)
        except Broken:
            return False
        data = (parsed(reply.body or b"") or {}).get("data")
        stats = data if reply.status == _OK and isinstance(data, dict) else {}
        jobs = stats.get("jobs")
        running = jobs.get("running") if isinstance(jobs, dict) else None
        return running == 0 and stats.get("queue_size") == 0


def _note(watched: _Watched, told: wire.Told, now: float) -> None:
    before = watched.told
    moved = before is None or (before.stage, before.seen) != (told.stage, told.seen)
    watched.told, watched.told_at = told, now
    watched.moved_at = now if moved else watched.moved_at
    if told.known:
        watched.unknown_since = None
    elif watched.unknown_since is None:
        watched.unknown_since = now


async def _read(source: Source) -> tuple[str, bytes, str]:
    """A file as it is sent: a name that tells only its kind, what it holds, its media type."""
    content = await anyio.Path(source.path).read_bytes()
    return f"source{source.path.suffix}", content, source.media_type


def _outcome(reply: Reply) -> Outcome:
    verdict, said = of_status(reply.status), f"HTTP {reply.status}"
    body = parsed(reply.body or b"") or {}
    if verdict == "accepted":
        data = body.get("data")
        named = wire.request_id(data.get("task_id")) if isinstance(data, dict) else None
        right = named is not None and body.get("code", _OK) == _OK
        return Accepted(named) if named and right else Unknown(f"{said} without a readable task_id")
    if verdict == "unknown":
        return Unknown(said)
    detail = clean(body.get("detail"), 200)
    if reply.status in _KEY_REFUSED:
        return Refused("key", said, detail)
    if reply.status == _TOO_MANY:
        return Refused("busy", said, detail)
    return Refused("request", said, "no API server" if reply.status in _NOT_THIS else detail)


def _stranger(origin: str, reply: Reply, said: Mapping[str, Any]) -> str:
    """What answers in the place of the server."""
    if said.get("service") == WEB_PAGE:
        return (
            f"at {origin} is ACE-Step's web interface, which makes songs inside a request; stop it "
            "and start the API server: acestep-api"
        )
    return f"at {origin} is no ACE-Step API server (HTTP {reply.status}); start it with acestep-api"
