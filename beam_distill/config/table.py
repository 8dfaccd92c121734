"""The inputs as a page of the documentation, docs/inputs.md.

Made again by ``python -m beam_distill.config.table > docs/inputs.md``; a test compares.
"""

from __future__ import annotations

from typing import Any

from beam_distill.config.base import GROUPS
from beam_distill.config.flags import SHORT
from beam_distill.config.settings import DistillSettings

_HEAD = """# Inputs

Every input is a flag (`--train_file_path`, hyphens also accepted), an environment variable (`BEAM_DISTILL_TRAIN_FILE_PATH`), a key of the
`--config` file (YAML or JSON) and a keyword of `distill()`. A flag or keyword wins over the environment, that over the file, that over the
default. Beam's own options are passed through; anything else is an error that suggests the nearest name.
A path may begin with `~/`, the home directory, also where no shell replaces it.
`beam-distill run --help` lists the everyday ones in the terminal, `--help-all` all of them."""


def inputs_page() -> str:
    """Markdown: a table per group, one line per input."""
    blocks = [_HEAD]
    for group in GROUPS:
        lines = [f"## {group[0].upper()}{group[1:]}", "", "| input | default | |", "|---|---|---|"]
        for name, field in DistillSettings.model_fields.items():
            extra: Any = field.json_schema_extra
            if extra["group"] == group:
                text = described(name).replace("|", "\\|")
                short = f" (also `--{SHORT[name]}`)" if name in SHORT else ""
                lines.append(f"| `{name}`{short} | {_default(field)} | {text} |")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    if field.default is None:
        return ""
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def described(name: str) -> str:
    """What an input is, in whole sentences. A list of values keeps them as they are to be written."""
    field = DistillSettings.model_fields[name]
    extra: Any = field.json_schema_extra
    text = field.description or ""
    listed = text.split(", ")
    if len(listed) == 1 or any(" " in part for part in listed):
        text = text[:1].upper() + text[1:]
    return text + (f". {extra['details']}" if extra["details"] else "")


if __name__ == "__main__":
    print(inputs_page(), end="")
