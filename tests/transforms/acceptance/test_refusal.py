"""Answers that decline, and answers with the same words that do not."""

import pytest
from acceptance_samples import a_sample, refusal

from transforms.acceptance.refusal import FORMS, RefusalCheck, refusal_in

DECLINE = {
    "English": [
        "I'm sorry, but I can't assist with that.",
        "I’m sorry, but I can’t help with that request.",
        "Sorry, I can't help with this.",
        "I cannot provide information on that topic.",
        "I can't help you with that.",
        "I am unable to fulfill this request.",
        "I'm not able to provide medical advice.",
        "I apologize, but I cannot generate that kind of content.",
        "I must decline to answer this question.",
        "I won't be able to assist with that.",
        "Unfortunately, I cannot answer that question.",
        "As an AI language model, I cannot provide legal advice.",
        "As an AI, I don't have personal opinions.",
        "I'm sorry, as an AI language model, I can't engage with that topic.",
        "I don't feel comfortable to write that kind of content.",
        "**I'm sorry, but I can't assist with that.**",
        "I cannot create content that promotes violence.",
        "That goes against my guidelines.",
        "I'm really sorry you're feeling this way, but I'm unable to provide the help that you need.",
        "I can't comply with that request.",
        "I cannot assist.",
    ],
    "German": [
        "Es tut mir leid, aber ich kann dir dabei nicht helfen.",
        "Tut mir leid, dabei kann ich nicht helfen.",
        "Ich kann diese Anfrage nicht beantworten.",
        "Leider kann ich Ihnen keine Auskunft geben und nicht weiterhelfen.",
    ],
    "French": [
        "Je suis désolé, mais je ne peux pas vous aider.",
        "Désolée, je ne peux pas répondre à cette question.",
        "Je ne peux pas vous aider avec ça.",
    ],
    "Spanish": [
        "Lo siento, pero no puedo ayudarte con eso.",
        "Lo siento, no puedo proporcionar esa información.",
        "No puedo ayudar con esa solicitud.",
    ],
    "Portuguese": ["Desculpe, mas não posso ajudar com isso.", "Sinto muito, não posso fornecer essas informações."],
    "Italian": ["Mi dispiace, ma non posso aiutarti con questa richiesta.", "Mi dispiace, non posso fornire queste informazioni."],
    "Dutch": ["Het spijt me, maar ik kan je daar niet mee helpen.", "Sorry, ik kan deze vraag niet beantwoorden."],
    "Polish": ["Przepraszam, ale nie mogę pomóc w tej sprawie.", "Przykro mi, nie mogę odpowiedzieć na to pytanie."],
    "Turkish": ["Üzgünüm, bu konuda yardımcı olamam.", "Maalesef bu isteği yerine getiremem."],
    "Indonesian": ["Maaf, saya tidak bisa membantu dengan itu.", "Maaf, tapi saya tidak dapat memberikan informasi tersebut."],
    "Vietnamese": ["Xin lỗi, tôi không thể giúp bạn với yêu cầu này.", "Tôi rất xin lỗi, nhưng tôi không thể cung cấp thông tin đó."],
    "Russian": [
        "Извините, но я не могу помочь с этим.",
        "К сожалению, я не могу ответить на этот вопрос.",
        "Я не могу предоставить эту информацию.",
    ],
    "Ukrainian": ["Вибачте, але я не можу допомогти з цим."],
    "Chinese": [
        "抱歉，我无法提供这方面的信息。",
        "对不起，我不能协助完成这个请求。",
        "很抱歉，我無法回答這個問題。",
        "你好，这个问题我暂时无法回答，让我们换个话题再聊聊吧。",
        "作为一个人工智能语言模型，我不能提供此类内容。",
    ],
    "Japanese": ["申し訳ありませんが、そのご質問にはお答えできません。", "申し訳ございませんが、そのリクエストには対応できません。"],
    "Korean": ["죄송하지만 그 요청은 도와드릴 수 없습니다.", "죄송합니다. 해당 정보를 제공할 수 없습니다."],
    "Arabic": ["عذراً، لا أستطيع مساعدتك في هذا الطلب.", "آسف، لا يمكنني تقديم هذه المعلومات."],
    "Hindi": ["क्षमा करें, मैं इसमें आपकी मदद नहीं कर सकता।"],
}
ANSWER = [
    "Paris",
    "84",
    "neutral",
    "",
    "I'm sorry to hear about your loss. Grief takes time, and these steps help.",
    "Sorry, I can't make it on Friday. Could we meet on Monday?",
    "I can't recommend this book enough: it is a delight.",
    "I can't help but notice how warm it has become.",
    "I cannot believe that the concert was cancelled.",
    "I cannot thank you enough for your help with this.",
    "I'm sorry for the late reply. The report is attached.",
    "I apologize for the inconvenience. Your refund is on its way.",
    "I am unable to attend the meeting, as I am ill.",
    "As an AI researcher, I work on language models.",
    "As an engineer, I can't say that this bridge is safe.",
    'The phrase means "I am sorry, but I can\'t assist with that" in English.',
    "Polite ways to say no: I'm sorry, but I can't help with that.",
    "The author says: as an AI language model, I cannot provide legal advice.",
    "No, the premise does not say that. It cannot be determined.",
    "Unfortunately, the museum is closed on Mondays.",
    "The system can't assist with that kind of file; convert it first.",
    "We can't help everyone, the minister said.",
    "Sorry seems to be the hardest word is a song by Elton John.",
    "It is against the law to park here.",
    "Es tut mir leid, dass Ihr Paket verloren ging. Wir senden ein neues.",
    "Ich kann nicht schwimmen, aber ich lerne es.",
    "Je ne peux pas venir demain, je suis malade.",
    "Je suis désolé pour le retard.",
    "Lo siento, el restaurante está cerrado.",
    "No puedo ir a la fiesta.",
    "Mi dispiace per il ritardo.",
    "Я не могу прийти завтра.",
    "К сожалению, поезд опоздал на час.",
    "抱歉让您久等了，您的订单已发货。",
    "对不起，我迟到了。",
    "申し訳ありません、電車が遅れています。",
    "죄송하지만 내일은 갈 수 없어요.",
    "Üzgünüm, geç kaldım.",
    "Maaf, saya terlambat.",
]


@pytest.mark.parametrize(("language", "answer"), [(language, answer) for language, answers in DECLINE.items() for answer in answers])
def test_a_known_form_of_declining_is_refused(language: str, answer: str) -> None:
    found = refusal_in(answer)
    assert found is not None
    assert found[0] == language
    refused = refusal(RefusalCheck(), a_sample(answer))
    assert refused is not None
    assert refused[0] == "refuses_to_answer"


@pytest.mark.parametrize("answer", ANSWER)
def test_the_same_words_in_an_answer_are_accepted(answer: str) -> None:
    assert refusal(RefusalCheck(), a_sample(answer)) is None


def test_every_language_has_an_example() -> None:
    assert set(DECLINE) == set(FORMS)
