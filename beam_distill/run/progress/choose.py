"""The source of readings for a run, depending on where its scoring processes are."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from beam_distill.config.settings import DistillSettings
from beam_distill.job.prices import prices_of
from beam_distill.job.specs import run_files
from beam_distill.run.progress.engine import EngineSource
from beam_distill.run.progress.heartbeats import HeartbeatSource
from beam_distill.run.progress.row_totals import RowTotals
from beam_distill.run.progress.runner_metrics import MetricsSource
from beam_distill.run.progress.surveyed_totals import SurveyedTotals
from beam_distill.run.progress.tracker import Tracker
from beam_distill.run.progress.watch import Watch
from beam_distill.runners.base import processes_in_all
from beam_distill.work_dir.timeline import Timeline, timeline_path
from transforms.control.run_control import heartbeats

ASK_RUNNER_EVERY_S = 5.0
READ_REPORTS_EVERY_S = 2.0


def watch_for(settings: DistillSettings, work_dir: str, run_id: str, same_process: bool) -> Watch:
    """The watch for a run. ``same_process``: the scoring session is in this process and can be read directly."""
    patterns = {"train": settings.train_file_path}
    if settings.validation_file_path is not None:
        patterns["validation"] = settings.validation_file_path
    tracker = Tracker(tuple(patterns), prices_of(settings))
    files = run_files(work_dir, run_id)
    totals = (
        RowTotals(patterns, settings.limit, settings.input_format) if processes_in_all(settings) == 1 else SurveyedTotals(files.row_totals_path)
    )
    timeline = Timeline(timeline_path(work_dir, run_id))
    if same_process:
        return Watch(EngineSource(run_id), tracker, totals, timeline)
    source = HeartbeatSource(partial(heartbeats, files.control_dir))
    return Watch(source, tracker, totals, timeline, READ_REPORTS_EVERY_S)


def follow_metrics(watch: Watch, counters: Callable[[], dict[str, int]]) -> None:
    """Use the runner's metrics from now on, unless the engine is in this process."""
    if isinstance(watch.source, HeartbeatSource):
        watch.source.metrics = MetricsSource(counters)
        watch.look_every_s = ASK_RUNNER_EVERY_S
