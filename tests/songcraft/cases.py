"""What fires a rule and what just misses it: drafts given as changes to a good one."""

from dataclasses import dataclass
from typing import Any

Change = dict[str, Any]

PROMPT = (
    "Warm indie folk with acoustic guitar, piano, bass and brushed drums. An intimate female "
    "voice sings softly; the chorus grows full and hopeful."
)
LINE = "Morning light is on the hill"  # seven syllables
LYRICS = "\n\n".join(
    (
        "[Intro]",
        f"[Verse 1]\n{LINE}\nBirds are waking one by one\n{LINE}\nFields are yellow in the sun",
        "[Chorus]\nCome along and sing with me\nDown the river to the sea\n" * 2,
        "[Outro]",
    )
).replace("sea\n[Chorus]\n", "sea\n")
GOOD: Change = {"prompt": PROMPT, "lyrics": LYRICS}


@dataclass(frozen=True, slots=True)
class Cases:
    """A rule's table: sentences to changes."""

    rule: str
    severity: str
    fires: dict[str, Change]
    misses: dict[str, Change]


def verse(*lines: str, tag: str = "Verse 1") -> Change:
    """Lyrics of one section between an intro and an outro."""
    return {"lyrics": "\n".join((f"[Intro]\n\n[{tag}]", *lines, "\n[Outro]"))}


def lines(count: int, line: str = LINE) -> str:
    """A song of `count` lines, four to a verse."""
    blocks = ["\n".join([line] * min(4, count - at)) for at in range(0, count, 4)]
    return "[Intro]\n\n" + "\n\n".join(f"[Verse]\n{block}" for block in blocks) + "\n\n[Outro]"
