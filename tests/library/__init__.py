"""The library against real folders: what every test of it shares."""

import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from acestep_mcp.clock import SystemClock
from acestep_mcp.domain.errors import MediaGone
from acestep_mcp.domain.song import RequestId, Song
from acestep_mcp.library import Library, Saved
from acestep_mcp.providers import Media
from tests.test_ledger import song as plain

AUDIO = Path(__file__).parent / "audio"
"""Made by other people's encoders: sox, flac, lame, oggenc and opusenc, of one plucked string."""
TONE = (AUDIO / "tone.wav").read_bytes()


def song(takes: int = 1, **fields: Any) -> Song:
    """A completed song whose takes are at the URLs "1", "2" and so on."""
    urls = tuple(str(take) for take in range(1, takes + 1))
    given = {"request_id": RequestId("g-1"), "media_urls": urls, "title": "Rain", **fields}
    return plain(**given)


class Host:
    """A media host. Each URL has the audio, unless something else was put there.

    What is put there is bytes of known or unknown length, an error, or a function that gives one.
    """

    def __init__(self, audio: bytes = TONE) -> None:
        self.audio = audio
        self.instead: dict[str, bytes | OSError | Callable[[], Awaitable[bytes]]] = {}
        self.announced = True
        self.asked: list[str] = []
        self.sent = 0

    @asynccontextmanager
    async def fetch(self, url: str, start: int, validator: str) -> AsyncIterator[Media]:
        self.asked.append(url)
        assert (start, validator) == (0, "")
        content = self.instead.get(url, self.audio)
        if isinstance(content, OSError):
            raise content
        if not isinstance(content, bytes):
            content = await content()
        yield Media(0, len(content) if self.announced else None, "", self._pieces(content))

    async def _pieces(self, content: bytes) -> AsyncIterator[bytes]:
        for at in range(0, len(content), 4096):
            self.sent += len(content[at : at + 4096])
            yield content[at : at + 4096]


GONE = MediaGone("the media host answered HTTP 404")
BROKEN = OSError("the connection broke")


def library(folder: Path, host: Host, *formats: str) -> Library:
    return Library(folder, lambda _: host.fetch, SystemClock(), formats or ("original",))


def named(saved: Saved) -> list[str]:
    """The saved files without the folder and the part of the name that tells the song."""
    return [Path(file).name.split("-", 2)[-1] for file in saved.files]


def contents(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A file system of the kernel's own in memory, or the test is skipped where none may be had."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, check=False).returncode:
        pytest.skip("this machine lets this user mount nothing")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)
