"""The sources of progress, and where it is kept."""

import csv
import gzip
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import fastavro
import pyarrow
import pyarrow.parquet
import pytest
from builders import questions, write_rows
from jobs import Job
from object_storage import OBJECTS

from beam_distill.run.progress import engine
from beam_distill.run.progress.engine import EngineSource
from beam_distill.run.progress.heartbeats import SILENT_S, HeartbeatSource
from beam_distill.run.progress.row_totals import RowTotals
from beam_distill.run.progress.runner_metrics import MetricsSource
from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import Capacity, Latency, SimulatorSettings
from beam_distill.work_dir.reading import JudgeReading, Reading
from beam_distill.work_dir.timeline import Timeline, read_timeline, timeline_path
from transforms.elements.data_specs import InputSpec, SplitFiles
from transforms.elements.engine_totals import EngineTotals
from transforms.elements.rows import Split
from transforms.elements.usage import Usage
from transforms.intake.walk import walk_split
from transforms.teacher.engine_counts import Snapshot


def test_a_timeline_of_any_length_stays_small_and_spans_the_run(tmp_path: Path) -> None:
    path = timeline_path(str(tmp_path), "run-1")
    timeline = Timeline(path, most_samples=50)
    for second in range(1000):
        timeline.add(float(second), Reading({"train": second}, answers=second))
    samples = read_timeline(path)
    assert 25 <= len(samples) <= 50
    assert samples[0]["t_s"] == 0
    assert samples[-1]["t_s"] > 950
    assert len({after - before for before, after in pairwise(sample["t_s"] for sample in samples)}) == 1


def test_a_timeline_that_cannot_be_written_is_silent(tmp_path: Path) -> None:
    (tmp_path / "timeline").write_text("a file where the folder should be")
    Timeline(timeline_path(str(tmp_path), "run-1")).add(0.0, Reading())
    assert read_timeline(timeline_path(str(tmp_path), "run-1")) == []


def test_a_truncated_timeline_is_read_to_its_last_complete_line(tmp_path: Path) -> None:
    path = timeline_path(str(tmp_path), "run-1")
    timeline = Timeline(path)
    timeline.add(0.0, Reading())
    timeline.add(1.0, Reading())
    Path(path).write_text(Path(path).read_text()[:-20])
    assert [sample["t_s"] for sample in read_timeline(path)] == [0.0]


def counted(patterns: dict[str, str | None], limit: int | None = None, named_format: str | None = None) -> dict[str, int]:
    totals = RowTotals(patterns, limit, named_format)
    totals._thread.join()
    return totals.known()


def test_rows_are_counted_as_they_are_read(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.jsonl", [*questions(5), "", "   ", *questions(2)])
    with gzip.open(tmp_path / "b.jsonl.gz", "wb") as file:
        file.write(b"{}\n\n{}")
    patterns = {"train": str(tmp_path / "*.jsonl*"), "validation": None}
    assert counted(patterns) == {"train": 9, "validation": 0}
    assert counted(patterns, limit=3) == {"train": 3, "validation": 0}
    assert counted({"train": str(tmp_path / "none.jsonl"), "validation": "nosuch://bucket/rows.jsonl"}) == {}


ROWS = [{"q": f'one, two\n "three" {number}', "a": str(number)} for number in range(2500)]


def write_csv(path: Path) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["q", "a"])
        writer.writeheader()
        writer.writerows(ROWS)


def write_avro(path: Path) -> None:
    schema = {"type": "record", "name": "row", "fields": [{"name": "q", "type": "string"}, {"name": "a", "type": "string"}]}
    with open(path, "wb") as file:
        fastavro.writer(file, schema, ROWS)


WRITERS: dict[str, Callable[[Path], object]] = {
    "json": lambda path: path.write_text(json.dumps([*ROWS, 7, [1, {"x": []}], {"deep": [{}, {}]}])),
    "csv": write_csv,
    "tsv": lambda path: path.write_text("q\ta\n" + "".join(f"x\t{row['a']}\n" for row in ROWS)),
    "parquet": lambda path: pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), path, row_group_size=700),
    "avro": write_avro,
    "jsonl": lambda path: path.write_text("".join(json.dumps(row) + "\n" for row in ROWS)),
}


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("place", ["file", "glob", "object storage"])
def test_every_format_is_counted_as_the_walk_counts_it(suffix: str, place: str, tmp_path: Path) -> None:
    file = tmp_path / f"a.{suffix}"
    WRITERS[suffix](file)
    pattern = str(file)
    if place == "glob":
        WRITERS[suffix](tmp_path / f"b.{suffix}")
        pattern = str(tmp_path / f"*.{suffix}")
    elif place == "object storage":
        pattern = f"objects://bucket/{file.name}"
        OBJECTS[pattern] = file.read_bytes()
    walked = sum(1 for _ in walk_split(InputSpec(()), SplitFiles(Split.TRAIN, pattern, None)))
    assert walked >= len(ROWS)
    assert counted({"train": pattern}) == {"train": walked}
    assert counted({"train": pattern}, limit=1500) == {"train": 1500}


def test_what_is_expensive_to_count_is_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beam_distill.run.progress.row_totals.MOST_PARSED_BYTES", 1000)
    monkeypatch.setattr("beam_distill.run.progress.row_totals.MOST_FETCHED_BYTES", 1000)
    for suffix, found in (("json", {}), ("csv", {"train": 2500}), ("parquet", {"train": 2500})):
        WRITERS[suffix](tmp_path / f"a.{suffix}")
        assert counted({"train": str(tmp_path / f"a.{suffix}")}) == found
        OBJECTS[f"objects://b/a.{suffix}"] = (tmp_path / f"a.{suffix}").read_bytes()
    assert counted({"train": "objects://b/a.csv", "validation": "objects://b/a.parquet"}) == {"validation": 2500}


def test_files_that_break_off_are_counted_to_where_they_do(tmp_path: Path) -> None:
    for suffix in ("json", "avro", "parquet"):
        WRITERS[suffix](tmp_path / f"a.{suffix}")
        torn = tmp_path / f"torn.{suffix}"
        torn.write_bytes((tmp_path / f"a.{suffix}").read_bytes()[:-1000])
        walked = sum(1 for _ in walk_split(InputSpec(()), SplitFiles(Split.TRAIN, str(torn), None)))
        assert abs(counted({"train": str(torn)})["train"] - walked) <= 100
    assert counted({"train": str(tmp_path / "a.json")}, named_format="parquet") == {"train": 1}


def test_a_runner_that_does_not_answer_keeps_the_last_reading() -> None:
    answers = iter([{"requests_answered": 3}])
    source = MetricsSource(lambda: next(answers))
    assert source.read().answers == 3
    assert source.read().answers == 3


DOING = {"open": 9, "at_s": 1, "in_flight": 4, "limit": 10, "backing_off": 1}
DONE = EngineTotals({"train": 2, "validation": 1}, 1, 6, 2, Usage(20, 4), 3, {"throttled": 3})


def test_engines_are_believed_where_they_are_ahead_of_the_runner() -> None:
    counters = {"train_rows_passed": 1, "validation_rows_passed": 5, "rows_rejected_no_json": 1}
    source = HeartbeatSource(lambda: {"one": {**DOING, "totals": DONE.fields()}})
    source.metrics = MetricsSource(lambda: counters)
    reading = source.read()
    assert reading.rows_done == {"train": 2, "validation": 5}
    assert (reading.answers, reading.requests, reading.usage) == (2, 6, Usage(20, 4))
    assert reading.rejects is None  # not reported yet does not mean zero
    assert reading.given_up == 1
    counters["requests_answered"] = 2
    assert source.read().rejects == {"no_json": 1}


def test_what_other_processes_do_is_shown_while_they_report() -> None:
    now_s = 0.0
    reported: dict[str, dict[str, object]] = {}
    source = HeartbeatSource(lambda: {name: dict(fields) for name, fields in reported.items()}, clock=lambda: now_s)
    assert source.read() == Reading(rejects=None)
    doing = {**DOING, "totals": json.loads(json.dumps(DONE.fields()))}
    reported.update(one=doing, two={**doing, "limit": 30}, older={"open": 5})
    reading = source.read()
    assert (reading.in_flight, reading.limit, reading.backing_off, reading.retries, reading.throttled) == (8, 40, 2, 6, 6)
    assert reading.rows_done == {"train": 4, "validation": 2}
    assert (reading.answers, reading.usage, reading.rejects) == (4, Usage(40, 8), None)
    now_s = SILENT_S + 1
    reported["two"] = {**reported["two"], "at_s": 2}
    reading = source.read()
    assert (reading.in_flight, reading.limit, reading.retries) == (4, 30, 6)  # the other counts as lost; its work stays counted


def test_what_judges_in_other_processes_do_is_shown() -> None:
    now_s = 0.0
    judge = {"answers": 20, "throttled": 3, "in_flight": 4, "limit": 40, "waiting": 60}
    doing = {**DOING, "totals": DONE.fields(), "judge": judge}
    reported: dict[str, dict[str, object]] = {"one": doing, "two": {**doing, "limit": 30}}
    source = HeartbeatSource(lambda: {name: dict(fields) for name, fields in reported.items()}, clock=lambda: now_s)
    assert source.read().judge == JudgeReading(40, 6, 8, 80, 120)
    now_s = SILENT_S + 1
    reported["two"] = {**doing, "limit": 31}
    assert source.read().judge == JudgeReading(40, 6, 4, 40, 60)  # the other counts as lost
    without = HeartbeatSource(lambda: {"one": {**DOING, "totals": DONE.fields()}})
    without.metrics = MetricsSource(lambda: {"judge_requests_sent": 9, "judge_verdicts": 5, "judge_requests_throttled": 2})
    assert without.read().judge == JudgeReading(5, 2)


def test_reports_that_cannot_be_read_leave_the_last_ones() -> None:
    answers = iter([{"one": {**DOING, "totals": DONE.fields()}}])
    source = HeartbeatSource(lambda: next(answers))
    assert source.read().answers == 2
    assert source.read().answers == 2


@pytest.mark.slow
def test_a_run_of_two_processes_shows_what_is_in_flight(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    job = Job(tmp_path)
    job.train(questions(400))
    teacher = SimulatorSettings(latency=Latency("fixed", mean_ms=400), capacity=Capacity(slots=20), faults={"503": 0.1})
    with start_simulator(teacher) as simulator:
        job.url = simulator.base_url
        assert job.run("--max_concurrency_per_instance=2", "--max_worker_count=10") == 0
    (path,) = (job.work_dir / "timeline").iterdir()
    samples = read_timeline(str(path))
    assert max(sample["in_flight"] or 0 for sample in samples) > 10
    assert max(sample["limit"] or 0 for sample in samples) == 20
    assert samples[-1]["in_flight"] == 0
    assert sum(samples[-1]["failures"].values()) > 0


@pytest.mark.parametrize(
    ("counted", "rejects", "given_up"),
    [
        pytest.param({"train_rows_read": 50}, None, 3, id="no answer was read yet"),
        pytest.param({"train_rows_scored": 10, "rows_rejected_no_json": 2}, {"no_json": 2}, 0, id="some were"),
        pytest.param({"train_rows_scored": 20}, {}, 0, id="all were, and all were good"),
    ],
)
def test_rejects_are_not_shown_as_zero_while_answers_are_not_read_yet(
    counted: dict[str, int], rejects: dict[str, int] | None, given_up: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "live_counts", dict)
    source = EngineSource("run")
    state = Snapshot(4, 8, 0, 0, 24, 20, 0, 8, rows=(("train", 20),), given_up=3)
    monkeypatch.setattr(engine, "snapshots", lambda run_id: [state])
    monkeypatch.setattr(engine, "live_counts", lambda: counted)
    reading = source.read()
    assert (reading.rejects, reading.given_up, reading.rows_done) == (rejects, given_up, {"train": 20})


def test_a_run_in_a_pipe_leaves_a_timeline_and_plain_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = Job(tmp_path)
    job.train([*questions(30), "not json"])
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run("--price_per_million_output_tokens=1000000") == 0
        shown = capsys.readouterr()
        assert "\x1b" not in shown.err + shown.out
        assert "USD (output tokens only)" in shown.out
        assert "price_per_million_input_tokens is not given: cost is shown for output tokens only" in shown.err
        assert job.run("--quiet") == 0
        assert capsys.readouterr().err == ""
    (path, _) = sorted((job.work_dir / "timeline").iterdir())
    last = read_timeline(str(path))[-1]
    assert last["rows"] == {"train": 31}
    assert last["rejects"] == {"invalid_json": 1}
    assert last["answers"] == 30
    assert last["in_flight"] == 0
