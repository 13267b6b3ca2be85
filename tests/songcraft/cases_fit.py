"""D: the table of the duration rules. Twenty-four lines: floor 42 s, typical 112 s."""

from .cases import Cases, lines

SONG = {"lyrics": lines(24)}
GATEWAY_TWO = (
    "[verse]\nWoke up to a sky painted gold\n\n[chorus]\nYou are my sunshine after the rain"
)
GATEWAY_FOUR = (
    "[verse]\nWoke up to a sky painted gold\nSoft light dancing on my window\n\n"
    "[chorus]\nYou are my sunshine after the rain\nRunning wild through every vein"
)

FIT = [
    Cases(
        "D1",
        "stop",
        fires={
            "24 lines in 30 s, the default of XL": {**SONG, "duration": 30},
            "a fraction under the floor": {**SONG, "duration": 42},
            "40 lines in a minute": {"lyrics": lines(40), "duration": 60},
            "more than ten minutes can hold, though fitted": {"lyrics": lines(520, "Go on")},
        },
        misses={
            "a fraction over the floor": {**SONG, "duration": 43},
            "four lines in 30 s": {"lyrics": lines(4), "duration": 30},
            "the duration left to be fitted": {**SONG, "duration": 0},
            "tags only, in ten seconds": {"lyrics": "[Intro]\n[Solo]\n[Outro]", "duration": 10},
            "fewer seconds where rap is fast": {
                "prompt": "A rap track",
                "lyrics": lines(24, "I never was the one to stop before the money came"),
                "duration": 60,
            },
        },
    ),
    Cases(
        "D2",
        "warning",
        fires={
            "24 lines in 60 s": {**SONG, "duration": 60},
            "just under 0.85 of typical": {**SONG, "duration": 93},
            "16 lines in 50 s": {"lyrics": lines(16), "duration": 50},
        },
        misses={
            "just over 0.85 of typical": {**SONG, "duration": 97},
            "no duration": SONG,
            "0.8 of typical, which rap can take": {
                **SONG,
                "prompt": "A rap track with a male rapper over a beat",
                "duration": 92,
            },
        },
    ),
    Cases(
        "D2",
        "note",
        fires={
            "typical itself": {**SONG, "duration": 112},
            "just under 1.35 of typical": {**SONG, "duration": 150},
            "just over 0.85 of typical": {**SONG, "duration": 97},
        },
        misses={
            "just over 1.35 of typical": {**SONG, "duration": 155},
            "crowded, which is worse": {**SONG, "duration": 60},
            "no duration": SONG,
        },
    ),
    Cases(
        "D3",
        "warning",
        fires={
            "the gateway's sample of two lines for a minute": {
                "lyrics": GATEWAY_TWO,
                "duration": 60,
            },
            "the gateway's sample of four lines for three minutes": {
                "lyrics": GATEWAY_FOUR,
                "duration": 180,
            },
            "24 lines in five minutes": {**SONG, "duration": 300},
        },
        misses={
            "between the target and 2.4 of typical": {**SONG, "duration": 260},
            "no sung line at all": {"lyrics": "[Instrumental]", "duration": 180},
            "the gateway's sample with its length left open": {"lyrics": GATEWAY_FOUR},
        },
    ),
    Cases(
        "D5",
        "warning",
        fires={
            "five minutes": {**SONG, "duration": 300},
            "a second over four minutes": {"duration": 241},
            "ten minutes of tags": {"lyrics": "[Intro]\n[Solo]", "duration": 600},
        },
        misses={
            "four minutes": {"duration": 240},
            "nothing asked": {},
            "a fitted length above four minutes": {"lyrics": lines(80)},
        },
    ),
]
