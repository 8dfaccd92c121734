"""Reads the names and types of TRL's settings out of its wheel and that of transformers, without importing them (they want torch).

    pip download --no-deps trl transformers && python tests/beam_distill/after_run/handoff/read_trl_fields.py trl-*.whl transformers-*.whl

writes ``trl_fields.json``: for the names that a hand-off uses, the types that TRL's dataclasses declare.
"""

import ast
import json
import sys
import zipfile
from pathlib import Path

CLASSES = {"SFTConfig", "DPOConfig", "_BaseConfig", "BaseConfig", "ModelConfig", "ScriptArguments", "TrainingArguments"}
USED = [
    "model_name_or_path",
    "dataset_name",
    "dataset_config",
    "dataset_train_split",
    "dataset_test_split",
    "output_dir",
    "num_train_epochs",
    "per_device_train_batch_size",
    "per_device_eval_batch_size",
    "learning_rate",
    "max_length",
    "eval_strategy",
]


def declared(wheel: str) -> dict[str, list[str]]:
    """Field name to plain type names, over all classes of interest in a wheel."""
    found: dict[str, list[str]] = {}
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith(("_config.py", "training_args.py", "scripts/utils.py")):
                for node in ast.walk(ast.parse(archive.read(name))):
                    if isinstance(node, ast.ClassDef) and node.name in CLASSES:
                        for field in node.body:
                            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                                found[field.target.id] = kinds(ast.unparse(field.annotation))
    return found


def kinds(annotation: str) -> list[str]:
    """``float | None`` and ``Optional[float]`` as ``["float", "None"]``."""
    plain = annotation.replace("Optional[", "None | ").replace("Union[", "").replace("]", "").replace(",", "|").strip("'\"")
    return sorted({"str" if "Strategy" in part else part.strip() for part in plain.split("|")})


if __name__ == "__main__":
    fields: dict[str, list[str]] = {}
    for path in reversed(sys.argv[1:]):  # TRL's own declarations win over those it inherits
        fields.update(declared(path))
    missing = [name for name in USED if name not in fields]
    if missing:
        sys.exit(f"not declared any more: {', '.join(missing)}")
    source = [Path(path).name.split("-py3")[0] for path in sys.argv[1:]]
    text = json.dumps({"source": source, "fields": {name: fields[name] for name in USED}}, indent=1)
    Path(__file__).with_name("trl_fields.json").write_text(text + "\n", encoding="utf-8")
    print(text)
