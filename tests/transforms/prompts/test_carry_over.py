"""What a request keeps of the system message it replaces."""

import pytest

from transforms.prompts.carry_over import ANSWER, carried_over


@pytest.mark.parametrize(
    ("message", "background", "labels", "rules"),
    [
        pytest.param("", "", [], [], id="empty"),
        pytest.param("You are a helpful assistant.", "", [], [], id="says nothing"),
        pytest.param("You read lease contracts.", "You read lease contracts.", [], [], id="domain"),
        pytest.param("You read reviews.\n\nOnly reply with 'good' or 'bad'.", "You read reviews.", ["good", "bad"], [], id="two labels"),
        pytest.param('Pick one of "a", "b" and "c"! No explanation.', "", ["a", "b", "c"], [], id="double quotes"),
        pytest.param("Only say 'yes', 'no' or 'it's open'.", "", ["yes", "no", "it's open"], [], id="apostrophe in a label"),
        pytest.param("Your verdict must be ‘x’ | ‘y’.", "", ["x", "y"], [], id="typographic quotes"),
        pytest.param("Labels:\n- 'pos'\n- 'neg'\nNotes are short.", "Labels:\nNotes are short.", ["pos", "neg"], [], id="bullets"),
        pytest.param("Answer 'yes' or 'no'. 'yes' means that both agree.", "'yes' means that both agree.", ["yes", "no"], [], id="meanings"),
        pytest.param("Never say 'maybe' or 'perhaps'.", "Never say 'maybe' or 'perhaps'.", [], [], id="words to avoid"),
        pytest.param("Don't mix the users' and the owners' words.", "Don't mix the users' and the owners' words.", [], [], id="apostrophes"),
        pytest.param(
            "Answer 'a' or 'b'. For pairs answer 'c' or 'd'.", "Answer 'a' or 'b'. For pairs answer 'c' or 'd'.", [], [], id="two lists"
        ),
        pytest.param("Do not explain your answer.", "", [], [], id="forbids explaining"),
        pytest.param("Reply with the label, nothing else.", "", [], [], id="nothing else"),
        pytest.param("Respond in JSON with one key.", "", [], [], id="markup"),
        pytest.param("Reply yes or no only.", "", [], [f"Fill {ANSWER} with yes or no only."], id="reply"),
        pytest.param("Respond with a single word.", "", [], [f"Fill {ANSWER} with a single word."], id="respond with"),
        pytest.param("Your response should be one word.", "", [], [f"{ANSWER} should be one word."], id="your response"),
        pytest.param("Answer in whole hours only.", "", [], ["Answer in whole hours only."], id="answer in"),
        pytest.param("Answer in hours, with the number alone.", "", [], ["Answer in hours, with the number alone."], id="alone"),
        pytest.param("You only give numbers as answers.", "", [], [], id="who the assistant is"),
        pytest.param("Give the amount in cents.", "Give the amount in cents.", [], [], id="unit"),
    ],
)
def test_carried_over(message: str, background: str, labels: list[str], rules: list[str]) -> None:
    carried = carried_over(message)
    assert (carried.background, list(carried.labels), list(carried.rules)) == (background, labels, rules)


TASKS = [
    "Translate to German",
    "Translate the text into the language that the user names",
    "Classify the sentiment of the review",
    "You answer for a bank in Oslo",
    "Read the contract and find the amount in cents",
]
ONLY = f"Fill {ANSWER} only the translation"
FORMS = [
    "output only the translation, no explanation",
    "only the label, without any explanation",
    "reply in JSON",
    "respond with one word and nothing else",
    "no steps, no reasoning",
    "without further comments",
    "just the number, no explanation",
    "do not explain your answer",
]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("between", ["; ", ", ", " \u2014 "])
def test_the_task_in_a_sentence_about_the_form_is_kept(task: str, form: str, between: str) -> None:
    assert carried_over(f"You work for Acme. {task}{between}{form}. Be polite.").background == f"You work for Acme. {task}. Be polite."


@pytest.mark.parametrize(
    ("message", "background", "rules"),
    [
        ("Translate to German; output only the translation, no explanation.", "Translate to German.", [ONLY]),
        ("Translate to German and output only the translation, no explanation.", "Translate to German.", [ONLY]),
        ("Translate to German without any explanation.", "Translate to German.", []),
        ("Output only the German translation; no explanation.", "", [f"Fill {ANSWER} only the German translation"]),
        ("Only the label, no explanation; the texts are tweets!", "the texts are tweets!", []),
        ("Translate to French, without the passive voice, no explanation.", "Translate to French, without the passive voice.", []),
        ("For medical notes, reply only with 'a' or 'b'.", "For medical notes.", []),
        ("Classify the tweet; answer only 'pos' or 'neg', no explanation.", "Classify the tweet.", []),
        ("No units, no words, no steps.", "", []),
        ("Give only the final answer, no explanation.", "", []),
        ("Answer the question with the right label, nothing else.", "", []),
    ],
)
def test_clauses(message: str, background: str, rules: list[str]) -> None:
    carried = carried_over(message)
    assert (carried.background, list(carried.rules)) == (background, rules)
