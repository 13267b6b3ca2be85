"""What the browser tests share: one browser, the extension's schema, a folder for pictures."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp_types import CallToolResult

from tests.browser.host import Theatre, chromium
from tests.browser.schema import Judge, fetched
from tests.browser.songs import LONG, SUNG
from tests.house import House, house

ARTEFACTS = Path(__file__).parent / "artefacts"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"  # for the session, so that its tests can share a browser


@pytest.fixture(scope="session")
def definitions(request: pytest.FixtureRequest) -> dict[str, Any]:
    assert request.config.cache is not None
    return fetched(request.config.cache.mkdir("ext-apps"))


@pytest.fixture(scope="session")
async def browser(anyio_backend: str) -> AsyncIterator[Any]:
    assert anyio_backend == "asyncio"  # what playwright runs on
    async with chromium() as running:
        yield running


@pytest.fixture
def theatre(browser: Any, definitions: dict[str, Any]) -> Theatre:
    return Theatre(browser, Judge(definitions))


@pytest.fixture(scope="session")
async def home(
    anyio_backend: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """One server for all tests that only listen to what it has saved."""
    assert anyio_backend
    async with house(tmp_path_factory.mktemp("home"), ACESTEP_SAVE="on") as built:
        yield built


@pytest.fixture(scope="session")
async def _song(home: House) -> CallToolResult:
    return await home.finished(**SUNG)


@pytest.fixture(scope="session")
async def _pair(home: House) -> CallToolResult:
    return await home.finished(**LONG, batch_size=2)


@pytest.fixture
def song(_song: CallToolResult) -> CallToolResult:
    """The answer about a saved song, the test's own to change."""
    return _song.model_copy(deep=True)


@pytest.fixture
def pair(_pair: CallToolResult) -> CallToolResult:
    """The answer about a saved song of two takes, the test's own to change."""
    return _pair.model_copy(deep=True)


@pytest.fixture
def artefacts() -> Path:
    ARTEFACTS.mkdir(exist_ok=True)
    return ARTEFACTS
