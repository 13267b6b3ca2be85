"""The song that would come out wrong, named before it is paid for.

`check` runs every rule of `RULES` over a request. A rule is one function that says what to change,
and one row here; severities follow what the fault costs: a *stop* sends nothing, a *warning* is
sent and told, a *note* is for a dry run. Only D1 may be overridden, since it rests on an
estimate; the other stops are certain and mended by following their message.
"""

from acestep_mcp.domain.request import SongRequest
from acestep_mcp.songcraft.checks import caption, fit, layout, lyrics, roles, settings
from acestep_mcp.songcraft.checks.model import Finding, Parsed, Rule, Severity
from acestep_mcp.songcraft.notation import MAX_MESSAGE, shown

__all__ = ["RULES", "Finding", "Parsed", "Rule", "Severity", "check", "findings"]

#: Every rule, most expensive first: what the listener would lose, then what the payer would.
RULES: tuple[Rule, ...] = (
    Rule("I1", "stop", 100, settings.words_in_instrumental),
    Rule("C1", "stop", 99, caption.empty),
    Rule("L14", "stop", 98, layout.too_many_tokens),
    Rule("D1", "stop", 97, fit.cannot_fit, overridable=True),
    Rule("C2", "stop", 95, caption.contradicts_field),
    Rule("D2", "warning", 80, fit.crowded),
    Rule("L6", "warning", 78, layout.chopped),
    Rule("D3", "warning", 76, fit.sparse),
    Rule("I2", "warning", 75, settings.words_without_singer),
    Rule("L9", "warning", 74, settings.voice_in_instrumental),
    Rule("L24", "warning", 73, settings.singer_without_words),
    Rule("L3", "warning", 72, layout.no_tags),
    Rule("L21", "warning", 71, roles.chat),
    Rule("L5", "warning", 70, layout.untidy),
    Rule("L15", "warning", 69, roles.headings),
    Rule("L7", "warning", 68, roles.sung_notes),
    Rule("L16", "warning", 67, roles.chords),
    Rule("C1", "warning", 66, caption.too_long),
    Rule("L17", "warning", 65, roles.stamps),
    Rule("L8", "warning", 64, layout.caption_in_lyrics),
    Rule("L18", "warning", 63, roles.sheet),
    Rule("L4", "warning", 62, layout.tag_is_prose),
    Rule("L19", "warning", 61, roles.singers),
    Rule("L10", "warning", 60, layout.words_under_solo),
    Rule("L20", "warning", 59, roles.readings),
    Rule("S3", "warning", 58, settings.planner_full),
    Rule("L22", "warning", 57, layout.repeats),
    Rule("L13", "warning", 56, lyrics.little_data),
    Rule("L23", "warning", 55, layout.stacked),
    Rule("L12", "warning", 54, lyrics.another_language),
    Rule("L12", "warning", 53, lyrics.mixed_scripts),
    Rule("L1", "warning", 52, lyrics.breathless),
    Rule("L14", "warning", 50, layout.too_many_characters),
    Rule("C4", "warning", 46, caption.no_voice),
    Rule("C6", "warning", 44, caption.tempo_disagrees),
    Rule("C5", "warning", 42, caption.tags_disagree),
    Rule("C2", "warning", 40, caption.belongs_in_field),
    Rule("D5", "warning", 36, fit.long),
    Rule("S1", "warning", 32, settings.seed_not_enough),
    Rule("S4", "warning", 30, settings.unusual_bpm),
    Rule("L11", "note", 16, lyrics.spelled_out),
    Rule("S2", "note", 15, settings.several_takes),
    Rule("D2", "note", 14, fit.tight),
    Rule("L2", "note", 12, lyrics.uneven),
    Rule("C1", "note", 11, caption.longer_than_documented),
    Rule("C3", "note", 10, caption.thin),
    Rule("C7", "note", 8, caption.not_dependable),
    Rule("C6", "note", 6, caption.half_time),
)


def check(request: SongRequest) -> tuple[Finding, ...]:
    """Everything wrong with a song that is asked for, most expensive first; raises nothing."""
    return findings(Parsed.of(request))


def findings(song: Parsed) -> tuple[Finding, ...]:
    """What `check` finds in a request that was read already."""
    return tuple(
        Finding(rule.id, rule.severity, shown(message, MAX_MESSAGE), rule.cost, rule.overridable)
        for rule in RULES
        if (message := rule.test(song))
    )
