"""Where a client's configuration lies on this machine, or on one that is described."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from acestep_mcp.environment import home
from acestep_mcp.install.clients import PLATFORMS, Client, Platform
from acestep_mcp.settings import SettingsError

_NAME = re.compile(r"\{(\w+)\}")
_USUAL = {
    "home": "",
    "XDG_CONFIG_HOME": ".config",
    "APPDATA": "AppData/Roaming",
    "LOCALAPPDATA": "AppData/Local",
}
"""Variables that stand for a place below the home directory even where they are unset."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What decides where things lie."""

    platform: Platform
    home: Path
    environ: Mapping[str, str]

    def variable(self, name: str) -> str | None:
        """The value of `{name}` within a location."""
        if name == "home":  # on Windows the environment may well have one of that name
            return str(self.home)
        default = _USUAL.get(name)
        return self.environ.get(name) or (default and str(self.home / default))


def here() -> Machine:
    """This machine.

    Raises:
        SettingsError: Nobody knows where the home directory is.
    """
    platform: Platform = next((each for each in PLATFORMS if each == sys.platform), "linux")
    try:
        return Machine(platform, home(), os.environ)
    except ValueError:
        raise SettingsError("the home directory is unknown; set HOME to an absolute path") from None


def configuration(client: Client, machine: Machine) -> Path:
    """The file that the client reads, whether it exists yet or not.

    The first that exists; else the first whose folder does, which tells editions apart; else
    the first.
    """
    places = list(_candidates(client, machine))
    for exists in (os.path.isfile, _has_folder):  # Path's would raise where it may not look
        for place in places:
            if exists(place):
                return place
    return places[0]


def is_installed(client: Client, machine: Machine) -> bool:
    """Whether the client has been here: its configuration or the folder of it exists.

    One that may not be looked at counts as well: it is said of it that it cannot be read.
    """
    place = configuration(client, machine)
    try:
        return place.is_file() or (place.parent != machine.home and place.parent.is_dir())
    except OSError:
        return True


def _has_folder(place: Path) -> bool:
    return os.path.isdir(place.parent)  # noqa: PTH112  # as above


def _candidates(client: Client, machine: Machine) -> Iterator[Path]:
    for pattern in client.locations[machine.platform]:
        values = {name: machine.variable(name) for name in _NAME.findall(pattern)}
        if None not in values.values():
            yield from _matches(pattern.format_map(values))
            if not values.keys() <= _USUAL.keys():
                return  # its user has moved it: there is no other place


def _matches(place: str) -> Iterator[Path]:
    """The place, or one for every folder that matches its `*`."""
    if "*" not in place:
        yield Path(place)
        return
    before, _, after = place.partition("*")
    root, _, prefix = before.rpartition("/")
    try:
        folders = sorted(Path(root).glob(f"{prefix}*"))
    except OSError:
        folders = []
    for folder in folders:
        yield folder / after.lstrip("/")
