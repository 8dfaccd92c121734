"""The dataset card, a README.md for the Hugging Face hub."""

from __future__ import annotations

from typing import Any

import yaml

from beam_distill.after_run.handoff.published_run import HandoffFacts
from beam_distill.after_run.how_right import agreement_text, votes_text
from beam_distill.config.fields import number_shown
from beam_distill.version import VERSION
from transforms.elements.counted import counted
from transforms.elements.tally import SplitVerdict

FILE = "README.md"

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))
_REASONING = {
    "drop": "The teacher's reasoning is left out.",
    "field": "The teacher's reasoning is in a separate field.",
    "think": "The teacher's reasoning is in a <think> block before the answer.",
}


def dataset_card(facts: HandoffFacts, files: list[str]) -> str:
    """How the dataset was made and how many rows it has. The user chooses the licence."""
    settings = facts.settings
    published = [part for part in facts.verdict.splits if part.published]
    head: dict[str, Any] = {
        "task_categories": [settings.data_generation_task_type.hub_category],
        "size_categories": [_size(sum(part.tally.examples for part in published))],
        "tags": ["synthetic", "distillation"],
        "configs": _configurations(facts),
    }
    parts = [
        "---\n# license: yours to decide; it depends on the source rows and the teacher's terms of use\n"
        + yaml.safe_dump(head, sort_keys=False, allow_unicode=True)
        + "---\n",
        f"# Distilled {settings.data_generation_task_type.value} dataset\n",
        f"Answers of {_quoted(facts.teacher) if facts.teacher else 'a teacher model'} to given prompts, made with beam_distill {VERSION}. "
        "The answers are a model's and were not checked by a person.\n",
        "## Rows\n",
        _counts(facts.verdict.splits),
        *_left_out(facts),
        "## How it was made\n",
        _bullets(facts),
        "## Before publishing it\n",
        "- Choose a licence and write it into the head of this file.\n"
        "- Check the prompts for personal and confidential data: they are in the rows unchanged.\n"
        "- Your changes to this file stay: a later run replaces it only if it is unchanged.\n"
        "- Keep this file with the datasets; the paths in its head are relative to its folder.\n",
    ]
    if files:
        parts += ["## Files for the training that follows\n", "".join(f"- `{name}`: {_USES[name]}\n" for name in files)]
    return "\n".join(parts)


_USES = {
    "azureml_finetuning.yaml": "an Azure ML fine-tuning job, `az ml job create --file azureml_finetuning.yaml`",
    "openai_finetuning.json": "the body of a fine-tune request; upload the datasets with the purpose `fine-tune` and replace "
    "`TRAIN_FILE_ID` and `VALIDATION_FILE_ID` by their ids",
    "trl_sft.yaml": "a configuration for TRL, `trl sft --config trl_sft.yaml`",
    "trl_dpo.yaml": "a configuration for TRL on pairs of answers, `trl dpo --config trl_dpo.yaml`",
}


def _configurations(facts: HandoffFacts) -> list[dict[str, Any]]:
    of_examples = {"config_name": facts.config_name, "data_files": _data_files(facts.train, facts.loaded_validation)}
    if facts.loaded_pairs is None:
        return [of_examples]
    files = _data_files(facts.loaded_pairs, facts.loaded_validation_pairs)
    return [{**of_examples, "default": True}, {"config_name": facts.pairs_config_name, "data_files": files}]


def _data_files(train: str, validation: str | None) -> list[dict[str, str]]:
    named = (("train", train), ("validation", validation))
    # a path is a pattern there, in which a file's own [ would begin a set of letters
    return [{"split": split, "path": path.replace("[", "[[]")} for split, path in named if path is not None]


def _left_out(facts: HandoffFacts) -> list[str]:
    left_out = [facts.validation] if facts.loaded_validation is None else []
    if facts.pairs is not None:
        left_out += [facts.pairs] if facts.loaded_pairs is None else []
        left_out += [facts.validation_pairs] if facts.loaded_validation_pairs is None else []
    names = [_quoted(path) for path in left_out if path is not None]
    if not names:
        return []
    return [f"Not in the head of this file: {', '.join(names)}. `datasets` cannot load Parquet and JSONL together; write all in one format.\n"]


def _counts(splits: tuple[SplitVerdict, ...]) -> str:
    lines = ["| split | rows in | examples | rejects | why rejected |", "|---|---|---|---|---|"]
    for part in splits:
        tally = part.tally
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(tally.reasons.items(), key=lambda item: (-item[1], item[0])))
        examples = str(tally.examples) if part.published else "not published"
        lines.append(f"| {part.split.value} | {tally.rows} | {examples} | {tally.rejects} | {why} |")
    return "\n".join(lines) + "\n"


def _bullets(facts: HandoffFacts) -> str:
    settings = facts.settings
    way = "as the rows ask it"
    if settings.enable_chain_of_thought:
        way = "with a chain of thought, of which the answer is kept"
    elif settings.enable_chain_of_density:
        way = f"with a chain of density, of which the last summary is kept (at most {settings.max_len_summary} words)"
    lines = [
        f"Task: {settings.data_generation_task_type.value}, asked {way}. {_REASONING[settings.reasoning]}",
        f"Sampling: temperature {number_shown(settings.teacher_model_temperature)}, top_p {number_shown(settings.teacher_model_top_p)}, "
        f"at most {settings.effective_max_new_tokens} tokens an answer.",
        f"Format: {settings.student_format}. Rows are in the order of the input.",
        *([_pairs(facts)] if facts.pairs is not None else []),
        *(["The field `metadata` says how each answer was found."] if settings.has_metadata else []),
        *([f"Every answer passed these checks: {', '.join(settings.checks)}."] if settings.checks else []),
        *(f"In {part.split.value}: {line}." for part in facts.verdict.splits for line in _samples(part)),
        f"Published because at least {settings.min_endpoint_success_ratio:.0%} of a split's rows asked gave a usable answer.",
    ]
    return "".join(f"- {line}\n" for line in lines)


def _samples(part: SplitVerdict) -> list[str]:
    tally = part.tally.samples
    if not part.published or tally is None or not tally.samples:
        return []
    found = [
        f"{counted(tally.samples, 'sample')} of {counted(tally.rows, 'row')}, of which the checks accepted {tally.accepted / tally.samples:.1%}"
    ]
    found += [agreement_text(tally)] if tally.labelled else []
    return found + ([votes_text(tally)] if tally.votes else [])


def _pairs(facts: HandoffFacts) -> str:
    counts = " and ".join(f"{counted(part.tally.pairs, 'row')} of {part.split.value}" for part in facts.verdict.splits if part.tally.pairs)
    where = facts.pairs_config_name if facts.loaded_pairs is not None else facts.pairs or ""
    return f"Pairs of an accepted and a refused answer: of {counts}, in {_quoted(where)}."


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "").replace("\n", " ") + "`"


def _size(rows: int) -> str:
    return next((name for limit, name in _SIZES if rows < limit), "10M<n<100M")
