"""What to tell a caller who gave an argument that the tool does not have.

A misspelling is answered with the argument it was meant to be; a name that people look for, with
where that goes here. An argument that spends money or lifts a check is never suggested: whoever
wants it finds it in the schema, and nobody else is to be led to it.
"""

import re
from collections.abc import Iterable, Iterator

from acestep_mcp.domain.text import clean, nearest
from acestep_mcp.surface.arguments import COSTLY

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ANYWHERE = ""

_LOOKED_FOR = {
    ("prompt", "put the voice in prompt, like 'warm female voice'"): (
        "voice voices vocal vocals vocalist singer singers gender vocal_gender voice_gender "
        "voice_type voice_style voice_id vocal_style vocal_type speaker"
    ),
    ("prompt", "put the style in prompt, like 'slow folk ballad, hopeful, acoustic guitar'"): (
        "style styles style_prompt music_style genre genres subgenre mood moods emotion tag tags "
        "theme vibe caption description desc topic instrument instruments instrumentation era "
        "energy gpt_description_prompt music_prompt audio_prompt song_description idea"
    ),
    ("prompt", "describe the sound you mean in prompt; the models know no names"): (
        "artist artists band singer_name composer producer reference in_the_style_of like"
    ),
    ("prompt", "say in prompt what is to be heard; nothing can be excluded"): (
        "negative_prompt negative negative_tags negative_style exclude avoid without"
    ),
    ("prompt", "name the language in prompt and write the lyrics in it"): (
        "language lang languages vocal_language lyrics_language voice_language locale"
    ),
    ("bpm", "use bpm, a number like 96"): "tempo speed beats_per_minute pace",
    ("key", "use key, like 'A minor'"): (
        "scale tonality keyscale key_scale musical_key key_signature root_key"
    ),
    ("time_signature", "use time_signature, like '3/4'"): "meter metre timesig time_sig measure",
    ("duration", "use duration, in seconds"): (
        "length song_length audio_length audio_duration song_duration seconds minutes "
        "duration_seconds duration_s length_seconds music_length_ms duration_ms time"
    ),
    ("title", "use title"): "name song_name song_title track_name file_name filename",
    ("lyrics", "put the words in lyrics"): "lyric song_lyrics words text verses song_text",
    ("instrumental", "use instrumental=true for a song without singing"): (
        "no_vocals without_vocals no_voice is_instrumental make_instrumental vocals_off"
    ),
    ("model", "use model"): "model_name model_id model_version engine mv version",
    ("seed", "use seed, a whole number; -1 draws one"): "random_seed manual_seed seeds",
    ("infer_steps", "use infer_steps, with model ace-step"): (
        "steps num_steps inference_steps num_inference_steps infer_step"
    ),
    ("guidance_scale", "use guidance_scale, with model ace-step"): "cfg cfg_scale guidance",
    ("dry_run", "use dry_run=true, which is free"): "preview validate check_only simulate estimate",
    ("request_id", "use request_id, as generate_song gave it"): (
        "id ids job_id task_id song_id track_id generation_id prediction_id handle uuid job task"
    ),
    ("wait", "use wait, in seconds"): (
        "timeout timeout_seconds timeout_s wait_seconds wait_time max_wait poll wait_for_completion"
    ),
    ("search", "use search"): (
        "query q filter keyword keywords text term title prompt lyrics name contains request_id"
    ),
    ("status", "use status"): "state states statuses filter_status",
    ("limit", "use limit, from 1 to 50"): (
        "count n max max_results page_size per_page size top top_k number results"
    ),
    ("cursor", "use cursor with the next_cursor of the answer before"): (
        "page offset skip next_cursor next page_token after before start"
    ),
    (_ANYWHERE, "a song that exists cannot be changed here; based_on makes it anew"): (
        "edit cover remix repaint inpaint extend continue_at continuation start end from to"
    ),
    (_ANYWHERE, "leave it out; get_status with format=flac or mp3 converts a saved song"): (
        "format output_format audio_format file_format response_format codec sample_rate bitrate "
        "quality extension mp3 wav flac"
    ),
    (_ANYWHERE, "leave it out: files go to the folder the server was given"): (
        "path output_path save_path folder output_folder directory output_dir output_directory "
        "save_to destination download"
    ),
    (_ANYWHERE, "leave it out: no audio can be handed in; describe it in words"): (
        "audio audio_url audio_path audio_file reference_audio src_audio input_audio upload file"
    ),
    (_ANYWHERE, "pass its members themselves, each as an argument"): (
        "arguments args kwargs params parameters input inputs data payload body options settings "
        "config request"
    ),
}
"""By an argument and the sentence that leads there: the names under which people look for it."""


def unknown(name: str, known: Iterable[str]) -> str:
    """One line about an argument the tool does not have, with what to do instead."""
    offered = [each for each in known if each not in COSTLY]
    plain = _HUMP.sub("_", name.strip()).replace("-", "_").replace(" ", "_").casefold()
    shown = clean(name, 40)
    if plain not in offered and (hint := next(_hints(plain, offered), "")):
        return clean(f"Unknown argument '{shown}': {hint}, and call again.", 300)
    near = nearest(plain, known)
    if near is None and (alike := nearest(plain, _looked_for(offered))):
        return clean(f"Unknown argument '{shown}': {next(_hints(alike, offered))}.", 300)
    meant = f" Did you mean '{near}'?" if near in offered else ""
    return clean(f"Unknown argument '{shown}'.{meant} Known: {', '.join(offered)}.", 300)


def _looked_for(offered: Iterable[str]) -> Iterator[str]:
    for (argument, _), names in _LOOKED_FOR.items():
        if argument == _ANYWHERE or argument in offered:
            yield from names.split()


def _hints(name: str, offered: Iterable[str]) -> Iterator[str]:
    for (argument, sentence), names in _LOOKED_FOR.items():
        if name in names.split() and (argument == _ANYWHERE or argument in offered):
            yield sentence
