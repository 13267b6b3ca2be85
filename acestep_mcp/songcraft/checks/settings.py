"""S: settings that work against each other, and the wishes about instrumentals."""

import re

from acestep_mcp.songcraft.checks.model import Parsed
from acestep_mcp.songcraft.notation import INSTRUMENTAL, shown

USUAL_BPM = range(60, 181)
_CONTEXT = 4096  # tokens of the planner: lyrics, reasoning, and 5 per second of audio
_REASONING = 350
_VOICE = re.compile(r"\b(?:vocals?|vocalists?|singers?|singing|sings?|sung|rappers?|raps?|choir)\b")
_NOT_A_VOICE = re.compile(
    r"\b(?:no|without|free of|instead of|lacks?|avoid) (?:any |lead |human )*"
    r"(?:vocals?|singers?|singing|voices?|rap|choir)\b"
    r"|\bno[nt]?[- ]vocal|\bvocals?[- ](?:free|less|chops?|samples?|like)\b"
    r"|\bchoir (?:pads?|synths?)"
    r"|\b\w+ (?:singing|sings) (?:the )?(?:melody|lead)"
)
_PLAYED = re.compile(r"\binstrumental (?:track|piece|song|music|version)\b|\bno vocals\b")


def words_in_instrumental(song: Parsed) -> str | None:
    """I1: an instrumental with words."""
    if not song.request.instrumental or not song.sung:
        return None
    return (
        f"instrumental=true, but the lyrics hold {len(song.sung)} sung lines, e.g. "
        f"'{shown(song.sung[0])}'. Drop the lyrics or set instrumental=false."
    )


def voice_in_instrumental(song: Parsed) -> str | None:
    """L9: an instrumental whose prompt or lyrics invite a voice."""
    if song.sung:
        return None
    playing = song.request.instrumental or song.tags  # as `is_instrumental`, parsed already
    if not playing and _PLAYED.search(song.caption):
        return (
            "The prompt describes an instrumental, but with empty lyrics the model may sing. "
            f"Set instrumental=true or write {INSTRUMENTAL} as the lyrics."
        )
    named = _VOICE.search(_NOT_A_VOICE.sub(" ", song.caption)) if playing else None
    return named and (
        f"The song is instrumental, but the prompt names '{named[0]}', which invites singing. "
        "Take the voice out of the prompt or write lyrics."
    )


_NO_SINGER = re.compile(
    r"\b(?:no|without) (?:any )?(?:vocals?|singing|singer|voices?|lyrics)\b"
    r"|\b(?:purely|fully|entirely|strictly|completely) instrumental\b"
    r"|\binstrumental (?:only|track|piece|version)\b"
)


def words_without_singer(song: Parsed) -> str | None:
    """I2: words to sing, and a prompt that wants nobody to sing."""
    found = _NO_SINGER.search(song.caption)
    if not song.sung or not found or song.request.instrumental:
        return None
    return (
        f"The prompt says '{shown(found[0])}', but the lyrics hold {len(song.sung)} sung lines. "
        "Drop the lyrics and set instrumental=true, or take it out of the prompt."
    )


def singer_without_words(song: Parsed) -> str | None:
    """L24: a singer is asked for, and there is nothing to sing."""
    if song.request.lyrics.strip() or song.request.instrumental:
        return None
    found = _VOICE.search(_NOT_A_VOICE.sub(" ", song.caption))
    return found and (
        f"The prompt asks for '{found[0]}', but there are no lyrics: the model may babble. Write "
        "lyrics, or set instrumental=true and take the voice out of the prompt."
    )


def seed_not_enough(song: Parsed) -> str | None:
    """S1: a seed that will not bring the song back."""
    if song.request.seed < 0:
        return None
    if song.request.batch_size > 1 and not (song.model and song.model.seed_per_take):
        return "seed fixes only the first take of a batch. For a repeatable song use batch_size=1."
    return (
        "With thinking=true the plan is drawn anew, so the seed does not repeat the song. "
        "Use thinking=false for that."
        if song.request.thinking
        else None
    )


def several_takes(song: Parsed) -> str | None:
    """S2, note: every take is a file and perhaps a price; after it is paid, that helps nobody."""
    if song.request.batch_size <= 1 or (song.model and song.model.free):
        return None
    return (
        f"batch_size={song.request.batch_size} makes {song.request.batch_size} tracks and may cost "
        f"{song.request.batch_size} times as much. Use 1 to hear the song first."
    )


def planner_full(song: Parsed) -> str | None:
    """S3: the planner of `thinking` cannot hold these lyrics at this length."""
    room = _CONTEXT - 5 * (song.duration or 0) - _REASONING
    need = song.tokens
    if not song.request.thinking or need <= room:
        return None
    return (
        f"thinking=true leaves room for ~{max(room, 0):.0f} tokens of lyrics at this duration; "
        f"these take ~{need}. Use thinking=false, or shorten the lyrics or the song."
    )


def unusual_bpm(song: Parsed) -> str | None:
    """S4: a tempo with little training data."""
    bpm = song.request.bpm
    if not bpm or USUAL_BPM.start <= bpm <= USUAL_BPM.stop - 1:
        return None
    dependable = round(bpm * 2 if bpm < USUAL_BPM.start else bpm / 2)
    return (
        f"bpm {bpm:g} is rare in the model's training; 60-180 is dependable. "
        f"Try bpm={dependable}, felt at half or double time."
    )
