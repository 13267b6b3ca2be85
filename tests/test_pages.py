"""The pages name real tests, each promise and attack has an id, and links lead somewhere."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("skills/*/*.md")])
_ROW = re.compile(r"^\| ([ANP]\d+) \| .*\|$", re.MULTILINE)
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def text(page: str) -> str:
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


@cache
def defined_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return frozenset(node.name for node in tree.body if isinstance(node, kinds))


@pytest.mark.parametrize(("page", "letter"), [("security.md", "A"), ("promises.md", "P")])
def test_every_row_has_an_id_of_its_own_in_order_and_names_a_test(page: str, letter: str) -> None:
    ids = [each for each in _ROW.findall(text(page)) if each.startswith(letter)]
    rows = [line for line in text(page).splitlines() if re.match(r"\| [ANP]\d", line)]

    assert ids == [f"{letter}{number}" for number in range(1, len(ids) + 1)]
    assert len(rows) >= 24
    assert [row.split("|")[1].strip() for row in rows if not _TEST.search(row)] == []


@pytest.mark.parametrize("page", ["security.md", "promises.md"])
def test_every_test_that_is_named_exists(page: str) -> None:
    named = _TEST.findall(text(page))

    assert named
    assert [f"{file}::{name}" for file, name in named if name not in defined_in(file)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_of_ours_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    ours = [link.partition("#")[0] for link in links if "://" not in link]

    assert [link for link in ours if link and not (page.parent / link).exists()] == []
