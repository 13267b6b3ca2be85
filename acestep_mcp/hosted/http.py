"""The HTTP application: MCP at /mcp, callbacks at /webhook, /health for whoever watches it."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp.server.auth.middleware.bearer_auth import RequireAuthMiddleware
from mcp.server.auth.settings import AuthSettings
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from acestep_mcp import server
from acestep_mcp.domain.errors import LedgerDown
from acestep_mcp.hosted import exposure
from acestep_mcp.hosted.envelopes import Envelopes
from acestep_mcp.hosted.identity import Callers, GatewayKey
from acestep_mcp.hosted.limits import BodyLimits
from acestep_mcp.hosted.options import Options
from acestep_mcp.hosted.tokens import Verifier, WhileIssuerIsDown
from acestep_mcp.hosted.webhook import ROUTE, Webhook
from acestep_mcp.settings import Settings

log = logging.getLogger(__name__)

PATH = "/mcp"


def build(settings: Settings, options: Options, host: str) -> Starlette:
    """The application, its engine running while the application's lifespan lasts.

    Raises:
        SettingsError: It could be reached from beyond loopback without knowing its callers or its
            names.
    """
    exposure.check(options, host)
    callers = Callers(options, server.own_account(settings))
    webhook = Webhook(options)
    oauth = options.auth == "oauth"
    app = server.build(
        settings,
        hosting=server.Hosting(
            who=callers.current,
            steward=callers.steward,
            callback=webhook.address if webhook.on else None,
            webhook_mode=options.webhook_mode,
            verifier=Verifier(options) if oauth else None,
            auth=_auth(options) if oauth else None,
        ),
    )
    names = exposure.names(options)
    web = app.mcp.streamable_http_app(stateless_http=True, transport_security=names, host=host)
    _close_side_doors(web, names)
    _add_routes(web, app, webhook)
    for middleware in (WhileIssuerIsDown, GatewayKey, BodyLimits):  # the last one is outermost
        web.add_middleware(middleware)
    _with_engine(web, app)
    web.state.leave = app.engine.stop
    return web


def _close_side_doors(web: Starlette, names: TransportSecuritySettings) -> None:
    """Take away what the SDK and Starlette offer and that is of no use here.

    A stream opened by GET would stay open for ever and carry nothing, since no session lasts. A
    redirect of `/mcp/` names a scheme that a proxy may have changed: the key that is sent along
    would leave unencrypted. What is no message is answered before the SDK does it in its own words.
    """
    web.router.redirect_slashes = False
    for route in web.router.routes:
        if isinstance(route, Route) and route.path == PATH:
            route.methods = {"POST"}
            if isinstance(route.app, RequireAuthMiddleware):  # who may not ask is told nothing else
                route.app.app = exposure.Ports(Envelopes(route.app.app, names))
            else:
                route.app = exposure.Ports(Envelopes(route.app, names))


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
        return await webhook.receive(request, app.engine)

    async def health(request: Request) -> Response:
        """Alive whenever it answers; `?ready` asks whether the ledger can be reached as well."""
        if "ready" not in request.query_params:
            return JSONResponse({"status": "alive"})
        try:
            await app.engine.ready()
        except LedgerDown as down:
            log.warning("the ledger cannot be reached: %s", down.cause)  # told to nobody outside
            return JSONResponse({"status": "not ready"}, status_code=503)
        return JSONResponse({"status": "ready"})

    web.router.routes += [
        Route(ROUTE, callback, methods=["POST"]),
        Route("/health", health, methods=["GET"]),
    ]


def _auth(options: Options) -> AuthSettings:
    return AuthSettings(
        issuer_url=AnyHttpUrl(options.issuer),
        resource_server_url=AnyHttpUrl(options.audience),
        validate_token_resource=True,
    )
