"""MCP server that lets an AI assistant write songs and generate them with ACE-Step 1.5."""
