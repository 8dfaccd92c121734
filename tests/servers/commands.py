"""The command as a user runs it against a server, and its output files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders import ROOT, chat_line, read_jsonl
from jobs import Job

LABELS = "Your output must be only one of the labels 'entailment', 'contradiction' or 'neutral'."
CHOICES = "Answer with the letter of the right choice only: A, B, C or D."
ROWS: dict[str, list[tuple[str, str]]] = {
    "MATH": [("system", "Give the numerical answer, an integer, only."), ("user", "What is {number} plus 3?")],
    "NLI": [("system", f"You compare two texts. {LABELS}"), ("user", "Premise: There are {number} boats.\nHypothesis: There are boats.")],
    "NLU_QA": [("system", CHOICES), ("user", "Question {number}: which is a colour?\nA. cold\nB. red\nC. loud\nD. nine")],
    "SUMMARIZATION": [("system", "You write a short summary."), ("user", "Article {number}: the mill by the river becomes a library.")],
    "CONVERSATION": [
        ("system", "You are a helpful guide."),
        ("user", "Where is the library in town {number}?"),
        ("assistant", "By the river."),
        ("user", "And when is it open?"),
        ("assistant", "Every day."),
    ],
}
TASKS = tuple(ROWS)


def rows(task: str, count: int, start: int = 0) -> list[str | bytes]:
    """Rows of a task, no two alike."""
    chats = ([(role, text.format(number=number)) for role, text in ROWS[task]] for number in range(start, start + count))
    return [chat_line(*chat) for chat in chats]


def row_about(text: str) -> str:
    """A row of SUMMARIZATION with this user message."""
    return chat_line(("system", "You write a short summary."), ("user", text))


def long_rows(count: int, words: int) -> list[str | bytes]:
    """Rows of SUMMARIZATION with so many words, each two bytes with its blank; no two alike."""
    return [row_about("a " * (words + number)) for number in range(count)]


@dataclass(frozen=True)
class Ended:
    """The end of a command."""

    job: Job
    code: int
    output: str

    @property
    def metrics(self) -> dict[str, Any]:
        fields: dict[str, Any] = self.job.record()["metrics"]
        return fields

    def reasons(self) -> dict[str, int]:
        """Rejects by reason."""
        return dict(Counter(reject["reason"] for reject in self.job.rejects()))

    def examples(self) -> list[dict[str, Any]]:
        """The published dataset; empty where none was published."""
        return read_jsonl(self.job.train_output) if self.job.train_output.exists() else []


def run(job: Job, *flags: str, command: str = "run", environ: dict[str, str] | None = None, timeout_s: float = 120) -> Ended:
    """Run the command to its end. Raises AssertionError with its output if it takes too long."""
    process = start(job, *flags, command=command, environ=environ)
    try:
        output, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        raise AssertionError(f"no end within {timeout_s:.0f} s:\n{output[-6000:]}") from None
    assert "Traceback" not in output, output
    return Ended(job, process.returncode, output)


def start(job: Job, *flags: str, command: str = "run", environ: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """Start the command in a separate process."""
    arguments = [command, *job.arguments(*flags)[1:]]
    return subprocess.Popen(
        [sys.executable, "-m", "beam_distill", *arguments],
        cwd=ROOT,
        env={**os.environ, **(environ or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def job_of(folder: Path, url: str, task: str, lines: list[str | bytes]) -> Job:
    """A job over these rows."""
    job = Job(folder, url, task)
    job.train(lines)
    return job


def says_no_route(output: str) -> bool:
    """Whether the command says that the address has no route for chats, before the first row or after some."""
    return "there is no such route" in output or "There is no chat completions route here" in output


def recorded(ended: Ended) -> str:
    """What to print when an assertion fails: the output, and the first rejects."""
    rejects = ended.job.rejects()[:3] if (ended.job.work_dir / "rejects.jsonl").exists() else []
    return ended.output + "\n" + json.dumps(rejects, indent=1)[:3000]
