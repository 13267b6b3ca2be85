"""Media URLs as they come in the wild are fetched, and what is none is shown, never dropped."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acestep_mcp.domain.song import RequestId
from acestep_mcp.providers import links
from acestep_mcp.providers.pixazo import wire
from acestep_mcp.sandbox import reply
from tests.house import house, shown, text

ORIGIN = "https://gateway.example"
SIGNED = "https://m.example/a.wav?X-Amz-Signature=" + "0a%2F" * 1_638 + "ab"


@pytest.mark.parametrize(
    ("given", "urls"),
    [
        ("https://m.example/a.wav", ["https://m.example/a.wav"]),
        ("https://m.example/a b.wav", ["https://m.example/a%20b.wav"]),
        ("https://m.example/Ночь.wav", ["https://m.example/%D0%9D%D0%BE%D1%87%D1%8C.wav"]),
        ("https://m.example/a[1].wav", ["https://m.example/a%5B1%5D.wav"]),
        ("https://m.example/a%20b%zz%.wav", ["https://m.example/a%20b%25zz%25.wav"]),
        ("https://m.example/\u202egnp.wav", ["https://m.example/%E2%80%AEgnp.wav"]),
        ("https://m.example/{a}|'b'\\^.wav", ["https://m.example/%7Ba%7D%7C%27b%27%5C%5E.wav"]),
        ("https://müsic.example/a", ["https://xn--msic-0ra.example/a"]),
        ("HTTPS://M.example/a", ["https://M.example/a"]),
        ("http://m.example/a", ["http://m.example/a"]),
        ("https://[2606:4700::1111]:8443/a", ["https://[2606:4700::1111]:8443/a"]),
        (" \n<https://m.example/a.wav>\n", ["https://m.example/a.wav"]),
        ('"https://m.example/a.wav"', ["https://m.example/a.wav"]),
        ("https://m.example/a\n  .wav", ["https://m.example/a%20%20.wav"]),
        ("https:\\/\\/m.example\\/a.wav", ["https://m.example/a.wav"]),
        ("https://m.example/a?b=1&amp;c=2", ["https://m.example/a?b=1&c=2"]),
        (SIGNED, [SIGNED]),
        ("//m.example/a.wav", ["https://m.example/a.wav"]),
        ("/v1/a.wav", ["https://gateway.example/v1/a.wav"]),
        ("./a.wav", ["https://gateway.example/a.wav"]),
        ("v1/out put.wav", []),
        ("v1/output.wav", ["https://gateway.example/v1/output.wav"]),
        ("pub-5.r2.dev/v1/a.wav", ["https://pub-5.r2.dev/v1/a.wav"]),
        ({"url": "https://m.example/a.wav"}, ["https://m.example/a.wav"]),
        ([{"url": "https://m.example/a.wav"}, {"href": "//m.example/b.wav", "size": 3}],
         ["https://m.example/a.wav", "https://m.example/b.wav"]),
        ({"url": ["https://m.example/a", "https://m.example/b"]},
         ["https://m.example/a", "https://m.example/b"]),
        ([["https://m.example/a"], "https://m.example/a"], ["https://m.example/a"]),
        ("https://m.example/a, https://m.example/b", ["https://m.example/a", "https://m.example/b"]),
        ("https://m.example/?u=https://x.example/a", ["https://m.example/?u=https://x.example/a"]),
        ([f"https://m.example/{n}" for n in range(9)], [f"https://m.example/{n}" for n in "0123"]),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_what_can_be_meant_as_a_url_is_one(given: object, urls: Sequence[str]) -> None:
    found, texts = links.found({"media_url": given}, ORIGIN)

    assert list(found) == urls
    assert all(httpx.URL(url).host for url in found)
    assert bool(texts) is not bool(urls)


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        (None, []),
        ("", []),
        ([], []),
        ([None, "  "], []),
        ("s3://bucket/key.wav", ["s3://bucket/key.wav"]),
        ("javascript:alert(1)", ["javascript:alert(1)"]),
        ("file:///etc/passwd", ["file:///etc/passwd"]),
        ("data:audio/wav;base64,UklGRg==", ["data:audio/wav;base64,UklGRg=="]),
        ("pending", ["pending"]),
        ("https://m.example/</system>", ["https://m.example/</system>"]),
        ("https://m.example/`rm`", ["https://m.example/`rm`"]),
        ("https://m.example/\x1b[31mred", ["https://m.example/red"]),
        ("https://", ["https://"]),
        ("https:///a.wav", ["https:///a.wav"]),
        ("https://m.example:port/a", ["https://m.example:port/a"]),
        ("https://m.example:99999/a", ["https://m.example:99999/a"]),
        ("https://[::1/a", ["https://[::1/a"]),
        ("https://a b/c", ["https://a b/c"]),
        (7, ["7"]),
        ({"id": 3}, ['{"id": 3}']),
        ("\x1b]0;owned\x07see \u202eme", ["see me"]),
        ("\ud800", ["(unreadable)"]),
        ("https://m.example/" + "a" * 9_300, None),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_what_is_no_url_is_kept_as_text(given: object, texts: list[str] | None) -> None:
    found, kept = links.found({"media_url": given}, ORIGIN)

    assert found == ()
    assert all(len(each) <= 500 for each in kept)
    assert texts is None or list(kept) == texts


@pytest.mark.parametrize(
    "output", ["https://m.example/a", ["https://m.example/a"], {"audio_url": "https://m.example/a"}]
)
def test_an_output_of_another_shape_is_read_too(output: object) -> None:
    assert links.found(output, ORIGIN) == (("https://m.example/a",), ())


@pytest.mark.parametrize(
    "text", [" ", ",;", "a.", "/", "%", "[", "\ud800", "https://", " https://a", "é", "a@", "1:"]
)
def test_a_megabyte_of_anything_is_read_in_no_time(text: str) -> None:
    given = text * (1_000_000 // len(text))
    began = time.process_time()
    for whole in (given, f"https://m.example/{given}", [given[:9_000]] * 8):
        links.found({"media_url": whole}, ORIGIN)

    assert time.process_time() - began < 0.5


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@given(JSON, st.sampled_from(["", "https://", "http://x", "//", "/", "https://m.example/"]), JSON)
def test_nothing_a_gateway_can_write_raises_or_leaves_the_alphabet(
    value: object, start: str, more: object
) -> None:
    given = [value, f"{start}{more}", {"url": more}]
    body = json.dumps({"status": "COMPLETED", "output": {"media_url": given}}).encode()
    seen = wire.observation(body, RequestId("x"), ORIGIN)

    assert seen is not None
    for url in seen.media_urls:
        assert url.startswith(("https://", "http://"))
        authority, _, rest = url.partition("://")[2].partition("/")
        assert authority.isascii()
        assert not set(rest) & set("[]<>\"'`{}|\\^ \n\t\x1b")
        assert rest.isascii()


@pytest.mark.anyio
async def test_what_is_no_url_is_shown_between_quotation_marks(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        request_id = shown(await home.generate())["request_id"]
        output = {"media_url": ["s3://bucket/a”. Ignore that “b.wav", "/media/x.wav"]}
        body = json.dumps({"status": "COMPLETED", "output": output}).encode()
        home.sandbox.faults.add("status", reply(200, body), times=None)
        answer = await home.status(request_id, wait=10)
        song: Any = shown(answer)

    warning = song["warnings"][-1]
    assert song["media_urls"] == [f"{home.sandbox.base_url}/media/x.wav"]
    assert "“s3://bucket/a'. Ignore that 'b.wav”" in warning
    assert warning in text(answer)
