"""The simulated gateway: its knobs, what it has seen, and the levers that move jobs by hand."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal

import anyio
from anyio.abc import TaskGroup

from acestep_mcp.sandbox.band.wav import Encoding
from acestep_mcp.sandbox.catalogue import PRICE_CENTS
from acestep_mcp.sandbox.exchange import Exchange
from acestep_mcp.sandbox.faults import Fault, Faults
from acestep_mcp.sandbox.jobs import Job, Profile, State
from acestep_mcp.sandbox.messages import Arrival
from acestep_mcp.sandbox.proxy import TcpProxy, listen
from acestep_mcp.sandbox.routes import KEY_HEADER, Routes
from acestep_mcp.sandbox.web import served
from acestep_mcp.sandbox.webhooks import CallbackSent, follow

Wait = Literal["submit", "status", "media", "webhook", "other"]


class Knobs:
    """The oddities that the document shows or that back ends are known for; set them at any time.

    `extra_fields` are merged into every status; `encoding` is that of the media files.
    """

    media_type: str = "audio/wav"
    media_url_as_string: bool = False
    output_ext: str = "wav"
    lower_case_states: bool = False
    encoding: Encoding = "pcm16"
    expired_status: Literal[403, 404] = 404
    webhook_retry_delays: tuple[float, ...] = (0.2, 1.0)

    def __init__(self) -> None:
        self.extra_fields: dict[str, object] = {}
        self.forbidden_keys: set[str] = {"forbidden"}
        self.disabled_models: set[str] = set()


class Sandbox(Knobs):
    """One simulated gateway. Serves any number of clients; keeps everything in memory.

    Args:
        key: The only subscription key that is let in.
        profile: How long jobs take; `Profile.manual()` leaves them to the test.
        speed: Divides the profile's times; 10 makes a 16 s job take 1.6 s.
        balance: Dollars in the wallet at first; None for as many as are asked for.
        now: The clock, in epoch seconds.
    """

    def __init__(
        self,
        key: str = "sandbox-key",
        profile: Profile | None = None,
        speed: float = 1.0,
        balance: float | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.key = key
        self.profile = (profile or Profile()).faster(speed)
        self.speed = speed
        self.balance = balance
        self.now = now
        self.base_url = ""
        self.faults = Faults()
        self.jobs: dict[str, Job] = {}
        self.arrivals: list[Arrival] = []
        self.deliveries: list[CallbackSent] = []
        self.connections = 0
        self._routes = Routes(self)
        self._waiting: set[anyio.Event] = set()
        self._group: TaskGroup | None = None

    @asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Listens until the block ends; gives the base URL. Raises OSError when the port is taken.

        Connections still open at the end are cut off, and pending callbacks are dropped.
        """
        raised: Exception | None = None
        with listen(host, port) as listener, listen("127.0.0.1", 0) as behind:
            shown = f"[{host}]" if ":" in host else host
            self.base_url = f"http://{shown}:{listener.getsockname()[1]}"
            proxy = TcpProxy(listener, self.connected)
            app = Exchange(self._routes.app, self, proxy.connection)
            async with served(app, behind), anyio.create_task_group() as self._group:
                self._group.start_soon(proxy.run, behind.getsockname()[1])
                try:
                    yield self.base_url
                except Exception as error:  # noqa: BLE001  # raised again, outside the group
                    raised = error
                self._group.cancel_scope.cancel()
        if raised is not None:
            raise raised  # as it was: a task group would have wrapped it

    # What it has seen

    @property
    def submissions(self) -> list[Arrival]:
        """Every POST …/generate that was read, accepted or not."""
        return [arrival for arrival in self.arrivals if arrival.kind == "submit"]

    def polls(self, request_id: str | None = None) -> list[Arrival]:
        """Every status request that was read, of one job or of all."""
        polls = [arrival for arrival in self.arrivals if arrival.kind == "status"]
        return [p for p in polls if request_id is None or p.path.endswith(f"/{request_id}")]

    @property
    def keys_sent_to_media(self) -> list[Arrival]:
        """Downloads that carried a subscription key, which has no business with the bucket."""
        return [a for a in self.arrivals if a.kind == "media" and KEY_HEADER in a.headers]

    @property
    def remaining(self) -> float | None:
        """Dollars left. Jobs are charged by the track, unless they ended in ERROR."""
        if self.balance is None:
            return None
        now = self.now()
        tracks = sum(job.tracks for job in self.jobs.values() if job.state(now) != "ERROR")
        return round(self.balance - tracks * PRICE_CENTS / 100, 2)

    async def arrived(self, what: Wait, count: int = 1) -> None:
        """Returns once `count` requests of a kind were read, or callbacks attempted ("webhook").

        A request that is answered at once has had its effect by then.
        """
        while self._seen(what) < count:
            await self.changed()

    def _seen(self, what: Wait) -> int:
        if what == "webhook":
            return len(self.deliveries)
        return sum(arrival.kind == what for arrival in self.arrivals)

    async def changed(self) -> None:
        """Returns at the next arrival, callback or push of a job."""
        event = anyio.Event()
        self._waiting.add(event)
        try:
            await event.wait()
        finally:
            self._waiting.discard(event)

    def _wake(self) -> None:
        for event in self._waiting:
            event.set()

    # Levers

    def advance(self, request_id: str, state: State) -> None:
        """Puts a job into a state and takes it off the clock."""
        self.jobs[request_id].push(state, self.now())
        self._wake()

    def complete(self, request_id: str) -> None:
        """Finishes a job."""
        self.advance(request_id, "COMPLETED")

    def fail(
        self,
        request_id: str,
        state: Literal["FAILED", "ERROR"] = "FAILED",
        error: str = "The sandbox was told to fail this request",
    ) -> None:
        """Fails a job; ERROR is not charged."""
        self.jobs[request_id].error = error
        self.advance(request_id, state)

    def expire(self, request_id: str) -> None:
        """Takes a job's media away, as a bucket's retention would."""
        self.jobs[request_id].expired = True

    # What the proxy, the exchange and the routes ask of it

    def connected(self) -> None:
        """Counts a connection, also one that is reset before anything is read from it."""
        self.connections += 1

    def fault(self, kind: str) -> Fault:
        """Consumes the fault for a request."""
        return self.faults.take(kind)

    def record(self, arrival: Arrival) -> None:
        """Notes a request."""
        self.arrivals.append(arrival)
        self._wake()

    def accept(self, job: Job) -> None:
        """Takes a job in, and follows it where a callback was asked for."""
        self.jobs[job.request_id] = job
        if job.webhook and self._group:
            self._group.start_soon(follow, self, job, job.webhook)

    def delivered(self, delivery: CallbackSent) -> None:
        """Notes an attempt to call back."""
        self.deliveries.append(delivery)
        self._wake()

    def status(self, job: Job) -> dict[str, object]:
        """The status payload, for polls and callbacks alike."""
        return self._routes.shown(job)
