"""The command line of the evaluations."""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from acestep_mcp.providers.pixazo.models import MODELS
from acestep_mcp.surface.tools import instructions
from evals.endpoint import Endpoint
from evals.requests import REQUESTS
from evals.stage import played
from evals.trial import Assistant, Request, Run, Scripted, unmet


def main() -> int:
    """Play the requests, print what was not met and a score by kind; status 1 if anything was."""
    options = _options()
    chosen = [each for each in REQUESTS if options.only in ("", each.id)]
    missed: Counter[str] = Counter()
    all_of = Counter(each.kind for request in chosen for each in request.expected)
    record = []
    for request in chosen:
        with tempfile.TemporaryDirectory() as folder:
            run = asyncio.run(played(request, Path(folder), _assistant(options, request)))
        wrong = unmet(request, run)
        missed.update(each.kind for each in wrong)
        said = "; ".join(f"{each.kind}: {each.what}" for each in wrong) or "good"
        print(f"{request.id:24} {len(run.calls):2} calls, {run.tracks} tracks bought  {said}")
        record.append(_recorded(request, run, [each.what for each in wrong]))
    for kind, count in all_of.items():
        print(f"{kind:24} {count - missed[kind]} of {count} met")
    if options.json:
        Path(options.json).write_text(json.dumps(record, ensure_ascii=False, indent=1), "utf-8")
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evals", description=__doc__)
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--scripted", action="store_true", help="play the scripts of good runs")
    who.add_argument("--endpoint", metavar="URL", help="of an API, like http://127.0.0.1:11434/v1")
    parser.add_argument("--model", default="", help="the model's name at the endpoint")
    parser.add_argument(
        "--key-from", default="OPENAI_API_KEY", metavar="VARIABLE", help="that holds the key"
    )
    parser.add_argument("--only", default="", metavar="ID", help="one request")
    parser.add_argument("--json", default="", metavar="FILE", help="write every call there")
    return parser.parse_args()


def _assistant(options: argparse.Namespace, request: Request) -> Callable[[Run], Assistant]:
    if options.scripted:
        return lambda run: Scripted(run, request.good)
    key = os.environ.get(options.key_from, "")
    return lambda _: Endpoint(options.endpoint, options.model, key, instructions(MODELS))


def _recorded(request: Request, run: Run, wrong: list[str]) -> dict[str, object]:
    calls = [[call.tool, call.arguments, call.text] for call in run.calls]
    return {
        "id": request.id,
        "said": request.said,
        "calls": calls,
        "says": run.says,
        "wrong": wrong,
    }


if __name__ == "__main__":
    sys.exit(main())
