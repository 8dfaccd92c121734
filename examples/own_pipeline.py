"""Scoring inside your own Beam pipeline: rows from any source, examples and rejects as collections.

python examples/own_pipeline.py TEACHER_URL WORK_DIR
"""

import sys
from pathlib import Path

import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from transforms import (
    ChatMessage,
    ConcurrencySpec,
    DistillRows,
    EndpointSpec,
    PatienceSpec,
    PromptSpec,
    RowOrigin,
    SamplingSpec,
    ScoringSpec,
    Split,
    TaskType,
    TrainingRow,
    chat_completions_url,
    close_sessions,
)

QUESTIONS = ["How many legs do three spiders have?", "What is 12 times 12?", "How many hours are in a week?"]


def main(url: str, work_dir: str) -> None:
    """Send the questions and print the answers."""
    scoring = ScoringSpec(
        endpoint=EndpointSpec(chat_completions_url(url), model="simulated-teacher"),
        sampling=SamplingSpec(max_new_tokens=256),
        concurrency=ConcurrencySpec(),
        patience=PatienceSpec(),
        ledger_dir=str(Path(work_dir) / "ledger"),
        failures_dir=str(Path(work_dir) / "failures"),
        run_id="own-pipeline",
    )
    rows = [
        TrainingRow(f"question-{number}", RowOrigin(Split.TRAIN, "questions", number + 1, number), (ChatMessage("user", text),))
        for number, text in enumerate(QUESTIONS)
    ]
    try:
        # FnApiRunner runs in this process; "DirectRunner" would first look for a binary on the network
        with beam.Pipeline(runner=FnApiRunner()) as pipeline:
            parsed = pipeline | beam.Create(rows) | DistillRows(PromptSpec(TaskType.MATH, chain_of_thought=True), scoring)
            parsed.examples | beam.Map(lambda example: print("example:", example.messages[-1].content))
            parsed.rejects | "Rejects" >> beam.Map(lambda reject: print("reject:", reject.reason, reject.detail))
    finally:
        close_sessions()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(
            "usage: python examples/own_pipeline.py TEACHER_URL WORK_DIR   (beam-distill simulate serves a teacher at http://127.0.0.1:8000/v1)"
        )
    main(*sys.argv[1:3])
