"""Writing the same sound as FLAC or MP3."""

from typing import Any, BinaryIO

import numpy as np
import soundfile

from acestep_mcp.audio.samples import Block, Samples, Unreadable

KBITS = 192
_LEVEL = (320 - KBITS) / (320 - 32)  # libsndfile's way to say a bit rate
_FAST = 5  # of LAME's 0 to 9: a third of the time of 2, and nobody hears it at this rate
_FLAC = {"PCM_S8": "PCM_16", "PCM_U8": "PCM_16", "PCM_16": "PCM_16", "PCM_24": "PCM_24"}
_SIXTEEN = {"ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610", "ALAC_16"}
_LIGHT = 2 / 8  # of what FLAC can do: a tenth of the time less, for files 4 % larger
_MOST_FLAC = 8  # channels


def into(name: str, samples: Samples, target: BinaryIO) -> bool:
    """Write the sound to an empty file; whether it has to read back the same to the last bit.

    Raises:
        Unreadable: The samples end in a fault, or the format has no room for so many channels.
    """
    exact = _flac(samples, target) if name == "flac" else _mp3(samples, target)
    target.flush()
    if samples.broken:
        raise Unreadable("its samples cannot all be read")
    return exact


def _flac(samples: Samples, target: BinaryIO) -> bool:
    if samples.channels > _MOST_FLAC:
        raise Unreadable("FLAC has no room for so many channels")
    kept = "PCM_16" if samples.encoding in _SIXTEEN else _FLAC.get(samples.encoding)
    with soundfile.SoundFile(
        target,
        "w",
        samples.rate,
        samples.channels,
        kept or "PCM_24",
        format="FLAC",
        compression_level=_LIGHT,
    ) as flac:
        for block in samples:
            flac.write(_finite(block))
    return kept is not None


def _mp3(samples: Samples, target: BinaryIO) -> bool:
    try:
        import lameenc  # noqa: PLC0415  # not there on every system
    except ImportError:
        _slow_mp3(samples, target)
        return False
    encoder: Any = lameenc.Encoder()
    encoder.silence()
    encoder.set_bit_rate(KBITS)
    encoder.set_quality(_FAST)
    encoder.set_in_sample_rate(samples.rate)
    encoder.set_channels(min(2, samples.channels))
    for block in samples:
        scaled = np.clip(np.rint(_stereo(_finite(block)) * 32_768), -32_768, 32_767)
        target.write(encoder.encode(np.ascontiguousarray(scaled, dtype=np.int16).tobytes()))
    target.write(encoder.flush())
    return False


def _slow_mp3(samples: Samples, target: BinaryIO) -> None:
    """Without lameenc: the same encoder as libsndfile has it, at four times the work."""
    with soundfile.SoundFile(
        target,
        "w",
        samples.rate,
        min(2, samples.channels),
        format="MP3",
        compression_level=_LEVEL,
        bitrate_mode="CONSTANT",
    ) as mp3:
        for block in samples:
            mp3.write(_stereo(_finite(block)))


def _finite(block: Block) -> Block:
    return block if np.isfinite(block).all() else np.nan_to_num(block, posinf=1.0, neginf=-1.0)


def _stereo(block: Block) -> Block:
    """At most two channels: of more, the first two with the centre between them."""
    if block.shape[1] <= 2:  # noqa: PLR2004  # as said
        return block
    mixed: Block = 0.6 * (block[:, :2] + 0.7 * block[:, 2:3])
    return mixed
