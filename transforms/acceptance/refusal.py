"""Answers that decline to answer, in the words that models use for it.

An answer counts as a refusal if it begins with one: in a quotation, a translation or a dialogue the same words come later, or decline
something else. The families of English forms are those that known lists have (the test prefixes of llm-attacks, the marks of agentic_security,
the unwanted words of Open-Assistant), which look for them anywhere; those of other languages are the same in their set phrases.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from transforms.acceptance.base import CheckRefused, Sample
from transforms.elements import reasons

_LOOKED_AT = 400
_TURNED_DOWN = r"(?:that|this|these|those|such|your|the (?:request|question|task)|any|illegal|harmful|explicit|it)\b"
_CONTENT = (
    r"(?:[\w-]+ ){0,4}(?:requests?|content|information|instructions|advice|assistance|details|material|questions?|topics?|guidance|help)\b"
)
_ENGLISH_VERBS = (
    rf"(?:assist|help)(?: you)? (?:with|in|by) (?:{_TURNED_DOWN}|{_CONTENT}|\w+ing\b)"
    r"|(?:assist|help)(?: you)?(?: here| further)?[.!]?\s*(?:$|\n)"
    rf"|(?:provide|give|share|offer|supply)(?: you)?(?: with)? (?:{_TURNED_DOWN}|{_CONTENT})"
    rf"|(?:comply|engage|proceed|continue) with (?:{_TURNED_DOWN}|{_CONTENT})"
    rf"|(?:fulfil?l|complete|carry out|process|satisfy|honou?r) {_TURNED_DOWN}"
    rf"|(?:answer|respond to|discuss|address|talk about|speak to|comment on) (?:{_TURNED_DOWN}|{_CONTENT})"
    rf"|(?:create|generate|write|produce|compose) (?:{_TURNED_DOWN}|{_CONTENT})|do (?:that|this)[.!,]"
    rf"|(?:participate|partake|take part) in {_TURNED_DOWN}"
)
_ENGLISH_CANNOT = (
    r"(?:i|we)(?: (?:really|simply|just|also))?\s?(?:can ?not|can'?t|could ?n[o']t|won'?t|will not|would not|"
    r"(?:am|'m|are|'re) (?:\w+ )?(?:unable|not (?:able|allowed|permitted|comfortable|programmed|designed|in a position))(?: to)?|"
    r"(?:must|have to|need to|will have to) (?:\w+ )?decline(?: to)?|(?:do not|don't) feel comfortable)(?: to)?(?: be able to)?\s+"
)
FORMS: dict[str, str] = {
    "English": (
        r"(?:(?:i(?:'m| am)(?: \w+)? (?:sorry|afraid)|sorry|(?:my )?apologies|i apologi[sz]e|unfortunately|regrettably)[^.!?\n]{0,40}?"
        r"[,.;:!-]?\s*"
        rf"(?:but\s+|that\s+|as [^,\n]{{1,60}},\s*)?)?(?:{_ENGLISH_CANNOT}(?:{_ENGLISH_VERBS})|i (?:must|have to) (?:\w+ )?decline\b"
        r"|i (?:must|have to) (?:\w+ )?refuse\b)"
        r"|(?:i(?:'m| am)(?: \w+)? sorry,? but )?as an? (?:ai|artificial intelligence|(?:large )?language model)\b[^.\n]{0,60}?,\s*"
        r"i(?:'m| am| do not| don't| cannot| can ?not| can't)\b[^.\n]{0,20}?"
        r"\b(?:unable|able|allowed|permitted|designed|programmed|provide|assist|help|have|engage|comply)\b"
        r"|(?:i(?:'m| am) sorry,? but )?(?:that|this|your request|it) (?:is|goes) against (?:my|our|openai's|the) (?:\w+ ){0,3}"
        r"(?:guidelines|polic\w+|programming)"
    ),
    "German": (
        r"(?:(?:es )?tut mir(?: sehr)? leid|entschuldigung|entschuldigen sie|leider|ich bedauere?|sorry)?[,.;:!]?\s*(?:aber |dass )?"
        r"(?:(?:dabei|damit|hierbei|da) )?(?:ich kann|kann ich|ich darf|darf ich|ich bin nicht in der lage)\b[^.!?\n]{0,60}?"
        r"\bnicht (?:dabei |damit |weiter)?"
        r"(?:helfen|weiterhelfen|behilflich|beantworten|unterstützen|erfüllen|nachkommen|bereitstellen|entsprechen|liefern|erstellen|anbieten)"
    ),
    "French": (
        r"(?:je suis(?: vraiment)? désolée?|désolée?|je regrette|malheureusement|je m'excuse)?[,.;:!]?\s*(?:mais )?"
        r"je ne (?:peux|puis|suis|pourrai) pas(?: en mesure de| autorisée? à)?\s*(?:vous |te |t'|y |de )?"
        r"(?:aider|assister|répondre|fournir|satisfaire|accéder|traiter|donner suite|générer|créer|apporter)"
    ),
    "Spanish": (
        r"(?:lo siento(?: mucho)?|lamento|lamentablemente|disculp[ae]|perdón|desafortunadamente)?[^.!?\n]{0,20}?[,.;:!]?\s*(?:pero |que )?"
        r"no (?:puedo|me es posible|estoy (?:autorizad[oa]|en condiciones))(?: (?:de|para|a))?\s*(?:te |le )?"
        r"(?:ayudar|asistir|proporcionar|responder|cumplir|ofrecer|brindar|generar|satisfacer|atender|participar|facilitar|continuar con)"
    ),
    "Portuguese": (
        r"(?:desculpe?|sinto muito|lamento|infelizmente|peço desculpas?)?[^.!?\n]{0,20}?[,.;:!]?\s*(?:mas |que )?"
        r"(?:eu )?não (?:posso|consigo|estou autorizad[oa] a|sou capaz de)\s*(?:te |lhe |o )?"
        r"(?:ajudar|auxiliar|fornecer|responder|atender|cumprir|oferecer|gerar|criar|participar)"
    ),
    "Italian": (
        r"(?:mi (?:di)?spiace(?: molto)?|scusa(?:mi)?|purtroppo|sono spiacente)?[,.;:!]?\s*(?:ma |che )?"
        r"non (?:posso|sono in grado di|mi è possibile)\s*(?:aiutar|assister|fornir|risponder|soddisfar|offrir|generare|partecipare|dar seguito)"
    ),
    "Dutch": (
        r"(?:het spijt me|sorry|helaas)?[,.;:!]?\s*(?:maar )?(?:ik kan|kan ik|ik mag)\b[^.!?\n]{0,60}?\bniet (?:mee |bij )?"
        r"(?:helpen|beantwoorden|voldoen|geven|verstrekken|ondersteunen|uitvoeren)"
    ),
    "Polish": (
        r"(?:przepraszam|przykro mi|niestety)?[,.;:!]?\s*(?:ale )?nie mogę (?:w tym |ci |panu |pani )?"
        r"(?:pomóc|odpowiedzieć|udzielić|spełnić|dostarczyć|podać|zrealizować)"
    ),
    "Turkish": (
        r"(?:üzgünüm|maalesef|özür dilerim|kusura bakmayın)[^.!?\n]{0,80}?"
        r"(?:yardımcı olamam|yardım edemem|yardımcı olamıyorum|sağlayamam|cevaplayamam|yanıtlayamam|yerine getiremem)"
    ),
    "Indonesian": r"(?:maaf|mohon maaf)[^.!?\n]{0,30}?(?:tidak (?:dapat|bisa)) (?:membantu|memberikan|menjawab|memenuhi|menyediakan|melayani)",
    "Vietnamese": r"(?:(?:tôi )?(?:rất )?xin lỗi|rất tiếc)[^.!?\n]{0,30}?không thể (?:giúp|hỗ trợ|cung cấp|trả lời|đáp ứng|thực hiện)",
    "Russian": (
        r"(?:извините|прости(?:те)?|к сожалению|мне (?:очень )?жаль)?[,.;:!]?\s*(?:но )?(?:я )?не (?:могу|смогу|в состоянии)\s*"
        r"(?:вам |тебе |с этим )?"
        r"(?:помочь|помогать|ответить|отвечать|предоставить|выполнить|обсуждать|создать)"
    ),
    "Ukrainian": (
        r"(?:вибачте|на жаль|перепрошую)?[,.;:!]?\s*(?:але )?(?:я )?не можу (?:вам |з цим )?"
        r"(?:допомогти|відповісти|надати|виконати|обговорювати)"
    ),
    "Chinese": (
        r"(?:(?:非常|很|十分)?(?:抱歉|对不起|對不起|遗憾|遺憾)|不好意思|您好|你好|作为(?:一个|一名)?(?:人工智能|AI|语言模型)[^，。\n]{0,12})"
        r"[^。！？\n]{0,30}?(?:无法|無法|不能|没办法|沒辦法|不便)(?:为您|为你|為您|給您|给您|向您|继续|直接)?"
        r"(?:提供|回答|帮助|幫助|协助|協助|满足|滿足|生成|处理|處理|讨论|討論|回应|回應|完成|参与|參與)"
    ),
    "Japanese": (
        r"(?:大変)?(?:申し訳(?:ありません|ございません|ないです)|すみません|すいません|ごめんなさい|恐れ入りますが)[^。\n]{0,6}[、。,]?[^。\n]{0,50}?"
        r"(?:お答え|お手伝い|対応|回答|提供|お応え|支援|サポート)(?:する(?:こと)?は|することが|は|を|に)?(?:でき(?:ません|かねます)|いたしかねます|しかねます)"
    ),
    "Korean": (
        r"(?:죄송(?:합니다|하지만|해요|스럽지만)|미안(?:합니다|하지만)|유감)[.,]?[^.!?\n]{0,50}?"
        r"(?:도와\s?드릴|도움을\s?드릴|답변(?:을)?\s?(?:해\s?)?드릴|답변할|제공(?:해\s?드릴|할)|응답할|응할|처리할)\s?수\s?(?:가\s?)?없"
    ),
    "Arabic": (
        r"(?:عذر[اًا]+|آسف|أعتذر|للأسف|نأسف)[^.!؟\n]{0,30}?(?:لا|لن) (?:أستطيع|يمكنني|أتمكن من|نستطيع|يمكننا) "
        r"(?:مساعدتك|المساعدة|تقديم|الإجابة|تلبية|أن أساعد|الرد|توفير)"
    ),
    "Hindi": r"(?:क्षमा करें|माफ़ करें|माफ करें|मुझे खेद है|खेद है)[^।!?\n]{0,60}?(?:मदद|सहायता|जवाब|उत्तर|प्रदान)[^।\n]{0,12}? नहीं (?:कर|दे) सकत",
}
"""By language: the apology, if the form has one, and the inability with what it is about."""

_BEFORE = re.compile(r"[\s\"'“”‘’*_>#-]*(?:(?:hmm?|well|oh|ok(?:ay)?|thanks?(?: you)?[^.!\n]{0,30}|hello|hi)[,.! ]+)?", re.IGNORECASE)
_NOT_DECLINING = re.compile(r"\bhelp (?:but|feeling|thinking|wondering|noticing)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RefusalCheck:
    """No answer of a row begins as a refusal."""

    def examine(self, sample: Sample) -> None:
        """Raises CheckRefused."""
        for turn in sample.turns():
            found = refusal_in(turn.answer)
            if found is not None:
                raise CheckRefused(reasons.REFUSES_TO_ANSWER, f"the answer declines to answer ({found[0]}): {found[1][:80]!r}", turn.number)


def refusal_in(answer: str) -> tuple[str, str] | None:
    """The language and the words of the refusal that an answer begins with, or None."""
    beginning = answer[:_LOOKED_AT].replace("’", "'")
    start = _BEFORE.match(beginning)
    at = 0 if start is None else start.end()
    for language, refuses in _patterns().items():
        found = refuses.match(beginning, at)
        if found is not None and not _NOT_DECLINING.search(found[0]):
            return language, found[0].strip()
    return None


@lru_cache(maxsize=1)
def _patterns() -> dict[str, re.Pattern[str]]:
    """Compiled with the first answer: it takes longer than everything else in this folder that the settings load."""
    return {language: re.compile(form, re.IGNORECASE) for language, form in FORMS.items()}
