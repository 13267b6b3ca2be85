"""D: the table of the duration rules. Twenty-four lines: floor 38 s, typical 185 s."""

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
            "a fraction under the floor": {**SONG, "duration": 41},
            "40 lines in a minute": {"lyrics": lines(40), "duration": 60},
            "more than ten minutes can hold, though fitted": {"lyrics": lines(620, "Go on")},
        },
        misses={
            "a fraction over the floor": {**SONG, "duration": 42},
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
            "just under 0.42 of typical": {**SONG, "duration": 76},
            "16 lines in 50 s": {"lyrics": lines(16), "duration": 50},
        },
        misses={
            "just over 0.42 of typical": {**SONG, "duration": 80},
            "no duration": SONG,
            "less than that, which rap can take": {
                **SONG,
                "prompt": "A rap track with a male rapper over a beat",
                "duration": 60,
            },
        },
    ),
    Cases(
        "D2",
        "note",
        fires={
            "six tenths of typical": {**SONG, "duration": 112},
            "just under 0.8 of typical": {**SONG, "duration": 145},
            "just over 0.42 of typical": {**SONG, "duration": 80},
        },
        misses={
            "just over 0.8 of typical": {**SONG, "duration": 155},
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
            "24 lines in six minutes": {**SONG, "duration": 360},
        },
        misses={
            "between the target and 1.9 of typical": {**SONG, "duration": 300},
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
            "a fitted length above four minutes": {"lyrics": lines(80)},
        },
        misses={
            "four minutes": {"duration": 240},
            "nothing asked": {},
            "a length that is crowded, which is worse": {"lyrics": lines(120), "duration": 250},
        },
    ),
]
