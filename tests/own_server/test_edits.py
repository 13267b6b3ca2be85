"""A song that exists, changed on the real server: its audio goes along, the fields are right."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.house import LYRICS, House, own_house, shown, text
from tests.own_server.process import own_server
from tests.own_server.test_songs import made

WHOLE = ("--cap-seconds", "12")
"""Files are as long as they were ordered."""

pytestmark = [pytest.mark.anyio, pytest.mark.own_server]


async def edited(house: House, handle: str, **arguments: Any) -> dict[str, Any]:
    answer = await house.call("generate_song", based_on=handle, wait=20, **arguments)
    assert not answer.is_error, text(answer)
    return shown(answer)


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"edit": "cover", "prompt": "Fast polka with accordion"}, {"'task_type': 'cover'"}),
        (
            {"edit": "repaint", "start": 0.5, "end": 1.75},
            {"'task_type': 'repaint'", "'repainting_start': 0.5", "'repainting_end': 1.75"},
        ),
        (
            {"edit": "repaint", "start": 0.5},
            {"'task_type': 'repaint'", "'repainting_start': 0.5", "'repainting_end': 10.0"},
        ),
        (
            {"edit": "extend", "duration": 30},
            {"'task_type': 'repaint'", "'repainting_start': 10.0", "'repainting_end': 30.0"},
        ),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, dict) else "",
)
async def test_an_edit_reaches_the_renderer_with_its_fields_and_the_songs_own_words(
    tmp_path: Path, asked: dict[str, Any], sent: set[str]
) -> None:
    async with (
        own_server(tmp_path / "own", *WHOLE) as own,
        own_house(own.url, tmp_path, ACESTEP_SAVE="on") as house,
    ):
        first = await made(house, lyrics=LYRICS, duration=10, title="Lamp", bpm=96)
        changed = await edited(house, first["request_id"], force=True, **asked)
        before, after = own.rendered()

        assert "'src_audio': None" in before
        for said in (*sent, "'bpm': 96"):
            assert said in after, (said, after)
        assert "'src_audio': '" in after
        assert changed["status"] == "COMPLETED"
        assert changed["based_on"] == first["request_id"]
        assert f"made from the audio of {first['request_id']}" in changed["message"]
        sidecar = json.loads(Path(changed["files"][0]).with_suffix(".json").read_text("utf-8"))
        assert sidecar["based_on"] == first["request_id"]
        assert sidecar["request"]["edit"] == asked["edit"]
        assert Path(first["files"][0]).exists()


async def test_what_is_sent_along_is_the_original_byte_for_byte(tmp_path: Path) -> None:
    async with (
        own_server(tmp_path / "own", *WHOLE) as own,
        own_house(own.url, tmp_path, ACESTEP_SAVE="on") as house,
    ):
        first = await made(house, lyrics=LYRICS, duration=10)
        prompt = "Fast polka #seconds=2"
        await house.call(
            "generate_song", based_on=first["request_id"], edit="cover", prompt=prompt, wait=0
        )
        await own.until("running")
        (upload,) = (each for each in own.uploads.rglob("*") if each.is_file())

        assert upload.read_bytes() == Path(first["files"][0]).read_bytes()


async def test_an_edit_that_cannot_be_made_is_refused_in_one_line_and_sends_nothing(
    tmp_path: Path,
) -> None:
    async with (
        own_server(tmp_path / "own", *WHOLE) as own,
        own_house(own.url, tmp_path, ACESTEP_SAVE="on") as house,
    ):
        first = (await made(house, lyrics=LYRICS, duration=10))["request_id"]
        for asked, says in (
            ({"edit": "cover"}, "edit: give based_on, too"),
            ({"edit": "remix", "based_on": first}, "edit: use cover, repaint or extend"),
            ({"edit": "extend", "based_on": first}, "duration: the song is 10.0 s long"),
            ({"edit": "extend", "based_on": first, "duration": 10.5}, "duration: the song is"),
            ({"edit": "cover", "based_on": first, "start": 1}, "start: it is for edit=repaint"),
            ({"edit": "cover", "based_on": first, "duration": 60}, "duration: cover keeps"),
            ({"edit": "repaint", "based_on": first, "start": 15}, "start: the song is 10.0 s"),
            ({"edit": "repaint", "based_on": first, "end": 19}, "end: the song is 10.0 s long"),
            ({"start": 3}, "start: give based_on, too"),
        ):
            refused = await house.call("generate_song", **{"prompt": "Folk", **asked})
            assert refused.is_error, asked
            assert text(refused).startswith(says), text(refused)
            assert len(text(refused)) <= 300
        Path(shown(await house.status(first))["files"][0]).unlink()
        gone = await house.call("generate_song", based_on=first, edit="cover", prompt="Polka")

        assert gone.is_error or shown(gone)["status"] == "COMPLETED"  # fetched again by then
        assert len(own.rendered()) <= 2
