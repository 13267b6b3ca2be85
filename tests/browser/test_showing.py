"""What is seen, said and done: progress, takes, errors, hostile text, keyboard, themes, widths."""

import base64
from pathlib import Path
from typing import Any

import pytest
from mcp_types import CallToolResult, TextContent

from tests.browser.host import ABLE, IGNORES, Host, Theatre
from tests.browser.songs import LONG, SUNG
from tests.house import SONG, House, house, shown, text

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

EVIL = "<img src=x onerror='document.title=1'><script>document.title=2</script>\u202e"


async def test_a_song_that_is_being_made_is_followed_to_its_end_and_told_to_the_model_once(
    tmp_path: Path, theatre: Theatre, artefacts: Path
) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        ordered = await home.generate(**SUNG)
        handle = shown(ordered)["request_id"]
        async with theatre.conversation(home.client) as host:
            await host.show(ordered, **SONG, **SUNG)
            await host.view.get_by_text("In the queue").wait_for()
            await host.view.get_by_text("The lamp is low, the road is long").wait_for()
            assert not await host.view.get_by_role("button", name="Play", exact=True).is_visible()
            home.sandbox.advance(handle, "PROCESSING")
            await host.until(lambda: host.said("tools/call"))
            await host.page.screenshot(path=artefacts / "being-made.png")
            home.sandbox.complete(handle)
            await host.until(lambda: host.said("ui/update-model-context"))
            await host.plays()
            await host.view.get_by_text("Saved as").wait_for()

            assert host.said("tools/call")[0] == {
                "name": "get_status",
                "arguments": {"request_id": handle, "wait": 20},
            }
            [told] = host.said("ui/update-model-context")
            assert handle in told["content"][0]["text"]
            assert "COMPLETED" in told["content"][0]["text"]
            assert len(host.said("tools/call")) <= 3


async def test_nobody_is_asked_while_nobody_looks(tmp_path: Path, theatre: Theatre) -> None:
    async with house(tmp_path) as home:
        ordered = await home.generate(**SUNG)
        async with theatre.conversation(home.client) as host:
            await host.frame.evaluate(HIDE, True)
            await host.show(ordered)
            elapsed = "document.querySelector('#elapsed').textContent"
            await host.frame.wait_for_function(f"() => {elapsed} >= '· 0:03'")
            assert host.said("tools/call") == []
            await host.frame.evaluate(HIDE, False)
            await host.until(lambda: host.said("tools/call"))
            home.sandbox.complete(shown(ordered)["request_id"])
            await host.view.get_by_role("button", name="Play", exact=True).wait_for()


HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


async def test_questions_that_fail_are_asked_again_later_and_by_hand(
    tmp_path: Path, theatre: Theatre
) -> None:
    async with house(tmp_path) as home:
        ordered = shown(await home.generate(**SUNG))
        async with theatre.conversation(home.client) as host:
            await host.show(_answer({**ordered, "request_id": "nobody's"}))
            await host.view.get_by_text("Trying again soon.").wait_for()
            await host.view.get_by_role("button", name="Check again").click()
            await host.until(lambda: len(host.said("tools/call")) == 3)


async def test_a_failed_song_is_told_in_the_servers_words(
    tmp_path: Path, theatre: Theatre, artefacts: Path
) -> None:
    async with house(tmp_path) as home:
        ordered = shown(await home.generate(**SUNG))
        home.sandbox.fail(ordered["request_id"], error="The voice was <b>lost</b>")
        failed = await home.status(ordered["request_id"], wait=10)
        async with theatre.conversation(home.client) as host:
            await host.show(failed)
            await host.view.get_by_text("The gateway ended the song as FAILED").wait_for()
            await host.page.screenshot(path=artefacts / "failed.png")

            message = await host.view.locator("#message").inner_text()
            assert message == shown(failed)["message"]
            assert "<b>lost</b>" in message
            assert await host.view.get_by_role("slider").count() == 0


async def test_a_refusal_without_a_song_is_told_as_it_is(tmp_path: Path, theatre: Theatre) -> None:
    async with house(tmp_path) as home:
        refused = await home.generate(bpm=7)
        assert refused.is_error
        async with theatre.conversation(home.client) as host:
            await host.show(refused)
            await host.view.get_by_text(text(refused)).wait_for()

            assert await host.view.get_by_text("No song in this answer").is_visible()


async def test_an_unconfirmed_song_offers_another_look_and_nothing_else(
    tmp_path: Path, theatre: Theatre
) -> None:
    async with house(tmp_path) as home:
        result = await home.finished(**SUNG)
        unsure = {**shown(result), "status": "UNKNOWN", "message": "It may have been charged."}
        async with theatre.conversation(home.client) as host:
            await host.show(_answer(unsure))
            await host.view.get_by_text("It may have been charged.").wait_for()
            assert host.said("tools/call") == []
            await host.view.get_by_role("button", name="Check again").click()
            await host.view.get_by_role("button", name="Play", exact=True).wait_for()

            assert await host.view.get_by_text("It may have been charged.").is_hidden()


def _answer(song: dict[str, Any], **meta: Any) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text="")],
        structured_content=song,
        _meta={"acestep/player": meta},
    )


async def test_a_cancelled_call_says_what_became_of_the_song(
    tmp_path: Path, theatre: Theatre
) -> None:
    async with house(tmp_path) as home, theatre.conversation(home.client) as host:
        await host.tell("ui/notifications/tool-input-partial", arguments={"title": "Lam"})
        await host.tell("ui/notifications/tool-input", arguments={"title": "The Lamp"})
        await host.tell("ui/notifications/tool-cancelled", reason="user action")
        await host.view.get_by_text("A song already ordered is made all the same").wait_for()

        assert await host.view.get_by_role("heading", name="The Lamp").is_visible()


async def test_hostile_text_is_shown_as_text_everywhere(tmp_path: Path, theatre: Theatre) -> None:
    song = {
        "request_id": "x/../../y?#",
        "status": "COMPLETED",
        "message": EVIL,
        "title": EVIL,
        "media_urls": ["javascript:alert(1)", "http://example.com/a.wav", "data:audio/wav,x"],
        "files": [EVIL],
        "warnings": [EVIL],
        "error": EVIL,
        "seed": 7,
        "duration": 12,
        "model": EVIL,
    }
    track = {"peaks": [0, "x", 90], "seconds": 12, "bytes": 1, "type": "text/html"}
    async with house(tmp_path) as home, theatre.conversation(home.client) as host:
        await host.show(_answer(song, lyrics=EVIL, tracks=[track]), title=EVIL, lyrics=EVIL)
        await host.view.get_by_role("tab", name="Take 3").wait_for()
        assert await host.frame.evaluate(COUNT) == [0, 1, "ACE-Step player"]
        assert await host.view.get_by_role("button", name="Open link").is_hidden()
        assert await host.view.get_by_role("heading", level=1).inner_text() == EVIL
        failed = {**song, "status": "FAILED", "message": "It failed."}
        await host.show(_answer(failed))
        await host.view.locator("#error").wait_for()

        assert await host.view.locator("#error").inner_text() == EVIL
        assert await host.frame.evaluate(COUNT) == [0, 1, "ACE-Step player"]


COUNT = """() => [
  document.images.length, document.scripts.length, document.title
]"""


async def test_only_the_host_is_listened_to(tmp_path: Path, theatre: Theatre) -> None:
    async with house(tmp_path) as home, theatre.conversation(home.client) as host:
        await host.frame.evaluate(
            """() => window.postMessage({ jsonrpc: "2.0", method: "ui/notifications/tool-input",
                 params: { arguments: { title: "Forged" } } }, "*")"""
        )
        await host.tell("ui/notifications/tool-input", arguments={"title": "Genuine"})
        await host.view.get_by_role("heading", name="Genuine").wait_for()

        assert (await host.ask("ping"))["result"] == {}
        assert (await host.ask("sampling/createMessage", 9001))["error"]["code"] == -32601


async def test_four_takes_are_tabs_that_each_play_their_own_sound(
    tmp_path: Path, theatre: Theatre, artefacts: Path
) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        result = await home.finished(**SUNG, batch_size=4)
        async with theatre.conversation(home.client, profile=IGNORES) as host:
            await host.show(result)
            await host.plays()
            await host.view.get_by_role("tab", name="Take 1").focus()
            await host.page.keyboard.press("ArrowRight")
            await host.page.keyboard.press("End")
            await host.sounds()
            await host.frame.wait_for_function(f"() => {AT} >= 1 && {IDLE}")
            assert {"1", "4"} <= _takes(host)
            await host.page.screenshot(path=artefacts / "four-takes.png")

            tabs = host.view.get_by_role("tab")
            shown_as = [each.split("\n") for each in await tabs.all_inner_texts()]
            assert [each[0] for each in shown_as] == ["Take 1", "Take 2", "Take 3", "Take 4"]
            told = [each.split(", ")[1] for each in shown(result)["takes"]]
            assert [each[1] for each in shown_as] == [f"0:08 · {each}" for each in told]
            chosen = [await tab.get_attribute("aria-selected") for tab in await tabs.all()]
            assert chosen == ["false", "false", "false", "true"]
            assert await host.view.get_by_role("tabpanel", name="Take 4").is_visible()
            await host.page.keyboard.press("ArrowRight")
            assert await host.view.get_by_role("tab", name="Take 1").is_visible()


def _takes(host: Host) -> set[str]:
    return {str(each["uri"]).split("/")[-2] for each in host.said("resources/read")}


async def test_everything_can_be_done_from_the_keyboard(
    home: House, pair: CallToolResult, theatre: Theatre
) -> None:
    async with theatre.conversation(home.client) as host:
        await host.show(pair)
        await host.view.get_by_role("button", name="Play", exact=True).focus()
        await host.page.keyboard.press("Enter")
        await host.sounds()
        reached = []
        for _ in range(7):
            await host.page.keyboard.press("Tab")
            reached.append(await host.frame.evaluate("document.activeElement.id"))
        assert reached == ["take-0", "seek", "lines", "download", "link", "seed", "more"]
        await host.page.keyboard.press("Enter")
        await host.view.get_by_role("list", name="Warnings").wait_for()
        slider = host.view.get_by_role("slider", name="Position in the song")
        await slider.focus()
        for key in ("ArrowRight", "ArrowUp", "ArrowRight", "ArrowLeft"):
            await host.page.keyboard.press(key)
        await host.frame.wait_for_function(f"() => {AT} >= 10")
        await host.page.keyboard.press("Space")
        await host.view.get_by_role("button", name="Play", exact=True).wait_for()
        at = await host.position()
        spoken = await slider.get_attribute("aria-valuetext")
        await host.page.keyboard.press("Home")
        await host.frame.wait_for_function(f"() => {AT} === 0")

        assert 10 <= at <= 15
        assert spoken == f"0:{at:.0f} of 0:20"


AT = "Number(document.querySelector('[role=slider]').ariaValueNow)"
IDLE = "!document.querySelector('[data-busy]')"


async def test_clicking_and_dragging_the_waveform_seeks(
    home: House, song: CallToolResult, theatre: Theatre
) -> None:
    async with theatre.conversation(home.client) as host:
        await host.show(song)
        box = await host.view.get_by_role("slider").bounding_box()
        middle = box["y"] + box["height"] / 2
        await host.page.mouse.move(box["x"] + box["width"] * 0.1, middle)
        await host.page.mouse.down()
        await host.page.mouse.move(box["x"] + box["width"] * 0.75, middle)
        await host.page.mouse.up()

        assert await host.position() == 6
        await host.plays()


async def test_assistive_technology_finds_a_name_for_everything(
    home: House, pair: CallToolResult, theatre: Theatre
) -> None:
    async with theatre.conversation(home.client) as host:
        await host.show(pair)
        await host.view.get_by_role("button", name="Play", exact=True).wait_for()
        tree = await host.view.locator("body").aria_snapshot()

        for line in (
            'main "Song"',
            'button "Play"',
            'heading "The Lamp Is Low" [level=1]',
            'tablist "Takes"',
            'tab "Take 1" [selected]',
            'tab "Take 2"',
            'tabpanel "Take 1"',
            'slider "Position in the song"',
            'heading "Lyrics pace is estimated" [level=2]',
            'button "Download"',
            'button "Open link"',
            'button "Copy seed 7"',
            'button "2 warnings"',
            "status",
        ):
            assert f"- {line}" in tree, tree


@pytest.mark.parametrize("width", [320, 800])
async def test_it_fits_its_width_and_five_hundred_pixels_of_height(
    tmp_path: Path, theatre: Theatre, artefacts: Path, width: int
) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        title = "Ballad of the Extraordinarily Long Road through Llanfairpwllgwyngyll"
        result = await home.finished(**{**LONG, "title": title}, batch_size=4)
        async with theatre.conversation(home.client, width=width) as host:
            await host.show(result)
            await host.view.get_by_role("tab", name="Take 4").wait_for()
            await host.until(lambda: host.said("ui/notifications/size-changed")[-1]["height"] > 300)
            measured = await host.frame.evaluate(MEASURE)
            await host.page.screenshot(path=artefacts / f"{width}.png")

            assert measured["overflow"] == 0
            assert measured["cut"] == []
            assert measured["small"] == []
            size = host.said("ui/notifications/size-changed")[-1]
            assert size["width"] == width
            assert size["height"] <= 500


MEASURE = """() => {
  const seen = [...document.querySelectorAll("button, [role=slider]")].filter((e) => e.offsetWidth);
  const main = document.querySelector("main").getBoundingClientRect();
  return {
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    cut: seen.filter((e) => e.getBoundingClientRect().bottom > main.bottom).map((e) => e.id),
    small: seen.filter((e) => Math.min(e.offsetWidth, e.offsetHeight) < 44).map((e) => e.id),
  };
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_it_wears_the_hosts_theme(
    home: House, pair: CallToolResult, theatre: Theatre, artefacts: Path, theme: str
) -> None:
    names = [Path(file).name for file in shown(pair)["files"]]
    shown(pair)["files"] = [f"~/Music/ACE-Step/{name}" for name in names]
    async with theatre.conversation(home.client, width=700, theme=theme) as host:
        await host.show(pair)
        await host.plays()
        await host.view.get_by_role("slider").press("ArrowRight")
        await host.view.get_by_role("slider").press("ArrowRight")
        await host.frame.wait_for_function(f"() => {AT} >= 10")
        await host.view.locator("h1").click()
        await host.frame.wait_for_function("document.querySelector('.near')")
        await host.page.screenshot(path=artefacts / f"{theme}.png")

        contrast = await host.frame.evaluate(CONTRAST, theme)
        assert min(contrast.values()) >= 4.5, contrast
        body = "getComputedStyle(document.body).backgroundColor"
        assert await host.frame.evaluate(body) == "rgba(0, 0, 0, 0)"


async def test_a_theme_that_changes_while_it_plays_is_followed(
    tmp_path: Path, theatre: Theatre
) -> None:
    async with house(tmp_path) as home, theatre.conversation(home.client) as host:
        ink = "getComputedStyle(document.querySelector('h1')).color"
        light = await host.frame.evaluate(ink)
        await host.tell("ui/notifications/host-context-changed", theme="dark")
        await host.frame.wait_for_function(f"(light) => {ink} !== light", arg=light)
        await host.colour(color_text_primary="rgb(1, 2, 3)")
        await host.frame.wait_for_function(f"() => {ink} === 'rgb(1, 2, 3)'")


CONTRAST = """(theme) => {
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const of = (id, property) => getComputedStyle(document.querySelector(id))[property]
    .match(/[\\d.]+/g).map(Number);
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const ground = light(theme === "dark" ? [38, 38, 36] : [255, 255, 255]);
  return {
    title: ratio(light(of("h1", "color")), ground),
    facts: ratio(light(of(".facts", "color")), ground),
    line: ratio(light(of("#lines .sung", "color")), ground),
    play: ratio(light(of("#play", "color")), light(of("#play", "backgroundColor"))),
    accent: ratio(light(of("#seek .head", "backgroundColor")), ground),
  };
}"""


async def test_teardown_silences_and_ends_all_questions(tmp_path: Path, theatre: Theatre) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        result = await home.finished(**SUNG)
        running = await home.generate(**{**SUNG, "seed": 8})
        async with theatre.conversation(home.client, profile=IGNORES) as host:
            await host.show(result)
            await host.plays()
            assert (await host.ask("ui/resource-teardown"))["result"] == {}
            await host.frame.wait_for_function("() => ears.context.state === 'closed'")
            calls = len(host.said("tools/call"))
            await host.show(running)

            assert len(host.said("tools/call")) == calls
            theatre.judge.result("McpUiResourceTeardownResult", {})


async def test_a_download_hands_over_the_whole_file_under_its_name(
    tmp_path: Path, theatre: Theatre
) -> None:
    async with house(tmp_path, ACESTEP_SAVE="on") as home:
        result = await home.finished(**{**SUNG, "duration": 18})
        [file] = [Path(each) for each in shown(result)["files"]]
        async with theatre.conversation(home.client) as host:
            await host.show(result)
            await host.view.get_by_role("button", name="Download").click()
            await host.view.get_by_text("The file was handed over for download.").wait_for()
            [[content]] = [each["contents"] for each in host.said("ui/download-file")]

            assert content["resource"]["uri"].endswith(file.name.replace(" ", "%20"))
            assert base64.b64decode(content["resource"]["blob"]) == file.read_bytes()
            assert len(host.said("resources/read")) >= 2


async def test_where_the_host_keeps_no_files_the_link_is_opened(
    tmp_path: Path, theatre: Theatre
) -> None:
    able = {name: ABLE[name] for name in ("openLinks", "serverTools")}
    async with house(tmp_path) as home:
        result = await home.finished(**SUNG)
        async with theatre.conversation(home.client, able=able) as host:
            await host.show(result)
            await host.view.get_by_role("button", name="Download").click()
            await host.until(lambda: host.said("ui/open-link"))
            await host.view.get_by_role("button", name="Copy seed 7").click()
            await host.view.get_by_text("Seed 7 copied.").wait_for()

            assert host.said("ui/open-link") == [{"url": shown(result)["media_urls"][0]}]
