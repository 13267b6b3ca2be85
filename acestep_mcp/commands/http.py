"""`acestep-mcp http`: MCP over streamable HTTP, for many callers."""

from acestep_mcp import settings


def run(host: str, port: int) -> int:
    """Serve until a signal comes; calls under way get a moment to be answered."""
    # Saving is for the person at this machine; a hosted server's disk is nobody's.
    found = settings.read(save="off")

    from acestep_mcp.hosted import http, options  # noqa: PLC0415  # once the settings are good

    web = http.build(found, options.read(found.data_dir), host)
    import uvicorn  # noqa: PLC0415  # as above

    uvicorn.run(
        web,
        host=host,
        port=port,
        log_level=found.log_level.lower(),
        timeout_graceful_shutdown=2,
        server_header=False,
    )
    return 0
