"""The embedded runner: this process, or several local processes."""

from __future__ import annotations

from beam_distill.config.settings import DistillSettings
from beam_distill.job.beam_options import BeamGiven
from beam_distill.runners.base import RunnerPlan, processes_in_all


def plan(settings: DistillSettings, given: BeamGiven) -> RunnerPlan:
    """In one process, or in ``instance_count`` x ``max_concurrency_per_instance`` processes of this machine."""
    processes = processes_in_all(settings)
    if processes == 1:
        return RunnerPlan((), "in this process", embedded=True, same_process=True, same_machine=True)
    argv = (f"--direct_num_workers={processes}", "--default_sdk_harness_log_level=ERROR")
    return RunnerPlan(argv, f"in {processes} processes of this machine", embedded=True, same_machine=True)
