"""The README's blocks about clients."""

from acestep_mcp.install.clients import CLIENTS, GOOSE, VSCODE, ZED, Client
from acestep_mcp.install.entries import published, snippet
from acestep_mcp.install.links import install_links
from acestep_mcp.install.project import KEY, KEY_FILE, NAME, OWNERSHIP_MARKER, PUBLISHED
from acestep_mcp.settings import KEY_PAGE

_ASK = '*"Write a folk song about paper boats and make it."*'
_KEYS = {
    "": "key file",
    ":inherited": f"`{KEY}`, passed on by name, or key file",
    ":keyring": "asked, kept in the keyring, or key file",
    VSCODE.key: "asked, kept in the secret store, or key file",
}


def marker() -> str:
    """The line by which the registry knows whose package it is."""
    return OWNERSHIP_MARKER


def client_table() -> str:
    """From nothing to the first song in three lines, the second of them the client's own."""
    head = ("client", "its line", "what it writes (Linux)", "the key", "cuts a call off after")
    rows = [" | ".join(_row(client)) for client in CLIENTS]
    lines = [f"| {' | '.join(head)} |", "|---|---|---|---|---|"]
    steps = (
        f"1. `uv tool install {NAME if PUBLISHED else '.'}`",
        f"2. write your [key]({KEY_PAGE}), one line, to `{KEY_FILE}`",
        "3. your client's line from this table",
    )
    ask = f"Restart the client and say: {_ASK}"
    return "\n".join([*steps, "", *lines, *(f"| {row} |" for row in rows), "", ask])


def pasted() -> str:
    """What goes into the configurations that are not edited for their owners."""
    blocks = (
        f"{client.title} (`{_home(client)}`):\n\n```{client.format}\n"
        f"{snippet(client, published(client))}```"
        for client in (ZED, GOOSE)
    )
    return "\n\n".join(blocks)


def links() -> str:
    """Links for clients that take one."""
    made = install_links()
    named = {"vscode": "VS Code", "cursor-web": "Cursor", "lm-studio-web": "LM Studio"}
    return " · ".join(f"[{title}]({made[name]})" for name, title in named.items())


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
