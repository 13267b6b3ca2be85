"""`acestep-mcp install CLIENT`: put the server into a client's configuration, or show how."""

import difflib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from acestep_mcp import keys, settings
from acestep_mcp.install import write
from acestep_mcp.install.clients import BY_NAME, Client
from acestep_mcp.install.entries import Launch
from acestep_mcp.install.launcher import launcher
from acestep_mcp.install.places import Machine, here
from acestep_mcp.install.plan import Edit, Nothing, Paste, Plan, Run, plan
from acestep_mcp.install.project import KEY, KEY_FILE
from acestep_mcp.settings import KEY_PAGE

_KEY_VARIABLES = (*keys.VARIABLES, keys.SERVER_VARIABLE)
_WRITTEN_KEY = re.compile(rf'("(?:{"|".join(_KEY_VARIABLES)})"\s*:\s*")(?:\\.|[^"\\])*')
"""A key that somebody wrote into a configuration before, up to its closing quote."""
_KEEP_KEY = {
    "win32": f'mkdir "%USERPROFILE%\\.pixazo" & echo %{KEY}%> "%USERPROFILE%\\.pixazo\\api-key"',
}
_KEEP_KEY_POSIX = f"(umask 077; mkdir -p ~/.pixazo; printenv {KEY} > {KEY_FILE})"


def run(name: str, *, dry_run: bool) -> int:
    """Configure the client that is called `name`; 1 where that is left to the user."""
    client, machine = BY_NAME[name], here()
    started = launcher()
    own = server_environment(machine.environ)
    env = {**key_environment(machine.environ, machine.home), **own}
    planned = plan(client, Launch(started.command, started.args, env), machine)
    secret = env.get(KEY, "")
    done = _show(planned, secret) if dry_run else _carry_out(planned, client, secret)
    if done == 0:
        _say(_about_key(machine, client))
        _say(_about_server_key(machine, client))
    return done


def key_environment(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """What the client must be told about the key: nothing, if it can be helped.

    Clients start servers as the same user, so the key file serves them all. A key file elsewhere
    is named. A key that only this shell's environment has is written into the configuration
    only where the home directory cannot take a key file.
    """
    filed = _filed(environ)
    if filed.key:
        return {} if filed.key_source == KEY_FILE else {"PIXAZO_API_KEY_FILE": filed.key_source}
    key = settings.read(environ).key
    folder = home / ".pixazo"
    if not os.path.exists(folder):  # noqa: PTH110  # Path's raises where it may not look
        folder = home
    return {KEY: key} if key and not os.access(folder, os.W_OK) else {}


def server_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What the client must be told of the user's own server: where it is, and where its key lies.

    A key that only this shell's environment has is not written down. `ACESTEP_MODEL` goes along: it
    decides whether the paid gateway is meant as well.
    """
    found = settings.read(environ)
    if not found.server_url:
        return {}
    told = {
        "ACESTEP_SERVER_URL": found.server_url,
        "ACESTEP_MODEL": found.model,
        keys.SERVER_FILE_VARIABLE: keys.of_server(_without_keys(environ)).source,
    }
    return {name: value for name, value in told.items() if value}


def _filed(environ: Mapping[str, str]) -> settings.Settings:
    """The settings without a key in a variable: what a client's server will find."""
    return settings.read(_without_keys(environ))


def _without_keys(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name not in _KEY_VARIABLES}


def _carry_out(planned: Plan, client: Client, secret: str) -> int:
    match planned:
        case Nothing(path):
            _say(f"Nothing to do: {path} has it already.")
        case Run(command):
            return _start(command, client)
        case Edit():
            return _write(planned, client)
        case Paste():
            return _show(planned, secret)
    return 0


def _show(planned: Plan, secret: str) -> int:
    """Say what would be done, without the key; 1 where it is the user who must do it."""
    match planned:
        case Nothing(path):
            _say(f"Nothing to do: {path} has it already.")
        case Run(command):
            _say(_hidden(f"Would run:\n{shlex.join(command)}", secret))
        case Edit(original, content):
            _say(_hidden(f"Would write:\n{_difference(original, content)}", secret))
        case Paste(path, why, text):
            sys.stderr.write(f"acestep-mcp: {path} {why}. Put this into it:\n")
            _say(_hidden(text.rstrip("\n"), secret))
            return 1
    return 0


def _start(command: tuple[str, ...], client: Client) -> int:
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL)  # noqa: S603  # the client's own program
    if done.returncode:
        program = Path(command[0]).name
        sys.stderr.write(f"acestep-mcp: {program} failed with exit status {done.returncode}\n")
        return 1
    _say(f"Done. Restart {client.title} if it is running.")
    return 0


def _write(planned: Edit, client: Client) -> int:
    path = planned.original.path
    try:
        kept = write.replace(planned.original, planned.content)
    except write.Changed:
        sys.stderr.write(f"acestep-mcp: {path} was just changed by another program; try again\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"acestep-mcp: {path} cannot be written: {error.strerror}\n")
        return 1
    backup = f" (it was: {kept})" if kept else ""
    _say(f"Wrote {path}{backup}. Restart {client.title} if it is running.")
    return 0


def _difference(original: write.Original, content: bytes) -> str:
    before = (original.content or b"").decode("utf-8-sig").splitlines()
    after = content.decode("utf-8-sig").splitlines()
    old = str(original.path) if original.content is not None else os.devnull
    lines = difflib.unified_diff(before, after, old, str(original.path), lineterm="")
    return "\n".join(lines)


def _about_key(machine: Machine, client: Client) -> str:
    if _filed(machine.environ).key or key_environment(machine.environ, machine.home):
        return ""
    found = settings.read(machine.environ)
    if found.surface == "own":
        return ""
    if found.key_problem:
        return f"The key cannot be used: {found.key_problem}."
    if not found.key:
        return f"No key yet: get one at {KEY_PAGE} and write it, one line, to {KEY_FILE}"
    keep = _KEEP_KEY.get(machine.platform, _KEEP_KEY_POSIX)
    return (
        f"The key is only in this shell's {found.key_source}, which {client.title} may not see. "
        f"Keep it where it looks:\n{keep}"
    )


def _about_server_key(machine: Machine, client: Client) -> str:
    found = settings.read(machine.environ)
    if not found.server_url:
        return ""
    if keys.SERVER_FILE_VARIABLE in server_environment(machine.environ):
        return ""
    if found.server_key_problem:
        return f"The server's key cannot be used: {found.server_key_problem}."
    if not found.server_key:
        return ""
    return (
        f"The server's key is only in this shell's {keys.SERVER_VARIABLE}, which {client.title} "
        f"may not see. Write it to a file, name that in {keys.SERVER_FILE_VARIABLE}, and call this "
        "again."
    )


def _hidden(text: str, secret: str) -> str:
    text = _WRITTEN_KEY.sub(r"\1...", text)
    return text.replace(secret, "...") if secret else text


def _say(text: str) -> None:
    if text:
        print(text)  # noqa: T201  # the command's output
