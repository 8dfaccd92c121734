"""Folders saved by Hugging Face's datasets (``save_to_disk``): their Arrow files are the input."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import Any

_STATE, _SPLITS = "state.json", "dataset_dict.json"


def data_files(folder: str) -> list[str]:
    """The row files of a saved dataset, in order; empty if the folder is not one, or if its rows are a selection from the files."""
    state = _fields_of(os.path.join(folder, _STATE))
    if state.get("_indices_data_files"):
        return []
    listed = state.get("_data_files")
    names = [part.get("filename") for part in listed if isinstance(part, dict)] if isinstance(listed, list) else []
    paths = [os.path.join(folder, name) for name in names if isinstance(name, str)]
    return paths if all(map(os.path.isfile, paths)) else []


def folder_problem(folder: str) -> str | None:
    """What to name instead of a folder; None if its data files can be read."""
    if data_files(folder):
        return None
    splits = _fields_of(os.path.join(folder, _SPLITS)).get("splits")
    if isinstance(splits, list) and splits:
        listed = ", ".join(map(str, splits[:10]))
        return f"{folder} is a saved dataset with the splits {listed}; name one of them, such as {os.path.join(folder, str(splits[0]))}"
    if _fields_of(os.path.join(folder, _STATE)).get("_indices_data_files"):
        return f"{folder} is a saved dataset whose rows are a selection; write it again with dataset.flatten_indices().save_to_disk(...)"
    suffixes = Counter(os.path.splitext(name)[1] for name in _names_in(folder))
    common = next((suffix for suffix, _ in suffixes.most_common() if suffix not in ("", ".md", ".lock")), ".jsonl")
    return f"{folder} is a directory; name a file or a pattern such as {os.path.join(folder, '*' + common)}"


def _fields_of(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            fields = json.load(file)
    except (OSError, ValueError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _names_in(folder: str) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(folder) if entry.is_file()]
    except OSError:
        return []
