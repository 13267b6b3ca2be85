"""The composition root: from settings to a server that is ready to be served."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from anyio import CapacityLimiter
from mcp.server.apps import EXTENSION_ID
from mcp.server.caching import CacheHint
from mcp.server.mcpserver import MCPServer
from mcp_types import Icon

from acestep_mcp import logs
from acestep_mcp.clock import Clock, SystemClock
from acestep_mcp.domain.song import LOCAL_OWNER, Owner
from acestep_mcp.engine import LEASE, Account, Callback, Engine, Terms, Who
from acestep_mcp.ledger import opened
from acestep_mcp.library import Library
from acestep_mcp.providers import Provider, Providers
from acestep_mcp.providers.pixazo.client import Gateway
from acestep_mcp.settings import Settings
from acestep_mcp.surface import player, prompts, resources, tools
from acestep_mcp.surface.answers import House
from acestep_mcp.surface.desk import Desk, Readers
from acestep_mcp.surface.middleware.arguments_as_object import objects
from acestep_mcp.surface.middleware.naming_extensions import Named
from acestep_mcp.surface.middleware.noting_delivery import Delivery
from acestep_mcp.surface.skills import SKILLS, Skills
from acestep_mcp.surface.tasks import Tasks
from acestep_mcp.surface.waiting import Patience

if TYPE_CHECKING:
    from mcp.server.auth.provider import TokenVerifier
    from mcp.server.auth.settings import AuthSettings

WEBSITE = "https://github.com/acestep-mcp/acestep-mcp"
ICON = "https://raw.githubusercontent.com/acestep-mcp/acestep-mcp/main/manifests/mcpb/icon.png"
"""The account in both is written anew by a release under another one."""
_FIVE_MINUTES = CacheHint(ttl_ms=300_000, scope="public")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosting:
    """What is different when a server works for many.

    `who` is the caller of the request that is being answered, `callback` makes the address at which
    a song's end can be reported, `webhook_mode` says what is to be reported there. `steward` has
    the account by which the songs of an owner who is not calling can be followed; `verifier` and
    `auth` are given where callers bring OAuth tokens. `readers` read what is asked for, off the
    event loop: two, as their work is Python's and takes turns.
    """

    who: Who
    callback: Callback | None = None
    webhook_mode: str = ""
    steward: Callable[[Owner], Account | None] | None = None
    verifier: "TokenVerifier | None" = None
    auth: "AuthSettings | None" = None
    readers: Readers = field(default_factory=lambda: Readers(CapacityLimiter(2)))


@dataclass(frozen=True, slots=True)
class App:
    """A server and the engine behind it. `mcp` answers only while `running()` is entered."""

    mcp: MCPServer[Any]
    engine: Engine
    account: Account

    @asynccontextmanager
    async def running(self) -> AsyncIterator["App"]:
        """Run the engine."""
        async with self.engine.open(self.account):
            yield self


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    lease: float = LEASE,
    hosting: Hosting | None = None,
) -> App:
    """Put the parts together; nothing is opened, asked or written yet.

    `lease` is how many seconds a dead process keeps its songs. Without `hosting` the server
    works for the one person who started it.
    """
    logs.set_up(settings.log_level)
    clock = clock or SystemClock()
    folder = settings.output_dir if settings.save else None
    providers = _providers(settings, clock, hosting)
    origins = [origin for each in providers for origin in each.info.media_origins]
    library = Library(folder, providers.media_of, clock, settings.formats) if folder else None
    engine = Engine(
        ledger=opened(settings.ledger_path or settings.data_problem, settings.database_url),
        providers=providers,
        library=library,
        clock=clock,
        terms=Terms(
            poll_interval=settings.poll_interval,
            daily_limit=settings.daily_limit,
            lease=lease,
            no_folder=settings.output_problem if settings.save else "",
        ),
        callback=hosting.callback if hosting else None,
        steward=hosting.steward if hosting else None,
    )
    charges = any(each.info.charges for each in providers)
    account = own_account(settings)
    who = hosting.who if hosting else lambda: account
    desk = Desk(
        engine=engine,
        who=who,
        clock=clock,
        patience=Patience(learns=hosting is None),
        house=House(
            folder=str(folder or ""),
            daily_limit=settings.daily_limit,
            price=settings.price,
            charges=charges,
        ),
        confirming=settings.confirm,
        readers=hosting.readers if hosting else None,
    )
    with logs.plain():
        mcp: MCPServer[Any] = MCPServer(
            "acestep",
            title="ACE-Step music",
            version=version("acestep-mcp"),
            website_url=WEBSITE,
            icons=[Icon(src=ICON, mime_type="image/png", sizes=["512x512"])],
            instructions=tools.instructions(providers.models),
            tools=[*tools.build(desk, settings.wait)],
            cache_hints={"tools/list": _FIVE_MINUTES},
            middleware=[
                Named((EXTENSION_ID, SKILLS)),
                objects,
                Delivery(engine, who),
            ],
            extensions=[player.extension(origins), Tasks(engine, who, clock), Skills()],
            token_verifier=hosting.verifier if hosting else None,
            auth=hosting.auth if hosting else None,
            log_level="WARNING",
        )
    resources.add(mcp, engine, library, who)
    prompts.add(mcp, engine, who)
    return App(mcp, engine, account)


def _providers(settings: Settings, clock: Clock, hosting: Hosting | None) -> Providers:
    """Who makes songs: the paid gateway, the user's own server, or either."""
    made: list[Provider] = []
    if settings.surface != "own" or hosting:  # whose callers bring keys for the gateway
        mode = hosting.webhook_mode if hosting else ""
        made.append(Gateway(settings.base_url, now=clock.now, webhook_mode=mode))
    if settings.server_url:
        # Only those who run one pay for loading it.
        from acestep_mcp.providers.acestep.client import AceStepServer  # noqa: PLC0415

        made.append(
            AceStepServer(
                settings.server_url,
                settings.server_key,
                clock=clock,
                problem=settings.server_key_problem,
            )
        )
    return Providers(*made, default=settings.model)


def own_account(settings: Settings) -> Account:
    """The account of whoever started the server."""
    return Account(
        LOCAL_OWNER,
        settings.key,
        settings.key_source,
        settings.key_places,
        problem=settings.key_problem,
    )
