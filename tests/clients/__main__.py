"""`make clients`, or `python -m tests.clients [NAME ...]`: who was tried, with which version."""

import sys

import anyio

from tests.clients.subjects import SUBJECTS, Subject
from tests.clients.trial import Outcome, attempt


def main() -> int:
    """Try the clients that are named, or all; 1 where any of them failed."""
    known = {subject.name: subject for subject in SUBJECTS}
    unknown = [name for name in sys.argv[1:] if name not in known]
    if unknown:
        sys.stderr.write(f"no such client: {unknown[0]}; say {', '.join(known)}\n")
        return 2
    chosen = [known[name] for name in sys.argv[1:]] or [*SUBJECTS]
    outcomes = anyio.run(_tried, chosen)
    good = sum(not outcome.trouble for outcome in outcomes)
    print(f"\n{good} passed, {len(outcomes) - good} failed")
    return 0 if good == len(outcomes) else 1


async def _tried(chosen: list[Subject]) -> list[Outcome]:
    """One after the other: the waits are what some of them are about."""
    print("| client | versions | result |\n|---|---|---|", flush=True)
    outcomes = []
    for subject in chosen:
        outcome = await attempt(subject)
        print(_row(outcome), flush=True)
        outcomes.append(outcome)
    return outcomes


def _row(outcome: Outcome) -> str:
    versions = ", ".join(f"{name} {release}" for name, release in outcome.versions.items())
    trouble = " ".join(outcome.trouble.split())
    return f"| {outcome.subject.title} | {versions} | {trouble or 'ok'} |"


if __name__ == "__main__":
    sys.exit(main())
