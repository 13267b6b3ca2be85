"""What the tests of distribution share: a machine with nothing on it."""

from pathlib import Path

import pytest

from acestep_mcp.install.places import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A Linux machine whose home is empty, and whose PATH has nothing."""
    return Machine("linux", tmp_path, {"PATH": str(tmp_path / "nothing")})
