"""The embedded teacher as a separate process, and rows for it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any


class TeacherProcess:
    """A simulated endpoint in a separate process. A context manager."""

    def __init__(self, *flags: str) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", "beam_distill.simulator", "--port=0", *flags], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[-1]

    def stats(self) -> dict[str, Any]:
        """The counts of the stats route."""
        with urllib.request.urlopen(self.url.removesuffix("/v1") + "/stats", timeout=10) as response:
            fields: dict[str, Any] = json.load(response)
        return fields

    def __enter__(self) -> TeacherProcess:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait()


def write_questions(path: Path, count: int, padding_bytes: int = 0) -> None:
    """Write ``count`` rows, each with a different sum; ``padding_bytes`` makes them longer."""
    padding = "x" * padding_bytes
    with open(path, "w", encoding="utf-8") as file:
        for number in range(count):
            system = "You are an assistant that gives the numerical answer, an integer, and nothing else."
            messages = [
                {"role": "system", "content": system},
                {"role": "user", "content": f"What is {number} plus 17? {padding}"},
            ]
            file.write(json.dumps({"messages": messages}) + "\n")


def command(rows: Path, folder: Path, url: str, *extra: str) -> list[str]:
    """The command with default options."""
    return [
        sys.executable,
        "-m",
        "beam_distill",
        "run",
        f"--train_file_path={rows}",
        f"--generated_batch_train_file_path={folder / 'train.jsonl'}",
        "--data_generation_task_type=MATH",
        f"--teacher_model_endpoint_url={url}",
        "--teacher_model_max_new_tokens=1024",
        *extra,
    ]
