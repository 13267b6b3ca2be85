"""L: the tables of layout and words."""

from .cases import LINE, LYRICS, PROMPT, Cases, lines, verse

TWELVE = "Every morning I remember it"
LONG = "I have been waiting for you every single night and every single day"
CHOIR = "warm acoustic guitar and brushed drums in the morning"


def tagged(tag: str) -> dict[str, str]:
    return {"lyrics": f"{LYRICS}\n\n[{tag}]"}


def named(prompt: str, *sung: str) -> dict[str, str]:
    return {"prompt": prompt, **verse(*sung)}


LAYOUT = [
    Cases(
        "L14",
        "stop",
        fires={
            "7,000 English characters": {"lyrics": lines(240), "duration": 600},
            "2,100 Chinese characters": {"lyrics": lines(210, "风吹过城市的夜晚和海")},
            "both together": {"lyrics": lines(100, "风吹过城市的夜晚和海") + lines(130)},
        },
        misses={
            "6,000 English characters": {"lyrics": lines(190), "duration": 600},
            "1,500 Chinese characters": {"lyrics": lines(150, "风吹过城市的夜晚和海")},
            "a good song": {},
        },
    ),
    Cases(
        "L14",
        "warning",
        fires={
            "6,000 characters": {"lyrics": lines(190)},
            "5,000 characters": {"lyrics": lines(160)},
            "4,097 characters": {"lyrics": LYRICS + " " * (4097 - len(LYRICS))},
        },
        misses={
            "4,096 characters": {"lyrics": LYRICS + " " * (4096 - len(LYRICS))},
            "7,000 characters, which is worse": {"lyrics": lines(240)},
            "a good song": {},
        },
    ),
    Cases(
        "L3",
        "warning",
        fires={
            "four lines": {"lyrics": f"{LINE}\n" * 4},
            "two stanzas": {"lyrics": f"{LINE}\n{LINE}\n\n{LINE}\n{LINE}"},
            "headings that are no tags": {"lyrics": f"Verse 1:\n{LINE}\n{LINE}\n{LINE}"},
        },
        misses={
            "three lines": {"lyrics": f"{LINE}\n" * 3},
            "one tag": {"lyrics": "[Verse]\n" + f"{LINE}\n" * 4},
            "tags alone": {"lyrics": "[Intro]\n[Outro]"},
        },
    ),
    Cases(
        "L4",
        "warning",
        fires={
            "a tag of 50 characters": tagged("Outro with a slow piano line and a fading choir"),
            "three qualifiers": tagged("Outro - soft, low, slow"),
            "a sentence": tagged("The band stops. Silence"),
            "eight words": tagged("a b c d e f g h"),
        },
        misses={
            "two qualifiers": tagged("Outro - soft, low"),
            "40 characters": tagged("Outro - " + "a" * 32),
            "a plain tag": tagged("Final Chorus"),
        },
    ),
    Cases(
        "L5",
        "warning",
        fires={
            "words behind a tag": verse("[whispered] hush now"),
            "a bracket left open": verse("[Chorus", LINE),
            "a heading": verse("Chorus:", LINE),
            "a heading with a fullwidth colon": verse("Chorus\uff1a", LINE),
            "a bare heading": verse("Verse 2", LINE),
            "a title": verse("Title: Morning", LINE),
            "bold": verse(f"**{LINE}**"),
            "a markdown heading": verse("## Morning", LINE),
            "angle brackets": verse("<chorus>", LINE),
            "chinese brackets": verse("【副歌】", LINE),
            "a tag inside a line": verse("hush [softly] now"),
        },
        misses={
            "a language prefix": verse("[zh] ni hao ma"),
            "a heart": verse("I <3 you"),
            "a colon": verse("I say: come home"),
            "a chorus sung of": verse("Sing the chorus all night long"),
            "parentheses": verse("Come home (come home)"),
        },
    ),
    Cases(
        "L6",
        "warning",
        fires={
            "chinese spaced out": verse("风 吹 过 城 市"),
            "japanese spaced out": verse("夜 を 越 え て"),
            "a tag before every couplet": {"lyrics": f"[verse]\n{LINE}\n{LINE}\n" * 4},
            "numbered couplets": {
                "lyrics": "\n".join(f"[Verse {n}]\n{LINE}\n{LINE}" for n in range(3))
            },
        },
        misses={
            "phrases set apart": verse("走自己的路 发自己的光"),
            "korean words": verse("나 너 우리 함께 가자"),
            "two couplets": {"lyrics": f"[verse]\n{LINE}\n{LINE}\n" * 2},
            "four-line verses": {"lyrics": lines(16)},
            "couplets of two kinds": {
                "lyrics": f"[Verse]\n{LINE}\n{LINE}\n[Chorus]\n{LINE}\n{LINE}\n" * 3
            },
        },
    ),
    Cases(
        "L7",
        "warning",
        fires={
            "a solo in parentheses": verse(LINE, "(guitar solo)"),
            "an instrumental in parentheses": verse(LINE, "(instrumental)"),
            "a note in fullwidth parentheses": verse("风吹过", "\uff08间奏 guitar solo\uff09"),
            "a count": verse(f"{LINE} x2"),
            "a count in parentheses": verse(f"{LINE} (x2)"),
            "an order": verse(LINE, "(repeat chorus)"),
            "an order without parentheses": verse("Repeat the chorus"),
            "a bare passage": verse("Instrumental"),
            "a mixed line": verse(f"{LINE} (fade out)"),
        },
        misses={
            "an echo": verse(f"{LINE} (on the hill)"),
            "alone in Spanish": verse("Sigo por la calle (solo)"),
            "a guitar sung of": verse("He played a guitar solo for the moon"),
            "a bridge": verse("Take me over the bridge (over the bridge)"),
            "on repeat": verse("Your song is on repeat (on repeat)"),
            "a tag": {"lyrics": f"{LYRICS}\n[Guitar Solo]"},
        },
    ),
    Cases(
        "L8",
        "warning",
        fires={
            "a line of the prompt": named(f"{CHOIR}, female voice", CHOIR),
            "most of its words": named(PROMPT, "acoustic guitar, piano, brushed drums tonight"),
            "a chinese prompt sung": named("温柔的钢琴民谣女声慢慢升起", "温柔的钢琴民谣女声"),
        },
        misses={
            "two words in common": named(PROMPT, "Morning guitar across the silent harbour"),
            "a short line": named(PROMPT, "warm guitar"),
            "a chinese line of its own": named("温柔的钢琴民谣女声", "风吹过城市的夜晚和海"),
        },
    ),
    Cases(
        "L10",
        "warning",
        fires={
            "words under a solo": verse("Come along with me", tag="Guitar Solo"),
            "words under an instrumental": verse("Come along", tag="Instrumental Break"),
            "words under an interlude": verse("oh", "take my hand", tag="Piano Interlude"),
        },
        misses={
            "cries under a solo": verse("Oh", "Yeah, yeah", "hmm", tag="Guitar Solo"),
            "an announced voice": verse("Come along", tag="Instrumental with vocal ad-libs"),
            "words under a drop": verse("Come along", tag="Drop"),
            "an empty solo": {"lyrics": f"{LYRICS}\n[Guitar Solo]"},
        },
    ),
]

WORDS = [
    Cases(
        "L1",
        "warning",
        fires={
            "15 syllables": verse("I never ever thought that I would be waiting on a river"),
            "over 60 characters": verse(
                "through dreadful nights strange thoughts branched, stretched, crept"
            ),
            "26 morae": verse("いつまでもいつまでもあなたのことをおもいつづける"),
            "21 syllables of rap": named("rap by a rapper", LONG + " and all of it for free, baby"),
        },
        misses={
            "14 syllables": verse("I never ever thought that I'd be waiting on the shore"),
            "15 syllables of rap": named("rap by a rapper", LONG),
            "20 morae": verse("いつまでもあなたのことをおもいます"),
            "pinyin with tones": verse(
                "[zh] ni3 shi4 wo3 xin1 di3   wu2 fa3 mo3 qu4 de5 meng4 yi4 zhi2"
            ),
        },
    ),
    Cases(
        "L2",
        "note",
        fires={
            "one and ten syllables": verse("Go", "Morning light is on the yellow hill"),
            "verses of four and eight": {
                "lyrics": "[Verse 1]\n" + f"{LINE}\n" * 4 + "[Verse 2]\n" + f"{LINE}\n" * 8
            },
            "choruses of two and five": {
                "lyrics": "[Chorus]\n" + f"{LINE}\n" * 2 + "[Chorus]\n" + f"{LINE}\n" * 5
            },
        },
        misses={
            "five and eight": verse("Morning on the hill", "Fields are yellow in the sunlight"),
            "verses of four and six": {
                "lyrics": "[Verse 1]\n" + f"{LINE}\n" * 4 + "[Verse 2]\n" + f"{LINE}\n" * 6
            },
            "a good song": {},
        },
    ),
    Cases(
        "L11",
        "note",
        fires={
            "a number": verse("Since 1999"),
            "an ampersand": verse("You & me"),
            "an emoji": verse("I love you 😀"),
            "a link": verse("see www.example.org"),
        },
        misses={
            "a number spelled out": verse("Twenty-four hours"),
            "a number in a tag": tagged("Verse 24"),
            "accents": verse("Où es-tu, mon cœur ?"),
        },
    ),
    Cases(
        "L12",
        "warning",
        fires={
            "latin and cyrillic": verse("Привет my friend"),
            "han and devanagari": verse("你好 नमस्ते"),
            "hebrew and latin": verse("שלום my friend"),
            "spanish asked for, korean written": named("sung in Spanish", "사랑해요 그대"),
            "japanese asked for, romaji written": named(
                "J-pop with Japanese female vocals", "yoru wo koete ai ni iku"
            ),
            "korean asked for, english written": named("lyrics in Korean", LINE),
        },
        misses={
            "english in japanese": verse("Disco Night 踊ろう"),
            "english in korean": verse("사랑해 baby"),
            "a line of each": verse("Привет, друзья", "Hello my friends"),
            "a Spanish guitar": named("Spanish guitar and female vocals", "사랑해요 그대"),
            "the language asked for": named("sung in Mandarin", "风吹过城市"),
            "two languages, one of them there": named(
                "Korean female vocals, one English vocal line", "사랑해요 그대"
            ),
            "pinyin marked as such": named("vocals in Mandarin", "[zh] feng chui guo cheng shi"),
        },
    ),
    Cases(
        "L13",
        "warning",
        fires={
            "bengali": verse("আমি তোমায় ভালোবাসি"),
            "tamil": verse("நான் உன்னை காதலிக்கிறேன்"),
            "georgian": verse("მე შენ მიყვარხარ"),
        },
        misses={
            "hindi": verse("मैं तुमसे प्यार करता हूँ"),
            "telugu": verse("నేను నిన్ను ప్రేమిస్తున్నాను"),
            "one bengali word in an english song": verse(LINE, LINE, "আমি"),
        },
    ),
]
