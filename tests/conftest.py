"""What all tests share: the event loop, and nothing from the developer's environment."""

import os

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("ACESTEP_", "PIXAZO_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
