"""What `doctor` says of the clients, of the clock, of scripts, and of the server itself."""

import json
import os
import subprocess
import sys
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import anyio
import pytest

from acestep_mcp import settings
from acestep_mcp.commands import doctor
from acestep_mcp.install.clients import BY_NAME
from acestep_mcp.install.entries import Launch
from acestep_mcp.install.handshake import Silent, handshake
from acestep_mcp.install.installed import installed, resolved
from acestep_mcp.install.places import Machine, configuration
from acestep_mcp.providers.bodies import Reply
from acestep_mcp.sandbox import reply
from tests.house import environment, gateway

pytestmark = pytest.mark.anyio


def put(machine: Machine, name: str, text: str) -> Path:
    path = configuration(BY_NAME[name], machine)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def examined(home: Path, **environ: str) -> dict[str, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "acestep_mcp", "doctor", "--json"],
        capture_output=True,
        encoding="utf-8",
        env={"HOME": str(home), "PATH": os.environ["PATH"], **environ},
        timeout=60,
        check=False,
    )
    findings = {each["name"]: each for each in json.loads(done.stdout)}
    assert done.returncode == (not all(each["ok"] for each in findings.values()))
    assert all(each["ok"] or each["mend"] for each in findings.values())
    return findings


@pytest.mark.parametrize(
    ("name", "text", "command"),
    [
        ("cursor", '{"mcpServers": {"acestep": {"command": "uvx"}}}', "uvx"),
        ("zed", '{\n// c\n"context_servers": {"acestep": {"command": "a//b",},},\n}', "a//b"),
        ("codex", '[mcp_servers.songs]\ncommand = "uvx"\nargs = ["acestep-mcp"]\n', "uvx"),
        ("goose", "extensions:\n  x:\n    cmd: y\n  acestep:\n    cmd: 'uvx'\n    args:\n", "uvx"),
        ("claude-desktop", '{"mcpServers": {"other": {"command": "uvx"}}}', None),
        ("vscode", "", None),
    ],
)
def test_each_form_of_configuration_is_read(
    name: str, text: str, command: str | None, machine: Machine
) -> None:
    put(machine, name, text)
    (seen,) = installed(machine)
    entry = seen.entry or {}

    assert seen.client.name == name
    assert seen.trouble == ""
    assert entry.get("cmd", entry.get("command")) == command


@pytest.mark.parametrize("text", ["{", "[]", '{"mcpServers": 3}', '{"a": "\\ud800'])
def test_a_configuration_that_cannot_be_read_is_said_to_be_so(text: str, machine: Machine) -> None:
    put(machine, "cursor", text)
    (seen,) = installed(machine)

    assert seen.entry is None
    assert seen.trouble


def test_a_desktop_client_does_not_see_the_shells_path_and_a_terminal_one_does(
    machine: Machine,
) -> None:
    program = machine.home / "bin" / "acestep-mcp-probe"
    program.parent.mkdir()
    program.touch(mode=0o755)
    shell = Machine(machine.platform, machine.home, {"PATH": str(program.parent)})

    assert resolved(program.name, BY_NAME["claude-code"], shell) == str(program)
    assert resolved(program.name, BY_NAME["cursor"], shell) is None
    assert resolved(str(program), BY_NAME["cursor"], shell) == str(program)
    assert resolved("/no/such/acestep-mcp", BY_NAME["cursor"], shell) is None


async def test_the_doctor_starts_the_server_and_looks_at_every_client(machine: Machine) -> None:
    home = machine.home
    put(machine, "cursor", '{"mcpServers": {"acestep": {"command": "acestep-mcp-none"}}}')
    put(machine, "windsurf", json.dumps({"mcpServers": {"acestep": {"command": sys.executable}}}))
    put(machine, "claude-desktop", "{}")
    put(machine, "lm-studio", "{,")
    async with gateway() as sandbox:
        environ = environment(sandbox.base_url, home)
        findings = await anyio.to_thread.run_sync(lambda: examined(home, **environ))
    bad = {name: each["mend"] for name, each in findings.items() if not each["ok"]}

    assert bad == {
        "client Cursor": "acestep-mcp install cursor",
        "client LM Studio": "mend that file",
    }
    assert sys.executable in findings["client Windsurf"]["detail"]
    assert "acestep-mcp install claude-desktop" in findings["client Claude Desktop"]["detail"]
    assert findings["server"]["detail"].startswith("3 tools after ")
    assert findings["clock"]["detail"] == "not compared: the gateway names no time"
    assert "utf-8" in findings["encoding"]["detail"]
    assert len(sandbox.submissions) == 0


@pytest.mark.parametrize(("ahead", "ok"), [(0.0, True), (3600.0, False), (-3600.0, False)])
async def test_a_clock_that_is_wrong_by_an_hour_is_noticed(
    ahead: float, ok: bool, tmp_path: Path
) -> None:
    date = formatdate(time.time() - ahead, usegmt=True)
    async with gateway() as sandbox:
        sandbox.faults.add("status", reply(401, headers={"Date": date}))
        clock = await doctor._clock(settings.read(environment(sandbox.base_url, tmp_path)))

    assert clock.ok is ok
    assert bool(clock.mend) is not ok
    assert ok or ("ahead of" if ahead > 0 else "behind") in clock.detail
    assert abs(ahead) - 2 <= float(clock.detail.split()[0]) <= abs(ahead) + 2


async def test_the_clock_is_compared_without_showing_the_key(tmp_path: Path) -> None:
    async with gateway() as sandbox:
        await doctor._clock(settings.read(environment(sandbox.base_url, tmp_path)))
        (asked,) = sandbox.arrivals

    assert "ocp-apim-subscription-key" not in asked.headers


@pytest.mark.parametrize("headers", [{}, {"date": "yesterday"}, {"date": ""}])
def test_a_gateway_that_names_no_time_is_no_trouble(headers: dict[str, str]) -> None:
    assert doctor._compared(Reply(200, headers, b"")).ok


async def test_a_script_that_file_names_cannot_hold_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "latin-1")
    finding = await doctor._encoding(None)  # type: ignore[arg-type]  # it looks at no setting

    assert not finding.ok
    assert "PYTHONUTF8=1" in finding.mend


async def test_a_c_locale_still_holds_every_script(tmp_path: Path) -> None:
    findings = await anyio.to_thread.run_sync(
        lambda: examined(tmp_path, LC_ALL="C", ACESTEP_BASE_URL="http://127.0.0.1:9")
    )

    assert findings["encoding"]["ok"]
    assert findings["server"]["ok"]
    assert not findings["gateway http://127.0.0.1:9"]["ok"]
    assert findings["clock"]["ok"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; sys.exit('boom: no such module')", "boom: no such module"),
        ("pass", "MCPError: Connection closed"),
    ],
    ids=["with a word", "without"],
)
async def test_a_server_that_does_not_answer_is_reported_with_its_last_words(
    code: str, said: str
) -> None:
    with pytest.raises(Silent, match=said):
        await handshake(Launch(sys.executable, ("-c", code)))


async def test_a_command_that_is_not_there_is_reported() -> None:
    with pytest.raises(Silent, match=r"No such file|cannot find"):
        await handshake(Launch("/no/such/program"))


async def test_without_a_key_nothing_is_said_to_accept_it(tmp_path: Path) -> None:
    async with gateway() as sandbox:
        environ = environment(sandbox.base_url, tmp_path, PIXAZO_API_KEY="")
        findings = await anyio.to_thread.run_sync(lambda: examined(tmp_path, **environ))

    assert not findings["key"]["ok"]
    assert findings["key"]["detail"].startswith("none; looked at PIXAZO_API_KEY, ")
    reached = findings[f"gateway {sandbox.base_url}"]
    assert reached["detail"] == "reachable; there is no key to try on it"
    assert "accepts" not in str(findings)


@pytest.mark.skipif(os.name == "nt", reason="pipes in the file system are a Unix matter")
async def test_whatever_is_wrong_is_a_finding_and_every_other_one_comes_too(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".pixazo").mkdir(parents=True)
    os.mkfifo(home / ".pixazo" / "api-key")
    (home / ".cursor").mkdir()
    (home / ".cursor" / "mcp.json").write_text("[" * 100_000)
    (home / "data" / "ledger.sqlite3").mkdir(parents=True)
    findings = await anyio.to_thread.run_sync(
        lambda: examined(
            home,
            ACESTEP_WAIT="abc",
            ACESTEP_BASE_URL="https://user:s3cret@gateway.invalid",
            ACESTEP_LOG_LEVEL="LOUD",
            ACESTEP_DATA_DIR=str(home / "data"),
            ACESTEP_OUTPUT_DIR="${HOME}/x/${USER}",
            HTTPS_PROXY="socks9://user:s3cret@[::1",
            SSL_CERT_FILE="/no/such/file",
        )
    )
    bad = {name: each["detail"] for name, each in findings.items() if not each["ok"]}

    assert "s3cret" not in str(findings)
    assert bad["setting ACESTEP_WAIT"].startswith("ACESTEP_WAIT='abc' is not usable: give sec")
    assert bad["setting ACESTEP_BASE_URL"].startswith("ACESTEP_BASE_URL='https://…@gateway.inva")
    assert bad["setting ACESTEP_LOG_LEVEL"].endswith("name one of DEBUG, INFO, WARNING, ERROR")
    assert bad["key"].startswith("~/.pixazo/api-key cannot be read: it is a pipe, not a file; look")
    assert bad["ledger"].endswith("ledger.sqlite3: Is a directory")
    assert "${USER} cannot be expanded" in bad["output folder"]
    assert bad["server"].startswith("does not start: acestep-mcp: ACESTEP_")
    assert "cannot be read" in bad["client Cursor"]
    assert "gateway https://gateway.pixazo.ai" in bad
    assert {"versions", "command for client configurations", "encoding"} <= findings.keys()


def test_without_a_home_the_clients_are_one_finding(tmp_path: Path) -> None:
    for home in (Path("/" + "x" * 300), tmp_path / "a file" / "below"):
        (tmp_path / "a file").touch()
        findings = examined(home, ACESTEP_BASE_URL="http://127.0.0.1:9")

        assert findings["clients"]["mend"] == "set HOME to an absolute path"
        assert not [name for name in findings if name.startswith("client ")]
        assert not findings["ledger"]["ok"]
        assert not findings["output folder"]["ok"]


@pytest.mark.parametrize("missing", ["httpx", "mcp", "rich", "anyio", "sqlite3"])
def test_a_library_that_is_not_there_is_a_finding(missing: str, tmp_path: Path) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from acestep_mcp.cli import main; sys.exit(main(['doctor']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        encoding="utf-8",
        env={
            "HOME": str(tmp_path),
            "ACESTEP_BASE_URL": "http://127.0.0.1:9",
            "ACESTEP_WAIT": "the server need not start for this",
        },
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == ""
    assert "key: none" in done.stdout
    assert "output folder: " in done.stdout
    if missing != "rich":  # which only makes it pretty
        assert "ModuleNotFoundError: " in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="modes are a Unix matter")
@pytest.mark.parametrize(
    ("file", "folder", "says", "ok"),
    [
        (0o600, 0o700, "", True),
        (0o640, 0o755, "", True),
        (0o644, 0o700, "can be read by every user", True),
        (0o660, 0o700, "can be changed by other users", False),
        (0o602, 0o700, "can be changed by other users", False),
        (0o600, 0o777, "can be replaced by other users, who may write in its folder", False),
        (0o600, 0o1777, "", True),
    ],
)
async def test_a_key_file_that_others_can_read_or_change_is_mentioned(
    file: int, folder: int, says: str, ok: bool, tmp_path: Path
) -> None:
    path = tmp_path / "keys" / "key"
    path.parent.mkdir()
    path.write_text("key")
    path.chmod(file)
    path.parent.chmod(folder)
    finding = await doctor._key(settings.read({"PIXAZO_API_KEY_FILE": str(path)}))

    assert finding.ok is ok
    assert finding.detail == f"found in {path}{says and f', which {says}'}"
    mended = path.parent if "replaced" in says else path
    assert finding.mend.startswith("chmod ") is bool(says)
    assert finding.mend.endswith(str(mended) if says else "")
