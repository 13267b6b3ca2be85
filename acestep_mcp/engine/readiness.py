"""What would go wrong once a song is paid for, found out while nothing is."""

import anyio

from acestep_mcp.domain.errors import CouldNotSend, FolderUnusable, KeyMissing
from acestep_mcp.engine import telemetry
from acestep_mcp.engine.terms import Account, Terms
from acestep_mcp.library import Library
from acestep_mcp.providers import Provider

_PATIENCE = 0.75  # seconds for a disk that does not answer


class Readiness:
    """Looks at key, folder, network settings and the installation itself."""

    def __init__(self, library: Library | None, terms: Terms) -> None:
        self._library = library
        self._terms = terms

    async def check(self, account: Account, provider: Provider) -> None:
        """Return where nothing here stands in a song's way.

        Raises:
            Refusal: Something does.
        """
        if account.key is None and provider.info.needs_key:
            raise KeyMissing(account.looked, account.problem, provider.info.key_page)
        self._load(provider)
        if self._terms.no_folder:
            mend = "set ACESTEP_OUTPUT_DIR to an absolute path, then restart this server"
            raise FolderUnusable(f"{self._terms.no_folder}; {mend}")
        if self._library is not None:
            trouble = "The output folder's disk does not answer."
            with anyio.move_on_after(_PATIENCE):
                trouble = await self._library.usable()
            if trouble:
                raise FolderUnusable(trouble)

    def _load(self, provider: Provider) -> None:
        """Have everything in memory that sending, following and saving need; cheap when it is.

        An installation may be replaced, or its cache cleaned, while this process runs.

        Raises:
            CouldNotSend: Something is missing.
        """
        try:
            provider.prepare()
            telemetry.load()
            if self._library is not None:
                self._library.load()
        except ImportError as error:
            what = f"a part of the installation is missing ({error.name})"
            raise CouldNotSend(f"{what}; restart the client") from error
