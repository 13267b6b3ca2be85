"""Calls back to clients that asked for it, as the gateway document promises to."""

import json
import math
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

import anyio
import h11
from anyio.abc import ByteStream

from acestep_mcp.sandbox import faults as toxic
from acestep_mcp.sandbox.faults import Fault
from acestep_mcp.sandbox.jobs import TERMINAL, CallbackTarget, Job
from acestep_mcp.sandbox.server import delays, pieces

if TYPE_CHECKING:
    from acestep_mcp.sandbox.gateway import Sandbox

POLL_CYCLE = 15.0
"""Seconds between callbacks of a job in mode "sync" whose state does not change."""

_PATIENCE = 5.0  # the document's "within a few seconds"
_PIECE = 65_536


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
    await delays(fault)
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
    except (OSError, ssl.SSLError, anyio.BrokenResourceError, anyio.EndOfStream, h11.ProtocolError):
        return None


async def _connect(url: SplitResult) -> ByteStream:
    secure = url.scheme == "https"
    port = url.port or (443 if secure else 80)
    if secure:
        return await anyio.connect_tcp(url.hostname or "", port, tls=True)
    return await anyio.connect_tcp(url.hostname or "", port)


async def _exchange(stream: ByteStream, url: SplitResult, body: bytes, fault: Fault) -> int | None:
    http = h11.Connection(h11.CLIENT)
    head = http.send(_request(url, body)) or b""
    http.send(h11.Data(data=body))
    http.send(h11.EndOfMessage())
    if not await _send(stream, head, body, fault):
        return None
    while (event := http.next_event()) is h11.NEED_DATA:
        http.receive_data(await _received(stream))
    return event.status_code if isinstance(event, h11.Response) else None


def _request(url: SplitResult, body: bytes) -> h11.Request:
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    headers = {
        "Host": url.netloc.rpartition("@")[2],
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "User-Agent": "acestep-mcp-sandbox",
        "Connection": "close",
    }
    return h11.Request(method="POST", target=target, headers=list(headers.items()))


async def _send(stream: ByteStream, head: bytes, body: bytes, fault: Fault) -> bool:
    limit, pace = fault.find(toxic.limit_data), fault.find(toxic.slicer)
    whole = head + body
    cut = whole[: limit.size] if limit else whole
    for piece in pieces(cut, b"", pace.size if pace else _PIECE):
        await stream.send(bytes(piece))
        await anyio.sleep(pace.delay if pace else 0)
    return cut == whole


async def _received(stream: ByteStream) -> bytes:
    """What came in; b"" at the end, as h11 wants to be told."""
    try:
        return await stream.receive()
    except anyio.EndOfStream:
        return b""
