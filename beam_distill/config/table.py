"""The inputs as the README's table."""

from __future__ import annotations

from typing import Any

from beam_distill.config.base import GROUPS
from beam_distill.config.settings import DistillSettings


def readme_table() -> str:
    """Markdown: a table per group, one line per input."""
    blocks = []
    for group in GROUPS:
        lines = [f"**{group}**", "", "| input | default | |", "|---|---|---|"]
        for name, field in DistillSettings.model_fields.items():
            extra: Any = field.json_schema_extra
            if extra["group"] == group:
                lines.append(f"| `{name}` | {_default(field)} | {_text(field, extra)} |")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    if field.default is None:
        return ""
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def _text(field: Any, extra: dict[str, str]) -> str:
    text: str = field.description
    listed = text.split(", ")
    if len(listed) == 1 or any(" " in part for part in listed):  # a list of values keeps them as they are to be written
        text = text[:1].upper() + text[1:]
    return (text + (f". {extra['details']}" if extra["details"] else "")).replace("|", "\\|")
