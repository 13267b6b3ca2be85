"""C: the prompt - its length, what does not belong into it, what is missing from it."""

import re
from itertools import pairwise

from acestep_mcp.domain.catalogue import METERS
from acestep_mcp.songcraft.checks.model import CAPTION_RATE, Parsed, tokens
from acestep_mcp.songcraft.notation import NotationError, key, kind, shown

LONGEST_CAPTION = 512  # characters; upstream documents it, but its own examples run to 724
MOST_CAPTION_TOKENS = 200  # of the 256 it shares with the metadata


def empty(song: Parsed) -> str | None:
    """C1, stop."""
    return (
        None
        if song.caption
        else (
            "The prompt is empty. Describe genre, mood, instruments and voice in one to three "
            "sentences."
        )
    )


def too_long(song: Parsed) -> str | None:
    """C1: what lies beyond the token budget pushes the metadata out."""
    used = tokens(song.request.prompt, CAPTION_RATE)
    if used <= MOST_CAPTION_TOKENS:
        return None
    return (
        f"The prompt is ~{used} tokens; beyond ~{MOST_CAPTION_TOKENS} the model stops seeing "
        "bpm, key, meter and duration. Cut it to the one to three sentences that matter."
    )


def longer_than_documented(song: Parsed) -> str | None:
    """C1, note: the budget that is known to be enforced is the one in tokens."""
    length = len(song.request.prompt)
    if length <= LONGEST_CAPTION or too_long(song):
        return None
    return (
        f"The prompt is {length} characters; {LONGEST_CAPTION} is the documented limit. "
        "Cut it to the one to three sentences that matter."
    )


# --- what has a field of its own -------------------------------------------------------------

_BPM = re.compile(
    r"(\d{2,3})(?:\.\d+)?[\s-]?(?:bpm|beats per minute)\b"
    r"|\b(?:bpm|tempo)(?: of| at)?\s?[:=\s]\s?(\d{2,3})\b",
    re.IGNORECASE,
)
_RANGE = re.compile(
    r"(\d{2,3})\s?(?:-|\u2013|to|and)\s?(\d{2,3})[\s-]?(?:bpm|beats per minute)\b", re.IGNORECASE
)
_ABOUT = re.compile(r"(?:~|≈|\babout|\baround|\bapprox\w*\.?|\bca\.?|\broughly|\bnear(?:ly)?)\s?$")
_NEAR = 0.1  # of the field: what "about" allows
_MODE = r"(?i:major|minor|maj|min)\b"
_SIGN = r"(?:[#♯b♭]|[ -](?i:sharp|flat))"
# A capital "A" may be the article ("A major shift"), so it needs "in" or "key of" before it.
_KEY = re.compile(
    rf"\b(?:[B-G]{_SIGN}?|A{_SIGN}|(?<=in )A|(?<=key of )A)[ -]{_MODE}"
    r"|(?<=\bin )[A-G][#b♯♭]?m\b"
    r"|(?i:(?<=\bkey: )|(?<=\bkey=)|(?<=\bkey:)|(?<=key of ))"
    rf"[A-G][#b♯♭]?(?:m\b|[ -]?{_MODE})?"
)
#: What makes a key in the prompt another one than the song's.
_PASSING = re.compile(
    r"(?:modulat\w*|shift\w*|chang\w*|mov\w*|lift\w*|ris\w*|goes|turn\w*|resolv\w*|opens?|starts?"
    r"|begins?|ends?|clos\w*|borrow\w*|relative|bridge)\W(?:\w+\W){0,3}$"
)
_CHORD = re.compile(
    r"\s?(?:chords?|arpeggio|drone|pedal|triad|vamp|section|bridge|chorus|ending|finale)\b"
)
_METER = re.compile(r"(?<![\d/])(?:2/4|3/4|4/4|6/8|5/4|5/8|7/4|7/8|9/8|11/8|12/8)(?![\d/])")
_IN_PART = re.compile(
    r"\W*(?:\w+\W){0,1}(?:middle|part|section|bridge|break\w*|interlude|intro|outro|chorus|verse|solo|riff"
    r"|passage|coda|ending|feel|groove)\b"
)
_LENGTH = re.compile(
    r"\b(\d+(?:\.\d+)?)[\s-]?(second|sec|minute|min)s?[\s-](?:long|in length|duration|runtime)\b"
    r"|\b(?:length|duration|runtime|lasts?)(?: of)?[:\s]+(?:about )?(\d+(?:\.\d+)?)[\s-]?"
    r"(second|sec|minute|min)s?\b"
    r"|\b(\d+(?:\.\d+)?)[\s-](second|sec|minute|min)s?[\s-](?:long )?(?:song|track|piece)\b",
    re.IGNORECASE,
)
_SAME_LENGTH = 0.1  # of the field


def contradicts_field(song: Parsed) -> str | None:
    """C2, stop: the prompt and a field say different things, beyond doubt."""
    for name, said, given in (
        ("bpm", _bpm_said(song), song.request.bpm),
        ("key", _key_said(song), song.request.key),
        ("time_signature", _meter_said(song), song.request.time_signature),
        ("duration", _length_said(song), song.request.duration),
    ):
        if said:
            value = f"{given:g}" if isinstance(given, int | float) else shown(given or "")
            return (
                f"The prompt says '{shown(said)}', but {name} is {value}. "
                f"Take it out of the prompt or correct {name}."
            )
    return None


def belongs_in_field(song: Parsed) -> str | None:
    """C2: a number that has a field of its own, unless the field says the same."""
    prompt, request = song.request.prompt, song.request
    if odd := _odd_meter(prompt):
        return odd
    if contradicts_field(song):
        return None
    told = []
    if (tempo := _BPM.search(prompt)) and not _tempo_agrees(song):
        told.append((tempo[0], "bpm"))
    if (keys := _keys(prompt)) and not request.key:
        told.append((keys[0], "key"))
    if (meter := _METER.search(prompt)) and not request.time_signature:
        told.append((meter[0], "time_signature"))
    if (length := _LENGTH.search(prompt)) and not request.duration:
        told.append((length[0], "duration"))
    if not told:
        return None
    which = ", ".join(f"'{shown(said, 24)}' in {name}" for said, name in told)
    return f"In the prompt these are at best ignored; each belongs in its argument: {which}."


def _odd_meter(prompt: str) -> str | None:
    """A meter that the model has no argument for, nor knows."""
    odd = next((found for found in _METER.finditer(prompt) if found[0] not in METERS), None)
    return odd and (
        f"'{odd[0]}' is no meter the model knows. Keep time_signature at 4/4 or 3/4 and describe "
        "the feel in words, e.g. 'angular odd-meter middle part' or 'triplet swing'."
    )


def _numbers(found: re.Match[str]) -> float:
    return float(next(group for group in found.groups() if group))


def _tempo_agrees(song: Parsed) -> bool:
    """Whether the tempi of the prompt allow the field's, or its half or double."""
    bpm, prompt = song.request.bpm, song.request.prompt
    if not bpm:
        return False
    if any(float(low) <= bpm <= float(high) for low, high in _RANGE.findall(prompt)):
        return True
    for found in _BPM.finditer(prompt):
        allowed = _NEAR * bpm if _ABOUT.search(prompt[: found.start()].lower()) else 1
        if any(abs(_numbers(found) * f - bpm) <= allowed for f in (0.5, 1, 2)):
            return True
    return False


def _bpm_said(song: Parsed) -> str | None:
    """The one tempo of the prompt, if it is plain and neither the field's nor half or double."""
    prompt = song.request.prompt
    said = [*_BPM.finditer(prompt)]
    if not song.request.bpm or len(said) != 1 or _RANGE.search(prompt) or _tempo_agrees(song):
        return None
    before = prompt[: said[0].start()].lower()
    if _ABOUT.search(before) or re.search(
        r"(?:starts?|begins?|opens?|up|down|until|from|to)\W(?:\w+\W)?$", before
    ):
        return None
    return f"{_numbers(said[0]):g} bpm"


def _keys(prompt: str) -> list[str]:
    """The keys that the prompt gives the song, without those that it only passes through."""
    return [
        found[0]
        for found in _KEY.finditer(prompt)
        if not _PASSING.search(prompt[max(0, found.start() - 60) : found.start()].lower())
        and not _CHORD.match(prompt[found.end() :].lower())
    ]


def _key_said(song: Parsed) -> str | None:
    said = _keys(song.request.prompt)
    try:
        wrong = song.request.key and said and key(song.request.key) not in map(key, said)
    except NotationError:
        return None
    return said[0] if wrong else None


def _meter_said(song: Parsed) -> str | None:
    given, prompt = song.request.time_signature, song.request.prompt
    said = [found for found in _METER.finditer(prompt) if found[0] in METERS]
    if not given or not said or given in {found[0] for found in said}:
        return None
    whole = next((f for f in said if not _IN_PART.match(prompt[f.end() :].lower())), None)
    return whole[0] if whole else None


def _length_said(song: Parsed) -> str | None:
    found = _LENGTH.search(song.request.prompt)
    given = song.request.duration
    if not found or not given:
        return None
    number, unit = (group for group in found.groups() if group)
    seconds = float(number) * (60 if unit.lower().startswith("m") else 1)
    return found[0] if abs(seconds - given) > _SAME_LENGTH * given else None


# --- what is missing -------------------------------------------------------------------------

_VOICE = (
    r"\b(?:vocals?|vocalists?|voices?|singers?|sung|sings?|singing|rap|raps|rapper|rappers|rapping"
    r"|choir|chorus of|crooner|crooning|falsetto|(?:soprano|alto|tenor|baritone)(?! sax)|duet"
    r"|spoken word|mc|vox|growls?|growling|screams?|screaming|humming|hummed|whisper\w*|chants?"
    r"|belting|ad-?libs|(?:fe)?male|man|woman|boy|girl|voz|voces|vocales|cantante|canta|voix|chant(?:eur|euse)?"
    r"|stimme|gesang|sängerin|sänger|voce|cantora?|głos|wokal|вокал\w*|голос\w*|певиц\w*|певец)\b"
    r"|[声聲唱歌男女]|ボーカル|ヴォーカル|보컬|목소리|가수|노래|부르|합창|남자|여자"
)
_EASTERN = re.compile(r"[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_DIMENSIONS = {
    "genre": r"(?:pop|rock|folk|metal|wave)\b|\b(?:jazz|hip[- ]hop|rap|trap|house|techno"
    r"|ambient|r&b|soul|neo-soul|funk|blues|country|reggae|disco|punk|ballad|edm|electronic|orchestral|dance"
    r"|classical|indie|gospel|latin|salsa|bossa nova|lo-?fi|drill|grunge|cumbia|flamenco|swing"
    r"|waltz|anthem|lullaby|choral|acoustic|singer-songwriter|enka|chanson|schlager)\b",
    "mood": r"\b(?:sad|happy|melanchol\w*|upbeat|dark|bright|warm|dreamy|energetic|calm|gentle"
    r"|tender|romantic|nostalgic|euphoric|aggressive|hopeful|joyful|playful|intense|emotional"
    r"|heartfelt|uplifting|bittersweet|moody|peaceful|epic|triumphant|sensual|intimate|festive"
    r"|catchy|somber|cheerful|confident|passionate|wistful|smooth|groovy|haunting|chill\w*"
    r"|relax\w*)\b",
    "instruments": r"\b(?:guitars?|piano|drums?|bass|synth\w*|strings?|violins?|cello|sax\w*|pads?"
    r"|trumpets?|brass|horns?|organ|flute|harp|percussion|808s?|keys|rhodes|banjo|mandolin|beats?"
    r"|accordion|ukulele|harmonica|hi-hats?|orchestra|marimba|erhu|guzheng|pipa|koto|shamisen"
    r"|fiddle|turntables?|hand ?claps|congas?|bongos?|wurlitzer)\b",
    "production": r"\b(?:production|produced|mix|lo-?fi|polished|raw|reverb\w*|tape|vinyl|analog"
    r"|crisp|distort\w*|compressed|wide|stereo|live|studio|vintage|retro|modern|auto-?tune"
    r"|stripped\w*|layered|lush|sparse|atmospheric|cinematic|clean|muffled|textures?|\d0s)\b",
    "arc": r"\b(?:builds?|building|grows?|drops?|climax\w*|crescendo|soaring|explod\w*|explosive"
    r"|swells?|finale|starts|opens|begins|ends|fades?|rises?|transition\w*|quiet|concludes)\b",
    "voice": _VOICE,
}
_COVERED = {name: re.compile(words) for name, words in _DIMENSIONS.items()}
_FEWEST = 3


def thin(song: Parsed) -> str | None:
    """C3: fewer than three of the six things worth saying."""
    if not song.english_caption:
        return None
    # Who wants an instrumental is not told to add a voice.
    played = song.request.instrumental or not song.sung
    wanted = {name: words for name, words in _COVERED.items() if name != "voice" or not played}
    missing = [name for name, words in wanted.items() if not words.search(song.caption)]
    if len(wanted) - len(missing) >= _FEWEST:
        return None
    return f"The prompt is thin. Add what you care about: {', '.join(missing)}."


def no_voice(song: Parsed) -> str | None:
    """C4: words to sing and nobody named to sing them."""
    if not song.sung or not song.caption or _COVERED["voice"].search(song.caption):
        return None
    if not (song.english_caption or _EASTERN.search(song.caption)):
        return None  # it may be named in a word that is not known here
    if any(kind(tag) == "voice" or _COVERED["voice"].search(tag.lower()) for tag in song.tags):
        return None
    return (
        "The prompt names no voice, so gender and timbre are left to chance. Add for example "
        "'warm female vocals' or 'raspy male rap'."
    )


# --- what must agree -------------------------------------------------------------------------

#: An instrument of a tag, and the words of a prompt that cover it.
_INSTRUMENTS = {
    "accordion": "accordion|bandoneon", "banjo": "banjo", "bass": "bass|808",
    "brass": "brass|horn|trumpet|trombone|big band", "cello": "cello|strings|orchestr",
    "drum": "drum|percussion|beat|808", "erhu": "erhu", "fiddle": "violin|fiddle",
    "flute": "flute|shakuhachi|dizi", "guitar": "guitar|strum", "harmonica": "harmonica",
    "harp": "harp", "mandolin": "mandolin", "organ": "organ",
    "piano": "piano|keys|keyboard|rhodes|wurlitzer", "sax": "sax", "saxophone": "sax",
    "synth": "synth|electronic|edm", "trumpet": "trumpet|brass|horn", "ukulele": "ukulele",
    "violin": "violin|fiddle|strings|orchestr",
}  # fmt: skip
_INSTRUMENT = re.compile(rf"\b({'|'.join(_INSTRUMENTS)})s?\b")
_OPPOSITES = (
    (r"aggressive|explosive|high energy", r"calm|gentle|soft|peaceful|lullaby|soothing"),
    (r"melancholic|sad|sorrowful", r"happy|cheerful|joyful|euphoric|festive"),
    (r"euphoric|joyful|happy", r"melanchol\w+|mournful|somber|sad"),
    (r"low energy|calm|dreamy", r"aggressive|relentless|high-energy|pounding"),
)


def tags_disagree(song: Parsed) -> str | None:
    """C5: tags ask for what the prompt does not have."""
    if not song.english_caption:
        return None
    tags = dict.fromkeys(song.tags)
    absent = _absent("\n".join(tags).lower(), song.caption)
    opposed = _opposed(song.caption)
    if not absent and not opposed:
        return None
    for tag in tags:
        if found := next((i for i in _INSTRUMENT.findall(tag.lower()) if i in absent), None):
            return (
                f"[{shown(tag)}] asks for '{found}', which the prompt does not name. Add it to "
                "the prompt or change the tag."
            )
        if said := next((said for mood, said in opposed if mood.search(tag.lower())), None):
            return (
                f"[{shown(tag)}] contradicts '{said}' in the prompt. Make the two agree, or "
                "let the prompt say how the song changes."
            )
    return None


def _absent(tags: str, caption: str) -> frozenset[str]:
    """The instruments of the tags that the caption does not name."""
    named = frozenset(_INSTRUMENT.findall(tags))
    return frozenset(i for i in named if not re.search(rf"\b(?:{_INSTRUMENTS[i]})", caption))


def _opposed(caption: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The moods that no tag should ask for, each with the word of the caption against it."""
    if _COVERED["arc"].search(caption):
        return ()
    return tuple(
        (re.compile(rf"\b(?:{mood})\b"), found[0])
        for mood, opposite in _OPPOSITES
        if (found := re.search(rf"\b(?:{opposite})\b", caption)) and not re.search(mood, caption)
    )


_SLOW = re.compile(r"\b(?:slow|slow-tempo|slowly|ballad|lullaby)\b")
_FAST = re.compile(r"\b(?:fast|fast-paced|driving|energetic|high-energy|up-?tempo|high-tempo)\b")
_POWER = re.compile(
    r"\bpower ballad|\brock ballad|\bslow[- ](?:burn|build|attack|motion|release)\w*|\bslowly"
    r"|\b(?:not|never|isn't|without being|no) (?:too |very |so |a )?(?:slow|fast|energetic)\b"
)
_HALF_TIME = re.compile(r"\b(?:dubstep|drill|trap)\b")
SLOW_MOST, FAST_LEAST, HALF_TIME_LEAST = 110, 80, 110


def tempo_disagrees(song: Parsed) -> str | None:
    """C6: tempo words against bpm; genres felt at half time are left to `half_time`."""
    bpm = song.request.bpm
    slow = _SLOW.search(_POWER.sub(" ", song.caption))
    fast = _FAST.search(_POWER.sub(" ", song.caption))
    if not bpm or (slow and fast) or _HALF_TIME.search(song.caption):
        return None
    wrong = slow if bpm > SLOW_MOST else fast if bpm < FAST_LEAST else None
    return wrong and (
        f"The prompt says '{wrong[0]}', but bpm is {bpm:g}. Change one of them: slow songs run at "
        f"60-{SLOW_MOST}, fast ones from {FAST_LEAST} up."
    )


def half_time(song: Parsed) -> str | None:
    """C6, note: where the number may be felt as its half."""
    genre = _HALF_TIME.search(song.caption)
    if not genre or not song.request.bpm or song.request.bpm < HALF_TIME_LEAST:
        return None
    return (
        f"{genre[0].capitalize()} is felt at half time: bpm {song.request.bpm:g} may sound like "
        f"{song.request.bpm / 2:g}."
    )


_BARE = re.compile(r"\ba ?cappella\b|\bacapella\b")
_EXACT_SOLO = re.compile(r"\b\d+[- ](?:bars?|seconds?|measures?)[- ](?:\w+ )?solo\b")
_MAN_OR_WOMAN = re.compile(r"\b(?:fe)?male\b|\b(?:man|woman|boy|girl|both|singer [ab12])\b")
_COUPLET = 2
_SWITCHES = 4  # changes of singer after at most two lines each


def not_dependable(song: Parsed) -> str | None:
    """C7: wishes the model often ignores."""
    wish = _BARE.search(song.caption) or _EXACT_SOLO.search(
        " ".join((song.caption, *song.tags)).lower()
    )
    if wish:
        return f"'{shown(wish[0])}' is often ignored by the model. Plan several takes."
    short = [(m.section.tag or "").lower() for m in song.measured if 0 < len(m.lines) <= _COUPLET]
    singers = [found[0] for tag in short if (found := _MAN_OR_WOMAN.search(tag))]
    if sum(a != b for a, b in pairwise(singers)) < _SWITCHES:
        return None
    return (
        "Singers switched line by line get mixed up. Give each a whole section, e.g. "
        "[Verse - male vocal]."
    )
