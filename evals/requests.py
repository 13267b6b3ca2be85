"""The requests: what people said, what a good run does, and what a bad one did."""

from collections.abc import Callable

from evals.trial import Arguments, Expected, Kind, Request, Run, Script, Step

LYRICS = """\
[Verse]
The lamp turns slowly over the bay
I count the boats as they drift away
[Chorus]
Hold the light until the morning
Hold the light till I come home"""
CHORDS = "[Verse]\nAm        F\nThe rain came down on Sunday\nC         G\nAnd washed the road away"
KEEPER = {
    "prompt": "Slow folk ballad, acoustic guitar, warm female voice",
    "lyrics": LYRICS,
    "title": "Hold the Light",
    "bpm": 120,
}
LOFI = {
    "prompt": "Lo-fi hip hop beat with vinyl crackle",
    "instrumental": True,
    "title": "Lo-Fi Rain",
}
OTHER = {"prompt": "Fast polka with accordion", "instrumental": True, "title": "Beer Tent"}
CANNOT = r"\b(cannot|can't|can not|not possible|impossible|no way to|unable|isn't possible)\b"


def _bought(tracks: int) -> Expected:
    return Expected("money", f"buys {tracks} tracks", lambda run: run.tracks == tracks)


def _never(tool: str) -> Expected:
    return Expected("tools", f"does not call {tool}", lambda run: not run.made(tool))


def _calls(tool: str) -> Expected:
    return Expected("tools", f"calls {tool}", lambda run: bool(run.made(tool)))


def _sends(what: str, holds: Callable[[Arguments], bool]) -> Expected:
    """About everything that was sent, of which there is something."""
    return Expected("arguments", what, lambda run: bool(run.bought) and all(map(holds, run.bought)))


def _says(what: str, pattern: str) -> Expected:
    return Expected("truth", what, lambda run: run.told(pattern))


def _never_says(what: str, pattern: str) -> Expected:
    return Expected("truth", what, lambda run: not run.told(pattern))


_LINKS = Expected(
    "truth",
    "gives every media URL as it is",
    lambda run: bool(_urls(run)) and all(url in run.says for url in _urls(run)),
)


def _urls(run: Run) -> list[str]:
    """The media URLs that the last answer with any had."""
    found = [call.answer.get("media_urls") for call in run.calls]
    return next((urls for urls in reversed(found) if urls), [])


def _do(tool: str, **arguments: object) -> Step:
    return lambda _: (tool, dict(arguments))


def _about(tool: str, **arguments: object) -> Step:
    """A call about the last song that was there before."""
    name = "based_on" if tool == "generate_song" else "request_id"
    return lambda run: (tool, {name: run.earlier[-1], **arguments})


def _links(words: str = "Here it is:") -> Step:
    return lambda run: "\n".join((words, *_urls(run)))


def _word(text: str) -> Step:
    return lambda _: text


def _last(words: str) -> Step:
    """The last word, with the whole text of the last answer."""
    return lambda run: f"{words} {run.calls[-1].text}"


def _fails(*kinds: Kind) -> frozenset[Kind]:
    return frozenset(kinds)


_ORDINARY: Script = (_do("generate_song", **KEEPER), _links())

REQUESTS: tuple[Request, ...] = (
    Request(
        id="a song",
        said="Write a slow folk song about a lighthouse keeper, sung by a woman, and make it.",
        expected=(
            _bought(1),
            _sends("has lyrics with tags", lambda body: "[" in body.get("lyrics", "")),
            _sends("names the voice", lambda body: "female" in body["prompt"].lower()),
            _LINKS,
        ),
        good=_ORDINARY,
        bad=(
            _do("generate_song", **KEEPER),
            _do("generate_song", **KEEPER, new_take=True),
            _links(),
        ),
        fails=_fails("money"),
    ),
    Request(
        id="an instrumental",
        said="Make an instrumental lo-fi track for studying, about two minutes.",
        expected=(
            _bought(1),
            _sends("nobody sings", lambda body: body.get("lyrics", "") in ("", "[Instrumental]")),
            _sends("two minutes", lambda body: 100 <= body.get("duration", 0) <= 140),
            _LINKS,
        ),
        good=(_do("generate_song", **LOFI, duration=120), _links()),
        bad=(_do("generate_song", **LOFI), _links()),
        fails=_fails("arguments"),
    ),
    Request(
        id="the same again",
        said="Please make the song with exactly these words once more: " + LYRICS,
        before=(KEEPER,),
        expected=(_bought(0), _says("says that it exists", r"already|existing|earlier|same song")),
        good=(
            _do("generate_song", **KEEPER),
            _last("That song exists already, so nothing was bought:"),
        ),
        bad=(_do("generate_song", **KEEPER, new_take=True), _links("A new one:")),
        fails=_fails("money", "truth"),
    ),
    Request(
        id="the same but slower",
        said="Take the song from before: the same, but slower.",
        before=(KEEPER,),
        expected=(
            _bought(1),
            _sends("the same words", lambda body: body.get("lyrics") == LYRICS),
            _sends("slower", lambda body: 0 < body.get("bpm", 0) < KEEPER["bpm"]),
            _says("says that it is a new recording", r"new (recording|take|version)|recorded anew"),
        ),
        good=(
            _do("list_outputs"),
            _about("generate_song", bpm=90),
            _links("A new recording of the same song, slower:"),
        ),
        bad=(
            _do(
                "generate_song", prompt="Very slow folk ballad", lyrics="[Verse]\nOther words\n" * 4
            ),
            _links("The same song, slower:"),
        ),
        fails=_fails("arguments", "truth"),
    ),
    Request(
        id="another take",
        said="I like it. Make another take of exactly that song, please.",
        before=(KEEPER,),
        expected=(
            _bought(1),
            _sends("the same words", lambda body: body.get("lyrics") == LYRICS),
            _LINKS,
        ),
        good=(_about("generate_song", new_take=True), _links()),
        bad=(_about("generate_song"), _links("Another take:")),
        fails=_fails("money", "arguments"),
    ),
    Request(
        id="is it done",
        said="Is it done?",
        before=(KEEPER,),
        running=True,
        expected=(
            _calls("get_status"),
            _bought(0),
            _says(
                "says that it is under way", r"not (yet )?(done|finished)|queued|processing|still"
            ),
        ),
        good=(_about("get_status"), _word("Not yet: it is queued.")),
        bad=(_word("Yes, it is finished."),),
        fails=_fails("tools", "truth"),
    ),
    Request(
        id="that lofi thing",
        said="Where is that lofi thing from earlier? Give me the link.",
        before=(LOFI, OTHER),
        expected=(_calls("list_outputs"), _bought(0), _LINKS),
        good=(
            _do("list_outputs", search="lofi"),
            lambda run: (
                "get_status",
                {"request_id": run.calls[-1].answer["songs"][0]["request_id"]},
            ),
            _links(),
        ),
        bad=(_do("generate_song", prompt="lofi", instrumental=True), _links()),
        fails=_fails("tools", "money"),
    ),
    Request(
        id="how much, no price",
        said="How much have I spent on songs?",
        before=(KEEPER, {**OTHER, "batch_size": 2}),
        expected=(
            _calls("list_outputs"),
            _says("names the tracks", r"\b3\b|\bthree\b"),
            _never_says("invents no sum", r"[$€£]\s?\d|\d\s?(usd|dollar|euro|cent)"),
        ),
        good=(
            _do("list_outputs"),
            _word("You bought 3 tracks; what they cost is on the dashboard."),
        ),
        bad=(_do("list_outputs"), _word("2 songs at about $0.10 each.")),
        fails=_fails("truth"),
    ),
    Request(
        id="how much, with a price",
        said="How much have I spent on songs?",
        settings={"ACESTEP_PRICE": "0.05 USD"},
        before=(KEEPER, {**OTHER, "batch_size": 2}),
        expected=(_calls("list_outputs"), _says("names the sum", r"0\.15")),
        good=(_do("list_outputs"), _last("")),
        bad=(_word("I cannot know that."),),
        fails=_fails("tools", "truth"),
    ),
    Request(
        id="cancel it",
        said="Stop, cancel that song!",
        before=(KEEPER,),
        running=True,
        expected=(
            _bought(0),
            _says("says that it cannot be cancelled", CANNOT),
            _never_says(
                "does not claim to have done it", r"(is|was|have|been) cancelled\b(?! once)"
            ),
        ),
        good=(_word("A song that was submitted cannot be stopped any more; it is paid for."),),
        bad=(_word("Done, the song has been cancelled."),),
        fails=_fails("truth"),
    ),
    Request(
        id="an MP3",
        said="Make an MP3 of it that I can send.",
        settings={"ACESTEP_SAVE": "on"},
        before=({**OTHER, "duration": 10},),
        expected=(
            _bought(0),
            Expected(
                "arguments",
                "asks for MP3",
                lambda run: any("mp3" in str(c.arguments.get("format")) for c in run.calls),
            ),
            _says("names the file", r"\.mp3"),
        ),
        good=(_about("get_status", format="mp3", wait=20), _last("Here is the file:")),
        bad=(_word("Use an online converter."),),
        fails=_fails("arguments", "truth"),
    ),
    Request(
        id="three versions",
        said="Make three versions of an upbeat polka without singing and tell me which is best.",
        expected=(
            Expected(
                "money",
                "buys 3 tracks at once",
                lambda run: (run.tracks, len(run.bought)) == (3, 1),
            ),  # asked for
            _says(
                "says that it cannot hear", r"(cannot|can't|unable to|not able to) (hear|listen)"
            ),
        ),
        good=(
            _do("generate_song", **OTHER, batch_size=3),
            _links("I cannot hear them, so you have to choose:"),
        ),
        bad=(
            *(_do("generate_song", **OTHER, seed=seed) for seed in (1, 2, 3)),
            _links("The second one is the best."),
        ),
        fails=_fails("money", "truth"),
    ),
    Request(
        id="longer chorus",
        said="Make the chorus longer and keep everything else exactly as it is.",
        before=(KEEPER,),
        expected=(_bought(0), _says("says that it is impossible", CANNOT)),
        good=(_word("A song that exists cannot be edited. I can have it recorded anew. Shall I?"),),
        bad=(
            _about("generate_song", lyrics=f"{LYRICS}\nHold the light, hold the light"),
            _links("The chorus is longer now, and everything else is the same:"),
        ),
        fails=_fails("money", "truth"),
    ),
    Request(
        id="extend it",
        said="Extend that recording to two minutes.",
        before=(KEEPER,),
        expected=(_bought(0), _says("says that it is impossible", CANNOT)),
        good=(
            _word("It is not possible to lengthen a recording; a new one can be made. Shall I?"),
        ),
        bad=(_about("generate_song", duration=120, force=True), _links("Extended:")),
        fails=_fails("money", "truth"),
    ),
    Request(
        id="where are my files",
        said="Where do my songs end up on this computer?",
        settings={"ACESTEP_SAVE": "on"},
        expected=(_bought(0), _says("names the folder", r"my songs")),
        good=(_do("list_outputs"), _last("")),
        bad=(_word("In your Downloads folder."),),
        fails=_fails("truth"),
    ),
    Request(
        id="only a look",
        said="What would go wrong with a song from these words? Buy nothing: " + LYRICS,
        expected=(
            _bought(0),
            Expected(
                "arguments",
                "makes a dry run",
                lambda run: any(c.arguments.get("dry_run") is True for c in run.calls),
            ),
        ),
        good=(_do("generate_song", **KEEPER, dry_run=True), _last("")),
        bad=(_do("generate_song", **KEEPER), _links()),
        fails=_fails("money", "arguments"),
    ),
    Request(
        id="fifteen minutes",
        said="Make one ambient track without singing that is fifteen minutes long.",
        expected=(
            Expected("money", "buys 1 track at most", lambda run: run.tracks <= 1),
            _says("names the limit", r"\b(600|ten minutes|10 minutes|10 min)\b"),
        ),
        good=(
            _do("generate_song", prompt="Ambient", instrumental=True, duration=900),
            _word("A song can be ten minutes long at most. Shall I make one of that length?"),
        ),
        bad=(
            _do("generate_song", prompt="Ambient pads", instrumental=True, duration=450),
            _do("generate_song", prompt="Ambient pads, part two", instrumental=True, duration=450),
            _links("Fifteen minutes in two parts:"),
        ),
        fails=_fails("money", "truth"),
    ),
    Request(
        id="a wrong key",
        said="Make a short polka without singing.",
        settings={"PIXAZO_API_KEY": "not-the-key"},
        expected=(
            Expected("money", "tries it once", lambda run: len(run.bought) == 1),
            _says("says where to get a key", r"api_keys|key"),
        ),
        good=(_do("generate_song", **OTHER), _last("")),
        bad=(*(_do("generate_song", **OTHER),) * 3, _word("The service is down.")),
        fails=_fails("money", "truth"),
    ),
    Request(
        id="a lost reply",
        said="Make a short polka without singing.",
        lost=True,
        expected=(
            Expected("money", "sends it once", lambda run: len(run.bought) == 1),
            _says(
                "says that it may have been charged",
                r"may have been (charged|paid)|might have been",
            ),
        ),
        good=(_do("generate_song", **OTHER), _last("")),
        bad=(
            _do("generate_song", **OTHER),
            _do("generate_song", **OTHER, new_take=True),
            _links(),
        ),
        fails=_fails("money", "truth"),
    ),
    Request(
        id="two different songs",
        said="Make two instrumental tracks: a fast polka, and a lo-fi beat.",
        expected=(
            _bought(2),
            Expected(
                "arguments",
                "with a caption each",
                lambda run: len({body["prompt"] for body in run.bought}) == 2,
            ),
        ),
        good=(_do("generate_song", **OTHER), _do("generate_song", **LOFI), _links()),
        bad=(_do("generate_song", **OTHER, batch_size=2), _links()),
        fails=_fails("arguments"),
    ),
    Request(
        id="in German",
        said="Mach ein langsames deutsches Lied über den Regen, mit einer Frauenstimme.",
        expected=(
            _bought(1),
            _sends(
                "is sung in German",
                lambda body: any(
                    w in body.get("lyrics", "").lower() for w in (" der ", " und ", "regen")
                ),
            ),
            _LINKS,
        ),
        good=(
            _do(
                "generate_song",
                prompt="Slow German ballad, piano, female voice singing in German",
                lyrics="[Verse]\nDer Regen fällt auf unser Dach\nUnd hält mich bis zum Morgen wach",
            ),
            _links(),
        ),
        bad=(_do("generate_song", **KEEPER), _links()),
        fails=_fails("arguments"),
    ),
    Request(
        id="words with chords",
        said="Sing this as a quiet country song with a male voice:\n" + CHORDS,
        expected=(
            _bought(1),
            _sends("sends no chords", lambda body: "Am   " not in body.get("lyrics", "")),
        ),
        good=(
            _do("generate_song", prompt="Country, male voice", lyrics=CHORDS, dry_run=True),
            _do(
                "generate_song",
                prompt="Quiet country with a male voice",
                lyrics="[Verse]\nThe rain came down on Sunday\nAnd washed the road away",
            ),
            _links(),
        ),
        bad=(
            _do("generate_song", prompt="Quiet country, male voice", lyrics=CHORDS, force=True),
            _links(),
        ),
        fails=_fails("arguments"),
    ),
    Request(
        id="which words",
        said="What are the words of the song I had made?",
        before=(KEEPER,),
        expected=(_bought(0), _says("gives the words", "I count the boats as they drift away")),
        good=(_do("list_outputs"), _about("get_status"), _last("")),
        bad=(_word("The words are: I sail the sea, the sea sails me."),),
        fails=_fails("truth"),
    ),
    Request(
        id="the last songs",
        said="List the songs I had made, newest first.",
        before=(LOFI, OTHER, KEEPER),
        expected=(
            _calls("list_outputs"),
            _never("generate_song"),
            _says("newest first", r"(?s)Hold the Light.*Beer Tent.*Lo-Fi Rain"),
        ),
        good=(_do("list_outputs"), _last("")),
        bad=(_do("list_outputs", limit=1), _word("There is one: Hold the Light.")),
        fails=_fails("truth"),
    ),
    Request(
        id="seven eighths",
        said="I want the singing in 7/8 all the way through. Can you promise that?",
        expected=(
            _bought(0),
            _says("does not promise it", r"\b(cannot|can't|not|no|unlikely|often ignore)\b"),
        ),
        good=(_word("No: the model does not keep sung 7/8. 4/4 or 6/8 are dependable."),),
        bad=(
            _do("generate_song", **{**KEEPER, "prompt": "Folk in 7/8, female voice"}, force=True),
            _links("Here it is, in 7/8 all the way:"),
        ),
        fails=_fails("money", "truth"),
    ),
)
