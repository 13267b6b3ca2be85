"""What the checks and the estimator say of songs that were published: `make fit`, `make songs`.

python -m tests.songcraft.published fit|songs [FOLDER]

The songs are not part of this project. FOLDER, or the variable ACESTEP_CORPUS, names a folder with
`songs.jsonl` (prompt, lyrics, duration asked for, bpm, key, time signature) and `showcase.jsonl`
(prompt, lyrics, seconds of the audio): the examples of ACE-Step 1.5 and what its authors published.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

from acestep_mcp.domain.request import SongRequest
from acestep_mcp.songcraft import fit
from acestep_mcp.songcraft.checks import RULES, Finding, check

FILES = {"official": "songs.jsonl", "published": "showcase.jsonl"}
NEAR = 0.25
"""A fitted length within a quarter of the real one counts as near."""


@dataclass(frozen=True, slots=True)
class Song:
    """One published song; `seconds` is its length, asked for or real."""

    origin: str
    name: str
    draft: SongRequest
    seconds: float


def folder() -> Path | None:
    """Where the songs are, if they are anywhere."""
    named = os.environ.get("ACESTEP_CORPUS", "")
    found = Path(named) if named else Path(__file__).parents[3] / "shared" / "corpus"
    return found if all((found / file).is_file() for file in FILES.values()) else None


def songs(at: Path) -> Iterator[Song]:
    """All songs of a folder."""
    for origin, file in FILES.items():
        for line in (at / file).read_text(encoding="utf-8").splitlines():
            row: dict[str, Any] = json.loads(line)
            seconds = float(row.get("duration") or row.get("seconds") or 0)
            beats = row.get("time_signature")
            draft = SongRequest(
                prompt=row["prompt"],
                lyrics=row["lyrics"],
                duration=seconds,
                bpm=row.get("bpm") or 0,
                key=row.get("key") or "",
                time_signature=f"{beats}/{8 if int(beats) == 6 else 4}" if beats else "",
            )
            yield Song(origin, row["name"], draft, seconds)


@dataclass(frozen=True, slots=True)
class Group:
    """How fitted lengths stand to real ones, in one group of songs."""

    ratios: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.ratios)

    @property
    def near(self) -> float:
        return sum(abs(each - 1) <= NEAR for each in self.ratios) / len(self.ratios)


def groups(found: Sequence[Song]) -> dict[str, Group]:
    """The four groups: official and published songs, sung and rapped."""
    ratios: dict[str, list[float]] = {}
    for song in found:
        measured = fit.measure(song.draft.lyrics)
        needs = fit.fit_of(measured, song.draft.prompt, song.draft.bpm)
        fitted = fit.aimed(measured, needs)
        if needs.sung_lines and song.seconds and fitted:
            group = f"{song.origin}, {'rap' if needs.rap else 'sung'}"
            ratios.setdefault(group, []).append(fitted / song.seconds)
    return {name: Group(tuple(values)) for name, values in sorted(ratios.items())}


def alarms(found: Sequence[Song]) -> dict[str, list[tuple[Song, Finding]]]:
    """What is found in songs that came out well, notes left out, by origin."""
    told: dict[str, list[tuple[Song, Finding]]] = {origin: [] for origin in FILES}
    for song in found:
        for finding in check(song.draft):
            if finding.severity != "note":
                told[song.origin].append((song, finding))
    return told


def _show_fit(found: Sequence[Song]) -> None:
    print("fitted / real length          n  median  within a quarter")
    for name, group in groups(found).items():
        print(f"{name:28}{len(group.ratios):3}  {group.median:6.2f}  {group.near:6.0%}")
    kept = fit.RATES
    best: list[tuple[float, str]] = []
    for sung, rap, section in product((2.3, 2.5, 2.7), (6.0, 7.0), (4.5, 5.0, 5.5)):
        rates = replace(
            kept,
            sung=replace(kept.sung, speed=sung),
            rap=replace(kept.rap, speed=rap),
            section=section,
        )
        fit.RATES = rates  # type: ignore[misc]  # the one place that tries other rates
        tried = groups(found).values()
        cost = sum(abs(each.median - 1) - each.near for each in tried)
        best.append((cost, f"sung {sung} rap {rap} syllables/s, section {section} bars"))
    fit.RATES = kept  # type: ignore[misc]  # as above
    print("best rates near these:", *(text for _, text in sorted(best)[:3]), sep="\n  ")


def _show_songs(found: Sequence[Song]) -> None:
    for origin, told in alarms(found).items():
        number = sum(song.origin == origin for song in found)
        warned = len({song.name for song, _ in told})
        stopped = len({song.name for song, finding in told if finding.severity == "stop"})
        print(f"{origin}: {number} songs, {stopped} stopped, {warned} warned of")
        counts = Counter(finding.rule for _, finding in told)
        for rule in dict.fromkeys(rule.id for rule in RULES):
            if counts[rule]:
                first = next(f.message for _, f in told if f.rule == rule)
                print(f"  {rule:4}{counts[rule]:3}  {first}")


def main(what: str, at: Path | None) -> int:
    if at is None:
        print("no songs here: name a folder with songs.jsonl and showcase.jsonl in ACESTEP_CORPUS")
        return 1
    found = tuple(songs(at))
    (_show_fit if what == "fit" else _show_songs)(found)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else folder()))
