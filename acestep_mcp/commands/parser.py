"""The command line. It only parses: everything heavy is imported by the command it serves."""

import argparse
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version

from acestep_mcp.settings import FORMATS

_DESCRIPTION = """\
MCP server that lets an AI assistant write songs and generate them with ACE-Step 1.5 XL.
Without a command it serves MCP over stdin and stdout, as MCP clients start it."""

CLIENTS = """\
claude-desktop, claude-code, vscode, cursor, codex, gemini-cli, windsurf, lm-studio, zed or goose"""


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """What to do, as `run` of the namespace; bad usage ends the process."""
    return _parser().parse_args(argv)


class _OneLine(argparse.ArgumentParser):
    """A parser whose complaint is one line on stderr."""

    def error(self, message: str) -> None:  # type: ignore[override]  # exits, as NoReturn would say
        self.exit(2, f"{self.prog}: {message} (try --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _OneLine(prog="acestep-mcp", description=_DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    http = commands.add_parser("http", help="serve MCP over streamable HTTP, for many callers")
    http.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
    http.add_argument("--port", type=_port, default=8000, help="default: 8000")
    http.set_defaults(run=_http)

    demo = commands.add_parser("demo", help="make a song in the sandbox: no key, no network")
    demo.set_defaults(run=_demo)

    sandbox = commands.add_parser("sandbox", help="run the simulated gateway alone")
    sandbox.add_argument("--port", type=_port, default=8765, help="on loopback (default: 8765)")
    sandbox.add_argument(
        "--speed", type=_speed, default=1.0, help="how many times faster than the real gateway"
    )
    sandbox.add_argument(
        "--own", action="store_true", help="speak as the user's own ACE-Step server instead"
    )
    sandbox.set_defaults(run=_sandbox)

    doctor = commands.add_parser("doctor", help="check key, gateway, folders and ledger")
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.set_defaults(run=_doctor)

    install = commands.add_parser("install", help="write a client's configuration")
    install.add_argument("client", type=_client, metavar="CLIENT", help=CLIENTS)
    install.add_argument("--dry-run", action="store_true", help="only show what would be done")
    install.set_defaults(run=_install)

    songs = commands.add_parser("songs", help="list the songs made so far, newest first")
    songs.add_argument("--search", default="", metavar="TEXT", help="in title, prompt and lyrics")
    songs.add_argument("--limit", type=_limit, default=20, metavar="N", help="1 to 50")
    songs.add_argument("--json", action="store_true", help="for programs")
    songs.add_argument("--open", action="store_true", help="open the folder with the songs")
    songs.set_defaults(run=_songs)

    export = commands.add_parser("export", help="have a saved song as FLAC or MP3")
    export.add_argument("request_id", metavar="REQUEST_ID", help="as `acestep-mcp songs` lists it")
    export.add_argument("--format", choices=FORMATS[1:], default="flac", help="default: flac")
    export.add_argument("--take", type=_take, metavar="N", help="only this one; default: all")
    export.add_argument("--to", metavar="FOLDER", help="default: beside the original")
    export.set_defaults(run=_export)
    return parser


def _version() -> str:
    """What is installed; a damaged installation may not know, and `doctor` has to start there."""
    try:
        return version("acestep-mcp")
    except PackageNotFoundError:
        return "unknown"


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return parse


_port = _whole(0, 65_535)
_limit = _whole(1, 50)
_take = _whole(1, 99)


def _client(text: str) -> str:
    from difflib import get_close_matches

    from acestep_mcp.install.clients import BY_NAME

    name = text.lower().replace(" ", "-").replace("_", "-")
    if name not in BY_NAME:
        near = get_close_matches(name, BY_NAME, n=1)
        hint = f"did you mean {near[0]}?" if near else f"say {CLIENTS}"
        raise argparse.ArgumentTypeError(f"there is no client {text[:40]!r}; {hint}")
    return name


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= 1000:  # noqa: PLR2004  # beyond that nothing is left to see
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 and up to 1000")
    return speed


def _http(arguments: argparse.Namespace) -> int:
    from acestep_mcp.commands.hosted import run

    return run(arguments.host, arguments.port)


def _demo(_: argparse.Namespace) -> int:
    from acestep_mcp.commands.demo import run

    return run()


def _sandbox(arguments: argparse.Namespace) -> int:
    from acestep_mcp.commands.sandbox import run

    return run(arguments.port, arguments.speed, own=arguments.own)


def _doctor(arguments: argparse.Namespace) -> int:
    from acestep_mcp.commands.doctor import run

    return run(as_json=arguments.json)


def _install(arguments: argparse.Namespace) -> int:
    from acestep_mcp.commands.install import run

    return run(arguments.client, dry_run=arguments.dry_run)


def _export(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from acestep_mcp.commands.export import run

    return run(
        arguments.request_id,
        kind=arguments.format,
        take=arguments.take,
        folder=Path(arguments.to).expanduser().absolute() if arguments.to else None,
    )


def _songs(arguments: argparse.Namespace) -> int:
    from acestep_mcp.commands.songs import open_folder, run

    if arguments.open:
        return open_folder()
    return run(search=arguments.search, limit=arguments.limit, as_json=arguments.json)
