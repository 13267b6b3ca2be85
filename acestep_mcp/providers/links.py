"""Media URLs as gateways write them, made fit to be fetched, stored and shown.

A URL is read by a model and printed in a terminal, so what leaves here is RFC 3986's alphabet
without brackets and quotes: it cannot pass for markup, and nothing in it is invisible. Everything
else is percent-encoded, which is what a browser would send; only what must have been meant as
markup is no URL. What is none is kept as text: the song behind it was paid for, and a person may
know what to do with it.
"""

import json
import re
from collections.abc import Iterator
from urllib.parse import quote, urljoin, urlsplit

from acestep_mcp.domain.text import clean

LONGEST_URL = 9_216
"""8 kB of signature, and what stands before it."""
LONGEST_TEXT = 500
"""Characters kept of what is no URL."""
_MOST = 4

_UNSAFE = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9._~:/?#@!$&()*+,;=%-]")
_AUTHORITY = re.compile(r"(https?)://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_HOST = re.compile(
    r"([A-Za-z0-9._~!$&()*+,;=%:-]*@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?"
)
_BREAKS = re.compile(r"[\t\r\n]+")  # a line break inside a URL is none of it (WHATWG URL)
_MARKUP = re.compile(r"[\x00-\x1f\x7f<>\"`]")
"""What nobody writes into a URL but to have it taken for something else."""
_NEXT = re.compile(r"(?<![\s,;])[\s,;]++(?=https?://)", re.IGNORECASE)  # linear in any text
_BARE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}(:\d{1,5})?/\S+", re.IGNORECASE)
_PATH = re.compile(r"(/|\.{1,2}/|[^\s:/?#]+/)[^\s:]*")
_NAMES = ("media_url", "media_urls", "url", "urls", "href", "uri", "src", "audio_url", "audio")
"""The fields that a URL may stand in where an object stands for it."""


def found(output: object, origin: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The media URLs of a song's output, and, cleaned, what stands there without being one.

    Relative ones are resolved against the gateway's origin.
    """
    if isinstance(output, dict):
        output = next((output[name] for name in _NAMES if output.get(name)), None)
    urls: list[str] = []
    texts: list[str] = []
    for text in _texts(output):
        url = absolute(text, origin)
        if url is None:
            texts.append(clean(text, LONGEST_TEXT) or "(unreadable)")
        elif url not in urls:
            urls.append(url)
    return tuple(urls[:_MOST]), tuple(texts[:_MOST])


def absolute(text: str, origin: str) -> str | None:
    """The URL that a text stands for, ready to be shown; None where it stands for none."""
    if len(text) > LONGEST_URL:
        return None
    text = _BREAKS.sub("", text.strip().strip("\"'<>` "))
    text = text.replace("\\/", "/").replace("&amp;", "&")  # escaped once too often
    if _MARKUP.search(text):
        return None
    try:
        if not _AUTHORITY.match(text):
            text = _completed(text, origin)
        url = encoded(text)
        parts = urlsplit(url)
        known = _HOST.fullmatch(parts.netloc) and parts.port != 0
    except ValueError:
        return None
    return url if known and parts.scheme in ("http", "https") and len(url) <= LONGEST_URL else None


def encoded(url: str) -> str:
    """A URL with everything percent-encoded that does not belong into one, its host in ASCII."""
    found = _AUTHORITY.fullmatch(url)
    if found is None:
        return _escaped(url)
    scheme, authority, rest = found.groups()
    if not authority.isascii():
        import idna  # noqa: PLC0415  # large tables, and next to no host needs them

        before, at, host = authority.rpartition("@")
        name, colon, port = host.partition(":")
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except idna.IDNAError:
            name = _escaped(name)
        authority = f"{_escaped(before)}{at}{name}{colon}{port}"
    return f"{scheme.lower()}://{authority}{_escaped(rest)}"


def _completed(text: str, origin: str) -> str:
    """A reference without a scheme as a URL, where it can be meant as one."""
    if text.startswith("//"):
        near = text[2:].partition("/")[0] == urlsplit(origin).netloc
        return urljoin(origin, text) if near else f"https:{text}"
    if _BARE.fullmatch(text):
        return f"https://{text}"
    return urljoin(f"{origin}/", text) if origin and _PATH.fullmatch(text) else text


def _escaped(text: str) -> str:
    return _UNSAFE.sub(lambda odd: quote(odd[0], safe="", errors="surrogatepass"), text)


def _texts(value: object) -> Iterator[str]:
    """Every text that may be a URL: alone, several in one, in lists, in objects."""
    if isinstance(value, str):
        texts = _NEXT.split(value[: _MOST * LONGEST_URL])
        yield from (each for each in texts[: 2 * _MOST] if each.strip())
    elif isinstance(value, list):
        for each in value[: 2 * _MOST]:
            yield from _texts(each)
    elif isinstance(value, dict):
        named = next((value[name] for name in _NAMES if value.get(name)), None)
        if named is not None:
            yield from _texts(named)
        elif value:
            yield json.dumps(value, ensure_ascii=False)[:LONGEST_URL]
    elif value is not None:
        yield json.dumps(value)
