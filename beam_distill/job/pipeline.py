"""The assembly: the only place where the stages meet."""

from dataclasses import dataclass

import apache_beam as beam

from transforms.distill_rows import DistillRows
from transforms.elements.data_specs import DatasetSpec, InputSpec, RunFiles
from transforms.elements.tally import GateSpec
from transforms.judge_success import CombineSuccess, JudgeSuccess
from transforms.prompts.spec import PromptSpec
from transforms.read_rows import ReadTrainingRows
from transforms.teacher.specs import ScoringSpec
from transforms.write_dataset import WriteDataset
from transforms.write_verdict import WriteVerdict


@dataclass(frozen=True)
class JobSpec:
    """One job, as the workers need it: free of secrets and of the command's own names."""

    rows: InputSpec
    files: RunFiles
    prompt: PromptSpec
    scoring: ScoringSpec
    dataset: DatasetSpec
    mini_batch_bytes: int
    gate: GateSpec


def build(pipeline: beam.Pipeline, job: JobSpec) -> None:
    """Put the job's stages into ``pipeline``: rows in, two datasets, the rejects and the verdict out."""
    splits = tuple(files.split for files in job.rows.splits if files.pattern is not None)
    parsed = pipeline | ReadTrainingRows(job.rows) | DistillRows(job.prompt, job.scoring, job.mini_batch_bytes, rows_too=False)
    verdict = parsed.outcomes | CombineSuccess(splits) | JudgeSuccess(job.gate)
    verdict | WriteDataset(job.rows, job.files, job.prompt, job.scoring, job.dataset)
    verdict | WriteVerdict(job.files.verdict_path)
