"""C: the table of the prompt rules."""

from .cases import LYRICS, PROMPT, Cases, verse

WORDS = "soft and lovely words go "  # 25 characters
FOLK = "Indie folk with acoustic guitar and a warm female voice"


def after(text: str) -> dict[str, str]:
    return {"prompt": f"{FOLK}, {text}"}


CAPTION = [
    Cases(
        "C1",
        "stop",
        fires={
            "nothing": {"prompt": ""},
            "spaces": {"prompt": "  \t"},
            "an empty line": {"prompt": "\n"},
        },
        misses={"one word": {"prompt": "pop"}, "one sign": {"prompt": "流"}, "a good prompt": {}},
    ),
    Cases(
        "C1",
        "warning",
        fires={
            "900 English characters": {"prompt": WORDS * 36},
            "201 Chinese characters": {"prompt": "温" * 201},
            "half of each": {"prompt": "温柔" * 60 + WORDS * 20},
        },
        misses={
            "600 English characters": {"prompt": WORDS * 24},
            "190 Chinese characters": {"prompt": "温" * 190},
            "a good prompt": {},
        },
    ),
    Cases(
        "C1",
        "note",
        fires={
            "600 characters": {"prompt": WORDS * 24},
            "513 characters": {"prompt": "x" * 513},
            "700 characters": {"prompt": WORDS * 28},
        },
        misses={
            "512 characters": {"prompt": "x" * 512},
            "900 characters, which is worse": {"prompt": WORDS * 36},
            "a good prompt": {},
        },
    ),
    Cases(
        "C2",
        "stop",
        fires={
            "another tempo": {**after("90 bpm"), "bpm": 128},
            "another key": {**after("in A minor"), "key": "C major"},
            "another meter": {**after("a waltz in 3/4"), "time_signature": "4/4"},
            "another tempo as on a sheet": {**after("bpm=96"), "bpm": 120},
            "another key in capitals": {**after("in C Major"), "key": "G major"},
            "another key as on a sheet": {**after("Key: Am"), "key": "C major"},
            "another key, short": {**after("in Em"), "key": "C major"},
            "another length of the whole song": {**after("a 30-second song"), "duration": 120},
        },
        misses={
            "the same tempo": {**after("128 bpm"), "bpm": 128},
            "half the tempo": {**after("felt at 64 bpm"), "bpm": 128},
            "the same key in another spelling": {**after("in B♭ minor"), "key": "Bb minor"},
            "a change of key that holds the field's": {
                **after("from C minor to Eb major"),
                "key": "Eb major",
            },
            "a minor thing that is no key": {
                **after("a minor detail, A major hit"),
                "key": "C major",
            },
            "a tempo without the field": after("90 bpm"),
            "a passage's length": {**after("a 20-second fade"), "duration": 120},
            "a range that holds the field": {**after("120-140 BPM"), "bpm": 130},
            "about as fast": {**after("~128 BPM"), "bpm": 126},
            "a tempo that changes": {
                **after("starts at 80 bpm and speeds up to 160 bpm"),
                "bpm": 120,
            },
            "where the end goes": {
                **after("final chorus modulates up to E major"),
                "key": "D major",
            },
            "a chord": {**after("opens on a D minor chord"), "key": "F major"},
            "a part in another meter": {**after("a 3/4 middle part"), "time_signature": "4/4"},
            "a meter the model has no word for": {
                **after("a 7/8 middle part"),
                "time_signature": "4/4",
            },
        },
    ),
    Cases(
        "C2",
        "warning",
        fires={
            "a tempo": after("120 BPM"),
            "a tempo in words": after("tempo of 96"),
            "a key": after("in F# minor"),
            "a meter": after("in 6/8"),
            "a length": after("about 3 minutes long"),
            "a meter the model has no word for": {**after("in 7/8"), "time_signature": "4/4"},
        },
        misses={
            "a decade": after("80s production, 808 bass"),
            "a tempo word": after("mid-tempo and steady"),
            "a mood": after("a minor mood, A major emotional release"),
            "a day": after("a 24/7 party feel"),
            "a passage": after("a 30-second intro"),
            "fame": after("15 minutes of fame"),
            "what the field says as well": {
                **after("120 bpm in 4/4"),
                "bpm": 120,
                "time_signature": "4/4",
            },
        },
    ),
    Cases(
        "C3",
        "note",
        fires={
            "a genre alone": {"prompt": "a pop song"},
            "a wish": {"prompt": "something for my mother's birthday"},
            "a genre and a mood": {"prompt": "sad techno music"},
        },
        misses={
            "genre, mood and instrument": {"prompt": "sad techno with strings"},
            "voice, production and arc": {"prompt": "lo-fi female vocals that build slowly"},
            "a prompt in Chinese": {"prompt": "温柔的流行歌"},
            "a prompt in Spanish": {"prompt": "Una canción para mi madre"},
            "a prompt in German": {"prompt": "Ein Lied für meine Mutter"},
            "an instrumental, which needs no voice": {
                "prompt": "sad techno with strings",
                "lyrics": "[Instrumental]",
            },
            "a good prompt": {},
        },
    ),
    Cases(
        "C4",
        "warning",
        fires={
            "instruments only": {"prompt": "Indie folk with guitar and piano"},
            "a saxophone named after a voice": {"prompt": "Jazz with a tenor sax and drums"},
            "a Chinese prompt without a voice": {"prompt": "温柔的钢琴民谣"},
        },
        misses={
            "a female voice": {"prompt": "Indie folk, female voice"},
            "a rapper": {"prompt": "Boom bap with a gritty rapper"},
            "a voice in Chinese": {"prompt": "温柔的钢琴民谣,女声"},
            "a voice in Spanish": {"prompt": "Bolero con voz masculina"},
            "a voice in German": {"prompt": "Schlager mit klarer Frauenstimme"},
            "a voice in Japanese": {"prompt": "女の子が歌う明るいポップス"},
            "a voice in Vietnamese": {"prompt": "Nhạc trữ tình, giọng nữ ấm"},
            "a voice in Turkish": {"prompt": "Hüzünlü bir şarkı, kadın vokal"},
            "a voice in Arabic": {"prompt": "أغنية حزينة بصوت نسائي"},
            "vox": {"prompt": "Dark techno with processed vox"},
            "growls": {"prompt": "Death metal with guttural growls"},
            "a voice in the tags": {
                "prompt": "Indie folk with guitar",
                **verse("la la la", tag="Verse - female vocal"),
            },
            "an instrumental": {"prompt": "Indie folk", "lyrics": "[Instrumental]"},
        },
    ),
    Cases(
        "C5",
        "warning",
        fires={
            "a saxophone nobody announced": {"lyrics": f"{LYRICS}\n[Saxophone Solo]"},
            "a riff on an absent synth": {"lyrics": f"[Intro - synth riff]\n{LYRICS}"},
            "rage in a lullaby": {
                "prompt": "A gentle lullaby for female voice",
                "lyrics": f"{LYRICS}\n[aggressive]",
            },
        },
        misses={
            "a solo on an announced guitar": {"lyrics": f"{LYRICS}\n[Guitar Solo]"},
            "a solo on nothing in particular": {"lyrics": f"{LYRICS}\n[Solo]"},
            "strings as an orchestra": {
                "prompt": f"{PROMPT} Full orchestra.",
                "lyrics": f"{LYRICS}\n[Violin Solo]",
            },
            "rage that the prompt builds up to": {
                "prompt": "A gentle lullaby for female voice that builds to a storm",
                "lyrics": f"{LYRICS}\n[aggressive]",
            },
            "a prompt in Chinese": {"prompt": "女声民谣", "lyrics": f"{LYRICS}\n[Sax Solo]"},
        },
    ),
    Cases(
        "C6",
        "warning",
        fires={
            "a slow song at 128": {**after("slow and tender"), "bpm": 128},
            "a ballad at 140": {**after("a ballad"), "bpm": 140},
            "a driving song at 70": {**after("driving drums"), "bpm": 70},
        },
        misses={
            "a slow song at 110": {**after("slow and tender"), "bpm": 110},
            "a driving song at 80": {**after("driving drums"), "bpm": 80},
            "a power ballad at 140": {**after("a power ballad"), "bpm": 140},
            "both, one after the other": {**after("slow, then fast"), "bpm": 128},
            "a slow song of no given tempo": after("slow and tender"),
            "slow attacks": {**after("slow-attack pads"), "bpm": 124},
            "not too slow": {**after("not too slow"), "bpm": 124},
        },
    ),
    Cases(
        "C6",
        "note",
        fires={
            "drill at 140": {**after("UK drill"), "bpm": 140},
            "trap at 150": {**after("a trap beat"), "bpm": 150},
            "dubstep at 140": {**after("dubstep"), "bpm": 140},
        },
        misses={
            "trap at 75": {**after("a trap beat"), "bpm": 75},
            "trap of no given tempo": after("a trap beat"),
            "house at 124": {**after("deep house"), "bpm": 124},
        },
    ),
    Cases(
        "C7",
        "note",
        fires={
            "a cappella": after("a cappella"),
            "a solo of 16 bars": after("then a 16-bar guitar solo"),
            "singers by the line": {
                "lyrics": "\n".join(f"[{who}]\nla la la" for who in ["male", "female"] * 3)
            },
        },
        misses={
            "a solo": after("then a guitar solo"),
            "a duet": after("a duet of two voices"),
            "singers by the section": {
                "lyrics": "\n".join(
                    f"[Verse - {who}]\n" + "la la la\n" * 4 for who in ["male", "female"] * 3
                )
            },
        },
    ),
]
