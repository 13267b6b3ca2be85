"""I1, L9 and S: the tables of instrumentals and settings."""

from .cases import Cases, lines

PIANO = "Calm solo piano piece, warm and close, with soft strings"

SETTINGS = [
    Cases(
        "I1",
        "stop",
        fires={
            "a whole song marked instrumental": {"instrumental": True},
            "one line under a tag": {"instrumental": True, "lyrics": "[Instrumental]\nla"},
            "bare words": {"instrumental": True, "lyrics": "la la la"},
        },
        misses={
            "no lyrics": {"instrumental": True, "lyrics": ""},
            "a plan of tags": {"instrumental": True, "lyrics": "[Intro]\n[Piano Solo]\n[Outro]"},
            "the same song sung": {"instrumental": False},
        },
    ),
    Cases(
        "L9",
        "warning",
        fires={
            "the switch alone with a singer in the prompt": {"lyrics": "[Instrumental]"},
            "the argument with a rapper in the prompt": {
                "instrumental": True,
                "lyrics": "",
                "prompt": "Hip-hop beat with a rapper on top",
            },
            "a prompt for an instrumental, but empty lyrics": {
                "lyrics": "",
                "prompt": "An instrumental track with piano, no vocals",
            },
        },
        misses={
            "a prompt without a voice": {"instrumental": True, "lyrics": "", "prompt": PIANO},
            "a prompt that denies the voice": {
                "lyrics": "[inst]",
                "prompt": f"{PIANO}, no vocals, without any singing",
            },
            "vocal chops, which are a sound": {
                "lyrics": "[Intro]\n[Drop]",
                "prompt": "Future bass with vocal chops and choir pads",
            },
            "a song with words": {},
        },
    ),
    Cases(
        "I2",
        "warning",
        fires={
            "no vocals, and a song": {"prompt": f"{PIANO}, no vocals"},
            "purely instrumental, and a song": {"prompt": f"{PIANO}, purely instrumental"},
            "without any singing, and a song": {"prompt": f"{PIANO}, without any singing"},
        },
        misses={
            "no vocals and none": {"prompt": f"{PIANO}, no vocals", "lyrics": "[Instrumental]"},
            "an instrumental bridge": {"prompt": f"{PIANO}, an instrumental bridge, female voice"},
            "no backing vocals": {"prompt": f"{PIANO}, male voice, no backing vocals"},
        },
    ),
    Cases(
        "L24",
        "warning",
        fires={
            "a singer and no lyrics": {"prompt": "Folk with a warm female singer", "lyrics": ""},
            "vocals and no lyrics": {"prompt": "Pop with soaring vocals", "lyrics": "\n"},
            "a rapper and no lyrics": {"prompt": "Boom bap with a rapper", "lyrics": ""},
        },
        misses={
            "an instrumental": {"prompt": PIANO, "lyrics": ""},
            "the argument": {"prompt": "Pop, soaring vocals", "lyrics": "", "instrumental": True},
            "vocal chops": {"prompt": "House with vocal chops", "lyrics": ""},
        },
    ),
    Cases(
        "S1",
        "warning",
        fires={
            "a seed and two takes": {"seed": 7, "batch_size": 2},
            "a seed and thinking": {"seed": 7, "thinking": True},
            "seed zero and four takes": {"seed": 0, "batch_size": 4},
        },
        misses={
            "a seed alone": {"seed": 7},
            "several takes, seed to be drawn": {"seed": -1, "batch_size": 4},
            "thinking without a seed": {"thinking": True},
        },
    ),
    Cases(
        "S2",
        "note",
        fires={
            "two takes": {"batch_size": 2},
            "three takes": {"batch_size": 3},
            "four takes of an instrumental": {"batch_size": 4, "lyrics": "[Instrumental]"},
        },
        misses={
            "one take": {"batch_size": 1},
            "nothing said": {},
            "one take with thinking": {"thinking": True},
        },
    ),
    Cases(
        "S3",
        "warning",
        fires={
            "long lyrics and ten minutes": {
                "lyrics": lines(150),
                "duration": 600,
                "thinking": True,
            },
            "medium lyrics and ten minutes": {
                "lyrics": lines(100),
                "duration": 600,
                "thinking": True,
            },
            "chinese lyrics and nine minutes": {
                "lyrics": lines(170, "风吹过城市的夜晚和海"),
                "duration": 540,
                "thinking": True,
            },
        },
        misses={
            "the same without thinking": {"lyrics": lines(150), "duration": 600},
            "short lyrics and ten minutes": {"duration": 600, "thinking": True},
            "long lyrics and five minutes": {
                "lyrics": lines(150),
                "duration": 300,
                "thinking": True,
            },
        },
    ),
    Cases(
        "S4",
        "warning",
        fires={"40": {"bpm": 40}, "just under 60": {"bpm": 59.5}, "201": {"bpm": 201}},
        misses={"60": {"bpm": 60}, "180": {"bpm": 180}, "nothing said": {}},
    ),
]
