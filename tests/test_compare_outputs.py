"""tools/output_differences.py notices every kind of change, and nothing that differs between any two runs."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import pytest
from builders import ROOT
from output_differences import differences

from transforms.ledger.avro_schema import LEDGER_SCHEMA

RUN = "20261127T021655843-69a4cf89"
RECORD = {
    "run_id": RUN,
    "split": "train",
    "row_key": "abc-0",
    "file": "train.jsonl",
    "line": 1,
    "turn": 0,
    "request_hash": "ff",
    "payload": '{"messages": "at 10:15"}',
    "status": 200,
    "response": "{}",
    "attempts": 1,
    "latency_ms": 12.5,
    "sent_at_ms": 0,
    "answered_at_ms": 12,
    "endpoint": "127.0.0.1:40001",
}


def a_run(folder: Path, run: str = RUN, **fields: Any) -> Path:
    """The files of one run."""
    for name, text in {
        "train.jsonl": '{"messages": 1}\n{"messages": 2}\n',
        "commands/run.txt": f"exit code 0\ntime        0:0{len(folder.name)}\nrequests    2\n",
        "submit.sh": "#!/bin/sh\n",
        "work/run.json": json.dumps({"run_id": run, "wall_s": len(folder.name), "verdict": {"rows": 2}, "settings": {"limit": None}}),
        "work/published.json": json.dumps({"train.jsonl": [32, len(folder.name)]}),
        "work/report.html": f"<p>2 rows</p><svg>{folder.name}</svg>",
        f"work/timeline/{run}.jsonl": folder.name,
        "train.handoff/README.md": f"- config_name: math-{len(folder.name):012x}\n  data_files: train.jsonl\n",
        "train.handoff/.written.json": json.dumps({"README.md": f"{len(folder.name):032x}"}),
        "export.jsonl": json.dumps({"run_id": run, "split": "train", "row_key": "a", "turn": 0, "attempts": 1, "payload": {"text": "at 10:15"}}),
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    write_ledger(folder, run, run_id=run, **fields)
    return folder


def write_ledger(folder: Path, run: str, schema: dict[str, Any] = LEDGER_SCHEMA, **fields: Any) -> None:
    ledger = folder / "work" / "ledger"
    ledger.mkdir(parents=True, exist_ok=True)
    with open(ledger / f"{run}-{len(folder.name)}-9d94b69bdf16.avro", "wb") as file:
        fastavro.writer(file, schema, [{**RECORD, **fields}])


def test_two_runs_of_the_same_job_do_not_differ(tmp_path: Path) -> None:
    first = a_run(tmp_path / "one")
    second = a_run(tmp_path / "another", "20261127T030000000-00000000", latency_ms=99.0, sent_at_ms=5, endpoint="127.0.0.1:5")
    assert list(differences(first, second)) == []


def test_records_are_compared_by_row_however_they_came_into_segments(tmp_path: Path) -> None:
    rows = [dict(RECORD, row_key=key) for key in ("a-0", "b-0", "c-0")]
    for name, segments in {"one": [rows], "two": [rows[2:], rows[1::-1]]}.items():
        (tmp_path / name).mkdir()
        for number, records in enumerate(segments):
            with open(tmp_path / name / f"run-{number}-9d94b69bdf1{number}.avro", "wb") as file:
                fastavro.writer(file, LEDGER_SCHEMA, records)
    assert list(differences(tmp_path / "one", tmp_path / "two")) == []


def text_change(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")

    return change


def renamed_schema_field(folder: Path) -> None:
    fields = [dict(field, doc="changed") if field["name"] == "turn" else field for field in LEDGER_SCHEMA["fields"]]
    write_ledger(folder, RUN, {**LEDGER_SCHEMA, "fields": fields})


CHANGES: dict[str, tuple[Callable[[Path], None], list[str]]] = {
    "a row": (text_change("train.jsonl", "2", "3"), ["train.jsonl: line 2: before '{\"messages\": 2}\\n', after '{\"messages\": 3}\\n'"]),
    "a row more": (
        text_change("train.jsonl", '{"messages": 1}\n', '{"messages": 1}\n{"messages": 0}\n'),
        ["train.jsonl: line 2: 0 lines before, 1 after", "  after  '{\"messages\": 0}\\n'"],
    ),
    "the last line break": (text_change("train.jsonl", "2}\n", "2}"), ["train.jsonl: line 2"]),
    "a rendered line": (text_change("submit.sh", "/bin/sh", "/bin/bash"), ["submit.sh: line 1"]),
    "a printed count": (text_change("commands/run.txt", "requests    2", "requests    3"), ["commands/run.txt: line 3"]),
    "an exit code": (text_change("commands/run.txt", "code 0", "code 3"), ["before 'exit code 0"]),
    "a field of run.json": (text_change("work/run.json", '"rows": 2', '"rows": 3'), ["work/run.json: verdict.rows: before 2, after 3"]),
    "a field that is gone": (text_change("work/run.json", '"limit": null', ""), ["work/run.json: settings.limit: only before: None"]),
    "the report": (text_change("work/report.html", "2 rows", "3 rows"), ["work/report.html: line 1"]),
    "a line of the dataset card": (
        text_change("train.handoff/README.md", "train.jsonl", "other.jsonl"),
        ["train.handoff/README.md: line 2: before '  data_files: train.jsonl\\n'"],
    ),
    "a configuration's name in the card": (
        text_change("train.handoff/README.md", "math-", "nli-"),
        ["train.handoff/README.md: line 1: before '- config_name: math-ROWS\\n', after '- config_name: nli-ROWS\\n'"],
    ),
    "a file of the hand-off": (
        text_change("train.handoff/.written.json", "README.md", "CARD.md"),
        ["train.handoff/.written.json: README.md: only before", "CARD.md: only after"],
    ),
    "an exported record": (
        text_change("export.jsonl", "10:15", "10:16"),
        ["export.jsonl: record.train a turn 0[0].payload.text: before 'at 10:15', after 'at 10:16'"],
    ),
    "a file that is gone": (lambda folder: (folder / "submit.sh").unlink(), ["submit.sh: only before"]),
    "a file that is new": (lambda folder: (folder / "new.txt").touch(), ["new.txt: only after"]),
    "a time in a prompt": (
        lambda folder: write_ledger(folder, RUN, payload='{"messages": "at 10:16"}'),
        ['record.train abc-0 turn 0[0].payload: before \'{"messages": "at 10:15"}\', after \'{"messages": "at 10:16"}\''],
    ),
    "a record's row": (
        lambda folder: write_ledger(folder, RUN, row_key="b-0"),
        ["abc-0 turn 0: only before", "b-0 turn 0: only after"],
    ),
    "a schema's field": (renamed_schema_field, ["ledger/RUN.avro: schema[0].fields[6].doc: only after: 'changed'"]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_reported_with_its_place(change: str, tmp_path: Path) -> None:
    apply, expected = CHANGES[change]
    first, second = a_run(tmp_path / "one"), a_run(tmp_path / "two")
    apply(second)
    found = "\n".join(differences(first, second))
    assert all(text in found for text in expected), found


def test_an_unknown_commit_is_an_error_of_its_own() -> None:
    command = [sys.executable, str(ROOT / "tools" / "compare_outputs.py"), "no-such-commit"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines()[-1] == "could not run: no-such-commit is not a commit here"
