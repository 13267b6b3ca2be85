"""Tracks on their way to the disk: whole or absent, never too much, never from anywhere."""

import json
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import anyio
import mutagen
import pytest
from mcp.shared.exceptions import MCPError

from acestep_mcp.clock import SystemClock
from acestep_mcp.domain.errors import MediaGone
from acestep_mcp.library import LARGEST_PIECE
from acestep_mcp.library import download as downloading
from acestep_mcp.library.download import LARGEST_TRACK, download_track
from acestep_mcp.providers import Accepted, Media
from acestep_mcp.providers.addresses import is_public
from acestep_mcp.providers.pixazo.client import Gateway
from acestep_mcp.sandbox import Sandbox, Toxic, hold, limit_data, reply, reset_peer, slicer, timeout
from tests.house import LYRICS, environment, gateway, house, shown
from tests.providers import song
from tests.test_library import wave_file

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloading, "PAUSE", 0.001)


@asynccontextmanager
async def track(sandbox: Sandbox, seconds: float) -> AsyncIterator[tuple[Gateway, str, bytes]]:
    """A gateway client, the URL of a finished track, and the bytes it should come to."""
    client = Gateway(sandbox.base_url, now=SystemClock().now)
    try:
        yield client, *await _finished(client, sandbox, seconds)
    finally:
        await client.close()


async def _finished(client: Gateway, sandbox: Sandbox, seconds: float) -> tuple[str, bytes]:
    from acestep_mcp.domain.song import Observation

    ordered = await client.submit(
        song({"prompt": "p", "duration": seconds, "seed": 1}), sandbox.key
    )
    assert isinstance(ordered, Accepted)
    sandbox.complete(ordered.request_id)
    seen = await client.status(ordered.request_id, sandbox.key)
    assert isinstance(seen, Observation)
    whole = b""
    async with client.media(seen.media_urls[0]) as media:
        async for piece in media.pieces:
            whole += piece
    return seen.media_urls[0], whole


STRIDE = 64 << 10


@pytest.mark.parametrize("slice_size", [None, 8192], ids=["at once", "in slices"])
async def test_a_track_cut_anywhere_is_completed_with_only_what_was_missing(
    tmp_path: Path, slice_size: int | None
) -> None:
    async with gateway() as sandbox, track(sandbox, 5.4) as (client, url, whole):
        part = tmp_path / "x.part"
        for cut in range(4096, len(whole), STRIDE):
            toxics: Sequence[Toxic] = (limit_data(cut + 300),)
            if slice_size:
                toxics = (*toxics, slicer(slice_size))
            before = len(sandbox.arrivals)
            sandbox.faults.add("media", *toxics)
            await download_track(url, part, client.media, SystemClock())

            assert part.read_bytes() == whole
            asked = [arrival.headers.get("range", "") for arrival in sandbox.arrivals[before:]]
            assert asked[0] == ""
            start = int(asked[1].removeprefix("bytes=").removesuffix("-"))
            assert cut - (64 << 10) <= start <= cut + 300
            part.unlink()


async def test_a_track_that_changed_meanwhile_is_fetched_anew(tmp_path: Path) -> None:
    old, new = wave_file("h", [1, -1] * 40_000), wave_file("h", [2, -2] * 50_000)
    served = [Media(0, len(old), '"old"', _broken(old[:70_000]))]
    asked: list[tuple[int, str]] = []

    @asynccontextmanager
    async def fetch(_url: str, start: int, validator: str) -> AsyncIterator[Media]:
        asked.append((start, validator))
        yield served.pop() if served else Media(0, len(new), '"new"', _pieces(new))

    await download_track("u", tmp_path / "x.part", fetch, SystemClock())

    assert (tmp_path / "x.part").read_bytes() == new
    assert asked == [(0, ""), (70_000, '"old"')]


async def test_without_a_validator_nothing_is_resumed(tmp_path: Path) -> None:
    whole = wave_file("h", [1, -1] * 40_000)
    served = [Media(0, len(whole), "", _broken(whole[:70_000]))]
    asked: list[int] = []

    @asynccontextmanager
    async def fetch(_url: str, start: int, _validator: str) -> AsyncIterator[Media]:
        asked.append(start)
        yield served.pop() if served else Media(0, len(whole), "", _pieces(whole))

    await download_track("u", tmp_path / "x.part", fetch, SystemClock())

    assert (tmp_path / "x.part").read_bytes() == whole
    assert asked == [0, 0]


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 64 << 10):
        yield body[start : start + (64 << 10)]


async def _broken(body: bytes) -> AsyncIterator[bytes]:
    async for piece in _pieces(body):
        yield piece
    raise OSError("the connection broke")


async def _endless(head: bytes) -> AsyncIterator[bytes]:
    yield head
    while True:
        yield bytes(64 << 10)


@pytest.mark.parametrize(
    ("media", "says", "most"),
    [
        (lambda: Media(0, 10 << 30, "", _endless(b"RIFF0000WAVE0000")), "larger than any", 0),
        (lambda: Media(0, 1000, "", _endless(b"RIFF0000WAVE0000")), "longer than announced", 16),
        (lambda: Media(0, None, "", _pieces(b"<html>sign in</html>" * 9)), "not audio", 0),
        (lambda: Media(0, 5, "", _pieces(b"short")), "not audio", 5),
    ],
    ids=["10 GiB announced", "more than announced", "HTML named .wav", "five bytes"],
)
async def test_what_is_no_song_is_given_up_at_once(
    tmp_path: Path, media: Any, says: str, most: int
) -> None:
    @asynccontextmanager
    async def fetch(*_: Any) -> AsyncIterator[Media]:
        yield media()

    with pytest.raises(MediaGone, match=says):
        await download_track("u", tmp_path / "x.part", fetch, SystemClock())

    part = tmp_path / "x.part"
    assert (part.stat().st_size if part.exists() else 0) == most


async def test_an_endless_track_is_stopped_at_the_cap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cap = 1 << 20
    monkeypatch.setattr(downloading, "LARGEST_TRACK", cap)

    @asynccontextmanager
    async def fetch(*_: Any) -> AsyncIterator[Media]:
        yield Media(0, None, "", _endless(b"RIFF0000WAVE0000"))

    with pytest.raises(MediaGone, match="longer than announced"):
        await download_track("u", tmp_path / "x.part", fetch, SystemClock())

    assert (tmp_path / "x.part").stat().st_size <= cap + (64 << 10)
    assert LARGEST_TRACK == 512 << 20


async def test_a_compressed_reply_is_refused_unread() -> None:
    async with gateway() as sandbox, track(sandbox, 1) as (client, url, _):
        sandbox.faults.add("media", reply(200, b"\x1f\x8b", {"Content-Encoding": "gzip"}))
        with pytest.raises(MediaGone, match="compressed"):
            async with client.media(url):
                pass

        assert sandbox.arrivals[-1].headers["accept-encoding"] == "identity"


PRIVATE = [
    "0.0.0.0",  # noqa: S104  # looked up, not bound to
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.1.2.3",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "fd12::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2002:a00:1::",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_public_are_never_connected_to(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111"])
def test_public_addresses_are(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "location",
    [
        "http://example.com/x.wav",
        "https://127.0.0.1/x.wav",
        "https://[::1]/x.wav",
        "https://user:pw@example.com/x.wav",
        "file:///etc/passwd",
        "https://169.254.169.254/latest/meta-data",
    ],
)
async def test_each_redirect_is_checked_again(location: str) -> None:
    async with gateway() as sandbox, track(sandbox, 1) as (client, url, _):
        sandbox.faults.add("media", reply(302, headers={"Location": location}))
        with pytest.raises(MediaGone):
            async with client.media(url):
                pass


async def test_redirects_in_circles_end() -> None:
    async with gateway() as sandbox, track(sandbox, 1) as (client, url, _):
        before = len(sandbox.arrivals)
        sandbox.faults.add("media", reply(302, headers={"Location": url}), times=None)
        with pytest.raises(MediaGone, match="circles"):
            async with client.media(url):
                pass

        assert len(sandbox.arrivals) - before == 4


async def test_a_real_gateway_never_leads_to_this_machine() -> None:
    async with gateway() as sandbox, track(sandbox, 1) as (_, url, _whole):
        client = Gateway("https://gateway.pixazo.ai", now=SystemClock().now)
        before = len(sandbox.arrivals)
        for each in (url, url.replace("http:", "https:")):
            with pytest.raises(MediaGone):
                async with client.media(each):
                    pass
        await client.close()

        assert len(sandbox.arrivals) == before


async def test_the_key_never_goes_to_the_media_host(tmp_path: Path) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        await home.finished(duration=1)

        assert home.sandbox.keys_sent_to_media == []


@pytest.mark.parametrize(
    "toxics", [[timeout(0)], [reset_peer("before")], [reply(503)]], ids=["FIN", "RST", "503"]
)
async def test_a_passing_fault_of_the_media_host_is_outlasted(
    tmp_path: Path, toxics: list[Toxic]
) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        home.sandbox.faults.add("media", *toxics, times=2)
        song = shown(await home.finished(duration=1))

        assert len(song["files"]) == 1
        assert song["warnings"] == []


@pytest.mark.parametrize(
    ("delivered", "says"),
    [
        (wave_file("h", [9000, -9000] * 48_000), "is 1 s long; 30 s were asked for"),
        (wave_file("h", [0, 0] * 48_000 * 29), "is silent from end to end"),
        (
            wave_file("h", [9000] * 48_000 * 29 + [0] * 48_000 * 30),
            "is silent for 51 % of its length",
        ),
        (wave_file("h", [32_767, -32_768] * 48_000 * 29), "is clipped in 100 % of its length"),
        (wave_file("h", [9000, -9000] * 48_000 * 29, size=99_999_999), "is cut off"),
    ],
    ids=["short", "silent", "half silent", "clipped", "truncated"],
)
async def test_a_song_that_is_not_what_was_asked_for_is_said_to_be_so(
    tmp_path: Path, delivered: bytes, says: str
) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        home.sandbox.faults.add("media", reply(200, delivered))
        song = shown(await home.finished(duration=30))

        assert len(song["files"]) == 1
        assert any(says in warning for warning in song["warnings"]), song["warnings"]


@pytest.mark.parametrize(
    ("code", "tag", "full"),
    [("h", 1, 32_767), ("24", 1, 8_388_607), ("i", 1, 2_147_483_647), ("f", 3, 1.0)],
    ids=["16 bit", "24 bit", "32 bit", "float"],
)
async def test_every_kind_of_wave_is_measured(
    tmp_path: Path, code: str, tag: int, full: float
) -> None:
    half = full / 2 if code == "f" else full // 2
    body = wave_file(code, [half, -half] * 48_000, tag=tag)
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        home.sandbox.faults.add("media", reply(200, body))
        answer = await home.finished(duration=1)
        assert answer.meta is not None
        (drawn,) = answer.meta["acestep/player"]["tracks"]

    assert shown(answer)["warnings"] == []
    assert drawn["seconds"] == 1.0
    assert drawn["peaks"] == [50] * 400
    assert drawn["type"] == "audio/wav"


async def test_title_lyrics_and_request_are_tagged_into_the_file(tmp_path: Path) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        song = shown(await home.finished(title="Ночь", lyrics=LYRICS, duration=10, seed=3))
        tags = mutagen.File(song["files"][0]).tags

    assert tags is not None
    assert tags["TIT2"].text == ["Ночь"]
    assert tags["USLT::und"].text == LYRICS
    assert tags["TXXX:seed"].text == ["3"]
    assert tags["TXXX:request_id"].text == [song["request_id"]]
    assert json.loads(tags["TXXX:request"].text[0])["lyrics"] == LYRICS


NOWHERE = [
    f"1/{2**63}",
    "1/-1",
    f"1/{10**400}",
    f"{2**63}/0",
    "-1/0",
    f"{10**400}/0",
    "one/0",
    "1/start",
    "1.0/0",
    "1/1e3",
    "\u0661/0",
]


@pytest.mark.parametrize("save", ["on", "off"])
async def test_a_place_that_no_audio_has_is_no_saved_audio(tmp_path: Path, save: str) -> None:
    async with house(tmp_path, ACESTEP_SAVE=save) as home:
        song = shown(await home.finished(duration=10))
        for place in NOWHERE:
            with pytest.raises(MCPError) as refused:
                await home.client.read_resource(
                    f"acestep://outputs/{song['request_id']}/audio/{place}"
                )

            assert refused.value.error.message.startswith("no saved audio there: take "), place
            assert len(refused.value.error.message) <= 80


async def test_while_a_song_is_submitted_every_door_shows_the_public_word(tmp_path: Path) -> None:
    async with house(tmp_path) as home, anyio.create_task_group() as tasks:
        held = hold()
        home.sandbox.faults.add("submit", held)
        tasks.start_soon(home.generate)
        await home.sandbox.arrived("submit")
        (every,) = (await home.client.read_resource("acestep://outputs")).contents
        (listed,) = json.loads(every.text)["songs"]  # type: ignore[union-attr]  # JSON is text
        uri = f"acestep://outputs/{listed['request_id']}"
        (one,) = (await home.client.read_resource(uri)).contents
        (shown_in_list,) = shown(await home.call("list_outputs"))["songs"]
        varied = await home.client.get_prompt(
            "vary_song", {"request_id": listed["request_id"], "change": "slower"}
        )
        command = [sys.executable, "-m", "acestep_mcp", "songs", "--json"]
        environ = environment(home.sandbox.base_url, tmp_path)
        printed = (await anyio.run_process(command, env=environ)).stdout.decode()
        held.release()

    assert listed["status"] == shown_in_list["status"] == "UNKNOWN"
    assert json.loads(printed)[0]["status"] == "UNKNOWN"
    for said in (every, one, varied, printed):
        assert not re.search(r"\b(sending|intent)\b", str(said))


async def test_songs_and_their_audio_can_be_read_as_resources(tmp_path: Path) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        song = shown(await home.finished(title="Rain", duration=20, seed=3))
        uri = f"acestep://outputs/{song['request_id']}"
        (one,) = (await home.client.read_resource(uri)).contents
        (every,) = (await home.client.read_resource("acestep://outputs")).contents
        whole, offset = b"", 0
        size = Path(song["files"][0]).stat().st_size
        while offset < size:
            (piece,) = (await home.client.read_resource(f"{uri}/audio/1/{offset}")).contents
            data = _decoded(piece)
            assert len(data) <= LARGEST_PIECE
            whole, offset = whole + data, offset + len(data)
        for bad in (f"{uri}/audio/1/{size}", f"{uri}/audio/2/0", f"{uri}/audio/0/0", uri + "x"):
            with pytest.raises(Exception, match=r"no saved audio|no song"):
                await home.client.read_resource(bad)

    assert whole == Path(song["files"][0]).read_bytes()
    record = json.loads(one.text)  # type: ignore[union-attr]  # JSON is text
    assert record["request"] == {"prompt": record["request"]["prompt"], "duration": 20, "seed": 3}
    assert record["files"] == song["files"]
    assert json.loads(every.text)["songs"] == [record]  # type: ignore[union-attr]  # as above


def _decoded(content: Any) -> bytes:
    import base64

    return base64.b64decode(content.blob)
