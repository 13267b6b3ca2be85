"""The documented routes, and the media URLs that they hand out, as a web application."""

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from acestep_mcp.sandbox import media
from acestep_mcp.sandbox.band import score, wav
from acestep_mcp.sandbox.catalogue import FIELDS, PRICE_CENTS, objection
from acestep_mcp.sandbox.jobs import CallbackTarget, Job, request_id, status
from acestep_mcp.sandbox.messages import in_json, refusal

if TYPE_CHECKING:
    from acestep_mcp.sandbox.gateway import Sandbox

KEY_HEADER = "ocp-apim-subscription-key"

PUBLIC = "https://gateway.pixazo.ai"
"""Where polling_url points, as documented, and not to this server: clients must ignore its host."""

_FILE = "/media/v1/{}/sandbox_output_{}.{}"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class _Refused(Exception):  # carries a reply, not an error
    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.reply = refusal(status, error, message)


class Routes:
    """Answers requests on behalf of a sandbox, whose knobs it reads each time."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox
        self._bucket = media.Bucket()
        track = _FILE.format("{request_id}", "{index:int}", "{ext}")
        self.app = Starlette(
            routes=[
                Route("/{model}/v1/generate", self._submit, methods=["POST"]),
                Route("/v2/requests/status/{request_id}", self._status),
                Route(track, self._media),
            ],
            exception_handlers={_Refused: _refused, 404: _no_route, 405: _wrong_method},
        )
        self.app.router.redirect_slashes = False

    def _let_in(self, request: Request) -> None:
        key = request.headers.get(KEY_HEADER)
        if key in self._sandbox.forbidden_keys:
            raise _Refused(403, "Forbidden", "This subscription has no access to the API")
        if key != self._sandbox.key:
            fault = "is missing" if key is None else "is not valid"
            said = f"The Ocp-Apim-Subscription-Key header {fault}"
            raise _Refused(401, "Unauthorized", said)

    async def _submit(self, request: Request) -> Response:
        self._let_in(request)
        model = request.path_params["model"]
        if model not in FIELDS or model in self._sandbox.disabled_models:
            message = f"Model '{model}' not found or is disabled"
            raise _Refused(400, "Model not found", message)
        job = self._job(model, await _payload(request, model), _webhook(request.headers))
        self._check_balance(job)
        self._sandbox.accept(job)
        polling_url = f"{PUBLIC}/v2/requests/status/{job.request_id}"
        accepted = {"request_id": job.request_id, "status": "QUEUED", "polling_url": polling_url}
        return in_json(202, accepted)

    def _job(self, model: str, payload: dict[str, object], webhook: CallbackTarget | None) -> Job:
        now, ordinal = self._sandbox.now(), len(self._sandbox.jobs) + 1
        name = request_id(model, now)
        profile = self._sandbox.profile
        return Job(name, model, payload, _seed(payload, name), now, ordinal, profile, webhook)

    def _check_balance(self, job: Job) -> None:
        remaining, required = self._sandbox.remaining, job.tracks * PRICE_CENTS / 100
        if remaining is not None and remaining < required:
            message = "Your wallet does not have enough balance."
            # Only the XL page of the document names the price in this message.
            priced = f"{message} Required: ${required:.2f}"
            chosen = priced if job.model == "ace-step-xl" else message
            raise _Refused(402, "Insufficient Balance", chosen)

    async def _status(self, request: Request) -> Response:
        self._let_in(request)
        subject = request.path_params["request_id"]
        job = self._sandbox.jobs.get(subject)
        if job is None:
            raise _Refused(404, "Not Found", f"Request '{subject}' not found")
        return in_json(200, self.shown(job))

    def shown(self, job: Job) -> dict[str, object]:
        """The status payload with the oddities that are switched on."""
        sandbox = self._sandbox
        urls = [
            sandbox.base_url + _FILE.format(job.request_id, index, sandbox.output_ext)
            for index in range(job.tracks)
        ]
        media_url = urls[0] if sandbox.media_url_as_string else urls
        output = {"media_url": media_url, "media_type": sandbox.media_type}
        shape = status(job, sandbox.now(), output) | sandbox.extra_fields
        if sandbox.lower_case_states:
            shape["status"] = str(shape["status"]).lower()
        return shape

    async def _media(self, request: Request) -> Response:
        index, encoding = request.path_params["index"], self._sandbox.encoding
        job = self._track_owner(request.path_params["request_id"], index)
        headers = {
            "Content-Type": self._sandbox.media_type,
            "Accept-Ranges": "bytes",
            "ETag": media.etag(job, index, encoding),
        }
        size = wav.size(score.frames(job.payload), encoding)
        fetch = self._bucket.track
        return await media.serve(request, size, headers, lambda: fetch(job, index, encoding))

    def _track_owner(self, subject: str, index: int) -> Job:
        job = self._sandbox.jobs.get(subject)
        if job is None or index >= job.tracks or job.state(self._sandbox.now()) != "COMPLETED":
            raise _Refused(404, "Not Found", "There is no such object")
        if job.expired:
            raise _Refused(self._sandbox.expired_status, "Gone", "This object has expired")
        return job


async def _refused(_: Request, refused: Exception) -> Response:
    assert isinstance(refused, _Refused)  # noqa: S101  # what it is registered for
    return refused.reply


async def _no_route(request: Request, _: Exception) -> Response:
    return refusal(404, "Not Found", f"No route for {request.url.path}")


async def _wrong_method(_: Request, refused: Exception) -> Response:
    assert isinstance(refused, HTTPException)  # noqa: S101  # what it is registered for
    allowed = ", ".join(sorted((refused.headers or {})["Allow"].split(", ")))
    return refusal(405, "Method Not Allowed", f"Use {allowed}", {"Allow": allowed})


async def _payload(request: Request, model: str) -> dict[str, object]:
    try:
        payload = await request.json()
    except ValueError:
        raise _Refused(400, "Bad Request", "The body is not valid JSON") from None
    if not isinstance(payload, dict):
        raise _Refused(400, "Bad Request", "The body must be a JSON object")
    if message := objection(model, payload):
        raise _Refused(400, "Bad Request", message)
    return payload


def _webhook(headers: Mapping[str, str]) -> CallbackTarget | None:
    """Where to call back. Loopback may go without TLS, or nothing could be tested here."""
    url, mode = headers.get("x-webhook-url"), headers.get("x-webhook-mode", "terminal")
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme != "https" and (parts.scheme, parts.hostname in _LOOPBACK) != ("http", True):
        raise _Refused(400, "Bad Request", "X-Webhook-URL must be https; plain http is rejected")
    if mode not in ("terminal", "sync"):
        raise _Refused(400, "Bad Request", "X-Webhook-Mode must be 'terminal' or 'sync'")
    return CallbackTarget(url, mode)


def _seed(payload: Mapping[str, object], name: str) -> int:
    """The seed asked for, or one that no other request has."""
    seed = payload.get("seed")
    return seed if isinstance(seed, int) and seed >= 0 else random.Random(name).getrandbits(32)
