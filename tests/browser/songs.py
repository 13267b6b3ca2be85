"""The songs that the browser tests order."""

from tests.house import LYRICS

BALLAD = (
    "[Verse 1]\nThe lamp is low, the road is long\nI hum the end of every song\n"
    "The rain keeps time on window glass\nI count the quiet hours that pass\n\n"
    "[Chorus]\nLeave a light on, leave it burning\nEvery road I know is turning\n"
    "Home to you, home to you\n\n[Outro]\nLeave a light on"
)
SUNG = {"title": "The Lamp Is Low", "lyrics": LYRICS, "duration": 8, "seed": 7}
LONG = {**SUNG, "lyrics": BALLAD, "duration": 20}
