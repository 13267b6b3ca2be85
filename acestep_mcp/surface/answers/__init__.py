"""The only renderer: songs as sentences, structured content and links.

Every sentence an assistant reads of a song is made here, of a refusal in `refusals`. It says what
happened and what to do next. Text from the gateway stands in the field `error` and, in a sentence,
between “ and ”.
"""

from acestep_mcp.surface.answers.of_dry_run import DryRunAnswer, dry_run, question
from acestep_mcp.surface.answers.of_list import House, ListAnswer, songs
from acestep_mcp.surface.answers.of_song import PLAYER, SongAnswer, going_on, song

__all__ = [
    "PLAYER",
    "DryRunAnswer",
    "House",
    "ListAnswer",
    "SongAnswer",
    "dry_run",
    "going_on",
    "question",
    "song",
    "songs",
]
