"""The page of attacks names real tests, and each attack once."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([AN]\d+) \| .*\|$", PAGE, re.MULTILINE)


def test_every_attack_has_an_id_of_its_own_in_order() -> None:
    attacks = [row for row in ROWS if row.startswith("A")]

    assert attacks == [f"A{number}" for number in range(1, len(attacks) + 1)]
    assert len(set(ROWS)) == len(ROWS) >= 40


def test_every_test_that_is_named_exists() -> None:
    missing = []
    for file, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE):
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        found = {
            node.name
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        if name not in found:
            missing.append(f"{file}::{name}")

    assert missing == []


def test_every_attack_names_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if re.match(r"\| [AN]\d", line)]

    assert [row.split("|")[1].strip() for row in rows if "`tests/" not in row] == []
