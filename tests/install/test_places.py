"""Where each client's configuration lies, on machines that are described rather than had."""

from pathlib import Path

import pytest

from acestep_mcp.install.clients import BY_NAME, CLIENTS, PLATFORMS, Platform
from acestep_mcp.install.places import Machine, configuration, is_installed

MAC = "Library/Application Support"
DEFAULTS = {
    ("claude-desktop", "linux"): ".config/Claude/claude_desktop_config.json",
    ("claude-desktop", "darwin"): f"{MAC}/Claude/claude_desktop_config.json",
    ("claude-desktop", "win32"): "AppData/Roaming/Claude/claude_desktop_config.json",
    ("claude-code", "linux"): ".claude.json",
    ("claude-code", "win32"): ".claude.json",
    ("vscode", "linux"): ".config/Code/User/mcp.json",
    ("vscode", "darwin"): f"{MAC}/Code/User/mcp.json",
    ("vscode", "win32"): "AppData/Roaming/Code/User/mcp.json",
    ("cursor", "darwin"): ".cursor/mcp.json",
    ("cursor", "win32"): ".cursor/mcp.json",
    ("codex", "linux"): ".codex/config.toml",
    ("gemini-cli", "linux"): ".gemini/settings.json",
    ("windsurf", "win32"): ".codeium/windsurf/mcp_config.json",
    ("lm-studio", "darwin"): ".lmstudio/mcp.json",
    ("zed", "darwin"): ".config/zed/settings.json",
    ("zed", "win32"): "AppData/Roaming/Zed/settings.json",
    ("goose", "win32"): "AppData/Roaming/Block/goose/config/config.yaml",
}


@pytest.mark.parametrize(("where", "expected"), DEFAULTS.items(), ids=str)
def test_each_clients_default_place_on_each_platform(
    where: tuple[str, Platform], expected: str, tmp_path: Path
) -> None:
    name, platform = where

    assert configuration(BY_NAME[name], Machine(platform, tmp_path, {})) == tmp_path / expected


def test_every_client_has_a_place_on_every_platform_that_lies_in_the_home(tmp_path: Path) -> None:
    for platform in PLATFORMS:
        for client in CLIENTS:
            machine = Machine(platform, tmp_path, {})
            assert configuration(client, machine).is_relative_to(tmp_path)
            assert not is_installed(client, machine)


def test_the_windows_stores_edition_of_claude_desktop_has_its_own_copy(tmp_path: Path) -> None:
    machine = Machine("win32", tmp_path, {"LOCALAPPDATA": str(tmp_path / "L")})
    classic = tmp_path / "AppData/Roaming/Claude"
    store = tmp_path / "L/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming/Claude"
    client = BY_NAME["claude-desktop"]

    classic.mkdir(parents=True)
    assert configuration(client, machine).parent == classic
    store.mkdir(parents=True)
    assert configuration(client, machine).parent == store
    classic.rename(classic.with_name("gone"))
    store.rmdir()
    assert configuration(client, machine).parent == store, "its package is there, to be started"
    store.mkdir()
    classic.with_name("gone").rename(classic)
    (classic / "claude_desktop_config.json").write_text("{}")
    assert configuration(client, machine).parent == classic
    (store / "claude_desktop_config.json").write_text("{}")
    assert configuration(client, machine).parent == store


@pytest.mark.parametrize(
    ("name", "variable", "expected"),
    [
        ("codex", "CODEX_HOME", "config.toml"),
        ("claude-code", "CLAUDE_CONFIG_DIR", ".claude.json"),
        ("vscode", "XDG_CONFIG_HOME", "Code/User/mcp.json"),
    ],
)
def test_a_variable_that_moves_the_configuration_is_followed(
    name: str, variable: str, expected: str, tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    for usual in (".codex", ".config/Code/User"):
        (tmp_path / usual).mkdir(parents=True)
    machine = Machine("linux", tmp_path, {variable: str(moved)})

    assert configuration(BY_NAME[name], machine) == moved / expected


def test_a_client_is_installed_where_its_folder_is_but_not_for_the_home_alone(
    machine: Machine,
) -> None:
    (machine.home / ".cursor").mkdir()

    assert [each.name for each in CLIENTS if is_installed(each, machine)] == ["cursor"]
