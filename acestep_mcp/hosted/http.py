"""The HTTP application: MCP at /mcp, callbacks at /webhook, /health for whoever watches it."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

from mcp.server.auth.settings import AuthSettings
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from acestep_mcp import server
from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.hosted.identity import Callers, GatewayKey, Verifier
from acestep_mcp.hosted.options import Options
from acestep_mcp.hosted.webhook import ROUTE, Webhook
from acestep_mcp.settings import Settings, SettingsError
from acestep_mcp.studio import Account

log = logging.getLogger(__name__)

_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")


def build(settings: Settings, options: Options, host: str) -> Starlette:
    """The application, its engine running while the application's lifespan lasts.

    Raises:
        SettingsError: It would listen beyond loopback without knowing its callers or its names.
    """
    _check_exposure(options, host)
    own = Account(server.LOCAL_OWNER, settings.key, settings.key_source, settings.key_places)
    callers = Callers(options, own)
    webhook = Webhook(options)
    oauth = options.auth == "oauth"
    app = server.build(
        settings,
        hosting=server.Hosting(
            who=callers.current,
            steward=callers.steward,
            callback=webhook.headers if webhook.on else None,
            verifier=Verifier(options) if oauth else None,
            auth=_auth(options) if oauth else None,
        ),
    )
    web = app.mcp.streamable_http_app(
        stateless_http=True, transport_security=_security(options), host=host
    )
    _add_routes(web, app, webhook)
    web.add_middleware(GatewayKey)
    _with_engine(web, app)
    return web


def _with_engine(web: Starlette, app: server.App) -> None:
    """Have the engine run as long as the application does."""
    serving = web.router.lifespan_context

    @asynccontextmanager
    async def lifespan(starlette: Starlette) -> AsyncIterator[None]:
        async with app.running(), serving(starlette):
            yield

    web.router.lifespan_context = lifespan


def _add_routes(web: Starlette, app: server.App, webhook: Webhook) -> None:
    async def callback(request: Request) -> Response:
        return await webhook.receive(request, app.studio)

    async def health(request: Request) -> Response:
        """Alive whenever it answers; `?ready` asks whether the ledger can be reached as well."""
        if "ready" not in request.query_params:
            return JSONResponse({"status": "alive"})
        try:
            await app.studio.ready()
        except LedgerDown as down:
            log.warning("the ledger cannot be reached: %s", down.cause)  # told to nobody outside
            return JSONResponse({"status": "not ready"}, status_code=503)
        return JSONResponse({"status": "ready"})

    web.router.routes += [
        Route(ROUTE, callback, methods=["POST"]),
        Route("/health", health, methods=["GET"]),
    ]


def _check_exposure(options: Options, host: str) -> None:
    if _is_loopback(host):
        return
    if options.auth == "none":
        raise SettingsError(f"to listen on {host}, set ACESTEP_AUTH to key or oauth")
    if not options.allowed_hosts:
        raise SettingsError(f"to listen on {host}, name its hosts in ACESTEP_ALLOWED_HOSTS")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _security(options: Options) -> TransportSecuritySettings:
    names = options.allowed_hosts or _LOOPBACK_HOSTS
    return TransportSecuritySettings(
        allowed_hosts=[*names, *(f"{name}:*" for name in names)],
        allowed_origins=[
            origin
            for name in names
            for scheme in ("http", "https")
            for origin in (f"{scheme}://{name}", f"{scheme}://{name}:*")
        ],
    )


def _auth(options: Options) -> AuthSettings:
    return AuthSettings(
        issuer_url=AnyHttpUrl(options.issuer),
        resource_server_url=AnyHttpUrl(options.audience),
        validate_token_resource=True,
    )
