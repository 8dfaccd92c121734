"""Submits a portable jar to Flink through its REST interface; only the submission's record stays here, in the work_dir."""

from __future__ import annotations

from pathlib import Path

from beam_distill.config.sources import ResolvedSettings
from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.job.beam_options import beam_given
from beam_distill.runners.base import processes_in_all
from beam_distill.runners.flink import ask_cluster, master_of
from beam_distill.runners.flink_rest import FlinkRest, FlinkUnreachable
from beam_distill.runners.registry import jar_of
from beam_distill.submit.hand_over import handing_over, submission_of
from beam_distill.submit.portable_jar import copy_file, packed, prepare_jar
from beam_distill.work_dir.submission import Submission, submitted


def submit_to_flink(
    resolved: ResolvedSettings, beam_argv: list[str] | None = None, jar: str | None = None, ask_again: tuple[str, ...] = ()
) -> Submission:
    """Pack the job, upload the jar to the JobManager, its master, and start it; ``jar`` keeps a copy. Raises RunRefused."""
    settings = resolved.settings
    rest = FlinkRest(master_of(settings, beam_given(resolved, beam_argv or [])))
    version, note = ask_cluster(rest, processes_in_all(settings))
    prepared = prepare_jar(resolved, beam_argv, ask_again)
    with handing_over(prepared, *note), packed(prepared, version) as made:
        if jar is not None:
            copy_file(str(made), jar)
        return submitted(submission_of(prepared, "flink", rest.url, _started(rest, made, processes_in_all(settings))))


def _started(rest: FlinkRest, jar: Path, processes: int) -> str:
    try:
        return rest.run(rest.upload(jar), processes, jar_of("flink").entry_class)
    except FlinkUnreachable as error:
        raise RunRefused(ExitCode.WRONG_INPUT, f"{rest.url} does not accept the job: {error}") from None
