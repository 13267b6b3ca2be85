"""One question before money is spent, in both protocol eras, and never an error for it."""

from pathlib import Path
from typing import Any

import pytest
from mcp_types import ElicitRequestParams, ElicitResult

from tests.house import LYRICS, house, shown, text

pytestmark = pytest.mark.anyio
ERAS = pytest.mark.parametrize("mode", ["auto", "legacy"])


class Person:
    """Somebody at a client that can ask."""

    def __init__(self, **reply: Any) -> None:
        self.reply = ElicitResult(**reply)
        self.asked: list[str] = []

    async def __call__(self, _context: Any, params: ElicitRequestParams) -> ElicitResult:
        self.asked.append(params.message)
        return self.reply

    @property
    def client(self) -> dict[str, Any]:
        return {"elicitation_callback": self}


AGREED: dict[str, Any] = {"action": "accept", "content": {"go_ahead": True}}


@ERAS
async def test_the_question_says_what_and_how_many_and_yes_buys_one_song(
    tmp_path: Path, mode: Any
) -> None:
    person = Person(**AGREED)
    async with house(tmp_path, mode=mode, client=person.client, ACESTEP_CONFIRM="on") as home:
        answer = await home.generate(title="Rain", batch_size=2, duration=60)

        assert shown(answer)["status"] == "QUEUED"
        assert person.asked == [
            "Generate “Rain” (2 tracks, 60 s long) with ACE-Step 1.5 XL? It costs money."
        ]
        assert home.posts == 1


@ERAS
@pytest.mark.parametrize(
    "reply",
    [
        {"action": "decline"},
        {"action": "cancel"},
        {"action": "accept", "content": {"go_ahead": False}},
        {"action": "accept", "content": {}},
        {"action": "accept"},
    ],
    ids=str,
)
async def test_anything_but_yes_sends_nothing(
    tmp_path: Path, mode: Any, reply: dict[str, Any]
) -> None:
    person = Person(**reply)
    async with house(tmp_path, mode=mode, client=person.client, ACESTEP_CONFIRM="on") as home:
        answer = await home.generate()

        assert answer.is_error
        assert "did not confirm" in text(answer)
        assert len(person.asked) == 1
        assert home.posts == 0


@ERAS
async def test_a_client_that_cannot_ask_is_served_without_asking(tmp_path: Path, mode: Any) -> None:
    async with house(tmp_path, mode=mode, ACESTEP_CONFIRM="on") as home:
        assert shown(await home.generate())["status"] == "QUEUED"


@ERAS
async def test_nobody_is_asked_when_it_is_off_or_nothing_would_be_bought(
    tmp_path: Path, mode: Any
) -> None:
    person = Person(**AGREED)
    async with house(tmp_path / "off", mode=mode, client=person.client) as home:
        await home.generate()
    async with house(
        tmp_path / "on", mode=mode, client=person.client, ACESTEP_CONFIRM="on"
    ) as home:
        await home.generate(dry_run=True)
        await home.generate(key="H")
        await home.generate(lyrics=LYRICS, instrumental=True)
        await home.call("list_outputs")

    assert person.asked == []


@ERAS
@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"PIXAZO_API_KEY": ""}, "No subscription key"),
        ({"ACESTEP_DAILY_LIMIT": "1"}, "Daily limit"),
        ({"ACESTEP_SAVE": "on", "ACESTEP_OUTPUT_DIR": "/dev/null/songs"}, "ACESTEP_OUTPUT_DIR"),
    ],
    ids=["no key", "limit", "no folder"],
)
async def test_nobody_is_asked_for_what_would_be_refused_anyway(
    tmp_path: Path, mode: Any, env: dict[str, str], said: str
) -> None:
    person = Person(**AGREED)
    options = {"ACESTEP_CONFIRM": "on", "HOME": str(tmp_path), **env}
    async with house(tmp_path, mode=mode, client=person.client, **options) as home:
        answer = await home.generate(batch_size=2)

        assert answer.is_error
        assert said in text(answer)
        assert person.asked == []
        assert home.posts == 0


@ERAS
async def test_nobody_is_asked_for_a_song_that_is_running(tmp_path: Path, mode: Any) -> None:
    person = Person(**AGREED)
    async with house(tmp_path, mode=mode, client=person.client, ACESTEP_CONFIRM="on") as home:
        first = shown(await home.generate())
        second = shown(await home.generate())
        third = shown(await home.generate(new_take=True))

        assert first["request_id"] == second["request_id"] != third["request_id"]
        assert len(person.asked) == 2
        assert home.posts == 2
