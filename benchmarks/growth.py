"""What a ledger that has grown costs: every operation with 1,000 songs, 100,000 and 1,000,000.

Run alone as `python -m benchmarks.growth`, with a number of songs for a shorter one. The three
ledgers are asked in turn, so whatever else the machine does slows all of them.
"""

import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from acestep_mcp import front
from acestep_mcp.ledger import Ledger, opened
from acestep_mcp.ledger.driver import Engine
from acestep_mcp.settings import read
from tests.ledger.grown import OPERATIONS, filled
from tests.ledger.server import postgresql

SIZES = (1_000, 100_000, 1_000_000)
ROUNDS = 15
_FILLING = 600.0
Row = tuple[str, tuple[float, ...]]
"""An operation, and the milliseconds of its fastest run with each number of songs."""


def rows(engine: Engine, sizes: Sequence[int] = SIZES) -> Iterator[Row]:
    """Every operation on one engine."""
    yield from anyio.run(_measured, engine, tuple(sizes))


async def _measured(engine: Engine, sizes: tuple[int, ...]) -> list[Row]:
    found: list[Row] = []
    async with _filled(engine, sizes) as ledgers:
        for name, operation in OPERATIONS.items():
            took: list[list[float]] = [[] for _ in ledgers]
            for _ in range(1 + ROUNDS):
                for ledger, times in zip(ledgers, took, strict=True):
                    began = time.perf_counter()
                    await operation(ledger)
                    times.append(1000 * (time.perf_counter() - began))
            found.append((name, tuple(min(times[1:]) for times in took)))
        if engine == "sqlite":
            found.append(("start: does a song wait", tuple(map(_glance, ledgers))))
    return found


def _glance(ledger: Ledger) -> float:
    """What every start of the server pays, before anything else."""
    path: Path = ledger.driver._path  # type: ignore[attr-defined]  # noqa: SLF001  # where it was put
    settings = read({"PIXAZO_API_KEY": "key", "ACESTEP_DATA_DIR": str(path.parent)})
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        front._unfinished(settings)  # noqa: SLF001  # the start itself measures Python
        times.append(1000 * (time.perf_counter() - began))
    return min(times)


@asynccontextmanager
async def _filled(engine: Engine, sizes: tuple[int, ...]) -> AsyncIterator[list[Ledger]]:
    with tempfile.TemporaryDirectory() as folder:
        ledgers = []
        for size in sizes:
            ledger = opened(Path(folder) / f"{size}.sqlite3", _database(engine, size))
            await ledger.driver.write(filled(engine, size))
            ledgers.append(ledger)
        yield ledgers
        for ledger in ledgers:
            await ledger.close()


def _database(engine: Engine, size: int) -> str:
    """A new database's URL; `""` on SQLite."""
    if engine == "sqlite":
        return ""
    import psycopg  # noqa: PLC0415  # an extra

    from acestep_mcp.ledger import postgres  # noqa: PLC0415  # likewise

    postgres.LONGEST = _FILLING  # a million songs are not written in the seconds of a call
    server = postgresql()
    name = f"growth_{size}"
    with psycopg.connect(server.url(), autocommit=True) as db:
        db.execute(f"drop database if exists {name}".encode())
        db.execute(f"create database {name}".encode())
    return server.url(name)


def table(sizes: Sequence[int] = SIZES) -> None:
    """Measure and print; the ratios are against the smallest ledger."""
    numbers = [f"{size:,} songs" for size in sizes]
    print(f"| ledger operation | {' | '.join(numbers)} | ratios |")
    print("|---|" + "---|" * (len(sizes) + 1))
    engines: tuple[tuple[Engine, str], ...] = (("sqlite", "SQLite"), ("postgres", "PostgreSQL"))
    for engine, shown in engines:
        for name, took in rows(engine, sizes):
            times = " | ".join(f"{each:.2f} ms" for each in took)
            ratios = ", ".join(f"{each / took[0]:.2f}" for each in took[1:])
            print(f"| {name}, {shown} | {times} | {ratios} |", flush=True)


if __name__ == "__main__":
    table(tuple(sorted({SIZES[0], *map(int, sys.argv[1:])})) if sys.argv[1:] else SIZES)
