"""`make bench`: every figure as a table, each against a baseline measured in the same run."""

from benchmarks import answered, growth, lag, replicas, start

ROUNDS = 9


def main() -> None:
    """Measure and print."""
    print("| figure | here | baseline | ratio |")
    print("|---|---|---|---|")
    for what, ours, base, unit in start.rows(ROUNDS):
        _row(f"{what}, against a one-tool server", ours, base, unit)
    sdk, own = start.imports(ROUNDS)
    _row("CPU of own imports, against `import mcp`", own, sdk, "ms")
    _row("`--version`, against a bare interpreter", *start.version(ROUNDS), "ms")
    for typical in lag.PROFILES:
        learnt, fixed = lag.follow(typical, learning=True), lag.follow(typical, learning=False)
        song = f"of {typical:.0f} s songs, against a fixed 5 s interval"
        _row(f"median lag from COMPLETED to answer {song}", learnt.lag, fixed.lag, "s", 2)
        _row(f"status requests per song {song}", learnt.polls, fixed.polls, "", 1)
    for what, four, one, unit in replicas.rows():
        _row(f"{what}, four replicas against one", four, one, unit)
    took, asked = answered.milliseconds()
    print(f"| `get_status` of a finished song ({asked} requests sent) | {took:.2f} ms | | |")
    print()
    growth.table()


def _row(what: str, ours: float, base: float, unit: str, digits: int = 0) -> None:
    here, there = f"{ours:.{digits}f} {unit}".strip(), f"{base:.{digits}f} {unit}".strip()
    print(f"| {what} | {here} | {there} | {ours / base:.2f} |", flush=True)


if __name__ == "__main__":
    main()
