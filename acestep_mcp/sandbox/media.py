"""The simulated media bucket: renders tracks when they are asked for, and serves ranges."""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import anyio
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from acestep_mcp.sandbox.band.wav import Encoding
from acestep_mcp.sandbox.jobs import Job

_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


class Bucket:
    """Finished tracks by request and index. Keeps the last rendered, up to `budget` bytes."""

    def __init__(self, budget: int = 192 << 20) -> None:
        self._budget = budget
        self._tracks: OrderedDict[tuple[str, int, Encoding], bytes] = OrderedDict()
        self._rendering = anyio.Lock()

    async def track(self, job: Job, index: int, encoding: Encoding) -> bytes:
        """The file, rendered in a worker thread unless it is still at hand.

        One at a time: two renderings would only halve each other's speed.
        """
        key = (job.request_id, index, encoding)
        async with self._rendering:
            if key not in self._tracks:
                self._keep(key, await _rendered(job, index, encoding))
            self._tracks.move_to_end(key)
            return self._tracks[key]

    def _keep(self, key: tuple[str, int, Encoding], content: bytes) -> None:
        self._tracks[key] = content
        while len(self._tracks) > 1 and sum(map(len, self._tracks.values())) > self._budget:
            self._tracks.popitem(last=False)


async def _rendered(job: Job, index: int, encoding: Encoding) -> bytes:
    # Imported here: a sandbox that serves no audio has no use for the synthesizer's tables.
    from acestep_mcp.sandbox.band.synth import track  # noqa: PLC0415

    return await to_thread.run_sync(
        track, job.payload, job.seed + index, encoding, abandon_on_cancel=True
    )


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` up to but not including `end` of a file of `size`."""

    start: int
    end: int
    size: int

    @property
    def header(self) -> str:
        """The value of Content-Range."""
        return f"bytes {self.start}-{self.end - 1}/{self.size}"


def etag(job: Job, index: int, encoding: Encoding) -> str:
    """A strong tag, known without rendering because rendering is deterministic."""
    content = f"{job.request_id}|{index}|{encoding}|{job.seed}"
    return f'"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'


def span(headers: Mapping[str, str], size: int, tag: str) -> Span | None:
    """The span asked for; None for the whole file. Raises ValueError when it lies outside.

    Several ranges, other units and a failed If-Range are answered with the whole file.
    """
    match = _RANGE.match(headers.get("range", ""))
    if match is None or headers.get("if-range", tag) != tag or match[0] == "bytes=-":
        return None
    first, last = match.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= end:
        raise ValueError(f"bytes */{size}")
    return Span(start, end, size)


async def serve(
    request: Request, size: int, headers: dict[str, str], content: Callable[[], Awaitable[bytes]]
) -> Response:
    """The reply to GET or HEAD of a file whose size and headers are known beforehand."""
    try:
        part = span(request.headers, size, headers["ETag"])
    except ValueError as outside:
        return Response(status_code=416, headers={"Content-Range": str(outside)})
    status = 206 if part else 200
    part = part or Span(0, size, size)
    if status == 206:  # noqa: PLR2004  # Partial Content
        headers = headers | {"Content-Range": part.header}
    if request.method == "HEAD":
        headers = headers | {"Content-Length": str(part.end - part.start)}
        return Response(status_code=status, headers=headers)
    return Response(memoryview(await content())[part.start : part.end], status, headers)
