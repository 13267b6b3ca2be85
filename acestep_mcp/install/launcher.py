"""How this very installation is started again by a program that knows no PATH of ours."""

import json
import os
import sys
from importlib.metadata import distribution
from pathlib import Path

from acestep_mcp.install.entries import Launch
from acestep_mcp.install.project import NAME

_THROWN_AWAY = "archive-v0"
"""Part of the path of an environment that `uvx` made, and that goes when its cache is cleaned."""


def launcher() -> Launch:
    """An absolute command: `uvx` where that started us, else our script, else the interpreter."""
    suffix = ".exe" if sys.platform == "win32" else ""
    uv = os.environ.get("UV", "")
    if uv and _THROWN_AWAY in Path(sys.prefix).parts:
        uvx = Path(uv).with_name(f"uvx{suffix}")
        if uvx.is_file():
            return Launch(str(uvx), (*_origin(), NAME))
    script = Path(sys.executable).with_name(f"{NAME}{suffix}")
    if script.is_file():
        return Launch(str(script))
    return Launch(sys.executable, ("-m", "acestep_mcp"))


def _origin() -> tuple[str, ...]:
    """Where `uvx` must take us from again, if that was not the package index."""
    recorded = distribution(NAME).read_text("direct_url.json")
    if recorded is None:
        return ()
    source = json.loads(recorded)
    url, vcs = source["url"], source.get("vcs_info")
    if vcs:
        url = f"{vcs['vcs']}+{url}@{vcs.get('requested_revision') or vcs['commit_id']}"
    return "--from", f"{NAME} @ {url}"
