"""However parts are written, in several bundles, again, or by two workers at once, every row is in its dataset once, in the input's order."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from builders import questions, write_rows

from beam_distill import distill
from beam_distill.config.sources import resolve
from beam_distill.job.job_spec import JobSpec
from beam_distill.job.specs import endpoint_spec, job_spec
from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import SimulatorSettings, mixed_faults
from transforms.elements.conclusion import read_conclusion
from transforms.elements.failures import EarlyStop, StopCause
from transforms.elements.parts import Stretch
from transforms.elements.rows import Split
from transforms.elements.tally import Verdict, row_digest
from transforms.intake import parts
from transforms.intake.walk import walk_split
from transforms.list_parts import ListParts
from transforms.place_dataset import PlaceDataset
from transforms.survey_parts import SurveyParts
from transforms.write_parts import WriteParts

ROWS = [*questions(150), "not json", *questions(20, 60), "", *questions(60, 150)]
AT_ONCE = ["--direct_num_workers=4", "--direct_running_mode=multi_threading"]


@dataclass(frozen=True)
class Finished:
    """A job that one process ran to its end: what it wrote, its verdict, and its job for more to be written from the same ledger."""

    job: JobSpec
    verdict: Verdict
    dataset: bytes
    rejects: bytes


@pytest.fixture(scope="module", params=["jsonl", "parquet", "jsonl.gz"])
def finished(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("finished")
    output = folder / "out" / f"train.{request.param}"
    with start_simulator(SimulatorSettings(faults=mixed_faults(0.2))) as simulator:
        given: dict[str, Any] = {
            "data_generation_task_type": "MATH",
            "train_file_path": write_rows(folder / "rows.jsonl", ROWS),
            "generated_batch_train_file_path": str(output),
            "teacher_model_endpoint_url": simulator.base_url,
            "min_endpoint_success_ratio": 0.1,
            "report": False,
        }
        result = distill(**given)
        assert result.ok, str(result)
        settings = resolve(given, None, {}).settings
        job = job_spec(settings, replace(endpoint_spec(settings), model=_model_of(result.work_dir)), result.run_id)
    assert result.verdict is not None
    assert result.rejects_path is not None
    rejects = Path(result.rejects_path).read_bytes()
    return Finished(job, with_digests(result.verdict, job, rejects), output.read_bytes(), rejects)


def with_digests(verdict: Verdict, job: JobSpec, rejects: bytes) -> Verdict:
    """The verdict with what it had while the job ran: the sums over its rows and its examples."""
    rejected = {fields["row_key"] for fields in map(json.loads, rejects.splitlines())}
    (part,), (files,) = verdict.splits, job.rows.splits
    digests = [(row.row_key, row_digest(row.origin, row.row_key)) for row in walk_split(job.rows, files)]
    of_examples = sum(digest for key, digest in digests if key not in rejected) % 2**64
    tally = replace(part.tally, rows_digest=sum(digest for _, digest in digests) % 2**64, examples_digest=of_examples)
    return replace(verdict, splits=(replace(part, tally=tally),))


def _model_of(work_dir: str) -> str:
    fields = json.loads((Path(work_dir) / "run.json").read_text())
    return str(fields["endpoint"]["model"])


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "LEAST_PART_BYTES", 400)


def write_again(finished: Finished, folder: Path, runner: FnApiRunner, copies: int = 1, shards: int | None = None, **options: object) -> JobSpec:
    """Write the datasets of the job once more in many parts, each ``copies`` times, into ``folder``."""
    (files,) = finished.job.rows.splits
    to_write = replace(files, output=str(folder / Path(str(files.output)).name), shards=shards)
    rows = replace(finished.job.rows, splits=(to_write,), readers=4)
    paths = ("staging_dir", "rejects_path", "conclusion_path", "row_totals_path")
    run_files = replace(finished.job.files, **{name: str(folder / "work" / name) for name in paths})
    job = replace(finished.job, rows=rows, files=run_files)
    verdict = options.pop("verdict", finished.verdict)

    def several(stretch: Stretch) -> Iterator[Stretch]:
        yield from [stretch] * copies

    with beam.Pipeline(runner=runner, options=PipelineOptions(AT_ONCE if options.pop("at_once", False) else [])) as pipeline:
        judged = pipeline | "Verdict" >> beam.Create([verdict])
        stretches = pipeline | ListParts(job.rows) | SurveyParts(job.rows, job.files.row_totals_path)
        stretches |= beam.FlatMap(several).with_output_types(Stretch) | beam.Reshuffle()
        written = (stretches, judged) | WriteParts(job.rows, job.files, job.prompt, job.scoring, job.dataset)
        (judged, written) | PlaceDataset(job.rows, job.files, job.dataset)
    return job


@pytest.mark.parametrize(
    ("bundle_repeat", "copies", "at_once"),
    [(0, 1, True), (1, 1, False), (0, 2, True), (1, 3, False)],
    ids=["several bundles at once", "every bundle again", "every part twice at once", "every part thrice and again"],
)
def test_every_row_is_written_once(finished: Finished, tmp_path: Path, bundle_repeat: int, copies: int, at_once: bool) -> None:
    job = write_again(finished, tmp_path, FnApiRunner(bundle_repeat=bundle_repeat), copies, at_once=at_once)
    assert len(list((tmp_path / "work" / "staging_dir").iterdir())) > 8
    assert Path(str(job.rows.splits[0].output)).read_bytes() == finished.dataset
    assert Path(job.files.rejects_path).read_bytes() == finished.rejects
    conclusion = read_conclusion(Path(job.files.conclusion_path).read_text())
    (part,) = finished.verdict.splits
    assert conclusion.splits[Split.TRAIN][None] == part.tally.examples
    assert conclusion.changed == {}


@pytest.mark.parametrize("shards", [1, 3, 7])
def test_shards_are_the_dataset_in_several_files(finished: Finished, tmp_path: Path, shards: int) -> None:
    if not str(finished.job.rows.splits[0].output).endswith("jsonl"):
        pytest.skip("the bytes of packed files are not those of their parts")
    write_again(finished, tmp_path, FnApiRunner(), 2, shards, at_once=True)
    found = sorted(path for path in tmp_path.iterdir() if path.is_file())
    assert [path.name for path in found] == [f"train-{number:05d}-of-{shards:05d}.jsonl" for number in range(shards)]
    assert b"".join(path.read_bytes() for path in found) == finished.dataset
    sizes = [path.read_bytes().count(b"\n") for path in found]
    assert max(sizes) - min(sizes) < 40


def test_where_the_verdict_says_no_only_rejects_are_written(finished: Finished, tmp_path: Path) -> None:
    (part,) = finished.verdict.splits
    refused = replace(finished.verdict, splits=(replace(part, published=False),))
    job = write_again(finished, tmp_path, FnApiRunner(), verdict=refused)
    assert [path.name for path in tmp_path.iterdir()] == ["work"]
    assert Path(job.files.rejects_path).read_bytes() == finished.rejects


def test_rows_that_were_not_judged_are_not_published(finished: Finished, tmp_path: Path) -> None:
    (part,) = finished.verdict.splits
    fewer = replace(part, tally=replace(part.tally, rows=part.tally.rows - 1))
    job = write_again(finished, tmp_path, FnApiRunner(), verdict=replace(finished.verdict, splits=(fewer,)))
    assert [path.name for path in tmp_path.iterdir()] == ["work"]
    conclusion = read_conclusion(Path(job.files.conclusion_path).read_text())
    assert "the input has changed" in conclusion.changed[Split.TRAIN]


@pytest.mark.parametrize(("not_needed", "reason"), [(1, "not_needed"), (0, "not_sent")])
def test_a_split_with_enough_rows_has_none_left_to_send_when_the_run_stops(
    finished: Finished, tmp_path: Path, not_needed: int, reason: str
) -> None:
    """The other split may have been stopped, after this one had enough."""
    (part,) = finished.verdict.splits
    tally = replace(part.tally, reasons={**part.tally.reasons, "not_needed": not_needed})
    stopped = EarlyStop(StopCause.INTERRUPTED, "interrupted.")
    unanswered = replace(finished.job.scoring, ledger_dir=str(tmp_path / "ledger"), failures_dir=str(tmp_path / "failures"))
    job = write_again(
        replace(finished, job=replace(finished.job, scoring=unanswered)),
        tmp_path,
        FnApiRunner(),
        verdict=replace(finished.verdict, splits=(replace(part, tally=tally),), stopped=stopped),
    )
    rejects = [json.loads(line) for line in Path(job.files.rejects_path).read_bytes().splitlines()]
    assert {reject["reason"] for reject in rejects} == {"invalid_json", reason}
