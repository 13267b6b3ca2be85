"""What all tests share: the event loop, and nothing from the developer's environment."""

import os

import pytest


def pytest_xdist_auto_num_workers() -> int:
    """How many workers `-n auto` means: two a core, as tests wait for processes half their time."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("ACESTEP_", "PIXAZO_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
