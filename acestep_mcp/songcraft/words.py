"""What lyric sheets write around the words, in the languages people sing in: data, no rules.

Each list holds lower-case words or phrases. A language is added by adding words; the order of the
languages is English, Chinese, Japanese, Korean, Spanish, Portuguese, French, German, Italian,
Russian, Ukrainian, Polish, Turkish, Vietnamese, Thai, Hindi, Arabic, Hebrew.
"""

HEADINGS: dict[str, str] = {
    "Pre-Chorus": "pre-chorus|pre chorus|prechorus|pre-hook|build-up|导歌|導歌|预副歌|Bメロ|プレコーラス"
    "|프리코러스|프리 코러스|pre-coro|pre-estribillo|precoro|preestribillo|pré-refrão|pre-refrão"
    "|pré-refrain|prérefrain|pre-refrain|bridge zum refrain|pre-ritornello|предприпев|пред-припев"
    "|передприспів|przedrefren|ön nakarat|nakarat öncesi|tiền điệp khúc|ท่อนก่อนฮุก|พรีฮุก"
    "|प्री-कोरस|ما قبل اللازمة|פרה-פזמון|טרום פזמון",
    "Post-Chorus": "post-chorus|post chorus|postchorus",
    "Final Chorus": "final chorus|last chorus|大サビ|ラスサビ|last サビ|estribillo final|coro final"
    "|refrão final|refrain final|letzter refrain|ritornello finale|последний припев|son nakarat"
    "|điệp khúc cuối",
    "Chorus": "chorus|refrain|hook|副歌|サビ|コーラス|후렴|코러스|estribillo|coro|refrão|refrao|refrain"
    "|kehrreim|ritornello|припев|приспів|refren|nakarat|điệp khúc|ท่อนฮุก|ฮุก|คอรัส|कोरस|मुखड़ा"
    "|اللازمة|لازمة|الكورس|كورس|פזמון",
    "Verse": "verse|couplet|stanza|主歌|Aメロ|ヴァース|バース|벌스|절|verso|estrofa|estrofe|couplet"
    "|strophe|vers|strofa|куплет|zwrotka|kıta|verse|lời|ท่อน|เวิร์ส|ท่อนเวิร์ส|अंतरा|पद|वर्स"
    "|المقطع|مقطع|بيت|בית",
    "Bridge": "bridge|middle eight|middle 8|桥段|橋段|过渡|Cメロ|ブリッジ|브릿지|브리지|puente|ponte"
    "|pont|überleitung|special|бридж|мост|бридж|міст|most|mostek|köprü|cầu nối|đoạn chuyển"
    "|ท่อนบริดจ์|บริดจ์|ब्रिज|الجسر|جسر|גשר|סי פארט",
    "Intro": "intro|introduction|前奏|开场|イントロ|인트로|전주|introducción|introdução|introduction"
    "|einleitung|introduzione|вступление|інтро|вступ|вступ|wstęp|giriş|dạo đầu|mở đầu|อินโทร"
    "|इंट्रो|مقدمة|المقدمة|פתיחה|אינטרו",
    "Outro": "outro|ending|coda|尾奏|结尾|尾声|アウトロ|エンディング|아웃트로|후주|final|cierre"
    "|encerramento|fin|schluss|ende|finale|концовка|аутро|кінцівка|аутро|zakończenie|outro|çıkış"
    "|kết|đoạn kết|เอาท์โทร|आउट्रो|خاتمة|الخاتمة|סיום|אאוטרו",
    "Interlude": "interlude|instrumental|间奏|間奏|インタールード|間奏|간주|interludio|interlúdio"
    "|interlude|zwischenspiel|intermezzo|проигрыш|програш|przerywnik|ara müzik|ara nağme|gian tấu"
    "|dạo giữa|ดนตรี|इंटरल्यूड|فاصل|فاصل موسيقي|מעבר",
    "Guitar Solo": "guitar solo|吉他独奏|吉他獨奏|ギターソロ|기타 솔로|solo de guitarra"
    "|solo de guitare|gitarrensolo|assolo di chitarra|соло гитары|гитарное соло|соло гітари"
    "|solo gitarowe|gitar solosu|gitar solo|độc tấu guitar|โซโล่กีตาร์|गिटार सोलो|عزف منفرد"
    "|סולו גיטרה",
    "Solo": "solo|ソロ|独奏|獨奏|솔로|соло|โซโล่",
}
"""How a section is headed, by the tag that ACE-Step reads for it."""

SURE_HEADINGS = (
    "pre-chorus|pre chorus|prechorus|post-chorus|chorus|verse|intro|outro|interlude|guitar solo"
    "|副歌|主歌|サビ|大サビ|aメロ|bメロ|cメロ|间奏|間奏|前奏|尾奏|후렴|간주|전주|estribillo"
    "|refrão|pré-refrão|strophe|kehrreim|ritornello|припев|куплет|приспів|проигрыш|refren|zwrotka"
    "|nakarat|điệp khúc|ท่อนฮุก|अंतरा|اللازمة|פזמון|ギターソロ|吉他独奏|solo de guitarra|solo de guitare"
)
"""Headings that nobody takes for words, although nothing marks them."""

NUMBERS = (
    "one|two|three|four|five|six|first|second|third|i{1,3}|iv|v|uno|dos|tres|um|dois|três|un|deux"
    "|trois|eins|zwei|drei|due|tre|один|два|три|[一二三四五六七八九十]|[１-９]|\\d{1,2}"
)

PLACES = (
    "title|song title|song|artist|performed by|singer|lyrics|lyrics by|words by|music by|written by"
    "|composer|composed by|album|genre|style|mood|tempo|bpm|key|capo|tuning|time|time signature"
    "|duration|length|copyright|歌名|标题|標題|歌手|作词|作詞|作曲|词|詞|曲|编曲|編曲|歌词|歌詞|曲名"
    "|タイトル|歌|キー|テンポ|제목|노래|가수|작사|작곡|가사|título|titulo|artista|letra|letra y música"
    "|autor|género|tono|tonalidad|canción|gênero|tom|música|titre|artiste|paroles|musique|genre"
    "|tonalité|titel|interpret|text|musik|tonart|stil|titolo|testo|genere|tonalità|название|песня"
    "|исполнитель|слова|музыка|текст|жанр|темп|тональность|назва|виконавець|слова|пісня|tytuł"
    "|wykonawca|słowa|muzyka|tekst|gatunek|başlık|sanatçı|söz|müzik|şarkı|tür|tiêu đề|tên bài hát"
    "|ca sĩ|sáng tác|thể loại|ชื่อเพลง|ศิลปิน|เนื้อร้อง|ทำนอง|शीर्षक|गीत|गायक|संगीत|العنوان|عنوان"
    "|كلمات|ألحان|غناء|שם השיר|מילים|לחן|ביצוע"
)
"""What a line says that a colon follows, and that is about the song instead of in it."""

INTRODUCING = (
    "capo|tuning|words|lyrics|music|written|composed|copyright|tempo|bpm|first|second|third|last|final"
    "|repeat"
)
"""With what such a line begins where it has no colon, and a heading or a direction besides."""

SINGERS: dict[str, str] = {
    "male vocal": "male|man|boy|him|male vocal|male voice|male singer|guy|男|男声|男聲|男生|男性|남|남자|남성"
    "|hombre|él|chico|homem|ele|homme|lui|garçon|mann|er|junge|uomo|ragazzo|мужчина|он|парень"
    "|чоловік|він|mężczyzna|on|erkek|nam|ชาย|पुरुष|رجل|גבר",
    "female vocal": "female|woman|girl|her|female vocal|female voice|female singer|女|女声|女聲|女生|女性|여"
    "|여자|여성|mujer|ella|chica|mulher|ela|femme|elle|fille|frau|sie|mädchen|donna|ragazza|женщина"
    "|она|девушка|жінка|вона|kobieta|ona|kadın|nữ|หญิง|स्त्री|महिला|امرأة|אישה",
    "duet": "both|duet|all|together|everyone|合|合唱|齐唱|齊唱|全員|二人|一緒|모두|같이|합창|ambos|los dos"
    "|juntos|todos|os dois|tous|les deux|ensemble|beide|alle|zusammen|insieme|tutti|вместе|оба|все"
    "|разом|обоє|razem|oboje|birlikte|cùng nhau|song ca|พร้อมกัน|दोनों|معا|ביחד",
    "rap": "rap|rapper|mc|说唱|說唱|ラップ|랩|рэп|реп",
}
"""Who sings a line, by what the tag of a section says of them."""

FILL = (
    "the|a|an|and|with|soft|loud|quiet|long|short|big|heavy|gentle|slow|fast|deep|male|female|voice"
    "|vocal|vocals|audience|background|backing|very|again|bar|bars|second|seconds|times|x|1|2|3|4|8"
    "|16|de|del|la|el|los|las|le|les|du|des|da|do|di|der|die|das|und|y|e|et|i|и|та|ve|pour|por"
    "|на|по|ال|ה"
)
"""What may stand between the words of a direction."""

MANNERS = (
    "whisper(?:s|ed|ing)?|softly|spoken(?: word)?|speaking|speaks|humming|hums|shout(?:s|ed|ing)"
    "|scream(?:s|ed|ing)|screams|laugh(?:s|ing|ter)|sigh(?:s|ing)|giggl(?:es|ing)|cry(?:ing)|sobbing"
    "|applause|cheer(?:s|ing)|clapping|claps|crowd(?: noise)?|crowd (?:cheers|cheering|roars)"
    "|ad-?libs?|harmon(?:y|ies|izing)|a ?cappella|falsetto|belting|scatting|beatbox(?:ing)?"
    "|vocali[sz](?:e|ing)|narrat(?:ed|ion)|dramatic pause|pause|silence|key change|modulat(?:es|ion)"
    "|quietly|loudly|gently|slowly|sung softly|echo(?:es|ing)|reverb|fad(?:e|es|ing)(?:[ -](?:out|in))?"
    "|轻声|輕聲|低语|低語|耳语|念白|独白|獨白|哼唱|喊|叹息|笑|笑声|掌声|欢呼|和声|渐弱|重复|重複"
    "|セリフ|台詞|語り|囁き|ささやき|ハミング|拍手|歓声|笑い声|くり返し|繰り返し|フェードアウト"
    "|속삭임|속삭이며|나레이션|허밍|박수|환호|웃음|반복|페이드아웃"
    "|susurr(?:ando|ado|o)|hablado|tarareando|tarareo|aplausos|risas|gritando|gritos|llorando|bis"
    "|se repite|repetir|suavemente|coros"
    "|sussurr(?:ando|ado)|falado|cantarolando|palmas|sussurro|sussurros|repete|repetir"
    "|chuchot(?:é|er|ant|ements?)|murmur(?:é|e|ant)|parlé|fredonn(?:é|ant)|applaudissements|rires"
    "|crié|doucement"
    "|geflüstert|flüsternd|gesprochen|gesummt|summend|leise|applaus|jubel|lachen|wiederholen"
    "|wiederholung|geschrien"
    "|sussurrato|parlato|bisbigliato|applausi|risate|ripetere|ripete|a bocca chiusa"
    "|шёпотом|шепотом|шёпот|говорит|говорком|речитатив|напевает|аплодисменты|смех|повтор"
    "|повторяется|тихо|крик|\\d раза?|пошепки|говорить|оплески|сміх|повторити|тихо"
    "|szeptem|szept|mówione|nucenie|nucąc|oklaski|śmiech|powtórz|cicho"
    "|fısıltı|fısıltıyla|fısıldayarak|konuşma|konuşarak|mırıldanarak|alkış|alkışlar|gülüşmeler"
    "|tekrar|sessizce|thì thầm|nói|ngân nga|vỗ tay|cười|lặp lại|nhỏ nhẹ"
    "|กระซิบ|พูด|ฮัม|ฮัมเพลง|ปรบมือ|หัวเราะ|ซ้ำ|फुसफुसाते हुए|फुसफुसाहट|गुनगुनाते हुए|तालियाँ"
    "|दोहराएं|दोहराएँ|बोलकर|همسا|همسًا|همس|كلام|تصفيق|ضحك|تكرار|يكرر|תצחוק|בלחישה|לחישה|דיבור"
    "|מחיאות כפיים|צחוק|חוזר|פעמיים"
)
"""How something is done, which says nothing that anybody would sing in brackets."""

INSTRUMENTS = (
    "guitars?|piano|sax(?:ophone)?|drums?|synths?|bass|violins?|flute|trumpets?|strings?|brass"
    "|horns?|choir|band|orchestra|organ|cello|harp|harmonica|accordion|beat|music|instruments?"
    "|percussion|bells?|instrumental"
    "|吉他|钢琴|鋼琴|鼓|弦乐|小提琴|贝斯|音乐|ギター|ピアノ|ドラム|ストリングス|ベース|音楽|기타|피아노|드럼"
    "|현악|음악|guitarra|batería|cuerdas|violín|bajo|música|banda|violão|bateria|cordas|sanfona|guitare"
    "|batterie|cordes|violon|musique|basse|gitarren?|schlagzeug|streicher|klavier|geige|musik"
    "|chitarra|batteria|archi|violino|pianoforte|musica|гитара|гитары|барабаны|струнные|скрипка"
    "|пианино|фортепиано|музыка|бас|гітара|барабани|струнні|музика|gitara|perkusja|smyczki|skrzypce"
    "|muzyka|fortepian|gitar|davul|yaylılar|keman|piyano|müzik|đàn|trống|nhạc|กีตาร์|กลอง|เปียโน"
    "|ไวโอลิน|गिटार|ड्रम|पियानो|वायलिन|जيتार|غيتار|جيتار|طبول|بيانو|كمان|موسيقى|عزف|גיטרה|תופים|פסנתר"
    "|כינור|מוזיקה|מוסיקה"
)
ACTIONS = (
    "solos?|riffs?|breaks?|breakdown|fills?|interlude|section|intro|outro|passage|enters?|entering"
    "|comes?|comes? in|joins?|kicks? in|drops?|stops?|fades?|plays?|playing|swells?|build(?:s|ing)?|only"
    "|starts?|continues?|in|out|up|hits?"
    "|独奏|獨奏|进入|響起|响起|渐强|ソロ|入る|始まる|솔로|시작|solo|entra|entran|suena|suenan|sube"
    "|entram|toca|entre|entrent|joue|jouent|monte|setzt ein|setzen ein|beginnt|spielt|assolo|entrano"
    "|suona|suonano|соло|вступает|вступают|играет|звучит|вступає|вступають|грає|звучить|wchodzi"
    "|wchodzą|gra|grają|girer|girer|başlar|çalar|solosu|vào|vang lên|độc tấu|เข้า|โซโล่|บรรเลง"
    "|सोलो|शुरू|बजता है|يبدأ|تدخل|منفرد|נכנסת|נכנס|נכנסים|סולו|מתחילה"
)
"""What an instrument does in a direction."""

CHAT = (
    r"(?:sure|of course|certainly|absolutely|great|okay|ok|no problem)[!,.:]"
    r"|here(?:'s| is| are|’s)\b.{0,60}\b(?:lyrics?|song|verses?|version)"
    r"|(?:below|these) (?:is|are) .{0,40}lyrics"
    r"|(?:i hope|hope) (?:you|this)|let me know\b|would you like me to|feel free to"
    r"|if you(?:'d| would) like|do you want me to|enjoy!|want me to (?:change|adjust)"
    r"|(?:this|the) song (?:captures|tells|explores|has)\b|i(?:'ve| have) (?:written|kept|tried)"
    r"|(?:¡?claro|por supuesto|aquí (?:tienes?|está)|aquí va|espero que te guste|avísame si)\b"
    r"|(?:claro|aqui está|aqui vai|espero que goste|me avise)\b.{0,60}[!:.]?$"
    r"|(?:bien sûr|voici|j'espère que|n'hésitez pas|dites-moi si)\b.{0,60}[!:.]?$"
    r"|(?:natürlich|gerne|hier (?:ist|sind))\b.{0,60}(?:text|lied|song)|ich hoffe,? (?:er|es|das|der)"
    r"|sag(?:en sie)? (?:mir )?bescheid"
    r"|(?:certo|ecco)\b.{0,50}(?:testo|canzone)|spero che ti piaccia|fammi sapere"
    r"|(?:конечно|вот (?:текст|ваш|твоя|песня))\b.{0,60}[!:.]?$|надеюсь,? (?:вам|тебе)|дай(?:те)? знать"
    r"|(?:звісно|ось (?:текст|ваш|пісня))\b.{0,60}[!:.]?$|(?:oczywiście|oto (?:tekst|piosenka))\b"
    r"|(?:tabii|işte)\b.{0,40}(?:sözler|şarkı)|umarım beğenirsin"
    r"|(?:tất nhiên|đây là)\b.{0,40}(?:lời|bài hát)|hy vọng bạn|แน่นอน|นี่คือเนื้อเพลง|หวังว่า(?:คุณ)?จะชอบ"
    r"|(?:ज़रूर|बिल्कुल)[!,]|यह रहे|आशा है|بالتأكيد|إليك كلمات|آمل أن|בטח|הנה (?:המילים|השיר)|מקווה ש"
    r"|(?:好的|当然|當然)[，,！!].{0,40}|(?:以下|这|這|下面)是.{0,30}(?:歌词|歌詞|歌)|希望(?:你|您)喜欢"
    r"|如果(?:你|您)?(?:需要|想).{0,20}(?:修改|调整|調整)"
    r"|(?:もちろん|はい)[、！!].{0,40}|(?:こちら|以下)が.{0,20}歌詞|いかがでしょうか|気に入って"
    r"|(?:물론|네)[,!].{0,40}|(?:여기|다음은).{0,20}가사|마음에 드시|원하시면"
)
"""How assistants begin and end, at the start of a line."""
