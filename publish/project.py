"""What every manifest says of the project."""

import os
from importlib.metadata import version

from acestep_mcp.install.project import NAME

OWNER = os.environ.get("ACESTEP_PUBLISHER", "acestep-mcp")
"""The account that publishes. A release under another one sets the variable and runs `make snap`:
registry name, plugin source, repository address and README marker follow."""

TITLE = "ACE-Step music"
REGISTRY_NAME = f"io.github.{OWNER}/{NAME}"
REPOSITORY = f"https://github.com/{OWNER}/{NAME}"
SUMMARY = "Write songs and have them made by ACE-Step 1.5 XL; never pays twice, never loses one."
AUTHOR = "The acestep-mcp authors"
KEYWORDS = ("music", "song", "lyrics", "ace-step")
OUTPUT = "ACESTEP_OUTPUT_DIR"
OUTPUT_DEFAULT = "Music/ACE-Step"
"""Below the home directory."""
RELEASE = version(NAME)
OWNERSHIP_MARKER = f"<!-- mcp-name: {REGISTRY_NAME} -->"
"""The registry looks for it in the README on PyPI."""
