"""D: does the song fit its duration?

A missing duration is no finding (D4 of the catalogue): the server fits one to the lyrics.
"""

from acestep_mcp.songcraft.checks.model import Parsed
from acestep_mcp.songcraft.fit import LONG


def cannot_fit(song: Parsed) -> str | None:
    """D1: too short to be sung in full."""
    if not _says(song, "floor"):
        return None
    return (
        f"{song.needs.sung_lines} sung lines need at least ~{song.needs.floor:.0f} s; "
        f"in {song.duration:g} s many are likely dropped. {_remedy(song)}"
    )


def crowded(song: Parsed) -> str | None:
    """D2: lines would be rushed."""
    if not _says(song, "crowded"):
        return None
    return (
        f"{song.needs.sung_lines} sung lines in {song.duration:g} s are crowded: some are likely "
        f"rushed or dropped. {_remedy(song)}"
    )


def tight(song: Parsed) -> str | None:
    """D2, note: it fits without room to breathe."""
    if not _says(song, "tight"):
        return None
    return (
        f"{song.duration:g} s is tight for {song.needs.sung_lines} sung lines; "
        f"they are likely sung without rest. {_remedy(song)}"
    )


def sparse(song: Parsed) -> str | None:
    """D3: more time than words."""
    if not _says(song, "sparse"):
        return None
    return (
        f"{song.needs.sung_lines} sung lines are sparse for {song.duration:g} s: repeats and "
        f"humming are likely. Use duration={song.needs.target}, or add lines or [Instrumental "
        "Break] sections."
    )


def long(song: Parsed) -> str | None:
    """D5: more than upstream ever demonstrates, whether it was asked for or is fitted."""
    if not song.duration or song.duration <= LONG or cannot_fit(song) or crowded(song):
        return None
    if song.request.duration:
        return (
            f"duration {song.duration:g} s: takes over {LONG} s tend to repeat themselves. Shorten "
            "the song or make it in two parts."
        )
    return (
        f"{song.needs.sung_lines} sung lines need ~{song.duration:g} s, and takes over {LONG} s "
        "tend to repeat themselves. Cut lines or split it into two songs."
    )


def _remedy(song: Parsed) -> str:
    if song.needs.recommended <= LONG:
        return f"Use duration={song.needs.recommended} or cut lines."
    return "Cut lines or split it into two songs."


def _says(song: Parsed, verdict: str) -> bool:
    needs, duration = song.needs, song.duration
    return bool(duration and needs.sung_lines) and needs.verdict(duration or 0) == verdict
