"""What a saved track is: measured from its own bytes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One take on the disk. `peaks` are the loudest sample of equal stretches, 0 to 100.

    `seconds`, `channels` and `rate` (samples per second) are what the file holds, 0 where its
    type does not tell; `size` is in bytes, `media_type` a MIME type.
    """

    size: int
    media_type: str
    seconds: float = 0.0
    channels: int = 0
    rate: int = 0
    peaks: tuple[int, ...] = ()
