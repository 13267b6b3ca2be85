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
            "stanzas of three": {"lyrics": f"{LINE}\n{LINE}\n{LINE}\n\n" * 2},
        },
        misses={
            "three lines": {"lyrics": f"{LINE}\n" * 3},
            "one tag": {"lyrics": "[Verse]\n" + f"{LINE}\n" * 4},
            "tags alone": {"lyrics": "[Intro]\n[Outro]"},
            "headings, of which another rule tells": {"lyrics": f"Verse 1:\n{LINE * 3}\n" * 4},
        },
    ),
    Cases(
        "L4",
        "warning",
        fires={
            "a tag of 52 characters": tagged("Outro with a slow piano line and a very faded choir"),
            "three qualifiers": tagged("Outro - soft, low, slow"),
            "a sentence": tagged("The band stops. Silence"),
            "nine words": tagged("a b c d e f g h i"),
        },
        misses={
            "two qualifiers": tagged("Outro - soft, low"),
            "48 characters": tagged("Outro - " + "a" * 40),
            "a plain tag": tagged("Final Chorus"),
        },
    ),
    Cases(
        "L5",
        "warning",
        fires={
            "words behind a tag": verse("[whispered] hush now"),
            "a bracket left open": verse("[Chorus", LINE),
            "bold": verse(f"**{LINE}**"),
            "a markdown heading": verse("## Morning", LINE),
            "angle brackets": verse("<i>come home</i>", LINE),
            "chinese brackets": verse("【轻轻地唱】", LINE),
            "two kinds at once": verse(f"**{LINE}**", "[Chorus"),
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
            "rap spaced out": named("说唱", "风 吹 过 城 市"),
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
            "a manner": verse(LINE, "(whispered)"),
            "a manner before words": verse(f"(softly) {LINE}"),
            "strings": verse(LINE, "(strings enter)"),
            "the audience": verse(LINE, "(applause)"),
            "a guitar in Russian": verse("Утро над холмом", "(Гитара вступает)"),
            "a manner in French": verse("La nuit descend", "(chuchoté)"),
            "once more in Spanish": verse("Vuelve a casa (bis)"),
            "a manner in Turkish": verse("Gel bana", "(fısıldayarak)"),
            "strings in German": verse("Komm zu mir", "(Streicher setzen ein)"),
            "humming in Vietnamese": verse("Em ơi", "(ngân nga)"),
            "a count": verse(f"{LINE} x2"),
            "a count in parentheses": verse(f"{LINE} (x2)"),
            "an order": verse(LINE, "(repeat chorus)"),
            "an order without parentheses": verse("Repeat the chorus"),
            "a mixed line": verse(f"{LINE} (fade out)"),
        },
        misses={
            "an echo": verse(f"{LINE} (on the hill)"),
            "alone in Spanish": verse("Sigo por la calle (solo)"),
            "a guitar sung of": verse("He played a guitar solo for the moon"),
            "a bridge": verse("Take me over the bridge (over the bridge)"),
            "on repeat": verse("Your song is on repeat (on repeat)"),
            "a tag": {"lyrics": f"{LYRICS}\n[Guitar Solo]"},
            "a whisper sung of": verse("Come home (I whisper your name)"),
            "hands on a guitar": verse("Come home (guitar in my hands)"),
        },
    ),
    Cases(
        "L15",
        "warning",
        fires={
            "a colon": verse("Chorus:", LINE),
            "a fullwidth colon": verse("副歌\uff1a", "风吹过城市"),
            "a number": verse("Verse 2", LINE),
            "a number in words": verse("Verse One", LINE),
            "a dash": verse("VERSE 1 -", LINE),
            "one word": verse("Prechorus:", LINE),
            "stars": verse("*Verse 1*", LINE),
            "rules": verse("=== VERSE ===", LINE),
            "fullwidth brackets": verse("\uff3b主歌\uff3d", "风吹过城市"),
            "black brackets": verse("【主歌】", "风吹过城市"),
            "bold brackets": verse("**[Verse]**", LINE),
            "Spanish": verse("Coro:", "Vuelve a casa"),
            "Portuguese": verse("Refrão", "Volta pra casa"),
            "French": verse("Couplet 2 :", "Reviens chez nous"),
            "German": verse("1. Strophe", "Komm nach Haus"),
            "Italian": verse("Ritornello:", "Torna a casa"),
            "Russian": verse("Припев:", "Возвращайся домой"),
            "Ukrainian": verse("Приспів:", "Повертайся додому"),
            "Polish": verse("Zwrotka 1", "Wracaj do domu"),
            "Turkish": verse("Nakarat:", "Eve dön"),
            "Vietnamese": verse("Điệp khúc:", "Về nhà đi em"),
            "Thai": verse("ท่อนฮุก", "กลับบ้านเรา"),
            "Hindi": verse("अंतरा 1:", "घर आ जाओ"),
            "Arabic": verse("اللازمة:", "عد إلى البيت"),
            "Hebrew": verse("פזמון:", "שוב הביתה"),
            "Japanese": verse("サビ", "夜を越えて"),
            "Korean": verse("후렴:", "집으로 와요"),
            "a solo in parentheses": verse(LINE, "(guitar solo)"),
            "an instrumental in parentheses": verse(LINE, "(instrumental)"),
            "a solo in Japanese": verse("夜を越えて", "(ギターソロ)"),
            "words behind it": verse(f"Verse 2: {LINE}"),
        },
        misses={
            "a chorus sung of": verse("Sing the chorus all night long"),
            "a bridge sung of": verse("Bridge over the river"),
            "a word that may be sung": verse("Final"),
            "a tag": {"lyrics": LYRICS},
        },
    ),
    Cases(
        "L16",
        "warning",
        fires={
            "chords over a line": verse("Am   F   C   G", LINE),
            "chords in bars": verse("| C | G | Am | F |", LINE),
            "chords in brackets": verse("[Am]Sous le ciel [F]de Paris"),
            "slashes and sevenths": verse("Dm7  G/B  Cmaj7", LINE),
        },
        misses={
            "a pronoun": verse("Am I the only one"),
            "an article": verse("A love song"),
            "letters spelled": verse("F E A R"),
        },
    ),
    Cases(
        "L17",
        "warning",
        fires={
            "karaoke": verse("[00:12.00]I caught the train", "[00:15.50]I missed you"),
            "times in parentheses": verse("(1:05) I caught the train"),
            "times of words": verse("<00:12.00>I <00:12.40>caught <00:12.90>it"),
            "subtitles": verse("00:00:12,000 --> 00:00:15,000", "I caught the train"),
        },
        misses={
            "a time sung of": verse("At half past nine"),
            "a heart": verse("I <3 you"),
            "a language": verse("[zh] ni hao ma"),
        },
    ),
    Cases(
        "L18",
        "warning",
        fires={
            "a tempo": verse("Tempo: 92", LINE),
            "a capo": verse("Capo 2", LINE),
            "a title": verse("Title: Morning", LINE),
            "a title in Spanish": verse("Título: La mañana", "Vuelve a casa"),
            "a karaoke file's data": verse("[ar: Nobody]", LINE),
            "who wrote it in Chinese": verse("作词\uff1a某人", "风吹过城市"),
        },
        misses={
            "a colon": verse("I say: come home"),
            "love": verse("Love: a word"),
            "a key sung of": verse("The key is in the door"),
        },
    ),
    Cases(
        "L19",
        "warning",
        fires={
            "a man": verse("Male: I saw you"),
            "a woman in parentheses": verse("(Female) I saw you"),
            "a man in Chinese": verse("男\uff1a我看见你"),
            "both in Russian": verse("Вместе: мы дома"),
        },
        misses={
            "she said": verse("She said: I love you"),
            "a man sung of": verse("The man I saw"),
            "an echo": verse("I saw you (all of you)"),
        },
    ),
    Cases(
        "L20",
        "warning",
        fires={
            "furigana": verse("夜(よる)の街(まち)"),
            "furigana in fullwidth parentheses": verse("君\uff08きみ\uff09の声"),
            "katakana": verse("街(マチ)へ行く"),
        },
        misses={
            "an echo in kana": verse("会いたい(あいたい)"),
            "an echo in Han": verse("我爱你(我爱你)"),
            "an echo": verse("Come home (come home)"),
        },
    ),
    Cases(
        "L21",
        "warning",
        fires={
            "how an assistant begins": {"lyrics": f"Sure! Here are the lyrics:\n\n{LYRICS}"},
            "how it ends": {"lyrics": f"{LYRICS}\n\nLet me know if you'd like any changes!"},
            "in Spanish": {"lyrics": f"¡Claro! Aquí tienes la letra:\n\n{LYRICS}"},
            "in Chinese": {"lyrics": f"好的\uff0c以下是歌词\uff1a\n\n{LYRICS}"},
        },
        misses={
            "sure": {"lyrics": f"[Intro]\nSure as the sun\n{LYRICS}"},
            "let me": {"lyrics": f"{LYRICS}\nLet me go"},
            "in the middle": verse(LINE, LINE, LINE, "Here is the song I know", LINE, LINE, LINE),
        },
    ),
    Cases(
        "L22",
        "warning",
        fires={
            "a chorus to be repeated": {"lyrics": f"{LYRICS}\n\n[Repeat Chorus]"},
            "a count": {"lyrics": f"{LYRICS}\n\n[Chorus x2]"},
            "in Spanish": {"lyrics": f"{LYRICS}\n\n[Coro bis]"},
        },
        misses={
            "a second chorus": {"lyrics": f"{LYRICS}\n\n[Chorus 2]"},
            "a final chorus": {"lyrics": f"{LYRICS}\n\n[Final Chorus]"},
            "on repeat": verse("Your song is on repeat"),
        },
    ),
    Cases(
        "L23",
        "warning",
        fires={
            "two on a line": verse(LINE, tag="Verse 1][whispered"),
            "three lines of them": {"lyrics": f"[Verse]\n[sad]\n[female vocal]\n{LINE}"},
            "three on a line": verse(LINE, tag="Verse][sad][female vocal"),
        },
        misses={
            "one under another": {"lyrics": f"[Verse]\n[whispered]\n{LINE}"},
            "a language": verse("[en] hello"),
            "set apart": {"lyrics": f"[Intro]\n\n[Guitar Solo]\n\n[Verse]\n{LINE}"},
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
            "a line that shares its images": named(
                f"{PROMPT} Morning light, river and yellow fields", "Morning light on yellow fields"
            ),
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
            "spoken words": verse("Come along", tag="Interlude - spoken word"),
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
            "17 syllables": verse("I never ever thought that I would be waiting on a river bank"),
            "over 66 characters": verse(
                "through dreadful nights strange thoughts branched, stretched, crept and fled"
            ),
            "27 morae": verse("いつまでもいつまでもあなたのことをおもいつづけるから"),
            "21 syllables of rap": named("rap by a rapper", LONG + " and all of it for free, baby"),
        },
        misses={
            "14 syllables": verse("I never ever thought that I'd be waiting on the shore"),
            "15 syllables of rap": named("rap by a rapper", LONG),
            "20 morae": verse("いつまでもあなたのことをおもいます"),
            "20 morae in Latin letters": verse(
                "itsumademo anata no koto wo omoimasu kono yoru ni mo"
            ),
            "a spoken line": verse(LONG, tag="Bridge - spoken word"),
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
