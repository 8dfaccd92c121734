"""Finds the distillation step of an Azure ML pipeline."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from beam_distill.config.errors import SettingsError

_NAME = re.compile(r"oss_distillation_\w+")


def distillation_step(path: str, steps: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The one step that answers the rows, with its name in the file ``path``: the most certain sign of any step decides.

    Azure ML's own pipeline has a step that validates, one that asks in batches and one that asks row by row, with the same inputs.
    Raises SettingsError when no step has a sign, or several have the same.
    """
    mappings = {name: step for name, step in steps.items() if isinstance(step, dict)}
    for sign in _SIGNS:
        found = {name: step for name, step in mappings.items() if sign(name, step)}
        if len(found) == 1:
            return next(iter(found.items()))
        if found:
            raise _not_one(path, f"these steps do: {', '.join(found)}; keep one")
    raise _not_one(path, f"none of its steps does ({', '.join(steps) or 'there are none'})")


def _not_one(path: str, what: str) -> SettingsError:
    return SettingsError([f"jobs ({path}): expected one step that uses the distillation component, but {what}"])


def _called(*names: str) -> Callable[[str, dict[str, Any]], bool]:
    return lambda name, step: not names_of(name, step).isdisjoint(names)


def names_of(name: str, step: dict[str, Any]) -> set[str]:
    """The components of Azure ML's distillation that a step names; its own name counts if it names no component."""
    component = step.get("component")
    found = set(_NAME.findall(component)) if isinstance(component, str) else set()
    return found or set(_NAME.findall(name))


def _makes(output: str) -> Callable[[str, dict[str, Any]], bool]:
    return lambda name, step: isinstance(step.get("outputs"), dict) and output in step["outputs"] and _asks(name, step)


def _asks(name: str, step: dict[str, Any]) -> bool:
    inputs = step.get("inputs")
    asks = isinstance(inputs, dict) and "data_generation_task_type" in inputs and "train_file_path" in inputs
    return asks and not any("validat" in text for text in (name, str(step.get("component", ""))))


_SIGNS = (
    _called("oss_distillation_batchscoring_datagen_pipeline"),
    _makes("generated_batch_train_file_path"),
    _called("oss_distillation_seq_scoring_pipeline", "oss_distillation_data_generation", "oss_distillation_generate_data"),
    _makes("generated_train_file_path"),
    _called("oss_distillation_pipeline"),
    _asks,
)
