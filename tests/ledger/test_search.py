"""Which songs a search finds, on both engines."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from acestep_mcp.domain.song import Owner, RequestId, SongId, accepted, saved, sending
from acestep_mcp.ledger import Ledger, opened
from acestep_mcp.ledger.driver import Transaction
from acestep_mcp.ledger.search import EXAMINED
from acestep_mcp.ledger.words import document, terms
from tests.ledger.grown import ME as CROWD
from tests.ledger.grown import filled
from tests.ledger.server import emptied
from tests.test_ledger import ME, NOW, OTHER, reserve, song

pytestmark = pytest.mark.anyio

SONG = song(
    state="COMPLETED",
    title="Neon City “Café”",
    payload={
        "prompt": "lo-fi hip hop, synth wave, R'n'B, smoky saxophone, 90s",
        "lyrics": "[Verse]\nDon't wait for the Straße, mon l'amour\n桜の花が咲いている\n"
        "ราตรีสวัสดิ์ที่รัก\nБуря мглою небо кроет ♥ naïve Łódź œuvre\nहिन्दी गीत",
    },
    request_id=RequestId("ace-step-xl_019d45ba-3f60-7aa1-b1c2-8f2e6d1c9a77"),
    files=("/home/me/Music/ACE-Step/neon-city-cafe-8f2e6d-2.wav",),
)
FOUND = (
    *("lofi", "lo-fi", "LO-FI", "lo fi", "lof", "Lo–Fi", "hip-hop", "hiphop", "hip hop"),
    *("synthwave", "synth-wave", "synth", "rnb", "r'n'b", "R’n’B"),
    *("neon city", "city neon", "neo ci", "neon-city", "neoncity", "NEON", "ｎｅｏｎ"),
    *("cafe", "café", "CAFÉ", "cafe\u0301", "sax 90s", "90", "“café”", "city, neon!"),
    *("don't", "dont", "don’t wait", "strasse", "straße", "amour", "l'amour", "lamour"),
    *("桜", "桜の花", "花が咲", "いる", "桜 咲い", "สวัสดิ์", "ที่รัก", "รัก"),
    *("буря", "небо бур", "♥", "naive", "lodz", "łódź", "oeuvre", "हिन्दी", "गीत"),
    *("019d45ba", "ace-step-xl_019d45ba-3f60-7aa1-b1c2-8f2e6d1c9a77", "019d45ba-3f60-7aa1"),
    *("local-1", "8f2e6d", "neon-city-cafe-8f2e6d-2.wav", "wav", "smo\u00adky"),
)
NOT_FOUND = (
    *("lofii", "ofi", "neon rain", "cafes", "梅", "花桜", "สวัสดีครับ", "♣", "ити", "saxophones"),
    *(
        "019d45bb",
        "local-12",
        "neon city tokyo",
        "amours",
        "हिन्दु",
        "%",
        "_",
        "\\",
        "100%",
        "\0",
        "…",
    ),
)


@pytest.mark.parametrize("asked", FOUND)
def test_a_song_is_found_by(asked: str) -> None:
    text = document(SONG)

    assert terms(asked)
    assert all(term.holds(text) for term in terms(asked))


@pytest.mark.parametrize("asked", NOT_FOUND)
def test_a_song_is_not_found_by(asked: str) -> None:
    text = document(SONG)

    assert not terms(asked) or not all(term.holds(text) for term in terms(asked))


@pytest.fixture(params=["sqlite", "postgres"])
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ledger]:
    url = emptied().url() if request.param == "postgres" else ""
    ledger = opened(tmp_path / "ledger.sqlite3", url)
    yield ledger
    await ledger.close()


async def found(ledger: Ledger, asked: str, **more: Any) -> list[str]:
    page = await ledger.page(ME, limit=10, search=asked, **more)
    assert page.total == len(page.songs)
    assert page.exact
    return [each.id for each in page.songs]


async def test_the_index_leads_to_just_the_songs_whose_text_has_the_words(ledger: Ledger) -> None:
    await ledger.adopt(SONG)
    await ledger.adopt(song(2, owner=OTHER, title="neon", state="QUEUED"))
    await ledger.adopt(song(3, title="another", state="QUEUED"))

    assert [each for each in FOUND if await found(ledger, each) != ["local-1"]] == []
    assert [each for each in NOT_FOUND if await found(ledger, each) != []] == []


async def test_a_song_is_found_from_the_moment_it_is_sent_and_by_what_becomes_known_of_it(
    ledger: Ledger,
) -> None:
    new = song(payload={"prompt": "lighthouse"}, saving="wanted")
    await reserve(ledger, new)
    assert await found(ledger, "lighthouse") == []
    await ledger.change(ME, new.id, partial(sending, now=NOW, worker="w"))
    assert await found(ledger, "lighthouse", status="UNKNOWN") == [new.id]
    fact = partial(accepted, request_id=RequestId("g-4711"), now=NOW, worker="w")
    await ledger.change(ME, new.id, fact)
    assert await found(ledger, "4711 lighthouse") == [new.id]
    files = ("C:\\Users\\me\\Music\\harbour lights-2.flac",)
    await ledger.change(ME, new.id, lambda song: replace(song, state="COMPLETED", worker="w"))
    kept = partial(saved, worker="w", files=files, sound=(), warnings=(), now=NOW)
    await ledger.change(ME, new.id, kept)
    assert await found(ledger, "harbour-lights flac light") == [new.id]
    assert await found(ledger, "users") == []


async def test_what_only_a_handle_has_is_not_found_by_its_first_characters(
    ledger: Ledger,
) -> None:
    new = song(id=SongId("local-3f00aa11bb22cc33"), request_id=RequestId("ace-step-xl_7a10-99"))
    await reserve(ledger, replace(new, state="QUEUED"))

    for few in ("3", "3f0", "7", "ace", "xl"):
        assert await found(ledger, few) == []
    for enough in ("3f00", "local-3f00aa11bb22cc33", "ace-step-xl_7a10-99", "7a10"):
        assert await found(ledger, enough) == [new.id]


async def test_of_a_song_that_is_dropped_no_word_is_left(ledger: Ledger) -> None:
    new = song(payload={"prompt": "lighthouse " * 3 + " ".join(map(str, range(200)))})
    await reserve(ledger, new)
    await ledger.change(ME, new.id, partial(sending, now=NOW, worker="w"))
    await ledger.change(ME, new.id, lambda sent: replace(sent, state="intent"))
    assert await found(ledger, "lighthouse") == []
    await ledger.forget(ME, new.id)

    assert await ledger.driver.read(lambda tx: tx.all("select * from word")) == []


async def test_a_search_goes_on_where_its_page_ended(ledger: Ledger) -> None:
    for number in range(7):
        title = "rain" if number % 2 else "rainbow"
        at = NOW + number // 3
        await ledger.adopt(song(number, title=title, state="FAILED", created_at=at))
    seen: list[str] = []
    cursor = ""
    while not seen or cursor:
        page = await ledger.page(ME, limit=2, search="rain", status="FAILED", cursor=cursor)
        assert page.total == 7
        seen += [each.id for each in page.songs]
        cursor = page.cursor

    assert seen == [f"local-{number}" for number in (6, 5, 4, 3, 2, 1, 0)]


@pytest.fixture
async def crowd(ledger: Ledger, request: pytest.FixtureRequest) -> Ledger:
    engine: Any = request.node.callspec.params["ledger"]
    await ledger.driver.write(filled(engine, 4_000))
    return ledger


async def test_words_that_many_songs_have_are_looked_for_piece_by_piece(crowd: Ledger) -> None:
    page = await crowd.page(CROWD, limit=10, search="lofi song")
    assert (len(page.songs), page.total, page.exact) == (10, EXAMINED, False)

    empty, cursor = 0, ""
    while not empty or cursor:
        page = await crowd.page(CROWD, limit=10, search="rain sun", cursor=cursor)
        assert (page.songs, page.total, page.exact) == ((), 0, False)
        empty += 1
        cursor = page.cursor
    assert 1_800 // EXAMINED <= empty <= 1_800 // EXAMINED + 2

    rare = await crowd.page(CROWD, limit=10, search="lighthouse l")
    assert ([each.id for each in rare.songs], rare.total, rare.exact) == (
        ["local-77", "local-777"],
        2,
        True,
    )


async def test_one_letter_goes_through_the_newest_songs(crowd: Ledger) -> None:
    def many_words(tx: Transaction) -> None:
        for number in range(100):
            tx.run(
                "insert into word (owner, word, created_at, song) "
                "values (:owner, :word, 0, 'local-gone')",
                {"owner": CROWD, "word": f"l{number}"},
            )

    await crowd.driver.write(many_words)
    page = await crowd.page(CROWD, limit=3, search="l")

    assert [each.id for each in page.songs] == ["local-0", "local-1", "local-2"]
    assert (page.total, page.exact) == (EXAMINED, False)
    assert (await crowd.page(CROWD, limit=3, search="l", cursor=page.cursor)).songs[
        0
    ].id == "local-3"


async def test_an_owner_finds_only_their_own(ledger: Ledger) -> None:
    await ledger.adopt(song(2, owner=OTHER, title="neon", state="QUEUED"))

    assert (await ledger.page(Owner("me"), limit=5, search="neon")).total == 0
    assert (await ledger.page(OTHER, limit=5, search="neon")).songs[0].id == SongId("local-2")
