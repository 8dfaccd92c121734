"""The command as a user runs it, against a real HTTP endpoint."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders import ROOT, read_jsonl, write_rows
from forked_python import Popen

from beam_distill.cli.main import main
from transforms.reuse.answer_index import AnswerIndex


@dataclass
class Job:
    """One work folder with a train and a validation file, and the command over it."""

    folder: Path
    url: str = ""
    task: str = "MATH"

    @property
    def train_output(self) -> Path:
        return self.folder / "out" / "train.jsonl"

    @property
    def validation_output(self) -> Path:
        return self.folder / "out" / "validation.jsonl"

    @property
    def work_dir(self) -> Path:
        return self.folder / "out" / "train.beam_distill"

    def train(self, lines: Sequence[str | bytes]) -> None:
        write_rows(self.folder / "train.jsonl", lines)

    def validation(self, lines: Sequence[str | bytes]) -> None:
        write_rows(self.folder / "validation.jsonl", lines)

    def arguments(self, *extra: str) -> list[str]:
        arguments = [
            "run",
            f"--train_file_path={self.folder / 'train.jsonl'}",
            f"--generated_batch_train_file_path={self.train_output}",
            f"--data_generation_task_type={self.task}",
            f"--teacher_model_endpoint_url={self.url}",
            "--teacher_model_max_new_tokens=512",
            "--first_answer_patience=2",
            # a separate process that loads matplotlib: tests that need the report, or all files of a run, give --report=true
            "--report=false",
        ]
        if (self.folder / "validation.jsonl").exists():
            arguments += [
                f"--validation_file_path={self.folder / 'validation.jsonl'}",
                f"--generated_batch_validation_file_path={self.validation_output}",
            ]
        return [*arguments, *extra]

    def run(self, *extra: str) -> int:
        return main(self.arguments(*extra))

    def command(self, name: str, *extra: str) -> int:
        """Another command with the inputs of the run."""
        return main([name, *self.arguments(*extra)[1:]])

    def start(self, *extra: str) -> Popen:
        command = [sys.executable, "-m", "beam_distill", *self.arguments(*extra)]
        return Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def keep(self) -> None:
        """Keep a copy of the folder for ``as_kept``: several tests start from the same run."""
        shutil.copytree(self.folder, self._kept, symlinks=True)

    def as_kept(self) -> "Job":
        """A job with the kept folder at the same path, without the changes of other tests."""
        shutil.rmtree(self.folder)
        shutil.copytree(self._kept, self.folder, symlinks=True)
        return Job(self.folder, self.url, self.task)

    @property
    def _kept(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}-kept")

    def record(self) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads((self.work_dir / "run.json").read_text())
        return fields

    def answers_kept(self) -> int:
        """How many answers the ledger holds: a later run requests only the others."""
        with closing(AnswerIndex(str(self.work_dir / "ledger"))) as index:
            return len(index)

    def verdicts_kept(self) -> int:
        """How many of the judge's verdicts the ledger holds."""
        with closing(AnswerIndex(str(self.work_dir / "ledger" / "judge"))) as index:
            return len(index)

    def answered(self) -> int:
        """How many answers the last run received."""
        count: int = self.record()["metrics"]["requests_answered"]
        return count

    def rejects(self) -> list[dict[str, Any]]:
        return read_jsonl(self.work_dir / "rejects.jsonl")

    def split(self, name: str) -> dict[str, Any]:
        fields: dict[str, Any] = self.record()["verdict"]["splits"][name]
        return fields

    def datasets(self) -> tuple[bytes, ...]:
        return tuple(path.read_bytes() for path in (self.train_output, self.validation_output) if path.exists())
