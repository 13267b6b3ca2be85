"""The request_id in what a caller gave as one: in quotes, in a sentence, in a URL, in JSON."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from acestep_mcp.domain.errors import BadInput
from acestep_mcp.domain.song import SongId
from acestep_mcp.domain.text import clean
from acestep_mcp.engine import Account, Engine
from acestep_mcp.providers import Provider

_HYPHENS = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-"))
"""What word processors and chat windows make of a hyphen."""
_WORD = re.compile(r"[\w.~-]+", re.ASCII)
_OURS = r"local-[0-9a-f]{8,}"
_MOST = 40  # words that are looked up
_SHORTEST = 8  # characters of one that is


def handles(text: str, providers: Iterable[Provider]) -> list[str]:
    """What in the text looks like a request_id, each once, in order."""
    shapes = "|".join((*(shape for each in providers for shape in each.info.id_shapes), _OURS))
    found = re.findall(rf"(?<![a-zA-Z0-9])(?:{shapes})(?![a-zA-Z0-9])", _plain(text))
    return list(dict.fromkeys(found))


async def meant(engine: Engine, account: Account, text: str) -> str:
    """The one request_id in the text: the text itself where the ledger knows that.

    What the ledger knows goes before what only looks like an id, which may be another
    installation's. Where there is none, the text itself is the answer.

    Raises:
        BadInput: There are several, and nobody can say which is meant.
    """
    bare = text.strip(" \t\r\n`'\"")
    if await engine.song(account, bare):
        return bare
    known: dict[SongId, str] = {}  # a song has two handles, and a text may hold both
    for word in _words(text, engine.providers):
        if song := await engine.song(account, word):
            known.setdefault(song.id, word)
    found = [*known.values()] or handles(text, engine.providers)
    if len(found) > 1:
        shown = " and ".join(f"'{clean(each, 60)}'" for each in found[:2])
        raise BadInput("request_id", f"it names {shown}; give one of them")
    return found[0] if found else bare


def _words(text: str, providers: Iterable[Provider]) -> Iterator[str]:
    """The words of the text that may be an id: with a digit or a joint in them, each once."""
    words = dict.fromkeys(
        bare
        for word in (*handles(text, providers), *_WORD.findall(_plain(text)))
        if (bare := word.strip("._-~")) and len(bare) >= _SHORTEST and re.search(r"[\d_-]", bare)
    )
    yield from list(words)[:_MOST]


def _plain(text: str) -> str:
    return unquote(text).translate(_HYPHENS)
