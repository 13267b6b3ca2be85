"""Replacing a configuration: whole or not at all, with a copy of what it was."""

import os
import sys
from pathlib import Path

import pytest

from acestep_mcp.install import write

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes and links")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_bytes(b"old")
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_old_file_is_kept_beside_the_new_one(file: Path) -> None:
    kept = write.replace(write.read(file), b"new")

    assert kept is not None
    assert file.read_bytes() == b"new"
    assert kept.read_bytes() == b"old"
    assert kept.name.startswith("config.json.2")
    assert names(file.parent) == sorted(["config.json", kept.name])


def test_a_new_file_is_its_owners_alone_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "config.json"

    assert write.replace(write.read(path), b"new") is None
    assert names(path.parent) == ["config.json"]
    assert sys.platform == "win32" or path.stat().st_mode & 0o777 == 0o600


@posix
def test_mode_and_owner_stay(file: Path) -> None:
    file.chmod(0o640)
    write.replace(write.read(file), b"new")

    assert file.stat().st_mode & 0o777 == 0o640
    assert file.stat().st_uid == os.getuid()


@posix
def test_a_symbolic_link_stays_one_and_its_target_is_changed(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(file)
    write.replace(write.read(link), b"new")

    assert link.is_symlink()
    assert file.read_bytes() == b"new"


@pytest.mark.parametrize("theirs", [b"theirs", None], ids=["changed", "removed"])
def test_what_another_program_wrote_meanwhile_stays(file: Path, theirs: bytes | None) -> None:
    original = write.read(file)
    file.unlink()
    if theirs is not None:
        file.write_bytes(theirs)
    with pytest.raises((write.Changed, FileNotFoundError)):
        write.replace(original, b"ours")

    assert names(file.parent) == (["config.json"] if theirs else [])
    assert theirs is None or file.read_bytes() == theirs


def test_a_file_that_appeared_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    original = write.read(path)
    path.write_bytes(b"theirs")
    with pytest.raises(write.Changed):
        write.replace(original, b"ours")

    assert path.read_bytes() == b"theirs"


def test_a_failure_before_the_exchange_leaves_the_file_and_no_rest(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write.replace(write.read(file), b"new")

    assert file.read_bytes() == b"old"
    assert names(file.parent) == ["config.json"]
