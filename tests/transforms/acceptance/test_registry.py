"""Every check has its entry, and the settings and reasons that it names exist."""

import pickle
import subprocess
import sys
from typing import Any

import pytest

from beam_distill.config.settings import DistillSettings
from transforms.acceptance.registry import CHECKS
from transforms.acceptance.spec import AcceptanceSpec, wrong_settings
from transforms.elements.reasons import ANSWER_REASONS, CHECK_REASONS
from transforms.elements.tasks import TaskType

OPTIONS: dict[str, dict[str, Any]] = {
    "length": {"max_answer_words": 5},
    "schema": {"answer_schema": '{"type": "integer"}'},
    "python": {"check_function": "json:loads"},
    "language": {"answer_language": "en"},
    "label": {"label_similarity": 0.9},
    "vote": {"samples": 4},
    "judge": {"judge_model_endpoint_url": "http://127.0.0.1:1/v1", "judge_min_score": 8.0},
}


def settings(*checks: str, task: str = "NLI", **options: object) -> dict[str, Any]:
    return {"data_generation_task_type": task, "checks": list(checks), **options}


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_is_made_from_settings_by_name_and_travels_to_workers(name: str) -> None:
    kind = CHECKS[name]
    given = settings(name, task=kind.tasks[0].value, **OPTIONS.get(name, {}))
    assert list(wrong_settings(given)) == [], f"give the options without which {name} cannot be used to OPTIONS[{name!r}] in this file"
    spec = AcceptanceSpec.from_settings(given)
    assert len(spec.checks) == (kind.make is not None)
    assert pickle.loads(pickle.dumps(spec)) == spec


@pytest.mark.parametrize("name", CHECKS)
def test_its_reasons_and_settings_exist(name: str) -> None:
    kind = CHECKS[name]
    unknown = set(kind.reasons) - CHECK_REASONS - (set(ANSWER_REASONS) if kind.make is None else set())
    assert not unknown, f"transforms/elements/reasons.py has no {unknown} with Stage.CHECK, which {name} names"
    unknown = set(kind.settings) - set(DistillSettings.model_fields)
    assert not unknown, f"beam_distill/config/acceptance.py has no {unknown}, which {name} names"


def test_every_reason_and_option_belongs_to_a_check() -> None:
    unused = CHECK_REASONS - {reason for kind in CHECKS.values() for reason in kind.reasons}
    assert not unused, f"no check names {unused}: add them to the check's entry in transforms/acceptance/registry.py"
    groups = {name: field.json_schema_extra["group"] for name, field in DistillSettings.model_fields.items()}  # type: ignore[index]
    grouped = {name for name, group in groups.items() if group in ("checks", "judge")}
    with_defaults = {name for name, group in groups.items() if group == "judge" and name not in CHECKS["judge"].settings}
    named = {"checks", "samples", "keep", *with_defaults, *(option for kind in CHECKS.values() for option in kind.settings)}
    assert not grouped - named, f"no check has {grouped - named} among its settings in transforms/acceptance/registry.py"
    assert not named - grouped, f"{named - grouped} are not in the group checks in beam_distill/config/acceptance.py"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (settings("label", task="CONVERSATION"), "checks: label is for NLI, NLU_QA and MATH, not for CONVERSATION; leave it out"),
        (settings("listed", task="MATH"), "checks: listed is for NLI and NLU_QA, not for MATH; leave it out"),
        (settings("listed", other_labels=True), "checks: listed contradicts other_labels; leave one of them out"),
        (settings("length"), "checks: length needs a bound: min_answer_words, max_answer_words, min_answer_characters or max_answer_characters"),
        (
            settings("length", min_answer_words=3, max_answer_words=2),
            "checks: length no answer has at least 3 and at most 2 words; correct min_answer_words or max_answer_words",
        ),
        (settings("label", max_answer_words=2), "max_answer_words: only with the check length; add it with --checks label,length"),
        (settings(label_similarity=0.9), "label_similarity: only with the check label; add it with --checks label"),
    ],
)
def test_what_cannot_be_used_is_a_sentence(given: dict[str, object], said: str) -> None:
    assert list(wrong_settings(given)) == [said]


def test_a_library_is_loaded_when_its_check_examines_an_answer() -> None:
    code = (
        "import sys; from transforms.acceptance.spec import AcceptanceSpec; import beam_distill.config.settings;"
        "print([name for name in ('rapidfuzz', 'math_verify', 'sympy', 'jsonschema', 'py3langid', 'numpy') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_answers_in_another_language_than_the_question_are_compared_with_a_named_one_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TaskType.SUMMARIZATION, "answers_in_question_language", False)  # as for a translation
    assert list(wrong_settings(settings("language", task="SUMMARIZATION"))) == [
        "checks: language compares the language of answer and question, and answers to SUMMARIZATION are in another one; name it with "
        "answer_language"
    ]
    assert list(wrong_settings(settings("language", task="SUMMARIZATION", answer_language="fr"))) == []
    assert list(wrong_settings(settings("language", task="CONVERSATION"))) == []


def test_the_tasks_of_the_label_check_are_those_with_labels() -> None:
    assert all(task.is_labelled for task in CHECKS["label"].tasks)
    assert TaskType.SUMMARIZATION not in CHECKS["label"].tasks
