"""Calls as hosts, forms and models make them: taken where they can mean one thing only."""

import json
from pathlib import Path
from typing import Any

import pytest

from acestep_mcp.domain.catalogue import METERS
from acestep_mcp.providers.pixazo.client import Gateway
from acestep_mcp.surface.arguments import COSTLY
from acestep_mcp.surface.handles import handles
from acestep_mcp.surface.hints import unknown
from acestep_mcp.surface.hosts import ADDED
from tests import generated
from tests.house import SONG, House, house, shown, text
from tests.peer import started

pytestmark = pytest.mark.anyio

TOOLS: dict[str, dict[str, Any]] = {tool["name"]: tool for tool in generated.tools()}
KNOWN = {name: [*tool["inputSchema"]["properties"]] for name, tool in TOOLS.items()}

CALLS: dict[str, dict[str, Any]] = {
    "n8n": {
        "tool": "generate_song",
        "toolCallId": "call_0BCIShth4lxZuYr4coSp4E5E",
        "sessionId": "5a1f0c1e6f0b4a0f",
        "action": "sendMessage",
        "chatInput": "make me a song about rain",
    },
    "n8n with another action": {"toolCallId": "toolu_015kA1pd", "action": "retry"},
    "Cline": {"task_progress": "- [x] Write the lyrics\n- [ ] Make the song"},
    "CrewAI": {"security_context": {"agent_fingerprint": {"uuid_str": "b6e0", "metadata": {}}}},
    "CrewAI without fingerprints": {"security_context": {}},
    "Gemini CLI": {"wait_for_previous": True},
    "a model in Gemini CLI": {"wait_for_previous": "false"},
    "Antigravity": {
        "waitForPreviousTools": False,
        "toolAction": "Making the song",
        "toolSummary": "Song about rain",
    },
    "Cursor": {"random_string": "x"},
    "Letta": {"request_heartbeat": False},
    "Mastra": {"suspendedToolRunId": "run-1", "resumeData": {}},
    "whoever marks what is theirs": {"_meta": {}, "__user__": {"id": 1}, "_sessionID": "x"},
    "whoever writes nothing as null": {"toolCallId": None, "reference_audio": None},
}


async def sent(home: House, **arguments: Any) -> dict[str, Any]:
    """What is sent for these arguments."""
    await home.generate(seed=5, new_take=True, force=True, **arguments)
    return dict(home.sandbox.submissions[-1].json())


@pytest.mark.parametrize("host", CALLS)
async def test_what_hosts_add_by_themselves_is_no_argument(tmp_path: Path, host: str) -> None:
    async with house(tmp_path) as home:
        song = shown(await home.generate(**CALLS[host]))
        again = shown(await home.generate())
        status = shown(await home.status(song["request_id"], **CALLS[host]))
        listed = shown(await home.call("list_outputs", **CALLS[host]))

        assert again["request_id"] == status["request_id"] == song["request_id"]
        assert listed["total"] == home.posts == 1


def test_no_argument_of_a_host_is_one_of_ours() -> None:
    assert not ADDED.keys() & {name for names in KNOWN.values() for name in names}


MEANT = [
    {"action": "extend"},
    {"action": "repaint", "task_progress": "- [ ] x"},
    {"tool": ["guitar"]},
    {"security_context": "none"},
    {"wait_for_previous": 30},
    {"tool_name": "generate_song"},
    {"ToolCallId": "x"},
    {"session": "x"},
]


@pytest.mark.parametrize("argument", MEANT, ids=str)
async def test_what_somebody_may_have_meant_is_refused_by_name(
    tmp_path: Path, argument: dict[str, Any]
) -> None:
    async with house(tmp_path) as home:
        answer = await home.generate(**argument)

        assert answer.is_error
        assert f"Unknown argument '{next(iter(argument))}'" in text(answer)
        assert home.posts == 0


FILLED: dict[str, Any] = {
    "lyrics": "",
    "title": "",
    "instrumental": "",
    "duration": "",
    "bpm": "",
    "key": "",
    "time_signature": "",
    "seed": "",
    "batch_size": 0,
    "thinking": "",
    "model": "",
    "infer_steps": "",
    "guidance_scale": "",
    "dry_run": "",
    "force": "",
    "new_take": "",
}
DEFAULTS: dict[str, Any] = {
    name: each["default"]
    for name, each in TOOLS["generate_song"]["inputSchema"]["properties"].items()
    if "default" in each and name not in ("wait", "prompt")
}
FORMS: dict[str, dict[str, Any]] = {
    "empty texts": FILLED,
    "the defaults": DEFAULTS,
    "the defaults as texts": {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in DEFAULTS.items()
    },
    "numbers with a point": {
        name: float(value)
        for name, value in DEFAULTS.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    },
    **{
        f"{word!r}": dict.fromkeys(FILLED.keys() - {"lyrics", "title"}, word)
        for word in ("null", "None", " undefined ", None)
    },
    "words for open": {
        "duration": "auto",
        "bpm": "Auto",
        "key": "auto",
        "time_signature": "auto",
        "seed": "random",
        "batch_size": "0",
    },
}


@pytest.mark.parametrize("form", FORMS)
async def test_a_form_filled_with_nothing_asks_for_the_same_song(tmp_path: Path, form: str) -> None:
    async with house(tmp_path) as home:
        short = shown(await home.generate())
        filled = shown(await home.generate(**FORMS[form]))

        assert filled["request_id"] == short["request_id"]
        assert home.posts == 1


async def test_a_list_asked_for_with_empty_fields_is_the_whole_list(tmp_path: Path) -> None:
    nothing = {"limit": 0, "status": "", "search": "", "cursor": ""}
    async with house(tmp_path) as home:
        handle = shown(await home.generate())["request_id"]
        for arguments in (nothing, {**nothing, "limit": "", "status": "null", "cursor": "none"}):
            (song,) = shown(await home.call("list_outputs", **arguments))["songs"]
            assert song["request_id"] == handle
        assert shown(await home.status(handle, wait=""))["request_id"] == handle


TAKEN: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"duration": "120"}, {"duration": 120}),
    ({"duration": "3:30"}, {"duration": 210}),
    ({"duration": "0:45"}, {"duration": 45}),
    ({"duration": "180s"}, {"duration": 180}),
    ({"duration": "90 Seconds"}, {"duration": 90}),
    ({"duration": "2 min"}, {"duration": 120}),
    ({"duration": "3m30s"}, {"duration": 210}),
    ({"duration": "3 minutes and 30 seconds"}, {"duration": 210}),
    ({"duration": "1.5 minutes"}, {"duration": 90}),
    ({"bpm": "120 bpm"}, {"bpm": 120}),
    ({"bpm": "96BPM"}, {"bpm": 96}),
    ({"bpm": 96.0}, {"bpm": 96}),
    ({"batch_size": 2.0}, {"batch_size": 2}),
    ({"batch_size": "2"}, {"batch_size": 2}),
    ({"thinking": "true"}, {"thinking": True}),
    ({"thinking": "False"}, {}),
    ({"lyrics": ["[Verse]", "Rain on the tin roof"]}, {"lyrics": "[Verse]\nRain on the tin roof"}),
    ({"lyrics": []}, {}),
    (
        {"prompt": ["slow folk ballad", "warm female voice"]},
        {"prompt": "slow folk ballad, warm female voice"},
    ),
    *(({"time_signature": int(meter[0])}, {"time_signature": meter}) for meter in METERS),
    ({"time_signature": 4.0}, {"time_signature": "4/4"}),
    ({"time_signature": "6"}, {"time_signature": "6/8"}),
]


async def test_what_can_mean_only_one_thing_is_taken(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        for given, right in TAKEN:
            body = await sent(home, **given)
            if "lyrics" in right:
                del body["duration"]  # fitted

            assert body == {**SONG, "seed": 5, **right}, given


async def test_a_title_and_a_search_may_be_numbers(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.generate(title=1984)
        await home.generate(title="Another", new_take=True)
        (song,) = shown(await home.call("list_outputs", search=1984))["songs"]

        assert song["title"] == "1984"
        assert shown(await home.generate(title=7.0, dry_run=True))["title"] == "7"


REFUSED: list[tuple[str, Any]] = [
    *((name, True) for name in ("batch_size", "seed", "wait", "duration", "bpm", "infer_steps")),
    *((name, False) for name in ("batch_size", "seed", "wait", "guidance_scale", "duration")),
    ("batch_size", "true"),
    ("batch_size", 1.5),
    ("batch_size", -1),
    ("batch_size", [1]),
    ("batch_size", "two"),
    ("seed", 0.5),
    ("duration", "~3 min"),
    ("duration", "2-3 minutes"),
    ("duration", "3:75"),
    ("duration", "1:02:03"),
    ("duration", "1,5"),
    ("duration", "short"),
    ("duration", "m"),
    ("duration", "nan"),
    ("duration", "inf"),
    ("duration", "1e400"),
    ("duration", 10**400),
    ("duration", {"seconds": 3}),
    ("bpm", "90-100"),
    ("bpm", "fast"),
    ("thinking", "maybe"),
    ("thinking", 2),
    ("instrumental", "vocal"),
    ("time_signature", 5),
    ("time_signature", True),
    ("title", True),
    ("title", ["a"]),
    ("title", {"a": 1}),
    ("lyrics", {"verse": "la"}),
    ("lyrics", ["la", 1]),
    ("lyrics", 99),
    ("prompt", 5),
    ("prompt", []),
    ("prompt", None),
    ("prompt", True),
    ("model", 5),
    ("model", ["ace-step"]),
    ("key", 5),
]


async def test_what_can_mean_two_things_is_refused_by_name_before_anything_is_paid(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        for name, value in REFUSED:
            answer = await home.generate(**{name: value})

            assert answer.is_error, (name, value)
            assert text(answer).startswith(f"{name}: "), (name, value)
            assert 20 <= len(text(answer)) <= 300, (name, value)
            assert "\n" not in text(answer)
            assert "Value error" not in text(answer)
        for name in ("limit", "status", "search", "cursor"):
            answer = await home.call("list_outputs", **{name: True})
            assert answer.is_error, name
            assert text(answer).startswith(f"{name}: ")
        assert home.posts == 0


LOOKED_FOR: list[tuple[str, str, str]] = [
    ("generate_song", "voice", "put the voice in prompt"),
    ("generate_song", "vocalGender", "put the voice in prompt"),
    ("generate_song", "style", "put the style in prompt"),
    ("generate_song", "genre", "put the style in prompt"),
    ("generate_song", "mood", "put the style in prompt"),
    ("generate_song", "tags", "put the style in prompt"),
    ("generate_song", "description", "put the style in prompt"),
    ("generate_song", "artist", "the sound you mean in prompt"),
    ("generate_song", "negative_prompt", "nothing can be excluded"),
    ("generate_song", "tempo", "use bpm"),
    ("generate_song", "format", "leave it out; get_status with format=flac"),
    ("generate_song", "output_dir", "leave it out: files go to the folder"),
    ("generate_song", "reference_audio", "no audio can be handed in"),
    ("generate_song", "language", "name the language in prompt"),
    ("generate_song", "length", "use duration, in seconds"),
    ("generate_song", "name", "use title"),
    ("generate_song", "make_instrumental", "use instrumental=true"),
    ("generate_song", "time-sig", "use time_signature"),
    ("generate_song", "scale", "use key"),
    ("generate_song", "kwargs", "pass its members themselves"),
    ("generate_song", "Prompt", "Did you mean 'prompt'?"),
    ("generate_song", "timeSignature", "Did you mean 'time_signature'?"),
    ("generate_song", "lyrcis", "Did you mean 'lyrics'?"),
    ("get_status", "id", "use request_id"),
    ("get_status", "requestId", "Did you mean 'request_id'?"),
    ("get_status", "timeout", "use wait, in seconds"),
    ("list_outputs", "query", "use search"),
    ("list_outputs", "title", "use search"),
    ("list_outputs", "page", "use cursor with the next_cursor"),
    ("list_outputs", "count", "use limit"),
]


@pytest.mark.parametrize(("tool", "name", "says"), LOOKED_FOR, ids=lambda value: str(value)[:20])
def test_what_people_look_for_is_said_with_where_it_goes(tool: str, name: str, says: str) -> None:
    answer = unknown(name, KNOWN[tool])

    assert f"Unknown argument '{name}'" in answer
    assert says in answer
    assert len(answer) <= 300


@pytest.mark.parametrize("tool", KNOWN)
@pytest.mark.parametrize(
    "name",
    [
        "forced",
        "Force",
        "for_ce",
        "newTake",
        "new_takes",
        "new-take",
        "take",
        "takes",
        "batchSize",
        "batch",
        "bach_size",
        "n",
        "num_songs",
        "variations",
        "retry",
        "override",
        "voice",
        "forse",
    ],
)
def test_nobody_is_led_to_an_argument_that_spends_money_or_lifts_a_check(
    tool: str, name: str
) -> None:
    said = unknown(name, KNOWN[tool]).replace(f"'{name}'", "")

    assert not [each for each in COSTLY if each in said]


async def test_a_hint_is_the_whole_answer_of_a_call(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        answer = await home.generate(voice="female")

        assert answer.is_error
        assert text(answer) == (
            "Unknown argument 'voice': put the voice in prompt, like 'warm female voice', "
            "and call again."
        )
        assert home.posts == 0


def _enums(schema: Any) -> list[Any]:
    """Every enum anywhere in a schema."""
    if isinstance(schema, list):
        return [each for part in schema for each in _enums(part)]
    if not isinstance(schema, dict):
        return []
    own = [*schema["enum"]] if isinstance(schema.get("enum"), list) else []
    own += [schema["const"]] if "const" in schema else []
    return own + [each for part in schema.values() for each in _enums(part)]


def test_every_published_schema_is_one_that_every_models_maker_takes() -> None:
    for tool in TOOLS.values():
        for schema in (tool["inputSchema"], tool["outputSchema"]):
            written = json.dumps(schema)
            assert [each for each in _enums(schema) if not isinstance(each, str) or not each] == []
            for word in ("$ref", "$defs", "anyOf", "oneOf", "allOf", "null"):
                assert f'"{word}"' not in written, word
        for name, each in tool["inputSchema"]["properties"].items():
            assert "enum" not in each or each.get("default", each["enum"][0]) in each["enum"], name


ARGUMENTS: dict[str, tuple[Any, str]] = {
    "JSON text": (json.dumps({**SONG, "dry_run": True}), "DRY_RUN"),
    "JSON text in JSON text": (json.dumps(json.dumps({**SONG, "dry_run": True})), "DRY_RUN"),
    "no object": (json.dumps([1]), "arguments: give a JSON object"),
    "a sentence": ("a song about rain", "arguments: give a JSON object"),
    "half an object": ('{"prompt": "x"', "arguments: give a JSON object"),
    "half a character": ('{"prompt": "\\ud83d"}', "arguments: give a JSON object"),
    "a list": ([SONG], "arguments: give a JSON object"),
    "a number": (5, "arguments: give a JSON object"),
    "true": (True, "arguments: give a JSON object"),
    "an empty list": ([], "prompt: it is required, unless based_on names"),
    "an empty text": ("", "prompt: it is required, unless based_on names"),
    "JSON null": ("null", "prompt: it is required, unless based_on names"),
    "an empty object": ("{}", "prompt: it is required, unless based_on names"),
    "nothing": (None, "prompt: it is required, unless based_on names"),
}


async def test_arguments_that_are_no_object_are_read_or_named(tmp_path: Path) -> None:
    async with house(tmp_path) as home, started(home.sandbox, tmp_path) as peer:
        await peer.greet()
        for number, (what, (arguments, says)) in enumerate(ARGUMENTS.items(), 2):
            params = {"name": "generate_song", "arguments": arguments}
            answer = json.dumps(await peer.ask(number, "tools/call", **params))

            assert says in answer, what
        unnamed = await peer.ask(99, "tools/call", arguments={})

        assert "name: give the name of a tool" in unnamed["error"]["message"]
        assert home.posts == 0


PROVIDERS = (Gateway("https://gateway.invalid", now=float),)
ID = "ace-step-xl_019d42ce-946d-7739-f812-6875c434cb790"


@pytest.mark.parametrize(
    "around",
    [
        "{}",
        " {}\n",
        "'{}'",
        "“{}”",
        "`{}`",
        "**{}**",
        "_{}_",
        "<{}>",
        "[{}](https://example.org/song)",
        "{}.",
        "{}.wav",
        "request_id={}",
        "request_id_{}",
        '{{"request_id": "{}", "status": "QUEUED"}}',
        '\\"{}\\"',
        "https://gateway.pixazo.ai/v2/requests/status/{}",
        "https://gateway.pixazo.ai/v2/requests/status/{}?poll=1#now",
        "https%3A%2F%2Fgateway.pixazo.ai%2Fv2%2Frequests%2Fstatus%2F{}",
        "acestep://outputs/{}/audio/1/0",
        "How is the song {} (the second one, ordered 2026-11-26) doing? {} is late.",
        "[QUEUED] The song is QUEUED. request_id: {}. Title: Rain on Tin.",
        "Песня《{}》готова？",
    ],
)
async def test_a_request_id_is_found_in_whatever_it_stands_in(tmp_path: Path, around: str) -> None:
    async with house(tmp_path) as home:
        song = shown(await home.generate())["request_id"]
        for handle in (song, song.replace("-", "\u2011")):
            answer = await home.status(around.format(handle, handle))
            assert shown(answer)["request_id"] == song

    assert handles(around.format(ID, ID), PROVIDERS) == [ID]
    assert handles(around.format("local-0123456789abcdef", ""), PROVIDERS) == [
        "local-0123456789abcdef"
    ]


async def test_between_two_ids_nothing_is_guessed(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        one = shown(await home.generate())["request_id"]
        two = shown(await home.generate(prompt="A march for brass band"))["request_id"]
        both = await home.status(f"{one} or {two}")
        strange = await home.status(f"{ID} or {ID[:-1]}1")
        known = await home.status(f"{one}, not {ID}")

        assert both.is_error
        assert one in text(both)
        assert two in text(both)
        assert "give one of them" in text(both)
        assert strange.is_error
        assert "give one of them" in text(strange)
        assert shown(known)["request_id"] == one


async def test_where_there_is_no_id_the_answer_says_what_was_looked_for(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        odd: list[Any] = ["the song about rain", "x" * 2000, "-._~" * 500, 12345]
        for each in odd:
            answer = await home.status(each)
            assert answer.is_error
            assert "list_outputs" in text(answer)
            assert len(text(answer)) <= 300
        empty: list[Any] = ["", "null", None]
        for each in empty:
            answer = await home.status(each)
            assert text(answer) == "request_id: this argument is required."


async def test_a_song_to_vary_may_be_named_like_any_other(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        song = shown(await home.generate(title="Rain"))["request_id"]
        found = await home.client.get_prompt(
            "vary_song", {"request_id": f"the song `{song}`", "change": "slower"}
        )

        assert f"another version of the song {song}" in str(found)


@pytest.mark.parametrize(
    ("name", "leads_to"), [("lenght", "use duration"), ("gendre", "prompt"), ("vocie", "prompt")]
)
async def test_a_misspelt_name_that_people_look_for_leads_to_the_argument_too(
    tmp_path: Path, name: str, leads_to: str
) -> None:
    async with house(tmp_path) as home:
        answer = await home.generate(**{name: "x"})

        assert answer.is_error
        assert leads_to in text(answer)
        assert "force" not in text(answer).partition(".")[0]
        assert home.posts == 0
