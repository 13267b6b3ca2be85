"""Links that add the server to a client with one click."""

import base64
import json
from urllib.parse import quote, urlencode

from acestep_mcp.install.clients import CURSOR, LM_STUDIO, VSCODE
from acestep_mcp.install.entries import UVX, Entry, published
from acestep_mcp.install.project import KEY, NAME, SERVER
from publish.project import SUMMARY, TITLE

KEY_INPUT = {
    "type": "promptString",
    "id": "pixazo-api-key",
    "description": "Pixazo API key",
    "password": True,
}
"""How VS Code asks for the key: hidden while it is typed, then kept in its secret store."""


def install_links() -> dict[str, str]:
    """By client; https where the maker has such a page, because README viewers drop others."""
    return {
        "vscode": _vscode(),
        "vscode-insiders": _vscode(quality="insiders"),
        "cursor": _based("cursor://anysphere.cursor-deeplink/mcp/install", published(CURSOR)),
        "cursor-web": _based("https://cursor.com/en/install-mcp", published(CURSOR)),
        "lm-studio": _based("lmstudio://add_mcp", published(LM_STUDIO)),
        "lm-studio-web": _based("https://lmstudio.ai/install-mcp", published(LM_STUDIO)),
        "goose": _goose(),
    }


def _vscode(**more: str) -> str:
    """One page serves both editions; without a word it opens the stable one."""
    query = {"name": SERVER, "inputs": _compact([KEY_INPUT]), "config": _compact(published(VSCODE))}
    page = "https://insiders.vscode.dev/redirect/mcp/install"
    return f"{page}?{urlencode({**query, **more}, quote_via=quote)}"


def _based(page: str, server: Entry) -> str:
    config = base64.b64encode(_compact(server).encode()).decode()
    return f"{page}?{urlencode({'name': SERVER, 'config': config}, quote_via=quote)}"


def _goose() -> str:
    query = [("cmd", UVX.command), *(("arg", each) for each in UVX.args)]
    query += [("timeout", "300"), ("id", NAME), ("name", TITLE), ("description", SUMMARY)]
    query += [("env", f"{KEY}=Pixazo API key")]
    return f"goose://extension?{urlencode(query, quote_via=quote)}"


def _compact(content: object) -> str:
    return json.dumps(content, separators=(",", ":"))
