"""A simulated ACE-Step 1.5 API server: the dialect of those that people run themselves.

One song after the other, as on one graphics card; a restart forgets what waits. The audio is the
sandbox's own.
"""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

from anyio import to_thread
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from acestep_mcp.sandbox.proxy import listen
from acestep_mcp.sandbox.web import served

SERVICE = "ACE-Step API"
_FILE = "/v1/audio?path=%2Fsandbox%2F{}-{}.wav"


@dataclass(slots=True)
class OwnJob:
    """One song: what was sent, when it is begun and ended, and the file that came along."""

    body: dict[str, Any]
    starts: float
    ends: float
    source: bytes = b""
    frozen: bool = False

    @property
    def takes(self) -> int:
        """How many tracks it has."""
        return int(self.body.get("batch_size", 2))

    @property
    def seeds(self) -> list[int]:
        """A seed for each."""
        return [int(each) for each in str(self.body.get("seed", 0)).split(",")]


@dataclass(slots=True)
class OwnServer:
    """A server on loopback.

    Args:
        key: What callers have to show; nothing where it is empty.
        seconds: How long one song takes.
        room: Songs that may wait.
        service: What it calls itself.
        model: The model that is loaded.
        now: The clock, in seconds.
    """

    key: str = ""
    seconds: float = 4.0
    room: int = 200
    service: str = SERVICE
    model: str = "acestep-v15-turbo"
    now: Callable[[], float] = time.monotonic
    base_url: str = ""
    jobs: dict[str, OwnJob] = field(default_factory=dict)
    asked: int = 0

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[str]:
        """Listen until the block ends; raises OSError where the port is taken."""
        with listen("127.0.0.1", port) as listener:
            self.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            async with served(self._app(), listener):
                yield self.base_url

    def restart(self) -> None:
        """Forget what waits; what was being made stands still for ever."""
        now = self.now()
        self.jobs = {name: job for name, job in self.jobs.items() if job.starts <= now}
        for job in self.jobs.values():
            job.frozen = job.frozen or job.ends > now

    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/health", self._health),
                Route("/release_task", self._release, methods=["POST"]),
                Route("/query_result", self._query, methods=["POST"]),
                Route("/v1/stats", self._stats),
                Route("/v1/model_inventory", self._inventory),
                Route("/v1/audio", self._audio),
            ]
        )

    def _refused(self, request: Request) -> Response | None:
        shown = request.headers.get("authorization", "")
        if not self.key or shown == f"Bearer {self.key}":
            return None
        return JSONResponse({"detail": "Invalid API key"}, 401)

    async def _health(self, _: Request) -> Response:
        said = {"status": "ok", "service": self.service, "models_initialized": True}
        return _said({**said, "loaded_model": self.model})

    async def _release(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        now = self.now()
        waiting = sum(job.starts > now and not job.frozen for job in self.jobs.values())
        if waiting >= self.room:
            return JSONResponse({"detail": "Server busy: queue is full"}, 429)
        body, source = await _body(request)
        last = max((job.ends for job in self.jobs.values() if not job.frozen), default=now)
        starts, name = max(now, last), str(uuid4())
        self.jobs[name] = OwnJob(body, starts, starts + self.seconds, source)
        return _said({"task_id": name, "status": "queued", "queue_position": waiting + 1})

    async def _query(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        self.asked += 1
        named = (await request.json()).get("task_id_list", [])
        return _said([self._standing(name) for name in named])

    def _standing(self, name: str) -> dict[str, Any]:
        job, now = self.jobs.get(name), self.now()
        if job is None:
            return _item(name, 0, [])
        if now < job.starts:
            return _item(name, 0, [{"stage": "queued", "progress": 0.0, "status": 0}])
        if now < job.ends or job.frozen:
            made = 0.4 if job.frozen else round((now - job.starts) / self.seconds, 2)
            return _item(name, 0, [{"stage": "rendering", "progress": made, "status": 0}])
        seeds = ",".join(map(str, job.seeds))
        return _item(
            name,
            1,
            [
                {
                    "file": _FILE.format(name, take),
                    "status": 1,
                    "seed_value": seeds,
                    "dit_model": self.model,
                }
                for take in range(job.takes)
            ],
        )

    async def _stats(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        now, live = self.now(), [job for job in self.jobs.values() if not job.frozen]
        running = sum(job.starts <= now < job.ends for job in live)
        waiting = sum(now < job.starts for job in live)
        return _said({"jobs": {"running": running}, "queue_size": waiting})

    async def _inventory(self, request: Request) -> Response:
        return self._refused(request) or _said({"models": []})

    async def _audio(self, request: Request) -> Response:
        from acestep_mcp.sandbox.band.synth import track  # noqa: PLC0415  # its tables, when needed

        if refused := self._refused(request):
            return refused
        path = parse_qs(request.url.query).get("path", [""])[0]
        name, _, take = path.removeprefix("/sandbox/").removesuffix(".wav").rpartition("-")
        job = self.jobs.get(name)
        if job is None or not take.isdecimal() or int(take) >= job.takes:
            return JSONResponse({"detail": "File not found"}, 404)
        payload = {**job.body, "duration": job.body.get("audio_duration", 30)}
        seed = job.seeds[min(int(take), len(job.seeds) - 1)]
        content = await to_thread.run_sync(track, payload, seed, "pcm16")
        return Response(content, media_type="audio/wav")


async def _body(request: Request) -> tuple[dict[str, Any], bytes]:
    """What was sent, as JSON or as a form, and the file that came along."""
    if request.headers.get("content-type", "").startswith("application/json"):
        return dict(await request.json()), b""
    async with request.form() as form:
        upload = form.get("src_audio")
        source = await upload.read() if isinstance(upload, UploadFile) else b""
        return {name: value for name, value in form.items() if isinstance(value, str)}, source


def _item(name: str, status: int, takes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"task_id": name, "status": status, "result": json.dumps(takes), "progress_text": ""}


def _said(data: object) -> JSONResponse:
    return JSONResponse({"data": data, "code": 200, "error": None, "timestamp": 0, "extra": None})
