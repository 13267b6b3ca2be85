"""What the pages say of clients, and whose repository it is."""

import re

from acestep_mcp.install.clients import CLIENTS, VSCODE, Client
from acestep_mcp.install.project import KEY, KEY_FILE, NAME
from acestep_mcp.settings import KEY_PAGE
from publish.links import install_links
from publish.project import OWNER, OWNERSHIP_MARKER

_ASK = '*"Write a folk song about paper boats and make it."*'
_KEYS = {
    "": "key file",
    ":inherited": f"`{KEY}`, passed on by name, or key file",
    ":keyring": "asked, kept in the keyring, or key file",
    VSCODE.key: "asked, kept in the secret store, or key file",
}


def client_table() -> str:
    """From nothing to the first song in three lines, the second of them the client's own."""
    head = ("client", "its line", "what it writes (Linux)", "the key", "cuts a call off after")
    rows = [" | ".join(_row(client)) for client in CLIENTS]
    lines = [f"| {' | '.join(head)} |", "|---|---|---|---|---|"]
    steps = (
        f"1. `uv tool install {NAME}`",
        f"2. write your [key]({KEY_PAGE}), one line, to `{KEY_FILE}`",
        "3. your client's line from this table",
    )
    ask = f"Restart the client and say: {_ASK}"
    return "\n".join([*steps, "", *lines, *(f"| {row} |" for row in rows), "", ask])


def links() -> str:
    """Buttons for clients that take a link."""
    made = install_links()
    named = {
        "vscode": "VS Code",
        "cursor-web": "Cursor",
        "lm-studio-web": "LM Studio",
        "goose": "Goose",
    }
    return "Add it to " + " · ".join(f"[{title}]({made[name]})" for name, title in named.items())


def owned(text: str) -> str:
    """The text with the account that publishes in every address of the repository."""
    text = re.sub(r"<!-- mcp-name: [^ ]+ -->", OWNERSHIP_MARKER, text)
    return re.sub(rf"(github(?:usercontent)?\.com)/[\w-]+/{NAME}", rf"\1/{OWNER}/{NAME}", text)


def _row(client: Client) -> tuple[str, ...]:
    key = _KEYS.get(client.key, f"`{client.key}`, or key file")
    call = f"{client.call} s" if client.call else "not known"
    line = f"`{NAME} install {client.name}`"
    if client.format == "yaml":
        line += ", and paste what it prints"
    return client.title, line, f"`{_home(client)}`", key, call


def _home(client: Client) -> str:
    known = ("{home}", "{XDG_CONFIG_HOME}")
    place = next(each for each in client.locations["linux"] if each.startswith(known))
    return place.replace("{home}", "~").replace("{XDG_CONFIG_HOME}", "~/.config")
