"""L: lines that are no words of the song, and would be sung: what each of them is."""

from collections.abc import Callable, Sequence
from functools import wraps

from acestep_mcp.songcraft.checks.model import Parsed
from acestep_mcp.songcraft.notation import several, shown
from acestep_mcp.songcraft.reading import Line, Role

_Said = Callable[[Sequence[Line]], str]


def _rule(role: Role) -> Callable[[_Said], Callable[[Parsed], str | None]]:
    """The rule that says something of all lines of a role, where there are any.

    The same line counts each time it stands there.
    """

    def of(said: _Said) -> Callable[[Parsed], str | None]:
        @wraps(said)
        def test(song: Parsed) -> str | None:
            found = [line for part in song.sections for line in part.read if line.role == role]
            return said(found) if found else None

        return test

    return of


@_rule("heading")
def headings(found: Sequence[Line]) -> str:
    """L15: sections that are headed, and not tagged."""
    cures = dict.fromkeys(f"{line.cure} for '{shown(line.text, 20)}'" for line in found)
    return (
        f"{_counted(found, 'heading')} would be sung. Write {', '.join([*cures][:3])}"
        f"{', …' if len(cures) > 3 else ''}, as tags on lines of their own."  # noqa: PLR2004
    )


@_rule("chords")
def chords(found: Sequence[Line]) -> str:
    """L16: chords over or in the words."""
    return (
        f"{_counted(found, 'line')} with chords, e.g. '{shown(found[0].text, 30)}': chords would "
        f"be sung. {_kept(found, 'Leave the chords out')}"
    )


@_rule("stamp")
def stamps(found: Sequence[Line]) -> str:
    """L17: when a line is sung."""
    return (
        f"{_counted(found, 'line')} with time stamps, e.g. '{shown(found[0].text, 30)}': they "
        f"would be sung. {_kept(found, 'Delete the times')}"
    )


@_rule("sheet")
def sheet(found: Sequence[Line]) -> str:
    """L18: titles, tempos, names: what a sheet says about the song."""
    return (
        f"{_texts(found)}: what is said about the song would be sung. Delete it; title, bpm and "
        "key have arguments of their own, style belongs in the prompt."
    )


@_rule("singer")
def singers(found: Sequence[Line]) -> str:
    """L19: the name of who sings before the words."""
    cures = " and ".join([*dict.fromkeys(line.cure for line in found)][:2])
    return (
        f"{_texts(found)}: the name would be sung. Write {cures} on a line "
        "of its own before a whole section of that singer's."
    )


@_rule("reading")
def readings(found: Sequence[Line]) -> str:
    """L20: how characters are read, in parentheses behind them."""
    return (
        f"{_texts(found)}: readings in parentheses would be sung as well. "
        f"{_kept(found, 'Leave them out')}"
    )


@_rule("chat")
def chat(found: Sequence[Line]) -> str:
    """L21: what an assistant says around the lyrics."""
    return f"{_texts(found)}: this is said about the lyrics and would be sung. Delete it."


@_rule("direction")
def sung_notes(found: Sequence[Line]) -> str:
    """L7: directions to the band, where words are."""
    cure = next((line.cure for line in found if line.cure), "[Instrumental Break]")
    return (
        f"{_texts(found)}: directions would be sung. Write passages as tags like "
        f"{cure}, a manner as [Verse - whispered], and repeated lines out in full."
    )


def _texts(found: Sequence[Line]) -> str:
    return several([line.text for line in found])


def _counted(lines: Sequence[Line], what: str) -> str:
    return f"{len(lines)} {what}{'s' if len(lines) > 1 else ''}"


def _kept(lines: Sequence[Line], cure: str) -> str:
    kept = next((line.sung for line in lines if line.sung), "")
    return f"{cure}: '{shown(kept, 30)}'." if kept else f"{cure}."
