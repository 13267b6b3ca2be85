"""A song and the one it was made from: what is said of them, and how they are compared."""

from pathlib import Path
from typing import Any

import pytest

from acestep_mcp.sandbox.own import OwnServer
from tests.browser.host import Theatre
from tests.browser.songs import SUNG
from tests.browser.test_showing import EVIL, MEASURE, _answer
from tests.house import house, shown
from tests.test_own_server import home as own_home

pytestmark = [pytest.mark.anyio, pytest.mark.browser]
POSITION = "Number(document.querySelector('#seek').getAttribute('aria-valuenow'))"


def button(view: Any, name: str) -> Any:
    return view.get_by_role("button", name=name, exact=True)


async def test_a_new_recording_and_the_song_it_was_made_from_are_compared_at_the_same_second(
    tmp_path: Path, theatre: Theatre, artefacts: Path
) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        parent = shown(await home.finished(**SUNG))["request_id"]
        child = await home.finished(based_on=parent, title="Slower", bpm=70)
        async with theatre.conversation(home.client) as host:
            await host.show(child)
            await host.view.get_by_text("A new recording after an earlier song").wait_for()
            await host.plays()
            await host.frame.wait_for_function(f"() => {POSITION} >= 1")
            await button(host.view, "Earlier song").click()
            await host.view.get_by_text("The song before Slower").wait_for()
            await host.frame.wait_for_function("() => current().deck && ears.sounding()")
            await host.page.screenshot(path=artefacts / "earlier.png")

            assert await host.view.get_by_role("heading", name=SUNG["title"]).is_visible()
            assert 1 <= await host.position() < 8
            assert host.said("tools/call")[-1]["arguments"] == {"request_id": parent, "wait": 0}
            asked = len(host.said("tools/call"))
            await button(host.view, "Newer song").click()
            await host.view.get_by_role("heading", name="Slower").wait_for()
            await host.frame.wait_for_function("() => current().deck && ears.sounding()")
            assert len(host.said("tools/call")) == asked  # it is still here
            assert await host.view.get_by_text("A new recording after").is_visible()


async def test_of_a_song_on_the_users_own_server_it_is_said_what_was_done_with_its_parent(
    tmp_path: Path, theatre: Theatre
) -> None:
    async with own_home(tmp_path, OwnServer(seconds=0.1), ACESTEP_SAVE="on") as home:
        parent = shown(
            await home.call("generate_song", **{**SUNG, "duration": 12}, prompt="Folk", wait=10)
        )
        edits: dict[str, dict[str, Any]] = {
            "A cover of an earlier song": {"edit": "cover", "prompt": "Brass band"},
            "An earlier song, a part of it made anew": {"edit": "repaint", "start": 2, "end": 8},
            "An earlier song, made longer": {"edit": "extend", "duration": 20},
        }
        for said, edit in edits.items():
            child = await home.call("generate_song", based_on=parent["request_id"], **edit, wait=10)
            async with theatre.conversation(home.client) as host:
                await host.show(child)
                await host.view.get_by_text(said, exact=True).wait_for()


async def test_a_song_that_is_being_made_is_followed_on_after_a_look_at_the_earlier_one(
    tmp_path: Path, theatre: Theatre
) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        parent = shown(await home.finished(**SUNG))["request_id"]
        child = await home.generate(based_on=parent, title="Slower", bpm=70)
        handle = shown(child)["request_id"]
        async with theatre.conversation(home.client) as host:
            await host.show(child)
            await host.until(lambda: host.said("tools/call"))  # it is asked about, for 20 seconds
            await button(host.view, "Earlier song").click()
            await host.view.get_by_text("The song before Slower").wait_for()
            home.sandbox.complete(handle)
            await host.until(lambda: len(host.said("tools/call")) >= 2)
            assert await host.view.get_by_role("heading", name=SUNG["title"]).is_visible()
            await button(host.view, "Newer song").click()
            await button(host.view, "Play").wait_for()
            await host.view.get_by_role("heading", name="Slower").wait_for()
            await host.plays()


async def test_an_earlier_song_that_nobody_has_is_one_line_and_the_newer_one_stays(
    tmp_path: Path, theatre: Theatre
) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        song = shown(await home.finished(**SUNG))
        async with theatre.conversation(home.client) as host:
            await host.show(_answer({**song, "based_on": "nobody's"}))
            await button(host.view, "Earlier song").click()
            await host.view.get_by_text("The earlier song is not to be had any more.").wait_for()

            assert await host.view.get_by_role("heading", name=SUNG["title"]).is_visible()
            assert await button(host.view, "Earlier song").is_enabled()
            await host.plays()


@pytest.mark.parametrize("able", [{}, {"openLinks": {}}])
async def test_where_the_host_asks_no_server_there_is_a_line_and_no_button(
    tmp_path: Path, theatre: Theatre, able: dict[str, Any]
) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        song = shown(await home.finished(**SUNG))
        async with theatre.conversation(home.client, able=able) as host:
            await host.show(_answer({**song, "based_on": "another"}))
            await host.view.get_by_text("A new recording after an earlier song").wait_for()

            assert await button(host.view, "Earlier song").is_hidden()


@pytest.mark.parametrize("width", [320, 800])
async def test_hostile_titles_of_both_are_text_and_everything_fits(
    tmp_path: Path, theatre: Theatre, artefacts: Path, width: int
) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        parent = shown(await home.finished(**{**SUNG, "title": "A" * 90}, batch_size=4))
        song = {**shown(await home.finished(prompt="Another", duration=8)), "title": EVIL}
        async with theatre.conversation(home.client, width=width) as host:
            await host.show(_answer({**song, "based_on": parent["request_id"]}))
            await button(host.view, "Earlier song").click()
            await host.view.get_by_role("tab", name="Take 4").wait_for()
            told = await host.view.locator("#kin").inner_text()
            measured = await host.frame.evaluate(MEASURE)
            await host.page.screenshot(path=artefacts / f"kin-{width}.png")

            assert told == f"The song before {EVIL}"
            assert (measured["overflow"], measured["cut"], measured["small"]) == (0, [], [])
            assert host.said("ui/notifications/size-changed")[-1]["height"] <= 500
