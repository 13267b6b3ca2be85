"""The real ACE-Step 1.5 API server, from PyPI, with stand-ins for its models and its GPU."""
