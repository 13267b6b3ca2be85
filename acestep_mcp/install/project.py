"""How this server is called where it is installed."""

NAME = "acestep-mcp"
SERVER = "acestep"
"""What the server is called in a client's configuration."""
KEY = "PIXAZO_API_KEY"
KEY_FILE = "~/.pixazo/api-key"
