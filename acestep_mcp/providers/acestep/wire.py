"""What is sent to the server and what it answers, put into this program's words."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from acestep_mcp.domain.song import Observation, RequestId, State
from acestep_mcp.domain.text import clean
from acestep_mcp.providers import links
from acestep_mcp.providers.acestep.models import SEEDS

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TURBO = "turbo"
_STEPS = 50
"""What the models that are not distilled need; the server would take 8 for each of them."""
_LANGUAGES = (
    ("Kana", "ja"),
    ("Hangul", "ko"),
    ("Han", "zh"),
    ("Hebrew", "he"),
    ("Arabic", "ar"),
    ("Devanagari", "hi"),
    ("Thai", "th"),
    ("Greek", "el"),
)
"""Scripts that decide the language, those that share the text with others before these."""
_MOST_TAKES = 8
_LONGEST_REASON = 300
_TASKS = {"": "text2music", "cover": "cover", "repaint": "repaint", "extend": "repaint"}
"""What an edit is called there: what is made anew may end after the song."""


def form(body: Mapping[str, Any]) -> dict[str, str]:
    """A job as the fields of a form, which a file can be sent along with."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in body.items()
    }


def request_id(value: object) -> RequestId | None:
    """The id of a job, or None where the value cannot be one."""
    return RequestId(value) if isinstance(value, str) and _ID.fullmatch(value) else None


def job(payload: Mapping[str, Any], health: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a submission, for a server that says that of itself.

    Everything is said that the server would otherwise decide by itself: it draws seeds that it does
    not report, makes two takes, rewrites captions, and takes every language for English.
    """
    lyrics = str(payload.get("lyrics", ""))
    thinking = bool(payload.get("thinking", False))
    body: dict[str, Any] = {
        "task_type": _TASKS[payload.get("edit", "")],
        "prompt": payload["prompt"],
        "lyrics": lyrics,
        "vocal_language": language(lyrics),
        "batch_size": int(payload.get("batch_size", 1)),
        "use_random_seed": False,
        "seed": _written(seeds(payload)),
        "thinking": thinking,
        "use_format": False,
        "sample_mode": False,
        "audio_format": "wav",
    }
    # The first releases fail a song that does without the planner's help and without a planner.
    if thinking or "models_initialized" in health:
        body |= {"use_cot_caption": thinking, "use_cot_language": thinking}
    if "duration" in payload:
        body["audio_duration"] = payload["duration"]
    if "bpm" in payload:
        body["bpm"] = round(payload["bpm"])  # a number with a point is dropped in silence
    if "key" in payload:
        body["key_scale"] = payload["key"]
    if "time_signature" in payload:
        body["time_signature"] = str(payload["time_signature"]).partition("/")[0]
    if steps := payload.get("infer_steps") or (_STEPS if _is_slow(loaded(health)) else 0):
        body["inference_steps"] = int(steps)
    if body["task_type"] == "repaint":
        body |= {"repainting_start": payload.get("start", 0), "repainting_end": payload["end"]}
    if "guidance_scale" in payload:
        body["guidance_scale"] = payload["guidance_scale"]
    return body


def loaded(health: Mapping[str, Any]) -> str:
    """The model that a server says it has loaded, `""` where it names none."""
    return _model(health.get("loaded_model"))


def _model(value: object) -> str:
    """A model's name, which some configurations give as the path of its folder."""
    name = clean(value, 200).lower()
    if name in ("n/a", "none", "unknown"):
        return ""
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2][:80]


def _is_slow(model: str) -> bool:
    """Whether a model is known to need more steps than the server takes by itself."""
    return bool(model) and _TURBO not in model


def seeds(payload: Mapping[str, Any]) -> tuple[int, ...]:
    """A seed for each take: the one that was asked for or drawn, and those that follow it."""
    takes, first = int(payload.get("batch_size", 1)), int(payload.get("seed", 0))
    return tuple((first + take) % SEEDS for take in range(takes))


def _written(numbers: Sequence[int]) -> int | str:
    return numbers[0] if len(numbers) == 1 else ",".join(map(str, numbers))


def language(lyrics: str) -> str:
    """The language that the script of the sung words decides, or that it is unknown."""
    # Tables of songcraft, which a start does without.
    from acestep_mcp.songcraft.fit import measure  # noqa: PLC0415
    from acestep_mcp.songcraft.scripts import scripts  # noqa: PLC0415

    found = scripts(" ".join(line for section in measure(lyrics) for line in section.lines))
    most = max(found.values(), default=0)
    for script, code in _LANGUAGES:
        if 2 * found.get(script, 0) >= most > 0:
            return code
    return "unknown"


@dataclass(frozen=True, slots=True)
class Told:
    """What the server says of one job.

    `known` is False where it has none of that id. `stage` is where in the work it is, `seeds` are
    those it says it used, by commas, and `model` is the one that it says has made it.
    """

    known: bool
    seen: Observation
    stage: str = ""
    seeds: str = ""
    model: str = ""


def told(item: Mapping[str, Any], origin: str) -> Told | None:
    """What one entry of a reply says; None where it can't be read."""
    named, takes = request_id(item.get("task_id")), _takes(item.get("result"))
    status = item.get("status")
    if named is None or takes is None or status not in (0, 1, 2):
        return None
    first = takes[0] if takes else {}
    if status == 0:
        stage = str(first.get("stage") or "")
        waits = not takes or stage == "queued"
        return Told(bool(takes), _running(named, first, waits=waits), stage)
    if status == 2 and first.get("status") == 0:  # noqa: PLR2004  # its word for failed
        # It has stopped waiting for the job, which may end all the same.
        return Told(known=True, seen=_running(named, first, waits=False))
    if status == 2:  # noqa: PLR2004  # likewise
        return Told(known=True, seen=_failed(named, first))
    made = _made(named, takes, origin)
    return Told(known=True, seen=made, seeds=_reported(takes), model=_model(first.get("dit_model")))


def _takes(result: object) -> list[dict[str, Any]] | None:
    """The list in a reply's `result`, which is JSON in a text."""
    try:
        found = json.loads(result) if isinstance(result, str) else result
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        return None
    return found[:_MOST_TAKES]


def _running(named: RequestId, item: Mapping[str, Any], *, waits: bool) -> Observation:
    progress = item.get("progress")
    made = float(progress) if isinstance(progress, int | float) and 0 <= progress <= 1 else None
    state: State = "QUEUED" if waits else "PROCESSING"
    return Observation(request_id=named, state=state, progress=None if waits else made)


def _failed(named: RequestId, item: Mapping[str, Any]) -> Observation:
    lines = [line for line in str(item.get("error") or "").splitlines() if line.strip()]
    why = clean(lines[-1], _LONGEST_REASON) if lines else ""
    said = why or "the server gives no reason: see its log"
    return Observation(request_id=named, state="ERROR", error=said)


def _made(named: RequestId, takes: list[dict[str, Any]], origin: str) -> Observation:
    found = (links.absolute(str(each.get("file") or ""), origin) for each in takes)
    urls = tuple(url for url in found if url)
    if not urls:
        said = "the server could not write the file: see its log and its disk"
        return Observation(request_id=named, state="ERROR", error=said)
    return Observation(
        request_id=named,
        state="COMPLETED",
        media_urls=urls,
        media_type="audio/wav",
        completed_at=_time(takes[0].get("create_time")),
    )


def _reported(takes: list[dict[str, Any]]) -> str:
    return clean(takes[0].get("seed_value"), 80) if takes else ""


def odd(told: Told, sent: Mapping[str, Any], model: str) -> tuple[str, ...]:
    """What is other with a finished song than it was asked for.

    `model` is what the server had loaded when it took the song, `""` where nobody knows.
    """
    found, made, wanted = [], len(told.seen.media_urls), int(sent.get("batch_size", 1))
    if made < wanted:
        found.append(f"The server made {made} of {wanted} takes; most often memory is short.")
    if told.seeds and not _agree(told.seeds, seeds(sent)):
        found.append(
            f"The server did not use the seed that was sent (it reports {told.seeds}), so the song "
            "cannot be made again: it is older than explicit seeds."
        )
    if model and told.model not in ("", model):
        found.append(
            f"The server made it with {told.model}, and had {model} loaded when it took the song: "
            "the model was changed meanwhile. The same request may now sound different."
        )
        if _is_slow(told.model) and not _is_slow(model) and "infer_steps" not in sent:
            found.append(
                "It had the few steps that the other model needs, too few for this one: to have it "
                "made again, repeat the call with new_take=true."
            )
    return tuple(found)


def _agree(reported: str, ours: Sequence[int]) -> bool:
    theirs = [each.strip() for each in reported.split(",")]
    return theirs == [str(each) for each in ours][: len(theirs)]


def _time(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value > 0 else None
