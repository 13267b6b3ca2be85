"""The gateway's API document, example by example: requests as shown, responses as meant."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest

from acestep_mcp.domain.song import RequestId
from acestep_mcp.providers.pixazo import wire
from acestep_mcp.providers.pixazo.models import MODELS
from acestep_mcp.sandbox import reply
from tests.house import house, shown

pytestmark = pytest.mark.anyio

XL_SHORT = {
    "prompt": "Uplifting pop song with acoustic guitar and bright piano",
    "lyrics": "[verse]\nWoke up to a sky painted gold\n\n"
    "[chorus]\nYou are my sunshine after the rain",
    "duration": 60,
}
XL_FULL = {
    "prompt": "Uplifting pop song with acoustic guitar, bright piano, and energetic drums. "
    "Female vocals, 120 BPM, key of C major",
    "lyrics": "[verse]\nWoke up to a sky painted gold\nSoft light dancing on my window\n\n"
    "[chorus]\nYou are my sunshine after the rain\nRunning wild through every vein",
    "duration": 180,
    "seed": 42,
    "bpm": 120,
    "key": "C major",
    "time_signature": "4/4",
    "batch_size": 4,
    "thinking": True,
}
STANDARD = {
    "prompt": "A cinematic Hans Zimmer style orchestral piece, building tension with heavy "
    "percussion and brass, epic atmosphere",
    "instrumental": True,
    "duration": 120,
    "bpm": 140,
    "infer_steps": 25,
    "guidance_scale": 7.5,
    "seed": 42,
}


@pytest.mark.parametrize(
    ("model", "example"),
    [("ace-step-xl", XL_SHORT), ("ace-step-xl", XL_FULL), ("ace-step", STANDARD)],
    ids=["XL, three fields", "XL, every field", "1.5"],
)
async def test_the_documented_requests_leave_the_server_field_for_field(
    tmp_path: Path, model: str, example: dict[str, Any]
) -> None:
    async with house(tmp_path) as home:
        await home.generate(model=model, **{"lyrics": "", **example})
        sent = home.sandbox.submissions[0]

    body = json.loads(sent.body)
    drawn = {} if "seed" in example else {"seed": body["seed"]}
    assert body == {**example, **drawn}
    assert {name: type(value) for name, value in body.items()} == {
        name: type(value) for name, value in {**example, **drawn}.items()
    }
    assert (sent.method, sent.path) == ("POST", f"/{model}/v1/generate")
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["cache-control"] == "no-cache"
    assert sent.headers["ocp-apim-subscription-key"] == "sandbox-key"


async def test_every_documented_field_of_every_model_can_be_sent(tmp_path: Path) -> None:
    values: dict[str, Any] = {
        **XL_FULL,
        "instrumental": True,
        "infer_steps": 25,
        "guidance_scale": 7.5,
        "batch_size": 2,
    }
    async with house(tmp_path) as home:
        for model in MODELS.values():
            asked = {name: values[name] for name in model.fields}
            if "instrumental" in asked:
                asked["lyrics"] = ""
            await home.generate(model=model.id, **asked)
            wanted = {name: value for name, value in asked.items() if value != ""}
            assert home.sandbox.submissions[-1].json() == wanted


async def test_an_instrumental_is_written_into_the_lyrics_of_xl(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.generate(instrumental=True)
        await home.generate(instrumental=True, lyrics="[Intro]\n[Guitar Solo]\n[Outro]")

        bodies = [post.json() for post in home.sandbox.submissions]
        assert bodies[0]["lyrics"] == "[Instrumental]"
        assert bodies[1]["lyrics"] == "[Intro]\n[Guitar Solo]\n[Outro]"
        assert all("instrumental" not in body for body in bodies)


async def test_only_what_was_set_is_sent_with_a_drawn_seed_and_a_fitted_duration(
    tmp_path: Path,
) -> None:
    lyrics = "[Verse]\n" + "A quiet line to sing at night\n" * 8
    async with house(tmp_path) as home:
        answer = shown(await home.generate(lyrics=lyrics))
        body = home.sandbox.submissions[0].json()

    assert set(body) == {"prompt", "lyrics", "duration", "seed"}
    assert answer["duration"] == body["duration"]
    assert 40 <= body["duration"] <= 120
    assert answer["seed"] == body["seed"]


def _status(**fields: Any) -> bytes:
    return json.dumps(
        {
            "request_id": "ace-step_019dxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
            "status": "COMPLETED",
            "model_id": "ace-step",
            "error": None,
            "output": {
                "media_url": ["https://pub-5.r2.dev/v1/ace-step_019dxxxx-xxxx/output.ext"],
                "media_type": "application/octet-stream",
            },
            "created_at": "2026-03-31T10:00:00.000Z",
            "updated_at": "2026-03-31T10:00:15.000Z",
            "completed_at": "2026-03-31T10:00:15.000Z",
            **fields,
        }
    ).encode()


ASKED = RequestId("ace-step_019dxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")


def test_the_documented_completed_response_is_a_completed_song() -> None:
    seen = wire.observation(_status(), ASKED)

    assert seen is not None
    assert seen.state == "COMPLETED"
    assert seen.media_urls == ("https://pub-5.r2.dev/v1/ace-step_019dxxxx-xxxx/output.ext",)
    assert seen.media_type == "application/octet-stream"
    assert seen.completed_at == 1774951215.0


def test_the_documented_failure_is_an_error_with_its_text() -> None:
    body = _status(status="ERROR", error="Description of the error", output=None)
    seen = wire.observation(body, ASKED)

    assert seen is not None
    assert (seen.state, seen.error, seen.media_urls) == ("ERROR", "Description of the error", ())


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"status": "QUEUED", "output": None}, "QUEUED"),
        ({"status": "PROCESSING", "output": None}, "PROCESSING"),
        ({"status": "completed"}, "COMPLETED"),
        ({"status": " Failed "}, "FAILED"),
        ({"status": "WARMING_UP", "output": None}, "QUEUED"),
        ({"status": "COMPLETED", "surprise": {"nested": [1]}}, "COMPLETED"),
    ],
    ids=str,
)
def test_states_are_read_in_any_case_and_unknown_ones_count_as_running(
    fields: dict[str, Any], state: str
) -> None:
    seen = wire.observation(_status(**fields), ASKED)

    assert seen is not None
    assert seen.state == state


@pytest.mark.parametrize(
    ("media", "urls"),
    [
        ("https://m.example/a.wav", ("https://m.example/a.wav",)),
        (["https://m.example/a.wav", "https://m.example/b.wav"], 2),
        (None, ()),
        ([], ()),
        (["javascript:alert(1)", "file:///etc/passwd", 7, None], ()),
    ],
    ids=str,
)
def test_media_urls_are_taken_from_a_list_or_a_string_and_only_if_they_are_urls(
    media: Any, urls: Any
) -> None:
    seen = wire.observation(_status(output={"media_url": media, "media_type": 5}), ASKED)

    assert seen is not None
    assert (len(seen.media_urls) if isinstance(urls, int) else seen.media_urls) == urls
    assert seen.media_type == ""


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [
        ("2026-05-22T13:17:32.110Z", 1779455852.11),
        ("2026-05-22 13:19:23", 1779455963.0),
        ("2026-05-22T13:19:23+02:00", 1779448763.0),
        ("...", None),
        (None, None),
        (1779448763, None),
        ("99999-01-01", None),
    ],
    ids=str,
)
def test_timestamps_without_a_zone_are_utc(stamp: Any, seconds: float | None) -> None:
    assert wire.timestamp(stamp) == seconds


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b'{"status": 5}', b"\xff", b"[" * 100_000]
)
def test_a_body_that_is_no_status_is_none(body: bytes) -> None:
    assert wire.observation(body, ASKED) is None


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"error": "Insufficient Balance", "message": "Too poor."}', "Too poor."),
        (b'{"error": "Model not found"}', "Model not found"),
        (b'{"detail": [1]}', ""),
        (b"plain words", "plain words"),
        (b"<html>502</html>", ""),
        (b"", ""),
    ],
    ids=str,
)
def test_error_bodies_are_quoted_whatever_they_are_made_of(body: bytes, says: str) -> None:
    assert wire.said(body) == says


async def test_the_status_request_goes_to_the_configured_origin_whatever_polling_url_says(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        body = b'{"request_id": "ace-step-xl_odd.id~1", "polling_url": "https://evil.example/x"}'
        home.sandbox.faults.add("submit", reply(202, body))
        answer = shown(await home.generate())
        with anyio.fail_after(5):
            await home.sandbox.arrived("status")

        assert answer["request_id"] == "ace-step-xl_odd.id~1"
        assert home.sandbox.polls()[0].path == "/v2/requests/status/ace-step-xl_odd.id~1"


async def test_the_documented_oddities_of_a_finished_job_are_understood(tmp_path: Path) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        home.sandbox.media_url_as_string = True
        home.sandbox.media_type = "application/octet-stream"
        home.sandbox.output_ext = "ext"
        home.sandbox.lower_case_states = True
        home.sandbox.extra_fields = {"queue_position": None, "nested": {"a": [1]}}
        answer = shown(await home.finished(duration=1))

        assert answer["status"] == "COMPLETED"
        assert answer["media_urls"][0].endswith(".ext")
        assert answer["files"][0].endswith(".wav")  # named by its bytes
        assert home.sandbox.keys_sent_to_media == []
