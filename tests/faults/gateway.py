"""The simulated gateway: it admits, charges, makes songs, and goes wrong in every known way.

What the server does with a request does not depend on whether anybody still listens.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from random import Random
from typing import TYPE_CHECKING, Any

import httpx
import trio

from acestep_mcp.providers.bodies import Reply
from acestep_mcp.providers.pixazo.client import KEY_HEADER

from .process import EPOCH, Process

if TYPE_CHECKING:
    from .world import World

REFUSALS = (400, 401, 402, 403, 404, 405, 410, 413, 415, 422, 451)
LONGEST_HOLD = 120.0
"""Seconds for which any Retry-After is heeded."""
AMBIGUOUS = (301, 302, 307, 308, 408, 409, 425, 500, 501, 502, 503, 504, 507, 520, 522, 524)
UNREACHED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
BROKEN = (
    httpx.ReadTimeout,
    httpx.WriteTimeout,
    httpx.ReadError,
    httpx.WriteError,
    httpx.CloseError,
    httpx.RemoteProtocolError,
    httpx.LocalProtocolError,
    httpx.DecodingError,
)
UNREADABLE = (
    b"",
    b"<html><body>Accepted</body></html>",
    b'{"request_id": ""}',
    b'{"request_id": 17}',
    b'{"request_id": "../../etc"}',
    b'{"status": "QUEUED"}',
    b'["request_id"]',
    b'{"request_id": "abc',
    b"\xff\xfe\x00",
    b"null",
    None,
)
Heard = Callable[[], object]
"""What becomes true once a live process holds the reply in its hands."""
Answer = tuple[Reply, Heard]
FAILING_STATUSES = (401, 403, 404, 408, 425, 429, 429, 429, 500, 502, 503, 503, 504)


@dataclass(slots=True, eq=False)
class Post:
    """One paid request that left a process, and what the server made of it."""

    seed: int
    process: Process
    at: float
    headers: Mapping[str, str]
    done: trio.Event = field(default_factory=trio.Event)
    job: "Job | None" = None
    named_at: float | None = None

    def name(self) -> None:
        """A live process holds the reply with the id in its hands."""
        self.named_at = trio.current_time()


@dataclass(slots=True, eq=False)
class Job:
    """An admitted and charged song."""

    request_id: str
    seed: int
    owner: str
    starts: float
    ends: float
    ending: str
    linked: float  # when its media URLs appear


class Gateway:
    """The server's side of one schedule."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._rng = world.rng
        self.posts: list[Post] = []
        self.jobs: dict[str, Job] = {}
        self._not_before: dict[int, float] = {}
        self._oddly = Random(f"mixed up {world.seed}")

    @property
    def finished(self) -> bool:
        """Whether every admitted song has ended and no request is still on its way."""
        now = trio.current_time()
        return all(job.linked <= now for job in self.jobs.values()) and all(
            post.done.is_set() for post in self.posts
        )

    async def answer(self, process: Process, request: httpx.Request) -> Answer:
        """One request, where the provider is another one."""
        raise NotImplementedError

    async def submitted(
        self, process: Process, headers: Mapping[str, str], payload: Mapping[str, Any]
    ) -> Answer:
        """The paid POST."""
        now, seed = trio.current_time(), int(payload["seed"])
        if now < self._not_before.get(seed, 0.0) - 1e-6:
            self._world.breach("early", f"order {seed} sent again before Retry-After had passed")
        if self._world.unreachable or self._trouble(0.25):
            return await self._unreached()
        post = Post(seed, process, now, headers)
        self.posts.append(post)
        if self._oddly.random() < 0.02 and not self._world.healed:
            self._world.lose(post)
        self._world.say(f"POST of order {seed} leaves a process")
        if not self._trouble(self._world.plan.submit_trouble):
            return await self._accepts(post)
        return await self._rng.choice(
            (
                self._refuses,
                self._breaks,
                self._breaks,
                self._stumbles,
                self._stumbles,
                self._mumbles,
            )
        )(post)

    async def asked(self, process: Process, request_id: str, owner: str) -> Answer:
        """The status GET."""
        now, rng = trio.current_time(), self._rng
        away = self._world.unreachable or any(a <= now < b for a, b in self._world.plan.outages)
        if not away and not self._trouble(self._world.plan.status_trouble):
            await trio.sleep(rng.choice((0.0, 0.05, 0.3)))
            if self._oddly.random() < self._world.plan.status_trouble / 4:
                request_id = self._oddly.choice([*self.jobs])
            return _plain(self._told(request_id))
        match rng.randrange(5):
            case 0:
                await trio.sleep(rng.choice((0.0, 1.0, 10.0, 30.0)))
                raise rng.choice(UNREACHED + BROKEN)("status")
            case 1 if not away:
                await trio.sleep(rng.uniform(1, 15))
                return _plain(self._told(request_id))
            case 2 if not away:
                return _plain(Reply(200, {}, rng.choice(UNREADABLE)))
            case 3 if not away:
                state = rng.choice(("PONDERING", "QUEUED", "", "queued ", "CANCELLED", "timed-out"))
                return _plain(_json(200, {"status": state}))
            case _:
                return await self._fails(process, rng.choice(FAILING_STATUSES), owner)

    def _trouble(self, odds: float) -> bool:
        return not self._world.healed and self._rng.random() < odds

    async def _unreached(self) -> Answer:
        kind = self._rng.choice(UNREACHED)
        await trio.sleep(10.0 if kind is httpx.ConnectTimeout else self._rng.choice((0.0, 0.2, 3)))
        raise kind("not reached")

    async def _accepts(self, post: Post) -> Answer:
        slow = self._trouble(0.2)
        self._admit_after(self._rng.choice((0.0, 0.0, 0.1, 0.9)), post)
        await post.done.wait()
        await trio.sleep(self._rng.uniform(1, 90) if slow else self._rng.choice((0.0, 0.1, 0.6)))
        assert post.job is not None
        status = self._rng.choice((202, 202, 202, 200, 201))
        body = {"request_id": post.job.request_id, "status": "QUEUED", "polling_url": "http://x"}
        return _json(status, body), post.name

    async def _refuses(self, post: Post) -> Answer:
        """A client error, before anything was admitted."""
        post.done.set()
        await trio.sleep(self._rng.choice((0.0, 0.2, 5.0)))
        if self._rng.random() < 0.5:
            return _plain(_json(self._rng.choice(REFUSALS), {"message": "No."}))
        headers, until = self._retry_after()

        def heard() -> None:
            # Whatever it says, nobody hammers a gateway that has just said no.
            self._not_before[post.seed] = max(until(), trio.current_time() + 0.9)

        return Reply(429, headers, b"slow down"), heard

    async def _breaks(self, post: Post) -> Answer:
        """The connection dies, before or after the admission; or nothing ever comes."""
        self._maybe_admit(post)
        kind = self._rng.choice(BROKEN)
        await trio.sleep(self._rng.uniform(0, 59 if "Timeout" in kind.__name__ else 3))
        if self._rng.random() < 0.1:
            await trio.sleep_forever()  # until the engine's own limit
        raise kind("broken")

    async def _stumbles(self, post: Post) -> Answer:
        """A status that does not say whether it was before or after the admission."""
        self._maybe_admit(post)
        await trio.sleep(self._rng.uniform(0, 3))
        status, headers = self._rng.choice(AMBIGUOUS), self._retry_after()[0]
        return _plain(Reply(status, headers, b"<html>Bad Gateway</html>"))

    async def _mumbles(self, post: Post) -> Answer:
        """Accepted, in a reply that names nothing."""
        self._admit_after(0.0, post)
        status = self._rng.choice((200, 201, 202, 204))
        return _plain(Reply(status, {}, self._rng.choice(UNREADABLE)))

    def _maybe_admit(self, post: Post) -> None:
        if self._rng.random() < 0.5:
            post.done.set()
        else:
            self._admit_after(self._rng.choice((0.0, 0.0, 2.0, 20.0, 80.0)), post)

    def _admit_after(self, seconds: float, post: Post) -> None:
        if seconds == 0:
            self._admit(post)
        else:
            self._world.nursery.start_soon(self._admit_later, seconds, post)

    async def _admit_later(self, seconds: float, post: Post) -> None:
        await trio.sleep(seconds)
        self._admit(post)

    def _admit(self, post: Post) -> None:
        rng, now = self._rng, trio.current_time()
        starts = now + rng.choice((0.0, 2.0, 10.0))
        ends = starts + rng.choice((1.0, 16.0, 16.0, 40.0, 111.0, 300.0))
        post.job = Job(
            request_id=f"ace-step-xl_{len(self.jobs):04d}",
            seed=post.seed,
            owner=post.headers.get(KEY_HEADER, ""),
            starts=starts,
            ends=ends,
            ending=rng.choice(("COMPLETED",) * 5 + ("FAILED", "ERROR")),
            linked=ends + (rng.uniform(1, 60) if rng.random() < 0.05 else 0.0),
        )
        self.jobs[post.job.request_id] = post.job
        self._world.say(f"order {post.seed} is admitted as {post.job.request_id}")
        self._world.callbacks.promise(post.job, post.headers)
        post.done.set()

    def _told(self, request_id: str) -> Reply:
        job = self.jobs.get(request_id)
        if job is None:
            return _json(404, {"message": "not found"})
        now = trio.current_time()
        body: dict[str, Any] = {"request_id": request_id, "status": job.ending}
        if now < job.ends:
            return _json(200, {**body, "status": "PROCESSING" if now >= job.starts else "QUEUED"})
        if job.ending == "COMPLETED" and now >= job.linked:
            body["output"] = {"media_url": [f"https://media.invalid/{job.request_id}.wav"]}
        elif job.ending != "COMPLETED":
            body["error"] = "the model failed"
        return _json(200, body)

    async def _fails(self, process: Process, status: int, owner: str) -> Answer:
        await trio.sleep(self._rng.choice((0.0, 0.2, 2.0)))
        if status not in (429, 503):
            return _plain(Reply(status, {}, b"try later"))
        headers, until = self._retry_after()

        def heard() -> None:
            hold = min(until(), trio.current_time() + LONGEST_HOLD)
            process.http.holds[owner] = max(process.http.holds.get(owner, 0.0), hold)

        return Reply(status, headers, b"try later"), heard

    def _retry_after(self) -> tuple[dict[str, str], Callable[[], float]]:
        """A Retry-After, and the virtual time until which it holds once it was heard."""
        rng, seconds = self._rng, float(self._rng.choice((0, 1, 3, 7, 30, 120, 900)))
        date = int(EPOCH + trio.current_time() + seconds)
        match rng.randrange(6):
            case 0 | 1 | 2:
                return {"retry-after": f"{seconds:g}"}, lambda: trio.current_time() + seconds
            case 3:
                named = {
                    "retry-after": formatdate(date, usegmt=True),
                    "date": formatdate(EPOCH + trio.current_time(), usegmt=True),
                }
                return named, lambda: date - EPOCH
            case 4:
                return {"retry-after": rng.choice(("soon", "-3", "nan", "", "1e400"))}, _at_once
            case _:
                return {}, _at_once

    def announced(self, process: Process, owner: str) -> None:
        """No planned status request before a Retry-After has passed, and none above the rate.

        Called when the engine decides to ask: a process suspended right then asks later.
        """
        http, now = process.http, trio.current_time()
        held = now < http.holds.get(owner, 0.0) - 1e-6
        if held and http.questions[owner]:
            http.questions[owner] -= 1
        elif held:
            self._world.breach("early", "a status request before Retry-After had passed")
        http.asked = [*(at for at in http.asked if at > now - 1.0 + 1e-6), now]
        if len(http.asked) > max(1.0, self._world.plan.status_rate):
            self._world.breach("early", f"{len(http.asked)} status requests in one second")


def _at_once() -> float:
    return 0.0


def _plain(reply: Reply) -> Answer:
    return reply, lambda: None


def _json(status: int, value: object) -> Reply:
    return Reply(status, {"content-type": "application/json"}, json.dumps(value).encode())
