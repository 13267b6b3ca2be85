"""The command that is written for clients: absolute, and one that stays."""

import json
import sys
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from acestep_mcp.install import launcher as module
from acestep_mcp.install.entries import Launch
from acestep_mcp.install.launcher import launcher

SUFFIX = ".exe" if sys.platform == "win32" else ""


def test_the_script_beside_the_interpreter_is_used() -> None:
    assert launcher() == Launch(str(Path(sys.executable).with_name(f"acestep-mcp{SUFFIX}")))


def test_without_a_script_the_interpreter_starts_the_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    assert launcher() == Launch(str(tmp_path / "python"), ("-m", "acestep_mcp"))


@pytest.mark.parametrize(
    ("origin", "arguments"),
    [
        (None, ("acestep-mcp",)),
        (
            {"url": "file:///src/acestep", "dir_info": {}},
            ("--from", "acestep-mcp @ file:///src/acestep", "acestep-mcp"),
        ),
        (
            {"url": "https://x.example/a.git", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
            ("--from", "acestep-mcp @ git+https://x.example/a.git@c0ffee", "acestep-mcp"),
        ),
    ],
    ids=["index", "folder", "git"],
)
def test_started_by_uvx_it_is_uvx_again_since_that_environment_is_thrown_away(
    origin: object, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"uvx{SUFFIX}").touch()
    info = tmp_path / "acestep_mcp-1.dist-info"
    info.mkdir()
    if origin is not None:
        (info / "direct_url.json").write_text(json.dumps(origin))
    monkeypatch.setenv("UV", str(tmp_path / f"uv{SUFFIX}"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "cache" / "archive-v0" / "abc"))
    monkeypatch.setattr(module, "distribution", lambda _: PathDistribution(info))

    assert launcher() == Launch(str(tmp_path / f"uvx{SUFFIX}"), arguments)


def test_an_environment_that_uv_run_uses_is_no_throw_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV", "/usr/bin/uv")

    assert launcher().args == ()
