"""`python -m acestep_mcp` is `acestep-mcp`."""

from acestep_mcp.cli import main

raise SystemExit(main())
