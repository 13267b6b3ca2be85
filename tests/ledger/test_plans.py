"""How each statement is answered on a ledger that has grown, as both engines say it themselves."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from acestep_mcp.domain.song import SongId
from acestep_mcp.ledger import Ledger, opened, statements
from acestep_mcp.ledger.driver import Transaction
from acestep_mcp.ledger.rows import to_row
from tests.ledger.grown import DYING, LIVING, ME, NOW, filled
from tests.ledger.server import emptied
from tests.test_ledger import song

pytestmark = pytest.mark.anyio

SONGS = 20_000
PAGE = 11
DAY_AGO = NOW - 86_400
TOP = {"before": NOW - 40_000, "id": "local-5", "limit": PAGE}
SPAN = {"first": "l", "last": "l\U0010ffff"}
WORKERS = {"now": NOW, "worker": DYING, "limit": PAGE}
PLACES = range(statements.PLACES)
IDS: dict[str, Any] = {f"id_{at}": f"local-{at}" for at in PLACES}
IDS |= {f"at_{at}": NOW - at * 86_400 / SONGS for at in PLACES}
WORDS = {f"word_{at}": f"word-{at}" for at in PLACES} | {"song": "local-5", "created_at": NOW}
ONE = to_row(song(5, request_id="gateway-5")) | {"handle": "gateway-5", "found_by": " | x "}
USED = {
    "long": 600,
    "long_at": int(DAY_AGO // 600),
    "long_end": int(NOW // 600) + 10,
    "short": 10,
    "short_at": int(DAY_AGO // 10),
    "short_end": int(DAY_AGO // 600) * 60 + 59,
    "since": DAY_AGO,
    "edge": DAY_AGO + 10,
}
PLANS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "INSERT": (ONE | {"id": SongId("local-new")}, set()),
    "UPDATE": (ONE | {"version": 4}, {"song_pkey"}),
    "DELETE": (ONE | {"version": 3}, {"song_pkey"}),
    "BY_ID": (ONE, {"song_pkey"}),
    "BY_HANDLE": (ONE, {"song_request", "song_pkey"}),
    "ADOPTED_TWIN": (ONE, {"song_request"}),
    "NAMESAKE": (ONE, {"song_named"}),
    "SAME": (
        {"fingerprint": "busy", "exact": "exact 2", "fresh": NOW - 600},
        {"song_answers", "song_in_doubt", "song_delivered", "song_made"},
    ),
    "USED": (USED, {"bought_pkey", "song_newest"}),
    "COUNTS": ({}, {"tally_pkey"}),
    "PAGE": (TOP, {"song_newest"}),
    "PAGE_OF_STATE": (TOP | {"state": "UNKNOWN", "other": "sending"}, {"song_state"}),
    "WALK": (TOP, {"song_newest"}),
    "WALK_OF_STATE": (TOP | {"state": "FAILED", "other": ""}, {"song_state"}),
    "TIMES": ({"model": "ace-step-xl", "tracks": 1}, {"song_took"}),
    "WORDS": (WORDS, set()),
    "NOT_WORDS": (WORDS, {"word_pkey"}),
    "VOCABULARY": (SPAN | {"limit": PAGE}, {"word_pkey"}),
    "FREQUENCY": (SPAN | {"limit": PAGE}, {"word_pkey"}),
    "HAVING_WORD": (TOP | {"word": "lofi"}, {"word_pkey"}),
    "DOCUMENTS": (IDS, {"song_newest"}),
    "SEVERAL": (IDS, {"song_newest"}),
    "NEXT_UNINDEXED": ({"limit": PAGE}, {"song_unindexed"}),
    "NEXT_UNINDEXED_OF_OWNER": ({"limit": PAGE}, {"song_unindexed"}),
    "INDEXED": (ONE, {"song_pkey"}),
    "RUNNING_OF_WORKER": ({"worker": DYING}, {"song_running"}),
    "BEAT": ({"id": LIVING, "until": NOW + 10, "seconds": 10}, set()),
    "RETIRE": ({"id": LIVING}, {"worker_pkey"}),
    "ALIVE": (WORKERS, {"worker_until"}),
    "EXPIRY": (WORKERS | {"id": LIVING}, {"worker_until"}),
    "LONG_DEAD": (
        {"past": NOW - 86_400, "future": NOW + 86_400, "limit": PAGE},
        {"worker_until"},
    ),
    "BEREAVED": (WORKERS, {"song_unfinished", "worker_until"}),
    "BEREAVED_UNSAVED": (WORKERS, {"song_unsaved", "worker_until"}),
    "LEFT": (WORKERS, {"song_unfinished"}),
    "LEFT_UNSAVED": (WORKERS, {"song_unsaved"}),
}
SORTS = {"SAME", "COUNTS", "PAGE_OF_STATE", "WALK_OF_STATE"}
"""Of two pages that become one, or of the counts of an owner's few states."""
MOST_ROWS = 500
"""That any step of any of them touches. A day's counts are at most some 240 rows."""


def every_statement() -> set[str]:
    verbs = ("select", "insert", "update", "delete", "with")
    return {
        name
        for name, text in vars(statements).items()
        if not name.startswith("_") and isinstance(text, str) and text.split()[0] in verbs
    }


def test_there_is_a_plan_of_every_statement() -> None:
    assert {*PLANS} == every_statement()


@pytest.fixture(scope="module", params=["fresh", "analysed"])
def in_sqlite(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """With what SQLite may know about the tables, or nothing, as in most ledgers."""
    import anyio

    async def filled_one() -> Ledger:
        ledger = opened(tmp_path_factory.mktemp("plans") / "ledger.sqlite3")
        await ledger.driver.write(filled("sqlite", SONGS))
        return ledger

    ledger = anyio.run(filled_one)
    db = ledger.driver._db  # type: ignore[attr-defined]
    if request.param == "analysed":
        db.execute("analyze")
    yield db
    db.close()


@pytest.mark.parametrize("name", sorted(PLANS))
def test_on_sqlite_a_statement_reads_what_its_index_hands_it(in_sqlite: Any, name: str) -> None:
    params, indexes = PLANS[name]
    text = f"explain query plan {getattr(statements, name)}"
    steps = [row["detail"] for row in in_sqlite.execute(text, {"owner": ME} | params)]
    tables = [
        re.search(r"^(?:SEARCH|SCAN) (song|word|tally|bought|worker)\b(.*)", each) for each in steps
    ]
    used = {_index(found[1], found[2]) for found in tables if found}

    assert used == indexes, steps
    assert name in SORTS or not any("TEMP B-TREE" in each for each in steps), steps


def _index(table: str, how: str) -> str:
    named = re.search(r"USING (?:COVERING )?(?:INDEX (\w+)|PRIMARY KEY)", how)
    assert named, f"every row of {table} is read"
    key = named[1] is None or named[1].startswith("sqlite_autoindex")
    return f"{table}_pkey" if key else named[1]


@pytest.fixture
async def in_postgres() -> AsyncIterator[Ledger]:
    ledger = opened(Path("/nowhere"), emptied().url())
    await ledger.driver.write(filled("postgres", SONGS))
    yield ledger
    await ledger.close()


class _UndoneError(Exception):
    """Nothing of it is to stay."""


async def test_on_postgresql_a_statement_reads_what_its_index_hands_it(
    in_postgres: Ledger,
) -> None:
    plans: dict[str, Any] = {}

    def explain(tx: Transaction) -> None:
        for name, (params, _) in PLANS.items():
            text = f"explain (analyze, costs off, timing off, format json) {_text(name)}"
            plans[name] = tx.all(text, {"owner": ME} | params)[0]["QUERY PLAN"][0]["Plan"]
        raise _UndoneError

    with pytest.raises(_UndoneError):
        await in_postgres.driver.write(explain)
    for name, (_, indexes) in PLANS.items():
        steps = list(_steps(plans[name]))
        kinds = [step["Node Type"] for step in steps]
        used = {step["Index Name"] for step in steps if "Index Name" in step}
        rows = [
            max(step["Actual Rows"], step.get("Rows Removed by Filter", 0))
            for step in steps
            if step["Node Type"] != "ModifyTable"
        ]

        assert used == indexes, (name, steps)
        assert "Seq Scan" not in kinds, (name, steps)
        assert max(rows) <= MOST_ROWS, (name, steps)
        assert name in SORTS or "Sort" not in kinds, (name, steps)


def _text(name: str) -> str:
    return str(getattr(statements, name))


def _steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _steps(part)
