"""A bundle that the runner runs again, in the same process or another, pays for nothing twice and gives the same rows."""

import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from builders import a_row

from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import Capacity, Latency, SimulatorSettings
from transforms.distill_rows import DistillRows
from transforms.elements.rows import Split
from transforms.elements.tally import RowOutcome, SuccessTally
from transforms.elements.tasks import TaskType
from transforms.judge_success import CombineSuccess
from transforms.prompts.spec import PromptSpec
from transforms.reuse.answer_index import AnswerIndex
from transforms.teacher.session import close_sessions
from transforms.teacher.specs import ConcurrencySpec, EndpointSpec, PatienceSpec, SamplingSpec, ScoringSpec

ROWS = 120


def scoring_spec(tmp_path: Path, url: str) -> ScoringSpec:
    return ScoringSpec(
        endpoint=EndpointSpec(f"{url}/chat/completions", "m"),
        sampling=SamplingSpec(max_new_tokens=64),
        concurrency=ConcurrencySpec(maximum=20),
        patience=PatienceSpec(),
        ledger_dir=str(tmp_path / "ledger"),
        failures_dir=str(tmp_path / "failures"),
        run_id="run-1",
    )


class FailOnce(beam.DoFn):
    """Fails in the middle of its first bundle; the file says that it did."""

    def __init__(self, marker: str) -> None:
        self._marker = Path(marker)

    def setup(self) -> None:
        self._seen = 0

    def process(self, outcome: RowOutcome) -> Iterator[RowOutcome]:
        self._seen += 1
        if self._seen == 30 and not self._marker.exists():
            self._marker.touch()
            raise RuntimeError("the bundle fails")
        yield outcome


def keep(tallies: dict[Split, SuccessTally], path: str) -> None:
    Path(path).write_bytes(pickle.dumps(tallies[Split.TRAIN]))


def run(scoring: ScoringSpec, marker: Path, bundle_repeat: int = 0) -> SuccessTally:
    counted = marker.parent / "counted"
    rows = [a_row(("user", f"What is {number} plus 3?"), line=number + 1, key=f"row-{number}") for number in range(ROWS)]
    with beam.Pipeline(runner=FnApiRunner(bundle_repeat=bundle_repeat)) as pipeline:
        parsed = pipeline | beam.Create(rows, reshuffle=False) | DistillRows(PromptSpec(TaskType.MATH), scoring, rows_too=False)
        outcomes = parsed.outcomes | beam.ParDo(FailOnce(str(marker))).with_output_types(RowOutcome)
        outcomes | CombineSuccess((Split.TRAIN,)) | beam.Map(keep, str(counted))
    tally: SuccessTally = pickle.loads(counted.read_bytes())
    return tally


TEACHER = SimulatorSettings(latency=Latency("lognormal", mean_ms=40), capacity=Capacity(slots=20))


def test_a_bundle_that_runs_twice_asks_once(tmp_path: Path) -> None:
    marker = tmp_path / "failed"
    marker.touch()
    with start_simulator(TEACHER) as simulator:
        tally = run(scoring_spec(tmp_path, simulator.base_url), marker, bundle_repeat=1)
        assert simulator.stats()["requests"] == ROWS
    assert tally.rows == tally.examples == ROWS
    assert tally.reused_answers == ROWS


@pytest.mark.parametrize("another_process", [False, True])
def test_a_bundle_that_failed_pays_only_for_what_was_not_recorded(tmp_path: Path, another_process: bool) -> None:
    with start_simulator(TEACHER) as simulator:
        scoring = scoring_spec(tmp_path, simulator.base_url)
        with pytest.raises(RuntimeError, match="the bundle fails"):
            run(scoring, tmp_path / "failed")
        first = simulator.stats()
        assert 30 <= first["requests"] < ROWS  # rows that were not sent when the bundle failed are not sent
        if another_process:
            close_sessions()  # its requests in flight are lost with it
        tally = run(scoring, tmp_path / "failed")
        stats = simulator.stats()
    assert tally.rows == tally.examples == ROWS
    assert stats["repeats"] <= (20 if another_process else 0)
    index = AnswerIndex(str(tmp_path / "ledger"))
    assert index.repeated("run-1") == 0
    assert len(index) == ROWS


def test_two_workers_that_ask_the_same_row_give_one(tmp_path: Path) -> None:
    marker = tmp_path / "failed"
    marker.touch()
    with start_simulator(TEACHER) as simulator:
        scoring = scoring_spec(tmp_path, simulator.base_url)
        # a partition that ran twice at once: neither saw the other's ledger
        for name in ("one", "two"):
            run(replace(scoring, ledger_dir=str(tmp_path / name)), marker)
    both = tmp_path / "ledger"
    both.mkdir()
    for name in ("one", "two"):
        for segment in (tmp_path / name).iterdir():
            segment.rename(both / segment.name)
    index = AnswerIndex(str(both))
    assert index.repeated("run-1") == ROWS
    assert index.repeated("run-2") == 0
    with start_simulator(TEACHER) as simulator:
        tally = run(replace(scoring, ledger_dir=str(both)), marker)
        assert simulator.stats()["requests"] == 0
    assert tally.rows == tally.examples == ROWS
