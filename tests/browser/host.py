"""An MCP Apps host: shows the player in its frames and passes on what it asks of the server."""

import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextResourceContents

from tests.browser.pages import address, pages
from tests.browser.schema import Judge

Message = dict[str, Any]
ABLE: Message = {
    "openLinks": {},
    "downloadFile": {},
    "serverTools": {},
    "serverResources": {},
    "updateModelContext": {"text": {}},
}
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
_SPY = """
  window.ears = { element: null, context: null };
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () { ears.element = this; return play.call(this); };
  const Context = window.AudioContext;
  window.AudioContext = class extends Context {
    constructor(...given) {
      super(...given);
      Object.assign(ears, { context: this, ear: this.createAnalyser() });
    }
  };
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode) connect.call(this, ears.ear);
    return connect.call(this, to, ...rest);
  };
  ears.loudness = () => {
    const samples = new Float32Array(ears.ear.fftSize);
    ears.ear.getFloatTimeDomainData(samples);
    return Math.max(...samples.map(Math.abs));
  };
  ears.sounding = () => ears.element
    ? !ears.element.paused && ears.element.currentTime > 0.3
    : !!ears.context && ears.context.currentTime > 0.3 && ears.loudness() > 0.001;
"""


@dataclass(frozen=True, slots=True)
class Profile:
    """How a host builds the policy of a view: what media may come from beside what is declared."""

    name: str
    media: str
    declared: bool

    def csp(self, declared: list[str]) -> str:
        """The policy's text; `declared` are the resource's own domains."""
        more = " ".join(declared) if self.declared else ""
        return (
            f"default-src 'none'; script-src 'self' 'unsafe-inline' {more}; "
            f"style-src 'self' 'unsafe-inline' {more}; img-src 'self' data: {more}; "
            f"font-src 'self' {more}; media-src {self.media} {more}; connect-src 'none'"
        )


IGNORES = Profile("a host that ignores declared domains", "'self' data:", declared=False)
SPEC = Profile("the specification", "'self' data:", declared=True)
INSPECTOR = Profile("declared domains only", "", declared=True)
BLOBS = Profile("blobs only", "blob:", declared=False)
NOTHING = Profile("no media at all", "'none'", declared=False)


@dataclass
class Host:
    """One conversation with one view. `sent` is what the view said, in order."""

    page: Any
    client: Client
    judge: Judge
    able: Mapping[str, Any]
    context: Message
    reads: Callable[[str], str | None] = lambda _: None
    sent: list[Message] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    _answers: dict[object, Message] = field(default_factory=dict)
    _changed: anyio.Event = field(default_factory=anyio.Event)
    _ready: bool = False

    @property
    def view(self) -> Any:
        """The player's document."""
        return self.page.frame_locator("iframe").frame_locator("iframe")

    @property
    def frame(self) -> Any:
        """The player's frame, to run scripts in."""
        return self.page.frames[-1]

    def said(self, method: str) -> list[Message]:
        """The parameters of every message of a kind that the view sent."""
        return [each["params"] for each in self.sent if each.get("method") == method]

    async def until(self, condition: Callable[[], object], seconds: float = 15) -> None:
        """Return once the messages so far fulfil the condition."""
        with anyio.fail_after(seconds):
            while not condition():
                await self._changed.wait()
        assert self.failures == []

    async def tell(self, method: str, **params: Any) -> None:
        """Notify the view."""
        self.judge.message({"jsonrpc": "2.0", "method": method, "params": params})
        await self._post(method=method, params=params)

    async def colour(self, **variables: str) -> None:
        """Send style variables. Unjudged: the schema wants all 73, the specification any."""
        styles = {"variables": {f"--{name.replace('_', '-')}": v for name, v in variables.items()}}
        changed = "ui/notifications/host-context-changed"
        await self._post(method=changed, params={"styles": styles})

    async def ask(self, method: str, number: int = 9000) -> Message:
        """Ask the view and return its whole answer."""
        await self._post(id=number, method=method, params={})
        await self.until(lambda: number in self._answers)
        return self._answers.pop(number)

    async def show(self, result: CallToolResult, **given: Any) -> None:
        """Give the view a tool's arguments and its result, as a host does after a call."""
        await self.tell("ui/notifications/tool-input", arguments=given)
        params = result.model_dump(by_alias=True, mode="json", exclude_none=True)
        params.pop("resultType", None)  # of the transport; views are told a CallToolResult
        await self.tell("ui/notifications/tool-result", **params)

    async def plays(self, seconds: float = 15) -> None:
        """Press play and wait until sound comes out."""
        await self.view.get_by_role("button", name="Play", exact=True).click()
        await self.sounds(seconds)

    async def sounds(self, seconds: float = 15) -> None:
        """Return once sound comes out and its clock runs."""
        await self.frame.wait_for_function("() => ears.sounding()", timeout=seconds * 1000)
        assert self.failures == []

    async def source(self) -> str:
        """Where the sound comes from."""
        found = await self.frame.locator("body").get_attribute("data-source")
        return str(found)

    async def position(self) -> float:
        """Seconds into the song, as the slider says."""
        return float(await self.view.get_by_role("slider").get_attribute("aria-valuenow"))

    async def hear(self, message: Message) -> None:
        """Receive one message of the view, or of the frame around it."""
        if message.get("method") == "proxy-ready":
            self._ready = True
        else:
            try:
                await self._answer(message)
            except Exception as error:  # noqa: BLE001  # raised where the test waits
                if not self.page.is_closed():  # an answer may come too late for a closed page
                    self.failures.append(error)
        self._note()

    def _note(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def _answer(self, message: Message) -> None:
        if "method" not in message:
            self._answers[message["id"]] = message
            return
        self.judge.message(message)
        self.sent.append(message)
        self._note()
        if "id" in message:
            await self._post(id=message["id"], **await self._outcome(message))

    async def _outcome(self, message: Message) -> Message:
        method, params = message["method"], message["params"]
        if method == "ui/initialize":
            result = self._hello()
            self.judge.result("McpUiInitializeResult", result)
            return {"result": result}
        try:
            return {"result": await self._passed_on(method, params)}
        except MCPError as error:
            return {"error": {"code": error.error.code, "message": error.error.message}}

    async def _passed_on(self, method: str, params: Message) -> Message:
        if method == "tools/call":
            called = await self.client.call_tool(params["name"], params["arguments"])
            return called.model_dump(by_alias=True, mode="json", exclude_none=True)
        if method == "resources/read":
            blob = self.reads(params["uri"])
            if blob is not None:
                return {"contents": [{"uri": params["uri"], "blob": blob}]}
            read = await self.client.read_resource(params["uri"])
            return read.model_dump(by_alias=True, mode="json", exclude_none=True)
        return {}

    def _hello(self) -> Message:
        return {
            "protocolVersion": "2026-01-26",
            "hostInfo": {"name": "test", "version": "1"},
            "hostCapabilities": dict(self.able),
            "hostContext": self.context,
        }

    async def _post(self, **message: Any) -> None:
        posted = {"jsonrpc": "2.0", **message}
        await self.page.evaluate("(message) => toView(message)", posted)

    async def open(self, html: str, url: str) -> None:
        """Build the frames, put the view into the innermost, and wait for its greeting."""
        await self.page.expose_function("fromView", self.hear)
        await self.page.goto(url)
        await self.until(lambda: self._ready)
        await self.page.evaluate("(html) => toView({ html })", html)
        await self.until(lambda: self.said("ui/notifications/initialized"))


async def published(client: Client, tool: str = "generate_song") -> tuple[str, list[str]]:
    """The view that a tool names, and the domains it declares, as a host finds them."""
    tools = {each.name: each for each in (await client.list_tools()).tools}
    uri = (tools[tool].meta or {})["ui"]["resourceUri"]
    [contents] = (await client.read_resource(uri)).contents
    assert isinstance(contents, TextResourceContents)
    assert contents.mime_type == "text/html;profile=mcp-app"
    return contents.text, (contents.meta or {})["ui"]["csp"]["resourceDomains"]


@asynccontextmanager
async def chromium() -> AsyncIterator[Any]:
    """A browser; skips the tests where there is none."""
    missing = "playwright is not installed: uv sync --group browser"
    async_api = pytest.importorskip("playwright.async_api", reason=missing)
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    path = found or pytest.skip("Chromium is not installed: apt-get install chromium")
    async with async_api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        await browser.close()


@dataclass(frozen=True, slots=True)
class Theatre:
    """A browser to open conversations in, and a judge of what is said there."""

    browser: Any
    judge: Judge

    @asynccontextmanager
    async def conversation(
        self,
        client: Client,
        *,
        profile: Profile = SPEC,
        able: Mapping[str, Any] = ABLE,
        width: int = 640,
        theme: str = "light",
    ) -> AsyncIterator[Host]:
        """A host with the server's player open in it, ready to be shown a song."""
        html, domains = await published(client)
        size = {"width": width + 34, "height": 560}
        page = await self.browser.new_page(viewport=size, color_scheme=theme)
        await page.add_init_script(_SPY)
        host = Host(page, client, self.judge, able, {"theme": theme})
        page.on("pageerror", lambda error: host.failures.append(error))  # noqa: PLW0108  # playwright needs a function
        with pages() as port:
            await host.open(html, address(port, profile.csp(domains)))
            yield host
            await page.close()
        assert host.failures == []
