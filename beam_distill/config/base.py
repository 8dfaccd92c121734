"""The declaration of an input: type, bounds, default, description and group in one place."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

GROUPS = ("data", "teacher", "azure", "sampling", "prompts", "checks", "judge", "limits", "gate", "runner", "view", "hand-off")


class Section(BaseModel):
    """A group of inputs. Unknown names are errors; values never change."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        hide_input_in_errors=True,
        protected_namespaces=(),
        defer_build=True,  # only the class of all sections is ever used, and building the others takes a quarter of the start
    )


def setting(default: Any, group: str, description: str, details: str = "", everyday: bool = False, **bounds: Any) -> Any:
    """Declare one input.

    ``description`` is one line for --help; ``details`` says in docs/inputs.md what too small and too large values cost; ``everyday`` shows it in
    the short help. ``bounds`` are pydantic's (ge, gt, le, lt). ``default`` is ``...`` for a required input.
    """
    if group not in GROUPS:
        raise ValueError(f"unknown group {group!r}")
    extra: dict[str, Any] = {"group": group, "details": details, "everyday": everyday}
    return Field(default, description=description, json_schema_extra=extra, **bounds)
