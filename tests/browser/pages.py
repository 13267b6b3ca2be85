"""The pages of the test's host: the conversation, and the frame of another origin inside it.

The player itself stands in a third frame that has no origin and inherits the second one's policy,
as hosts build it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlsplit

CONVERSATION = """<!doctype html><meta charset=utf-8><title>host</title>
<style>
  html { color-scheme: light dark; background: light-dark(#fff, #262624); }
  body { margin: 16px; } iframe { display: block; width: 100%; height: 0; border: 0; }
  .card { border: 1px solid #8886; border-radius: 14px; overflow: hidden; }
</style>
<div class=card><iframe></iframe></div>
<script>
  const frame = document.querySelector("iframe");
  frame.src = new URLSearchParams(location.search).get("proxy");
  const toView = (message) => frame.contentWindow.postMessage(message, "*");
  addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow) return;
    const { method, params } = event.data;
    if (method === "ui/notifications/size-changed") frame.style.height = `${params.height}px`;
    fromView(event.data);
  });
</script>"""

PROXY = """<!doctype html><meta charset=utf-8><title>proxy</title>
<style>
  html { color-scheme: light dark; } body { margin: 0; }
  iframe { display: block; width: 100%; height: 100vh; border: 0; }
</style>
<script>
  let view = null;
  addEventListener("message", ({ source, data }) => {
    if (view && source === view.contentWindow) parent.postMessage(data, "*");
    else if (source === parent && data.html) {
      view = document.createElement("iframe");
      view.setAttribute("sandbox", "allow-scripts");
      view.srcdoc = data.html;
      document.body.append(view);
    } else if (source === parent) view.contentWindow.postMessage(data, "*");
  });
  addEventListener("DOMContentLoaded", () => parent.postMessage({ method: "proxy-ready" }, "*"));
</script><body></body>"""


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        url = urlsplit(self.path)
        body = (PROXY if url.path == "/proxy" else CONVERSATION).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        for policy in parse_qs(url.query).get("csp", ()):
            self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def pages() -> Iterator[int]:
    """Serve both; the port. 127.0.0.1 and localhost are the two origins."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def address(port: int, csp: str) -> str:
    """The conversation whose view stands under the policy `csp`."""
    proxy = f"http://localhost:{port}/proxy?csp={quote(csp)}"
    return f"http://127.0.0.1:{port}/?proxy={quote(proxy)}"
