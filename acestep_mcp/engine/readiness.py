"""What would go wrong once a song is paid for, found out while nothing is."""

import anyio

from acestep_mcp.domain.errors import FolderUnusable, KeyMissing, NotSent
from acestep_mcp.engine import telemetry
from acestep_mcp.engine.terms import Account, Terms
from acestep_mcp.library import Library
from acestep_mcp.providers.pixazo.client import Gateway

_PATIENCE = 0.75  # seconds for a disk that does not answer


class Readiness:
    """Looks at key, folder, network settings and the installation itself."""

    def __init__(self, gateway: Gateway, library: Library | None, terms: Terms) -> None:
        self._gateway = gateway
        self._library = library
        self._terms = terms

    async def check(self, account: Account) -> None:
        """Return where nothing here stands in a song's way.

        Raises:
            Refusal: Something does.
        """
        if account.key is None:
            raise KeyMissing(account.looked, account.problem)
        self._load()
        if self._terms.no_folder:
            mend = "set ACESTEP_OUTPUT_DIR to an absolute path, then restart this server"
            raise FolderUnusable(f"{self._terms.no_folder}; {mend}")
        if self._library is not None:
            trouble = "The output folder's disk does not answer."
            with anyio.move_on_after(_PATIENCE):
                trouble = await self._library.usable()
            if trouble:
                raise FolderUnusable(trouble)

    def _load(self) -> None:
        """Have everything in memory that sending, following and saving need; cheap when it is.

        An installation may be replaced, or its cache cleaned, while this process runs.

        Raises:
            NotSent: Something is missing.
        """
        try:
            self._gateway.prepare()
            telemetry.load()
            if self._library is not None:
                self._library.load()
        except ImportError as error:
            what = f"a part of the installation is missing ({error.name})"
            raise NotSent(f"{what}; restart the client") from error
