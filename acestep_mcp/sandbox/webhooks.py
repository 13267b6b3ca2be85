"""Calls back to clients that asked for it, as the gateway document promises to."""

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

import anyio
from anyio.abc import ByteStream

from acestep_mcp.sandbox import faults as toxic
from acestep_mcp.sandbox.faults import Fault
from acestep_mcp.sandbox.jobs import TERMINAL, CallbackTarget, Job

if TYPE_CHECKING:
    from acestep_mcp.sandbox.gateway import Sandbox

POLL_CYCLE = 15.0
"""Seconds between callbacks of a job in mode "sync" whose state does not change."""

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
_PATIENCE = 5.0  # the document's "within a few seconds"
_MOST = 4096  # bytes that a receiver may take to say how it went


@dataclass(frozen=True, slots=True)
class CallbackSent:
    """One attempt to call back: `status` is what the receiver answered, None if nothing."""

    url: str
    body: bytes
    status: int | None

    @property
    def accepted(self) -> bool:
        """Whether the receiver confirmed it."""
        return self.status is not None and self.status // 100 == 2  # noqa: PLR2004  # 2xx


async def follow(sandbox: "Sandbox", job: Job, webhook: CallbackTarget) -> None:
    """Calls back at every change or poll cycle ("sync"), or only at the end, until the end."""
    state: str = job.state(sandbox.now())
    while state not in TERMINAL:
        changed = await _next_state(sandbox, job, state, webhook)
        if webhook.mode == "sync" or changed in TERMINAL:
            await _call_back(sandbox, webhook, json.dumps(sandbox.status(job)).encode())
        state = changed


async def _next_state(sandbox: "Sandbox", job: Job, state: str, webhook: CallbackTarget) -> str:
    """The state at the next change, or at the end of a poll cycle."""
    cycle = POLL_CYCLE / sandbox.speed if webhook.mode == "sync" else math.inf
    with anyio.move_on_after(cycle):
        while job.state(sandbox.now()) == state:
            # Never quite zero: a clock that rounds may reach the change a moment late.
            with anyio.move_on_after(max(job.until_change(sandbox.now()), 0.001)):
                await sandbox.changed()
    return job.state(sandbox.now())


async def _call_back(sandbox: "Sandbox", webhook: CallbackTarget, body: bytes) -> None:
    """Delivers once, and again after each retry delay until the receiver answers 2xx."""
    for delay in (*sandbox.webhook_retry_delays, None):
        delivery = await _attempt(webhook.url, body, sandbox.fault("webhook"))
        sandbox.delivered(delivery)
        if delivery.accepted or delay is None:
            return
        await anyio.sleep(delay)


async def _attempt(url: str, body: bytes, fault: Fault) -> CallbackSent:
    """One attempt. A fault's canned `reply` is the body sent in place of the true one."""
    await fault.delay()
    if silence := fault.find(toxic.timeout):
        await anyio.sleep(silence.seconds or 0)
    if canned := fault.find(toxic.reply):
        body = canned.body
    if (not fault.processes and not canned) or fault.resets("before"):
        return CallbackSent(url, body, None)
    status = await _post(url, body, fault)
    # The receiver's answer gets lost, so it will see the same callback again.
    return CallbackSent(url, body, None if fault.resets("after") else status)


async def _post(url: str, body: bytes, fault: Fault) -> int | None:
    """The receiver's status; None when it cannot be reached or does not answer in time."""
    try:
        with anyio.fail_after(_PATIENCE):
            async with await _connect(urlsplit(url)) as stream:
                return await _exchange(stream, urlsplit(url), body, fault)
    except (OSError, anyio.BrokenResourceError, anyio.EndOfStream):
        return None


async def _connect(url: SplitResult) -> ByteStream:
    secure = url.scheme == "https"
    port = url.port or (443 if secure else 80)
    if secure:
        return await anyio.connect_tcp(url.hostname or "", port, tls=True)
    return await anyio.connect_tcp(url.hostname or "", port)


async def _exchange(stream: ByteStream, url: SplitResult, body: bytes, fault: Fault) -> int | None:
    whole = _head(url, len(body)) + body
    limit, pace = fault.find(toxic.limit_data), fault.find(toxic.slicer)
    cut = whole[: limit.size] if limit else whole
    size = pace.size if pace else len(whole)
    for start in range(0, len(cut), size):
        await stream.send(cut[start : start + size])
        await anyio.sleep(pace.delay if pace else 0)
    if cut != whole:
        return None
    said = b""
    while b"\r\n" not in said and len(said) < _MOST:
        said += await stream.receive()
    found = _STATUS.match(said)
    return int(found[1]) if found else None


def _head(url: SplitResult, length: int) -> bytes:
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = (
        f"POST {target} HTTP/1.1",
        f"Host: {url.netloc.rpartition('@')[2]}",
        "Content-Type: application/json",
        f"Content-Length: {length}",
        "User-Agent: acestep-mcp-sandbox",
        "Connection: close",
    )
    return "\r\n".join([*lines, "", ""]).encode()
