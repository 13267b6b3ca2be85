"""`acestep-mcp http`: MCP over streamable HTTP, for many callers."""

from acestep_mcp import settings


def run(host: str, port: int) -> int:
    """Serve until a signal comes; calls under way get a moment to be answered."""
    # Saving is for the person at this machine; a hosted server's disk is nobody's.
    found = settings.read(save="off")
    # Over stdio, the first call says this. Here, its operator is at hand, and callers are not.
    if found.data_problem and not found.database_url:
        raise settings.SettingsError(found.data_problem)

    # Once the settings are known to be good: a bad one is told without the SDK's second.
    from acestep_mcp.hosted import http, options, serving  # noqa: PLC0415

    web = http.build(found, options.read(found.data_dir), host)
    return 0 if serving.serve(web, host, port, found.log_level.lower()) else 1
