"""A media reply, judged before it is believed: which part of which file it is."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from acestep_mcp.domain.errors import MediaGone
from acestep_mcp.providers import Media

if TYPE_CHECKING:
    from acestep_mcp.providers.http import Download, Http

_OK = 200
_PARTIAL = 206
_NO_MEDIA = frozenset({400, 401, 403, 404, 405, 410, 451})
_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")


@asynccontextmanager
async def opened(
    http: "Http", url: str, start: int, validator: str, headers: Mapping[str, str] | None = None
) -> AsyncIterator[Media]:
    """Open a media URL from byte `start` on, if it is still the file of that validator.

    Raises:
        MediaGone: The URL may not be fetched, or delivers nothing any more.
        OSError: The host did not deliver this time.
    """
    tag = validator.rpartition(" ")[0]
    asked = start if tag else 0
    part = {"Range": f"bytes={asked}-", "If-Range": tag} if asked else {}
    async with http.download(url, {**(headers or {}), **part}) as reply:
        yield _media(reply, asked, validator)


def _media(reply: "Download", asked: int, validator: str) -> Media:
    named = reply.headers.get("etag", "").strip()
    tag = named if named.startswith('"') else ""
    if reply.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise MediaGone("the media host sent the track compressed")
    if reply.status == _OK:
        length = reply.headers.get("content-length", "")
        total = int(length) if length.isdecimal() else None
        proven = total is not None or "transfer-encoding" in reply.headers
        return Media(0, total, _validator(tag, total), reply.pieces, proven)
    if reply.status == _PARTIAL:
        total = _part(reply, asked, validator)
        return Media(asked, total, validator if asked else _validator(tag, total), reply.pieces)
    if reply.status in _NO_MEDIA:
        raise MediaGone(f"the media host answered HTTP {reply.status}")
    raise OSError(f"the media host answered HTTP {reply.status}")


def _part(reply: "Download", asked: int, validator: str) -> int:
    """The whole file's length, once the part is seen to be the one asked for, and of that file.

    Raises:
        OSError: It is another.
    """
    found = _RANGE.fullmatch(reply.headers.get("content-range", "").strip())
    if found is None:
        raise OSError("the media host sent a part without saying which")
    first, last, total = map(int, found.groups())
    length = reply.headers.get("content-length", "")
    if first != asked:
        raise OSError(f"the media host sent bytes from {first} on; {asked} on were asked for")
    if last >= total or (length.isdecimal() and int(length) != last - first + 1):
        raise OSError("the media host sent another length than it says")
    tag, _, before = validator.rpartition(" ")
    if asked and (reply.headers.get("etag", tag).strip() != tag or before not in ("", str(total))):
        raise OSError("the media host sent part of another file")
    return total


def _validator(tag: str, total: int | None) -> str:
    """The strong entity tag and, because some hosts change a file under its tag, the length."""
    return f"{tag} {total or ''}" if tag else ""
