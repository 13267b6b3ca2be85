"""What every manifest says of the project."""

from importlib.metadata import version

OWNER = "OWNER-PLACEHOLDER"
"""PLACEHOLDER. The account that publishes; nobody has said yet which. Set it here, once, then
`make snap`: registry name, plugin source, repository address and README marker follow."""

NAME = "acestep-mcp"
PUBLISHED = False
"""Whether the package index has us. Until then the README's lines install from the source tree."""
SERVER = "acestep"
"""What the server is called in a client's configuration."""
TITLE = "ACE-Step music"
REGISTRY_NAME = f"io.github.{OWNER}/{NAME}"
REPOSITORY = f"https://github.com/{OWNER}/{NAME}"
SUMMARY = "Write songs and have them made by ACE-Step 1.5 XL; never pays twice, never loses one."
AUTHOR = "The acestep-mcp authors"
KEY = "PIXAZO_API_KEY"
KEY_FILE = "~/.pixazo/api-key"
OUTPUT = "ACESTEP_OUTPUT_DIR"
OUTPUT_DEFAULT = "Music/ACE-Step"
"""Below the home directory."""
RELEASE = version(NAME)
OWNERSHIP_MARKER = f"<!-- mcp-name: {REGISTRY_NAME} -->"
"""The registry looks for it in the README on PyPI."""
