"""The user's own server in place of the gateway: restarts, a forgotten queue, jobs that hang.

It has the gateway's troubles with connections and replies, and its own: whatever waits when it is
restarted is forgotten, and what was being made stands still for ever.
"""

import json
from random import Random
from typing import Any

import httpx
import trio

from acestep_mcp.providers.acestep.client import SERVICE
from acestep_mcp.providers.bodies import Reply

from .gateway import BROKEN, UNREACHED, UNREADABLE, Answer, Gateway, Job, Post, _json, _plain
from .process import Process

_LOADING = (0.0, 0.0, 5.0, 60.0)
"""Seconds in which a server that was started answers nobody."""


class OwnServer(Gateway):
    """The server's side of one schedule. It is restarted at the times `restarts`."""

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        rng = Random(f"restarts {world.seed}")
        self._fate = Random(f"fate {world.seed}")
        count = rng.choice((0, 0, 1, 1, 2, 3))
        self._restarts = sorted(rng.uniform(0, world.plan.chaos + 100) for _ in range(count))
        self._loading = [rng.choice(_LOADING) for _ in self._restarts]
        self._done = 0
        self._silent = rng.random() < 0.3  # as the first releases, about how much is made
        self._forgotten: set[str] = set()
        self._frozen: set[str] = set()

    async def answer(self, process: Process, request: httpx.Request) -> Answer:
        """One request, whatever it is for."""
        self._restart()
        path = request.url.path
        if path == "/release_task":
            payload = json.loads(request.content)
            return await self.submitted(process, request.headers, payload)
        if self._away or self._trouble(self._world.plan.status_trouble / 2):
            await trio.sleep(self._rng.choice((0.0, 0.2, 3.0)))
            raise self._rng.choice(UNREACHED + BROKEN)("not reached")
        await trio.sleep(self._rng.choice((0.0, 0.0, 0.3)))
        self._restart()
        if path == "/health":
            return _plain(_json(200, {"data": {"service": SERVICE, "models_initialized": True}}))
        if path == "/v1/stats":
            return _plain(_json(200, {"data": self._stats()}))
        if self._trouble(self._world.plan.status_trouble / 2):
            body = self._rng.choice(UNREADABLE)
            return _plain(Reply(self._rng.choice((200, 401, 500, 502, 503)), {}, body))
        ids = json.loads(request.content)["task_id_list"]
        return _plain(_json(200, {"data": [self._item(each) for each in ids], "code": 200}))

    @property
    def _away(self) -> bool:
        now, plan = trio.current_time(), self._world.plan
        loads = zip(self._restarts, self._loading, strict=True)
        loading = any(start <= now < start + seconds for start, seconds in loads)
        return self._world.unreachable or loading or any(a <= now < b for a, b in plan.outages)

    def _restart(self) -> None:
        """Catch up on the restarts that there were: what they cost every song under way."""
        while (
            self._done < len(self._restarts) and self._restarts[self._done] <= trio.current_time()
        ):
            moment = self._restarts[self._done]
            self._done += 1
            self._world.say("the server is restarted")
            for name, job in self.jobs.items():
                if job.ends <= moment or name in self._forgotten | self._frozen:
                    continue
                job.ending, job.ends, job.linked = "ERROR", moment, moment
                (self._forgotten if job.starts > moment else self._frozen).add(name)

    def _admit(self, post: Post) -> None:
        super()._admit(post)
        assert post.job is not None
        job = post.job
        del self.jobs[job.request_id]
        number = len(self.jobs)
        job.request_id = f"{number:08x}-0000-4000-8000-{number:012x}"
        self.jobs[job.request_id] = job
        job.linked = job.ends
        job.ending = "COMPLETED" if job.ending == "COMPLETED" else "ERROR"
        if self._fate.random() < 0.03 and not self._world.healed:
            self._world.say(f"{job.request_id} hangs")
            job.ending, job.linked = "ERROR", job.starts
            job.ends = float("inf")

    async def _accepts(self, post: Post) -> Answer:
        self._admit_after(self._rng.choice((0.0, 0.0, 0.1, 0.9)), post)
        slow = self._trouble(0.2)
        await post.done.wait()
        await trio.sleep(self._rng.uniform(1, 90) if slow else self._rng.choice((0.0, 0.1, 0.6)))
        assert post.job is not None
        data = {"task_id": post.job.request_id, "status": "queued", "queue_position": 1}
        return _json(200, {"data": data, "code": 200}), post.name

    async def _refuses(self, post: Post) -> Answer:
        post.done.set()
        await trio.sleep(self._rng.choice((0.0, 0.2, 5.0)))
        status = self._rng.choice((400, 401, 403, 404, 413, 415, 422, 429))
        return _plain(_json(status, {"detail": "Server busy: queue is full"}))

    def _item(self, name: str) -> dict[str, Any]:
        job = self.jobs.get(name)
        if job is None or name in self._forgotten:
            return {"task_id": name, "status": 0, "result": "[]"}
        return {"task_id": name, **self._standing(job)}

    def _standing(self, job: Job) -> dict[str, Any]:
        now = trio.current_time()
        if now < job.starts:
            return _result(0, {"stage": "queued", "progress": 0.0, "status": 0})
        if now < job.ends or job.request_id in self._frozen:
            until = job.ends if job.ends < float("inf") else job.starts + 600
            made = 0.4 if job.request_id in self._frozen else _share(job.starts, until, now)
            told = {} if self._silent else {"stage": "rendering", "progress": made}
            return _result(0, {**told, "status": 0})
        if job.ending != "COMPLETED":
            return _result(2, {"file": "", "status": 2, "error": "Traceback\nthe model failed"})
        return _result(1, {"file": f"/v1/audio?path={job.request_id}.wav", "status": 1})

    def _stats(self) -> dict[str, Any]:
        now = trio.current_time()
        live = [each for each in self.jobs.values() if each.request_id not in self._frozen]
        live = [each for each in live if each.request_id not in self._forgotten]
        running = sum(each.starts <= now < each.ends for each in live)
        return {"jobs": {"running": running}, "queue_size": sum(now < each.starts for each in live)}


def _share(start: float, end: float, now: float) -> float:
    return round(min(0.99, max(0.0, (now - start) / max(1.0, end - start))), 3)


def _result(status: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"status": status, "result": json.dumps([item])}
