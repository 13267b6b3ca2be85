"""`make bench`: every figure as a table."""

from benchmarks import start

ROUNDS = 9


def main() -> None:
    """Measure and print."""
    print("| figure | here | baseline | ratio |")
    print("|---|---|---|---|")
    for what, ours, base, unit in start.rows(ROUNDS):
        _row(f"{what}, against a one-tool server", ours, base, unit)
    sdk, own = start.imports(ROUNDS)
    print(f"| CPU of own imports, over `import mcp` | {own:.0f} ms | {sdk:.0f} ms | |")
    _row("`--version`, against a bare interpreter", *start.version(ROUNDS), "ms")


def _row(what: str, ours: float, base: float, unit: str) -> None:
    print(f"| {what} | {ours:.0f} {unit} | {base:.0f} {unit} | {ours / base:.2f} |", flush=True)


if __name__ == "__main__":
    main()
