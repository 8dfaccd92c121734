"""Where a row lists its labels, the answer is one of them."""

import json

import pytest
from builders import a_reply

from transforms.elements import reasons
from transforms.elements.rows import ChatMessage, RowOrigin, Split, TrainingRow
from transforms.elements.tasks import TaskType
from transforms.prompts.base import AnswerRejected
from transforms.prompts.label_lists import Label
from transforms.prompts.listed_labels import labels_in, labels_in_question, lettered_choices, with_choices
from transforms.prompts.named_label import named_label
from transforms.prompts.progress import extract_answer
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import AnswerRules, PromptSpec

NLI, YES_NO, LETTERS = ("entailment", "neutral", "contradiction"), ("yes", "no"), ("A", "B", "C", "D", "E")

LISTS = {
    "Answer only with 'entailment', 'neutral' or 'contradiction'.": NLI,
    "Your output should only be one of the three labels: 'entailment', 'neutral', or 'contradiction'.": NLI,
    'Reply with "entailment", "neutral", or "contradiction" and nothing else.': NLI,
    "The labels are “entailment”, “neutral” and “contradiction”.": NLI,
    "Output `entailment`, `neutral` or `contradiction`.": NLI,
    "Output **entailment**, **neutral** or **contradiction**.": NLI,
    "Label the pair <entailment>, <neutral> or <contradiction>.": NLI,
    "The label is 'entailment' if it follows, 'neutral' if it may, or 'contradiction' if it cannot be.": NLI,
    "Answer 'entailment' (it follows), 'neutral' (it may) or 'contradiction' (it cannot be).": NLI,
    'Choose from ["entailment", "neutral", "contradiction"].': NLI,
    "Allowed values: [entailment, neutral, contradiction]": NLI,
    "Output one of {entailment, neutral, contradiction}.": NLI,
    "Labels: entailment, neutral, contradiction. Reply with one.": NLI,
    "Labels: entailment | neutral | contradiction": NLI,
    "Classify into: entailment; neutral; contradiction": NLI,
    "Pick one of: entailment, neutral, contradiction.": NLI,
    "Reply with exactly one of these words: entailment, neutral, contradiction": NLI,
    "Labels:\n- entailment\n- neutral\n- contradiction\nAnswer with the label only.": NLI,
    "Choose one of the following labels:\n1. entailment\n2. neutral\n3. contradiction": NLI,
    "Label:\n* 'entailment': it follows\n* 'neutral': it may\n* 'contradiction': it cannot be\n": NLI,
    "Determine if it is entailment, neutral, or contradiction.": NLI,
    "The valid labels are entailment, neutral and contradiction.": NLI,
    "Classify the pair as entailment, neutral or contradiction.": NLI,
    "Answer yes or no.": YES_NO,
    "Answer with yes or no only.": YES_NO,
    "Reply with yes/no.": YES_NO,
    "Is this spam? (yes/no)": YES_NO,
    "Only answer 'yes' or 'no', without an explanation.": YES_NO,
    "Responda 'yes' o 'no'.": YES_NO,
    "Your answer must be one of A, B, C, D, or E.": LETTERS,
    "Reply with the letter (A-E) only.": LETTERS,
    "Your output should only be one of the five choices: 'A', 'B', 'C', 'D', or 'E'.": LETTERS,
    "Say SUPPORTED, REFUTED or NOT ENOUGH INFO.": ("SUPPORTED", "REFUTED", "NOT ENOUGH INFO"),
    "Options: very good, good, neither good nor bad, bad": ("very good", "good", "neither good nor bad", "bad"),
    "Classify into one of these categories: World, Sports, Sci/Tech.": ("World", "Sports", "Sci/Tech"),
    "Output only: 0 or 1": ("0", "1"),
    "Respond with only the intent name: book_flight, cancel_flight": ("book_flight", "cancel_flight"),
    "Return one of the following labels only (lowercase): toxic, non-toxic": ("toxic", "non-toxic"),
    "Give me one of three options - low, medium, high.": ("low", "medium", "high"),
    "Respond only with: Positive / Negative": ("Positive", "Negative"),
    "Mark each as follows: true, false, or unknown.": ("true", "false", "unknown"),
    "If it follows output 'entailment'; if it may output 'neutral'; else output 'contradiction'.": NLI,
    "Select the best answer from choices 'A' through 'E'.": LETTERS,
    "Answer with A-E.": LETTERS,
    "Ответь только «да» или «нет».": ("да", "нет"),
    "请只回答“是”或“否”。": ("是", "否"),
    "只输出以下标签之一：蕴含、矛盾、中立": ("蕴含", "矛盾", "中立"),
    "从A、B、C中选择一个，只输出字母。": ("A", "B", "C"),
    "「はい」か「いいえ」で答えてください。": ("はい", "いいえ"),
    "Respond with: Entailment, Contradiction, or Neutral.": ("Entailment", "Contradiction", "Neutral"),
    "Determine the relationship: entailment / neutral / contradiction": NLI,
    "Choose one: agree, disagree, neither.": ("agree", "disagree", "neither"),
    "Answer format: yes or no": ("yes", "no"),
    "Tag the text with one of the topics sports, politics or science.": ("sports", "politics", "science"),
    "Topics:\nsports\npolitics\nworld news\n\nAnswer with one topic.": ("sports", "politics", "world news"),
    "Decide if the claim is true, mostly true, half true, or false.": ("true", "mostly true", "half true", "false"),
    "0 = negative, 1 = positive. Output only the number.": ("0", "1"),
    "Classify as 0 (negative), 1 (neutral) or 2 (positive).": ("0", "1", "2"),
    "Label each review P (positive) or N (negative).": ("P", "N"),
    "Return 1 if the text is toxic, otherwise return 0.": ("1", "0"),
    "Print YES if it is a question, else print NO.": ("YES", "NO"),
    "Antworte nur mit Ja oder Nein.": ("Ja", "Nein"),
    "Réponds uniquement par oui ou non.": ("oui", "non"),
    "Responde solo con sí o no.": ("sí", "no"),
    "Klassifiziere den Text als positiv, negativ oder neutral. Gib nur das Label aus.": ("positiv", "negativ", "neutral"),
    "Clasifica el texto como positivo, negativo o neutro.": ("positivo", "negativo", "neutro"),
    "Classe le texte comme positif, négatif ou neutre.": ("positif", "négatif", "neutre"),
    "将文本分类为：体育、政治、科技。只输出类别。": ("体育", "政治", "科技"),
    "判断情感是正面还是负面，只回答正面或负面。": ("正面", "负面"),
    "テキストを肯定、否定、中立のいずれかに分類してください。": ("肯定", "否定", "中立"),
    "다음 문장을 긍정 또는 부정으로 분류하세요.": ("긍정", "부정"),
    "请判断情感，只能回答：正面、负面、中性。": ("正面", "负面", "中性"),
    "次のいずれかで答えてください：肯定、否定、中立": ("肯定", "否定", "中立"),
    "긍정, 부정, 중립 중 하나로 답하세요.": ("긍정", "부정", "중립"),
}
NO_LISTS = (
    "You are a helpful assistant.",
    "Never say 'maybe' or 'perhaps'.",
    "Use words such as 'good' or 'bad'.",
    "Respond with a word or phrase.",
    "Answer in English or French.",
    "Answer 'a' or 'b'. For pairs answer 'c' or 'd'.",
    'Return JSON with the keys "label" and "score".',
    "Be kind, brief and exact.",
    "A. Be brief.\nB. Be kind.",
    "- Be brief.\n- Be kind.",
    "Is it 'hot' or 'cold' today?",
    "The 'label' of 'text' comes last.",
    "“北京”和“上海”是城市。",
    "天气、心情、时间",
    "Respond with: a short poem or a story.",
    "Output: the name, age and city of the person.",
    "Return all labels that apply: joy, anger, fear.",
    "Decide if the man is tall, has a car, or drinks beer.",
    "Let A = 3 and B = 4. Answer the question.",
    "Here are sample answers:\nParis\nLondon\n\nBe brief.",
    "Answer with a score between 1 (worst) and 5 (best).",
    "Return a value from 0 (no) or 1 (yes).",
    "Only say 1 (bad) or 10 (good) or what lies between.",
    "Answer in 2 sentences (short) or 3 bullets (long).",
    "Topics to avoid:\nsports\npolitics\n\nAnswer briefly.",
)


@pytest.mark.fault("D13")
@pytest.mark.parametrize("instructions", LISTS)
def test_lists(instructions: str) -> None:
    assert tuple(label.name for label in labels_in(instructions)) == LISTS[instructions]


@pytest.mark.fault("D13")
@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("Review: It was fine.\nSentiment (positive/negative/neutral):", ("positive", "negative", "neutral")),
        ("Intents: book_flight, cancel_flight\nText: I want to fly", ("book_flight", "cancel_flight")),
        ("Categories: [sports, politics]. Text: A goal!", ("sports", "politics")),
        ("Classify: 0 = negative, 1 = positive. Output only the number.\nText: fine", ("0", "1")),
        ("Labels:\nspam\nham\n\nText: Buy now!", ("spam", "ham")),
        ("Choose the right word: affect or effect?", ()),
        ("What is it?\nA. red\nB. blue\nAnswer:", ()),
    ],
)
def test_lists_of_a_question(question: str, names: tuple[str, ...]) -> None:
    assert tuple(label.name for label in labels_in_question(question)) == names


@pytest.mark.fault("D13")
def test_the_meaning_of_a_code_names_it() -> None:
    listed = labels_in("Classify the review: 0 = negative, 1 = positive. Output only the number.")
    assert listed == (Label("0", "negative"), Label("1", "positive"))
    assert [named_label(text, listed) for text in ("1", "positive", "Positive.", "The answer is 0", "0 (negative)")] == ["1", "1", "1", "0", "0"]
    for text in ("not positive", "0 or 1", "10", "1 (negative)", "I cannot say"):
        with pytest.raises(AnswerRejected):
            named_label(text, listed)
    assert labels_in("Print YES if it is a question, else print NO.") == labels(("YES", "NO"))  # "no, it is a question" is not YES


@pytest.mark.parametrize("instructions", NO_LISTS)
def test_no_lists(instructions: str) -> None:
    assert labels_in(instructions) == ()


def test_lettered_choices() -> None:
    question = "What is it?\nAnswer Choices:\n(A) a pen\n(B) a library (big)\n(C) rapport"
    assert lettered_choices(question) == (Label("A", "a pen"), Label("B", "a library (big)"), Label("C", "rapport"))
    assert lettered_choices("A) a pen B) a book C) none") == (Label("A", "a pen"), Label("B", "a book"), Label("C", "none"))
    assert lettered_choices("Plan B) is better.") == ()


NAMED = [
    *((NLI, text, "entailment") for text in ("entailment", "Entailment", "ENTAILMENT!", "'entailment'.", "**Entailment**", "- entailment")),
    *((NLI, text, "neutral") for text in ("Label: neutral", "The answer is neutral.", '{"label": "neutral"}', "`neutral`", r"\boxed{neutral}")),
    *((NLI, text, "neutral") for text in ("<answer>neutral</answer>", "The label would be 'neutral'.", "# neutral", "neutral neutral")),
    (NLI, "[neutral]", "neutral"),
    *((NLI, text, "contradiction") for text in ("Contradiction - the text says otherwise.", "Answer: **contradiction**\n\nIt cannot be.")),
    *((NLI, text, "neutral") for text in ("The relation is neutral because nothing is said.", "Neutral. The text is silent, or vague.")),
    *((YES_NO, text, "yes") for text in ("Yes.", "yes, there is no doubt", "So the answer is: yes", "Yes! It is.", "**Yes**", "Answer: Yes")),
    *((YES_NO, text, "no") for text in ("NO", "No, there is not.", "The answer is no.", '"no"', "no")),
    *((LETTERS, text, "B") for text in ("B", "b", "(B)", "B.", "B)", "**B**", "B. a library", "(B) a library", "The answer is B", "Option B")),
    *((LETTERS, text, "D") for text in ("I think it's (D).", "The best choice is D: indifferent", "**D: areas**", "Answer: D) areas", "d.")),
    *((LETTERS, text, "A") for text in ("A", "A.", "I would pick A.", "(A)", "Answer: A")),
    *((LETTERS, text, "A") for text in ("option A is correct", "A is the correct answer.", "Among these, A is best.", "Definitely A")),
    *((LETTERS, text, "D") for text in ("The correct answer is d.", "The answer is (d)", "ANSWER: d", "answer is d) Paris", "d) Paris")),
    (LETTERS, "(d) Paris", "D"),
    *((LETTERS, text, "D") for text in ("So the answer is: d", "Answer: **d**", "I choose d.", "Option d is correct.", "(d)", "d)", "[d]")),
    *((LETTERS, text, "D") for text in ("A long look shows that the answer is d.", "the answer is option d because it rains")),
    (LETTERS, "Letter: d, a city", "D"),
    *((LETTERS, text, "D") for text in ("The answer is d. A bank is no place for it.", "The correct choice should be (d): Paris")),
    *((LETTERS, text, "A") for text in ("The answer is a.", "answer: (a)", "a) bank", "The correct option is a, since a bank has money.")),
    *((("a", "b", "c"), text, "b") for text in ("The answer is B.", "(B) bank", "Answer: B", "B")),
    *((LETTERS, text, "B") for text in ("The answer is B, for option a is correct only in law.", "B. In formula c) the answer is d.")),
    *((LETTERS, text, "B") for text in ("B。", "（B）", "B、图书馆", "B：library", "答案：B", "答案是B", "正确答案是 B。", "选B", "选项B")),
    *((("entailment", "not_entailment"), text, "not_entailment") for text in ("not_entailment", "not entailment", "Not-Entailment.")),
    (("entailment", "not_entailment"), "The answer is not_entailment.", "not_entailment"),
    (("true", "false"), "The statement is false.", "false"),
    (("yes", "no", "maybe"), "Maybe.", "maybe"),
    (("very positive", "positive", "negative"), "Very positive.", "very positive"),
    (("0", "1", "2"), "Label 2", "2"),
    (("正面", "负面"), "答案是正面。", "正面"),
    (("Positiv", "Negativ"), "POSITIV", "Positiv"),
]
UNNAMED = [
    *((NLI, text) for text in ("I cannot help with that request.", "unknown", "<label>", "banana", "neutrality", "non-neutral", "It follows.")),
    *((NLI, text) for text in ("not entailment", "It isn't neutral", "The answer cannot be entailment", "far from neutral", "never neutral")),
    *((NLI, text) for text in ("neutral?", "maybe neutral", "As an AI, I think neutral", "I'm not sure, perhaps entailment", "", "   ")),
    *((NLI, text) for text in ("anything but neutral", "rather than neutral", "neutral is wrong", "It does not seem to be a contradiction")),
    *((YES_NO, text) for text in ("As an AI model I have no opinion", "There is no evidence", "The answer is no longer known", "nope")),
    (YES_NO, "Not no"),
    *((YES_NO, text) for text in ("I can say no more", "It is not yes", "I have no way to know.", "Knowing that is hard.")),
    *((LETTERS, text) for text in ("A library is a place", "F", "Not B", "AB", "a library", "Plan Z", "不是B", "A is incorrect")),
    *((LETTERS, text) for text in ("The answer is a library", "The answer is a bit unclear", "a bank has money", "The answer is not d.")),
    *((LETTERS, text) for text in ("The answer is a bank, because it has money", "the d in mc", "Let d be the distance", "I see. e is 2.7")),
    *((LETTERS, text) for text in ("The answer is at 3 a.m.", "option d is wrong", "I choose a library.", "the answer is d or maybe not")),
    *((LETTERS, text) for text in ("e. coli is a bacterium", "The solution: a = 3", "answer d'accord", "d) is not correct")),
    *((("true", "false"), text) for text in ("untrue", "That's not true")),
    *((("0", "1", "2"), text) for text in ("10", "3", "0.5", "-1", "**-1**", "−1")),
    *((("正面", "负面"), text) for text in ("非负面", "不正面", "不是正面")),
]
UNNAMED += [
    *((NLI, text) for text in ("Entailment (partially)", "partial entailment", "Entailment, probably", "Probably neutral", "almost entailment")),
    *((NLI, text) for text in ("weak entailment", "leaning towards neutral", "most likely neutral", "borderline contradiction", "semi-neutral")),
    *((NLI, text) for text in ("lack of entailment", "absence of contradiction", "It fails to be entailment", "no real contradiction")),
    *((NLI, text) for text in ("Entailment does not hold", "The entailment relation fails", "It would be entailment if it rained")),
    *((NLI, text) for text in ("It is not the case that this is entailment", "It is not definitely neutral", "neutral, to some extent")),
    *((("spam", "not spam"), text) for text in ("This is not at all spam", "not really spam", "hardly a case of spam")),
    *((("positive", "negative"), text) for text in ("slightly positive", "Positive (with reservations)", "less positive", "eher positive")),
    *((YES_NO, text) for text in ("Yes, partially", "Yes, but not always", "Yes (probably)", "Yes, if it rains")),
    *((("1 star", "4 stars", "5 stars"), text) for text in ("4/5 stars", "4 out of 5 stars", "3 of 5 stars")),
    *((("蕴含", "中立"), text) for text in ("可能是中立", "中立（可能）", "部分蕴含")),
    (("true", "false"), "It is false that the claim is true"),
    (LETTERS, "A (B is also possible)"),
]
NAMED += [
    *((NLI, text, "neutral") for text in ("Clearly neutral", "Neutral because it is only partly so", "Neutral, mostly for the end")),
    *((NLI, text, "neutral") for text in ("There is no doubt that it is neutral", "Not surely true, so it is neutral", "No, it is neutral")),
    *((("positive", "negative"), text, "positive") for text in ("Extremely positive", "strongly positive", "positive overall")),
    *((YES_NO, text, "no") for text in ("Absolutely no", "No, not always.")),
    (("1 star", "4 stars", "5 stars"), "I would rate this 4 stars", "4 stars"),
    (("mostly true", "half true", "true"), "Mostly true.", "mostly true"),
    (("spam", "not spam"), "This is spam, not ham.", "spam"),
    (("joy", "love", "none"), "The emotion is love, and there is no doubt", "love"),
    (("agree", "somewhat agree"), "somewhat agree", "somewhat agree"),
]
SEVERAL = [
    *((("joy", "love", "fear", "none"), text) for text in ("joy/love", "love / joy", "none or fear", "fear and joy")),
    *((("strongly disagree", "disagree", "agree"), text) for text in ("Disagree strongly", "disagree, strongly", "Disagree (strongly).")),
    (("very positive", "positive"), "positive, very"),
    *((NLI, text) for text in ("entailment/neutral", "entailment or neutral", "neither entailment nor contradiction")),
    (NLI, "Neutral, not entailment"),
    *((YES_NO, text) for text in ("yes and no", "Yes or no", "Yes. No.")),
    *((LETTERS, text) for text in ("The answer is (a). No: the answer is (b).", "answer: a\nanswer: d")),
    *(
        (LETTERS, text)
        for text in ("A: one, B: two", "B or C", "A, B", "(A) (B)", "A,B", "A.B.", "A B", "A\nB", "A and B", "A, B, C", "B: Rome / C: Berlin")
    ),
]


def labels(names: tuple[str, ...]) -> tuple[Label, ...]:
    return tuple(map(Label, names))


@pytest.mark.fault("D13", "N3")
@pytest.mark.parametrize(("names", "text", "label"), NAMED)
def test_exactly_one_listed_label(names: tuple[str, ...], text: str, label: str) -> None:
    assert named_label(text, labels(names)) == label


@pytest.mark.fault("D13", "N3", "M6")
@pytest.mark.parametrize(("names", "text"), UNNAMED)
def test_a_text_without_a_listed_label_is_rejected(names: tuple[str, ...], text: str) -> None:
    with pytest.raises(AnswerRejected) as caught:
        named_label(text, labels(names))
    assert caught.value.reason == reasons.LABEL_NOT_LISTED
    assert "\n" not in caught.value.detail


@pytest.mark.fault("D13", "M6")
@pytest.mark.parametrize(("names", "text"), SEVERAL)
def test_a_text_with_several_labels_is_rejected(names: tuple[str, ...], text: str) -> None:
    with pytest.raises(AnswerRejected) as caught:
        named_label(text, labels(names))
    assert caught.value.reason == reasons.SEVERAL_LABELS


def test_the_text_of_a_choice_names_its_letter() -> None:
    choices = (Label("A", "a pen"), Label("B", "a library"))
    assert [named_label(text, choices) for text in ("a library", "A library.", "(B) a library", "The answer is a pen.")] == ["B", "B", "B", "A"]
    with pytest.raises(AnswerRejected):
        named_label("(A) a library", choices)


@pytest.mark.parametrize(
    "text", ["**D) None of the above**", "D) None of the above", "The answer is (D), none of the above.", "None of the above"]
)
def test_the_words_of_a_choice_are_no_negation_of_it(text: str) -> None:
    choices = (Label("A", "Paris"), Label("B", "Rome"), Label("D", "None of the above"))
    assert named_label(text, choices) == "D"
    with pytest.raises(AnswerRejected):
        named_label("D) none of these", (*choices[:2], Label("D", "all")))


CHOICES = "Which?\nAnswer Choices:\n(A) bank\n(B) library\n(C) department store\n(D) mall"


@pytest.mark.fault("D13", "N3")
@pytest.mark.parametrize("reasoned", [False, True], ids=["plain", "reasoned"])
def test_an_answer_in_words_is_the_letter_that_the_row_asks_for(reasoned: bool) -> None:
    """The instructions list the letters, the question says what they stand for."""
    say = (lambda text: json.dumps({"reason": "so", "answer_choice": text})) if reasoned else str
    for system in ("Output only one of the choices: 'A', 'B', 'C', or 'D'.", "Answer with A, B, C or D only."):
        prompt, asked = request(system, CHOICES, TaskType.NLU_QA, reasoned)
        for text in ("mall", "The mall.", "a mall", '"Mall"', "D. mall", "D", "The answer is the mall", "D. mall. A bank is no place for it."):
            assert prompt.extract(say(text), asked) == "D", text
        assert prompt.extract(say("Department Store"), asked) == "C"
        for text in ("(C) bank", "D. library", "bank or mall", "not a bank", "a shop", "I have nothing to say about the mall"):
            with pytest.raises(AnswerRejected):
                prompt.extract(say(text), asked)


def test_choices_with_digits_and_small_letters() -> None:
    for names, question in (("'1' or '2'", "Which?\n1. bank\n2) mall"), ("'a' or 'b'", "Which? a) bank b) mall")):
        prompt, asked = request(f"Answer only with {names}.", question, TaskType.NLU_QA, False)
        assert prompt.extract("mall", asked) in ("2", "b")
    prompt, asked = request("Answer only with '1' or '2'.", "1. bank\n2. bank", TaskType.NLU_QA, False)
    with pytest.raises(AnswerRejected):
        prompt.extract("bank", asked)


def request(system: str | None, question: str, task: TaskType, reasoned: bool, rules: AnswerRules = AnswerRules()):  # type: ignore[no-untyped-def] # noqa: B008
    messages = (*((ChatMessage("system", system),) if system else ()), ChatMessage("user", question))
    prompt = prompt_for(PromptSpec(task, reasoned, rules=rules))
    return prompt, prompt.format(TrainingRow("key", RowOrigin(Split.TRAIN, "f", 1, 0), messages)).turns[0]


@pytest.mark.fault("D13", "N3")
@pytest.mark.parametrize("reasoned", [False, True], ids=["plain", "reasoned"])
@pytest.mark.parametrize(
    ("system", "question"),
    [
        ("Answer only with 'entailment', 'neutral' or 'contradiction'.", "Premise: p. Hypothesis: h."),
        ("You are an expert. Reply with entailment, neutral or contradiction only.", "Premise: p. Hypothesis: h."),
        ("You are a helpful assistant.", "Classify the pair. Labels: entailment, neutral, contradiction.\nPremise: p."),
        (None, "Premise: p.\nHypothesis: h.\nAnswer with 'entailment', 'neutral' or 'contradiction'."),
    ],
)
def test_through_the_prompts(system: str | None, question: str, reasoned: bool) -> None:
    for task in (TaskType.NLI, TaskType.NLU_QA):
        prompt, asked = request(system, question, task, reasoned)
        say = (lambda text: json.dumps({"reason": "so", "answer_choice": text})) if reasoned else str
        assert prompt.extract(say("Neutral."), asked) == "neutral"
        for text in ("banana", "not neutral", "I am sorry, but as an AI I cannot help with that."):
            with pytest.raises(AnswerRejected) as caught:
                prompt.extract(say(text), asked)
            assert caught.value.reason == reasons.LABEL_NOT_LISTED
        prompt, asked = request(system, question, task, reasoned, AnswerRules(other_labels=True))
        assert [prompt.extract(say(text), asked) for text in ("banana.", "Neutral.")] == ["banana", "neutral"]


@pytest.mark.fault("D13")
def test_choices_of_a_question_under_chain_of_thought() -> None:
    prompt, asked = request("Answer the question.", "Which?\n(A) a pen\n(B) a book", TaskType.NLU_QA, True)
    assert prompt.extract('{"reason": "r", "answer_choice": "a book"}', asked) == "B"
    with pytest.raises(AnswerRejected):
        prompt.extract('{"reason": "r", "answer_choice": "F"}', asked)


CHOICE_MARKS = (
    "Which?\n(A) red\n(B) green\n(C) blue",
    "Which? A. red B. green C. blue",
    "Which?\nA) red\nB) green\nC) blue",
    "Which?\nA: red\nB: green\nC: blue",
    "Which?\n[A] red\n[B] green\n[C] blue",
    "Which?\n**A.** red\n**B.** green\n**C.** blue",
    "Which?\n**A)** red\n**B)** green\n**C)** blue",
    "Which?\nA - red\nB - green\nC - blue",
    "Which?\nOption A: red\nOption B: green\nOption C: blue",
    "哪个？\nA、red\nB、green\nC、blue",
)


@pytest.mark.parametrize("question", CHOICE_MARKS)
def test_choices_under_every_mark(question: str) -> None:
    choices = (Label("A", "red"), Label("B", "green"), Label("C", "blue"))
    assert lettered_choices(question) == choices
    assert with_choices(labels(("A", "B", "C")), question) == choices


def test_texts_that_are_not_a_list_of_choices() -> None:
    for question in ("Plan A - the first - or plan B - the other?", "Vitamin A: good. Vitamin C: better.", "See fig. A. and fig. B."):
        assert with_choices(labels(("A", "B", "C")), question) == labels(("A", "B", "C"))


@pytest.mark.fault("D13", "N3")
@pytest.mark.parametrize("reasoned", [False, True], ids=["plain", "reasoned"])
@pytest.mark.parametrize(
    ("system", "question", "right", "wrong"),
    [
        ("Choose one of the options. Reply with the letter only.", CHOICE_MARKS[3], "C", "F"),
        ("Respond with the number of the correct option only.", "Which?\n1) red\n2) green\n3) blue", "3", "7"),
        ("只输出选项字母。", CHOICE_MARKS[-1], "C", "F"),
    ],
)
def test_choices_that_only_the_question_lists(system: str, question: str, right: str, wrong: str, reasoned: bool) -> None:
    """Under chain of thought the rules of the row are a list, too, and were taken for its labels."""
    say = (lambda text: json.dumps({"reason": "so", "answer_choice": text})) if reasoned else str
    prompt, asked = request(system, question, TaskType.NLU_QA, reasoned)
    for text in (right, f"({right})", f"{right}) blue", "blue", "Blue.", f"The answer is {right}.", f"The correct option is {right}: blue."):
        assert prompt.extract(say(text), asked) == right, text
    for text in (wrong, f"{right}) green", "yellow", "green or blue"):
        with pytest.raises(AnswerRejected):
            prompt.extract(say(text), asked)


@pytest.mark.parametrize(
    "system",
    [
        "Choose one of the following labels:\n1. entailment\n2. neutral\n3. contradiction",
        "Your output must be one of: entailment, neutral, contradiction",
        "Labels:\n- entailment\n- neutral\n- contradiction\nReply with one label.",
    ],
)
def test_labels_in_any_form_bind_under_chain_of_thought(system: str) -> None:
    prompt, asked = request(system, "Premise: p. Hypothesis: h.", TaskType.NLI, True)
    assert prompt.extract('{"reason": "r", "answer_choice": "Neutral"}', asked) == "neutral"
    with pytest.raises(AnswerRejected):
        prompt.extract('{"reason": "r", "answer_choice": "unclear"}', asked)


@pytest.mark.parametrize(
    "text",
    [
        "Final Answer: \\(\\boxed{D}\\)",
        "\\[\\boxed{\\text{D}}\\]",
        "\\(D\\)",
        "option d",
        "Choice (d).",
        "La respuesta correcta es la D",
        "Die richtige Antwort ist D.",
        "La bonne réponse est la D.",
        "A resposta correta é a letra D.",
        "La risposta corretta è la D",
        "Jawabannya adalah D.",
        "La opción D",
        "La respuesta es D, no A",
    ],
)
def test_a_letter_in_a_formula_or_in_another_language(text: str) -> None:
    prompt, asked = request("Answer with A, B, C or D only.", CHOICES, TaskType.NLU_QA, False)
    assert prompt.extract(text, asked) == "D"


@pytest.mark.parametrize("text", ["Die Antwort ist nicht D.", "La réponse n'est pas D.", "La D es una fruta", "option a or option d"])
def test_a_letter_in_another_language_that_is_not_the_answer(text: str) -> None:
    prompt, asked = request("Answer with A, B, C or D only.", CHOICES, TaskType.NLU_QA, False)
    with pytest.raises(AnswerRejected):
        prompt.extract(text, asked)


@pytest.mark.parametrize("reasoned", [False, True], ids=["plain", "reasoned"])
def test_choices_may_have_numbers_of_two_digits(reasoned: bool) -> None:
    say = (lambda text: json.dumps({"reason": "so", "answer_choice": text})) if reasoned else str
    question = "Which?\n" + "\n".join(f"{number}. the shop of street {chr(64 + number)}" for number in range(1, 13))
    prompt, asked = request("Answer with the number of the correct choice only, 1 to 12.", question, TaskType.NLU_QA, reasoned)
    for text, number in (("ANSWER: 12", "12"), ("12", "12"), ("1", "1"), ("**ANSWER: 11**", "11"), ("10. the shop of street J", "10")):
        assert prompt.extract(say(text), asked) == number, text
    assert prompt.extract(say("The answer is 2, since the shop of street L is closed."), asked) == "2"
    for text in ("13", "1 or 12", "120", "1.2"):
        with pytest.raises(AnswerRejected):
            prompt.extract(say(text), asked)


@pytest.mark.parametrize(
    ("text", "letter"),
    [("C'est B", "B"), ("C’est la B", "B"), ("D'après le texte, B", "B"), ("C'est la réponse B.", "B"), ("B's right", "B"), ("'B'", "B")],
)
def test_a_letter_before_an_apostrophe_is_a_part_of_a_word(text: str, letter: str) -> None:
    asked = (ChatMessage("system", "Answer with one of the choices A, B, C or D."), ChatMessage("user", "x?"))
    assert extract_answer(prompt_for(PromptSpec(TaskType.NLU_QA)), asked, a_reply(text)) == letter


def test_an_elided_word_names_no_letter() -> None:
    asked = (ChatMessage("system", "Answer with one of the choices A, B, C or D."), ChatMessage("user", "x?"))
    with pytest.raises(AnswerRejected):
        extract_answer(prompt_for(PromptSpec(TaskType.NLU_QA)), asked, a_reply("C'est difficile à dire"))
