"""What the gateway accepts, and how it refuses the rest."""

import re

import httpx
import pytest

from acestep_mcp.sandbox import Profile, Sandbox

from .conftest import KEY, SONG, SUBMIT, TLS, submit

pytestmark = pytest.mark.anyio


async def test_an_accepted_song_is_queued_and_recorded_as_one_job(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    answer = await client.post(SUBMIT, json=SONG)

    request_id = answer.json()["request_id"]
    assert answer.status_code == 202
    assert answer.json() == {
        "request_id": request_id,
        "status": "QUEUED",
        "polling_url": f"https://gateway.pixazo.ai/v2/requests/status/{request_id}",
    }
    assert sandbox.jobs[request_id].payload == SONG
    assert sandbox.submissions[0].json() == SONG
    assert sandbox.submissions[0].headers["ocp-apim-subscription-key"] == "sandbox-key"


async def test_request_ids_sort_by_time_and_are_no_proper_uuids(client: httpx.AsyncClient) -> None:
    ids = [await submit(client) for _ in range(4)]
    pattern = r"ace-step-xl_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{13}"

    assert all(re.fullmatch(pattern, request_id) for request_id in ids)
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    ("key", "status"), [(None, 401), ("", 401), ("guess", 401), ("forbidden", 403)]
)
async def test_a_key_that_is_missing_wrong_or_forbidden_is_turned_away(
    sandbox: Sandbox, key: str | None, status: int
) -> None:
    headers = {} if key is None else {"Ocp-Apim-Subscription-Key": key}
    async with httpx.AsyncClient(
        verify=TLS, base_url=sandbox.base_url, headers=headers
    ) as stranger:
        submitted = await stranger.post(SUBMIT, json=SONG)
        polled = await stranger.get("/v2/requests/status/anything")

    assert (submitted.status_code, polled.status_code) == (status, status)
    assert set(submitted.json()) == {"error", "message"}
    assert not sandbox.jobs


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"prompt": "  "},
        {"prompt": 3},
        {"prompt": "x", "lyrics": 3},
        {"prompt": "x", "lyrics": None},
        {"prompt": "x", "duration": 601},
        {"prompt": "x", "duration": 0},
        {"prompt": "x", "duration": "60"},
        {"prompt": "x", "duration": True},
        {"prompt": "x", "seed": -2},
        {"prompt": "x", "seed": 1.5},
        {"prompt": "x", "bpm": "fast"},
        {"prompt": "x", "batch_size": 5},
        {"prompt": "x", "batch_size": 0},
        {"prompt": "x", "thinking": "yes"},
        ["prompt"],
    ],
)
async def test_a_payload_outside_the_documented_table_is_a_400_that_names_the_field(
    sandbox: Sandbox, client: httpx.AsyncClient, payload: object
) -> None:
    answer = await client.post(SUBMIT, json=payload)

    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "message"}
    assert not sandbox.jobs
    if isinstance(payload, dict) and payload:
        assert f"'{list(payload)[-1]}'" in answer.json()["message"]


async def test_a_body_that_is_no_json_is_a_400(client: httpx.AsyncClient) -> None:
    assert (await client.post(SUBMIT, content=b"{")).status_code == 400


async def test_each_model_has_its_own_table(client: httpx.AsyncClient) -> None:
    """1.5 wants whole seconds, and only knows `thinking` as a field to ignore."""
    path = "/ace-step/v1/generate"
    whole = await client.post(path, json={"prompt": "x", "duration": 60.5})
    ignored = await client.post(path, json={"prompt": "x", "thinking": "perhaps"})
    known = await client.post(path, json={"prompt": "x", "instrumental": "yes"})

    assert [whole.status_code, ignored.status_code, known.status_code] == [400, 202, 400]


async def test_unknown_fields_are_ignored_but_recorded(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    request_id = await submit(client, colour="blue")
    assert sandbox.jobs[request_id].payload["colour"] == "blue"


async def test_an_unknown_or_disabled_model_is_the_documented_400(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    sandbox.disabled_models.add("ace-step")
    for model in ("ace-step", "suno"):
        answer = await client.post(f"/{model}/v1/generate", json=SONG)
        assert answer.status_code == 400
        assert answer.json() == {
            "error": "Model not found",
            "message": f"Model '{model}' not found or is disabled",
        }


async def test_an_empty_wallet_is_the_documented_402() -> None:
    sandbox = Sandbox(profile=Profile.manual(), balance=0.05)
    async with (
        sandbox.serving() as base_url,
        httpx.AsyncClient(verify=TLS, base_url=base_url, headers=KEY) as client,
    ):
        await submit(client, batch_size=4)
        last = await submit(client)
        refused = await client.post(SUBMIT, json=SONG)
        assert sandbox.remaining == 0.0

        sandbox.fail(last, "ERROR")  # documented as not charged
        assert sandbox.remaining == 0.01
        await submit(client)

    assert refused.status_code == 402
    assert refused.json() == {
        "error": "Insufficient Balance",
        "message": "Your wallet does not have enough balance. Required: $0.01",
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", SUBMIT, 405),
        ("POST", "/v2/requests/status/x", 405),
        ("POST", "/media/v1/x/sandbox_output_0.wav", 405),
        ("GET", "/v2/requests/status/unknown", 404),
        ("GET", "/", 404),
        ("POST", "/ace-step-xl/v1/ace-step-xl/generate", 404),
    ],
)
async def test_wrong_methods_and_unknown_routes_are_told_apart(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "message"}
    assert ("allow" in answer.headers) == (status == 405)
