"""The secret by which callers are told apart and callbacks are known."""

import stat
import sys
from pathlib import Path

import pytest

from acestep_mcp.hosted.secret import secret
from acestep_mcp.settings import SettingsError


def test_a_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    made = secret("", folder)

    assert len(made) == 64
    assert secret("", folder) == made
    assert [path.name for path in folder.iterdir()] == ["secret"]
    if sys.platform != "win32":
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "secret").stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="no such rights there")
def test_a_secret_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("x" * 32)
    path.chmod(0o644)

    assert secret("", tmp_path) == b"x" * 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("kept", ["", "  \n", "x" * 31])
def test_a_secret_too_short_to_be_one_stops_the_server_wherever_it_comes_from(
    tmp_path: Path, kept: str
) -> None:
    (tmp_path / "secret").write_text(kept)

    with pytest.raises(SettingsError, match="too short"):
        secret("", tmp_path)
    with pytest.raises(SettingsError, match="ACESTEP_SECRET is too short"):
        secret("x" * 31, tmp_path)


def test_a_secret_that_cannot_be_kept_stops_the_server(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")

    with pytest.raises(SettingsError, match="cannot be kept"):
        secret("", tmp_path / "data")


def test_without_a_folder_to_keep_one_in_a_secret_must_be_given() -> None:
    assert secret("x" * 32, None) == b"x" * 32
    with pytest.raises(SettingsError, match="set ACESTEP_SECRET"):
        secret("", None)
