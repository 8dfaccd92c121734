"""CPU and memory that each check takes for an answer: ``python benchmarks/checks.py``.

The answers are those of the examples in this repository where they have labels, and a paragraph of text otherwise. The first answer, which loads
the check's library, is counted apart. The CPU of the process that compares mathematics counts.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
from contextlib import suppress
from typing import Any

from transforms.acceptance.base import CheckRefused, Sample
from transforms.acceptance.equal_mathematics import _OWN
from transforms.acceptance.spec import AcceptanceSpec
from transforms.elements.rows import ChatMessage, RowOrigin, Split, TrainingRow
from transforms.elements.tasks import TaskType
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import PromptSpec

TEXT = "The capital of France is Paris. It lies on the river Seine, in the north of the country, and about two million people live there. "
LISTED = "Answer with 'entailment', 'neutral' or 'contradiction' only."
CASES: list[tuple[str, dict[str, Any], str, str, int]] = [
    ("length", {"max_answer_words": 500}, TEXT * 4, "-", 20_000),
    ("refusal", {}, TEXT * 4, "-", 20_000),
    ("language", {}, TEXT * 4, "-", 2_000),
    ("schema", {"answer_schema": '{"type": "object", "properties": {"a": {"type": "integer"}}}'}, '{{"a": {number}}}', "-", 5_000),
    ("label, numbers", {}, "{number}", "{number}", 20_000),
    ("label, listed labels", {}, "The answer is neutral.", "neutral", 20_000),
    ("label, other mathematics", {}, "\\frac{{{number}}}{{7}}", "{number}/7", 300),
]


def sample(task: TaskType, answer: str, label: str) -> Sample:
    messages = (ChatMessage("system", LISTED), ChatMessage("user", "What is the capital of France, and where does it lie?"))
    row = TrainingRow("key", RowOrigin(Split.TRAIN, "rows.jsonl", 1, 0), (*messages, ChatMessage("assistant", label)))
    return Sample(prompt_for(PromptSpec(task)).format(row), (answer,))


def cpu_s() -> float:
    return sum(sum(resource.getrusage(whose)[:2]) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def measure(case: tuple[str, dict[str, Any], str, str, int]) -> None:
    name, options, answer, label, count = case
    task = TaskType.NLI if "listed" in name else TaskType.MATH if name.startswith("label") else TaskType.NLU_QA
    spec = AcceptanceSpec.from_settings({"data_generation_task_type": task.value, "checks": [name.partition(",")[0]], **options})
    samples = [sample(task, answer.format(number=number), label.format(number=number)) for number in range(1, count + 2)]
    spent = []
    for batch in (samples[:1], samples[1:]):
        begun_s = cpu_s()
        for one in batch:
            with suppress(CheckRefused):
                spec.checks[0].examine(one)
        if _OWN._process is not None:  # its CPU is counted when it ends
            _OWN._process.communicate()
            _OWN._process = None
        spent.append(cpu_s() - begun_s)
    memory_mb = max(resource.getrusage(whose).ru_maxrss for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    each_ms = (spent[1] - (spent[0] if "mathematics" in name else 0.0)) / count * 1000
    print(json.dumps({"check": name, "first_s": round(spent[0], 2), "each_ms": round(each_ms, 3), "process_mb": round(memory_mb)}), flush=True)


if __name__ == "__main__":
    for case in CASES:  # each in a process of its own, without the libraries of the others
        process = multiprocessing.get_context("spawn").Process(target=measure, args=(case,))
        process.start()
        process.join()
