"""Which checks a run uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from transforms.acceptance.base import Check, WrongSetting
from transforms.acceptance.registry import CHECKS
from transforms.acceptance.selection import SelectionSpec, wrong_selection
from transforms.elements.tasks import TaskType, named


@dataclass(frozen=True, slots=True)
class AcceptanceSpec:
    """The checks that an answer must pass, in their order, of which the first that refuses it gives the reason; and the choice among samples.

    ``until_accepted``: with so many accepted rows a split asks no more; None asks all.
    """

    checks: tuple[Check, ...] = ()
    selection: SelectionSpec = SelectionSpec()
    until_accepted: int | None = None

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> AcceptanceSpec:
        """From settings by name, as in run.json. Raises WrongSetting, KeyError for an unknown check."""
        kinds = (CHECKS[name] for name in settings.get("checks") or ())
        return cls(
            tuple(kind.make(settings) for kind in kinds if kind.make is not None),
            SelectionSpec.from_settings(settings),
            settings.get("until_accepted"),
        )


def checks_that_need_labels(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The checks of the settings that refuse every row without a label."""
    return tuple(name for name in settings.get("checks") or () if CHECKS[name].needs_labels)


def wrong_settings(settings: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for everything that keeps the checks of the settings from being used."""
    task = TaskType(settings["data_generation_task_type"])
    chosen = settings.get("checks") or ()
    for name in dict.fromkeys(chosen):
        kind = CHECKS[name]
        if task not in kind.tasks:
            yield f"checks: {name} is for {named(kind.tasks)}, not for {task.value}; leave it out"
            continue
        if kind.contradicts is not None and settings.get(kind.contradicts):
            yield f"checks: {name} contradicts {kind.contradicts}; leave one of them out"
        try:
            if kind.make is not None:
                kind.make(settings)
        except WrongSetting as wrong:
            yield f"checks: {name} {wrong}"
    yield from wrong_selection(settings)
    for name, kind in CHECKS.items():
        unused = [option for option in kind.settings if settings.get(option) is not None]
        if unused and name not in chosen:
            yield f"{', '.join(unused)}: only with the check {name}; add it with --checks {','.join((*chosen, name))}"
