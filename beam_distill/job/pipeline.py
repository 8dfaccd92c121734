"""The assembly: the only file that connects the stages."""

import apache_beam as beam

from beam_distill.job.job_spec import JobSpec
from transforms.distill_rows import DistillRows
from transforms.judge_success import CombineSuccess, JudgeSuccess
from transforms.list_parts import ListParts
from transforms.place_dataset import PlaceDataset
from transforms.read_parts import ReadParts
from transforms.survey_parts import SurveyParts
from transforms.write_parts import WriteParts
from transforms.write_verdict import WriteVerdict


def build(pipeline: beam.Pipeline, job: JobSpec) -> None:
    """Add the job's stages to ``pipeline``: rows in, two datasets, the rejects and the verdict out."""
    splits = tuple(files.split for files in job.rows.splits if files.pattern is not None)
    parts = pipeline | ListParts(job.rows) | SurveyParts(job.rows, job.files.row_totals_path)
    read = parts | ReadParts(job.rows)
    parsed = read.rows | DistillRows(job.prompt, job.scoring, job.mini_batch_bytes, False, job.acceptance)
    verdict = parsed.outcomes | CombineSuccess(splits) | JudgeSuccess(job.gate)
    written = (parts, verdict, *read.left_out) | WriteParts(job.rows, job.files, job.prompt, job.scoring, job.dataset, job.acceptance)
    (verdict, written) | PlaceDataset(job.rows, job.files, job.dataset)
    verdict | WriteVerdict(job.files.verdict_path)
