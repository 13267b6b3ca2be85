"""One server for many callers, over streamable HTTP."""
