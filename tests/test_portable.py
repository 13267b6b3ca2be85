"""The parts that depend on the system, as Windows and macOS would see them, without either.

What only those systems can show (their event loops, consoles and file locks) is untried, and the
README says so.
"""

import subprocess
import sys
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acestep_mcp import settings
from acestep_mcp.domain.song import LOCAL_OWNER, RequestId, Song, SongId
from acestep_mcp.install.clients import CLIENTS
from acestep_mcp.install.places import Machine, configuration
from acestep_mcp.library import names

ROOT = Path(__file__).parent.parent
ODD = ("CON", "nul.txt", "COM1", "lpt9.wav", "a:b", 'say "hi"', "end.", "end ", "..", "~x", "İı")
TITLES = st.text(max_size=120) | st.sampled_from(ODD)


def song(title: str, number: int = 1) -> Song:
    return Song(
        id=SongId(f"local-{number:016x}"),
        owner=LOCAL_OWNER,
        fingerprint="",
        provider="any",
        model="any",
        title=title,
        payload={"prompt": "p"},
        tracks=1,
        state="COMPLETED",
        created_at=0.0,
        request_id=RequestId(f"song-{number:08x}"),
    )


@given(title=TITLES)
def test_every_name_of_a_file_is_one_that_windows_takes(title: str) -> None:
    for stem in names.stems(song(title)):
        name = f"{stem}.wav"

        assert not set(name) & set('<>:"/\\|?*')
        assert name.isprintable()
        assert PureWindowsPath(name).name == name
        assert not PureWindowsPath(name).is_reserved()
        assert name == name.rstrip(". ")
        assert max(len(name.encode("utf-16-le")) // 2, len(name.encode())) <= 255


@given(title=TITLES)
def test_songs_of_names_that_differ_in_case_alone_have_files_of_their_own(title: str) -> None:
    first, second = song(title.lower(), 1), song(title.upper(), 2)

    assert names.stem(first).casefold() != names.stem(second).casefold()


@pytest.mark.parametrize("platform", ["win32", "darwin", "linux"])
def test_each_clients_configuration_has_a_place_below_the_home_on_each_system(
    platform: str, tmp_path: Path
) -> None:
    environ = {
        "APPDATA": str(tmp_path / "AppData" / "Roaming"),
        "LOCALAPPDATA": str(tmp_path / "AppData" / "Local"),
        "USERPROFILE": str(tmp_path),
    }
    machine = Machine(platform, tmp_path, environ)  # type: ignore[arg-type]  # one of the three
    for client in CLIENTS:
        if client.locations.get(platform):  # type: ignore[call-overload]  # likewise
            assert str(configuration(client, machine)).startswith(str(tmp_path)), client.name


def test_a_key_file_as_notepad_writes_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "api-key"
    for content in (
        b"\xef\xbb\xbfkey-0123456789\r\n",
        "key-0123456789\r\n".encode("utf-16"),
        b'PIXAZO_API_KEY="key-0123456789"\r\n',
    ):
        file.write_bytes(content)
        found = settings.read({"PIXAZO_API_KEY_FILE": str(file), "HOME": str(tmp_path)})
        assert found.key == "key-0123456789"


_PLAYED = """
import asyncio, sys, tempfile
from pathlib import Path
import anyio, httpcore, httpx, mcp.server.mcpserver, mutagen, numpy, platformdirs
import soundfile, uvicorn
import ssl, socket, sqlite3, multiprocessing, concurrent.futures, encodings.idna, email.parser
sys.platform = {platform!r}
if sys.platform == "win32":
    sys.modules["fcntl"] = None
from tests.house import house, shown

async def main():
    with tempfile.TemporaryDirectory() as folder:
        async with house(Path(folder), ACESTEP_SAVE="on") as home:
            song = shown(await home.finished(duration=10, title="Paper: Boats?"))
            listed = shown(await home.call("list_outputs"))
        assert song["status"] == "COMPLETED", song
        (file,) = song["files"]
        assert Path(file).read_bytes()[:4] == b"RIFF"
        assert listed["songs"][0]["files"] == [Path(file).name]
        print("saved", Path(file).name)

asyncio.run(main())
"""


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_a_song_is_made_and_saved_on_the_branches_of_another_system(platform: str) -> None:
    code = _PLAYED.format(platform=platform)
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("saved Paper")
