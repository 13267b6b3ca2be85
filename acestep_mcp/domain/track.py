"""What a saved track is: measured from its own samples."""

from dataclasses import dataclass
from typing import Literal

Edge = Literal["rest", "sound", ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One take on the disk. `peaks` are the loudest sample of equal stretches, 0 to 100.

    `size` is in bytes, `media_type` a MIME type; `also` are paths of the same take in other
    formats. The rest is what the decoder heard, where it did (`heard`): `seconds`, `channels` and
    `rate` (samples per second) of what can be played; `loudness` in LUFS, None where there is
    nothing to be loud; `peak`, the true peak, 1.0 being full scale; `silences` from second to
    second; `silent` and `clipped` as shares of the whole; whether it begins and ends at rest or in
    full sound, and is as `steady` as a tone; the channel that is `dead`; whether its channels are
    `inverted` to each other; how many samples are no numbers (`odd`); whether it is `cut` before
    the end that its header announces.
    """

    size: int
    media_type: str
    seconds: float = 0.0
    channels: int = 0
    rate: int = 0
    peaks: tuple[int, ...] = ()
    also: tuple[str, ...] = ()
    heard: bool = False
    encoding: str = ""
    loudness: float | None = None
    peak: float = 0.0
    silences: tuple[tuple[float, float], ...] = ()
    silent: float = 0.0
    clipped: float = 0.0
    begins: Edge = ""
    ends: Edge = ""
    steady: bool = False
    dead: Literal["left", "right", ""] = ""
    inverted: bool = False
    odd: int = 0
    cut: bool = False
