"""The life of a job as polls show it."""

import re

import httpx
import pytest

from acestep_mcp.sandbox import Profile, Sandbox

from .conftest import KEY, TLS, submit

pytestmark = pytest.mark.anyio

ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
SPACED = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


class Clock:
    def __init__(self) -> None:
        self.time = 1_774_942_323.749

    def __call__(self) -> float:
        return self.time


async def poll(client: httpx.AsyncClient, request_id: str) -> dict[str, object]:
    answer = await client.get(f"/v2/requests/status/{request_id}")
    assert answer.status_code == 200
    return dict(answer.json())


@pytest.mark.parametrize(
    ("profile", "speed", "queued", "total"),
    [
        (Profile.quick(), 1.0, 2.0, 16.0),
        (Profile.quick(), 8.0, 0.25, 2.0),
        (Profile.slow(), 1.0, 9.0, 111.0),
    ],
)
async def test_a_job_moves_with_the_clock_through_its_profile(
    profile: Profile, speed: float, queued: float, total: float
) -> None:
    clock = Clock()
    sandbox = Sandbox(profile=profile, speed=speed, now=clock)
    async with (
        sandbox.serving() as base_url,
        httpx.AsyncClient(verify=TLS, base_url=base_url, headers=KEY) as client,
    ):
        request_id = await submit(client)
        start, seen = clock.time, []
        for elapsed in (0, queued - 0.1, queued + 0.1, total - 0.1, total + 0.1):
            clock.time = start + elapsed
            seen.append((await poll(client, request_id))["status"])

    assert seen == ["QUEUED", "QUEUED", "PROCESSING", "PROCESSING", "COMPLETED"]
    assert len(sandbox.polls(request_id)) == 5


async def test_an_unfinished_job_has_no_output_and_no_end(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    request_id = await submit(client)
    sandbox.advance(request_id, "PROCESSING")
    shape = await poll(client, request_id)

    assert list(shape) == [
        "request_id",
        "status",
        "model_id",
        "error",
        "output",
        "created_at",
        "updated_at",
        "completed_at",
    ]
    assert shape["status"] == "PROCESSING"
    assert shape["model_id"] == "ace-step-xl"
    assert shape["error"] is shape["output"] is shape["completed_at"] is None


async def test_a_finished_job_lists_one_media_url_per_track(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    request_id = await submit(client, batch_size=3)
    sandbox.complete(request_id)
    shape = await poll(client, request_id)

    where = f"{sandbox.base_url}/media/v1/{request_id}"
    assert shape["output"] == {
        "media_url": [f"{where}/sandbox_output_{i}.wav" for i in range(3)],
        "media_type": "audio/wav",
    }
    assert shape["error"] is None


@pytest.mark.parametrize("state", ["FAILED", "ERROR"])
async def test_a_failed_job_says_why(
    sandbox: Sandbox, client: httpx.AsyncClient, state: str
) -> None:
    request_id = await submit(client)
    sandbox.fail(request_id, "ERROR" if state == "ERROR" else "FAILED", error="GPU is on fire")
    shape = await poll(client, request_id)

    assert (shape["status"], shape["error"]) == (state, "GPU is on fire")
    assert shape["output"] is None
    assert shape["completed_at"] is not None


async def test_timestamps_come_in_both_documented_formats(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    shapes = []
    for _ in range(2):
        request_id = await submit(client)
        sandbox.complete(request_id)
        shapes.append(await poll(client, request_id))

    assert all(re.fullmatch(ISO, str(shape["created_at"])) for shape in shapes)
    assert re.fullmatch(SPACED, str(shapes[0]["completed_at"]))
    assert re.fullmatch(ISO, str(shapes[1]["completed_at"]))


async def test_knobs_bring_out_the_oddities_of_the_document(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    request_id = await submit(client)
    sandbox.complete(request_id)
    sandbox.media_type = "application/octet-stream"
    sandbox.media_url_as_string = True
    sandbox.output_ext = "ext"
    sandbox.lower_case_states = True
    sandbox.extra_fields["queue_position"] = None
    shape = await poll(client, request_id)

    assert shape["status"] == "completed"
    assert "queue_position" in shape
    assert shape["output"] == {
        "media_url": f"{sandbox.base_url}/media/v1/{request_id}/sandbox_output_0.ext",
        "media_type": "application/octet-stream",
    }
