"""Who may reach the server, and under which names."""

import re
from urllib.parse import urlsplit

from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from acestep_mcp.hosted.options import Options, is_loopback
from acestep_mcp.settings import SettingsError

_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:@/\[\]]+)(:\d{0,5})?")
_ORIGIN = re.compile(rf"[a-z]+://{_HOST.pattern}")


def check(options: Options, host: str) -> None:
    """Whether a server that listens on `host` may be reached as it would be.

    Raises:
        SettingsError: From beyond loopback, without knowing its callers or its names.
    """
    public = urlsplit(options.public_url).hostname or host
    beyond = next((name for name in (host, public) if not is_loopback(name)), None)
    if beyond and options.auth == "none":
        raise SettingsError(f"to be reached at {beyond}, set ACESTEP_AUTH to key or oauth")
    if not is_loopback(host) and not options.allowed_hosts:
        raise SettingsError(f"to listen on {host}, name its hosts in ACESTEP_ALLOWED_HOSTS")


def names(options: Options) -> TransportSecuritySettings:
    """Whom /mcp answers, so that no page in a browser reaches it under a name of its own.

    The other routes have no such check. A probe of /health comes by address, and a callback comes
    through proxies that may name anything: it is let in by its signature.
    """
    known = [*(options.allowed_hosts or _LOOPBACK_HOSTS), *_public_name(options)]
    return TransportSecuritySettings(
        allowed_hosts=[*known, *(f"{name}:*" for name in known)],
        allowed_origins=[
            origin
            for name in known
            for scheme in ("http", "https")
            for origin in (f"{scheme}://{name}", f"{scheme}://{name}:*")
        ],
    )


class Ports:
    """ASGI middleware: 421 and 403 where what follows a name is no port.

    The SDK takes whatever begins with a known name and a colon for that name.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on whose headers can be compared with names."""
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin", "null")
        if host and not _HOST.fullmatch(host):
            await Response("Invalid Host header", 421)(scope, receive, send)
        elif origin != "null" and not _ORIGIN.fullmatch(origin):
            await Response("Invalid Origin header", 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _public_name(options: Options) -> list[str]:
    return [urlsplit(options.public_url).netloc.lower()] if options.public_url else []
