"""Downloads: whole, in part, by HEAD, expired, and without the key."""

import struct

import httpx
import pytest

from acestep_mcp.sandbox import Sandbox

from .conftest import TLS, finished, submit

pytestmark = pytest.mark.anyio

TWO_SECONDS = 44 + 2 * 48_000 * 4


async def test_a_track_is_a_wav_file_of_exactly_the_length_asked_for(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    (url,) = await finished(sandbox, client)
    answer = await client.get(url)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["accept-ranges"] == "bytes"
    assert int(answer.headers["content-length"]) == len(answer.content) == TWO_SECONDS
    assert struct.unpack_from("<4sI4s", answer.content) == (b"RIFF", TWO_SECONDS - 8, b"WAVE")
    assert struct.unpack_from("<HHIIHH", answer.content, 20) == (1, 2, 48_000, 192_000, 4, 16)


async def test_head_tells_everything_but_the_sound(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    (url,) = await finished(sandbox, client, duration=600)
    head = await client.head(url)

    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == 44 + 600 * 192_000
    assert head.headers["etag"].startswith('"')


async def test_tracks_of_a_batch_differ_and_a_later_get_is_the_same(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    first, second = await finished(sandbox, client, batch_size=2)
    one, two, again = [(await client.get(url)).content for url in (first, second, first)]
    assert one == again != two


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-99", 0, 100), ("bytes=1000-", 1000, None), ("bytes=-50", -50, None)],
)
async def test_a_range_is_answered_with_that_part(
    sandbox: Sandbox, client: httpx.AsyncClient, asked: str, start: int, end: int | None
) -> None:
    (url,) = await finished(sandbox, client)
    whole = (await client.get(url)).content
    part = await client.get(url, headers={"Range": asked})

    first = start % TWO_SECONDS
    assert part.status_code == 206
    assert part.content == whole[start:end]
    last = first + len(part.content) - 1
    assert part.headers["content-range"] == f"bytes {first}-{last}/{TWO_SECONDS}"


@pytest.mark.parametrize("asked", [f"bytes={TWO_SECONDS}-", "bytes=9-3", "bytes=-0"])
async def test_a_range_outside_the_file_is_a_416(
    sandbox: Sandbox, client: httpx.AsyncClient, asked: str
) -> None:
    (url,) = await finished(sandbox, client)
    answer = await client.get(url, headers={"Range": asked})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{TWO_SECONDS}"


async def test_if_range_continues_only_the_same_file(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    (url,) = await finished(sandbox, client)
    tag = (await client.head(url)).headers["etag"]
    same = await client.get(url, headers={"Range": "bytes=9-", "If-Range": tag})
    other = await client.get(url, headers={"Range": "bytes=9-", "If-Range": '"old"'})
    assert (same.status_code, other.status_code) == (206, 200)
    assert len(other.content) == TWO_SECONDS


async def test_a_broken_download_can_be_continued(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    (url,) = await finished(sandbox, client)
    whole = (await client.get(url)).content
    rest = await client.get(url, headers={"Range": "bytes=65536-"})
    assert whole[:65_536] + rest.content == whole


@pytest.mark.parametrize("status", [404, 403])
async def test_expired_media_is_gone(
    sandbox: Sandbox, client: httpx.AsyncClient, status: int
) -> None:
    (url,) = await finished(sandbox, client)
    sandbox.expired_status = 403 if status == 403 else 404
    sandbox.expire(next(iter(sandbox.jobs)))
    assert (await client.get(url)).status_code == status


async def test_media_exists_only_for_tracks_of_finished_jobs(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    request_id = await submit(client)
    path = f"/media/v1/{request_id}/sandbox_output_"
    early = await client.get(f"{path}0.wav")
    sandbox.complete(request_id)
    beyond = await client.get(f"{path}1.wav")
    assert (early.status_code, beyond.status_code) == (404, 404)


async def test_a_key_sent_along_with_a_download_is_noticed(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    (url,) = await finished(sandbox, client)
    async with httpx.AsyncClient(verify=TLS) as keyless:
        assert (await keyless.head(url)).status_code == 200
    assert not sandbox.keys_sent_to_media
    await client.head(url)
    assert len(sandbox.keys_sent_to_media) == 1


async def test_media_can_be_float_like_upstream_writes_it(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    sandbox.encoding = "float32"
    (url,) = await finished(sandbox, client)
    content = (await client.get(url)).content
    samples = struct.unpack_from("<96000f", content, 44)

    assert len(content) == 44 + 2 * 48_000 * 8
    assert struct.unpack_from("<HHIIHH", content, 20) == (3, 2, 48_000, 384_000, 8, 32)
    assert 0.1 < max(samples) < 1.0
